"""Grayscale Softcopy Presentation States (PS3.3 A.33.1): a window, and an arrow with a word at a finding."""

from __future__ import annotations

from dicomhawk.hospital.images.locating import Spot, spot
from dicomhawk.hospital.images.recipe import ChestCT, Recipe
from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import Presentation

GRAYSCALE_PRESENTATION = "1.2.840.10008.5.1.4.1.1.11.1"
LAYER = "ANNOTATIONS"
SHAFT, HEAD = 34.0, 9.0  # pixels of 512: length of an arrow and of its barbs


def build(context: Context, state: Presentation, equipment: sr.Equipment) -> Attributes:
    """The data set of a presentation state for one image of the series."""
    charset, reference, image = context.charset, state.reference, state.reference.image
    place = spot(image, state.finding)
    rows, columns = size_of(image)
    if place is None:
        place = Spot(reference.count // 2, rows / 2, columns / 2, 0.0)
    made = sr.start(context, equipment)
    instance, study = context.instance, context.study
    made.set(
        Laterality=None,
        ContentLabel=state.label,
        ContentDescription=None,
        PresentationCreationDate=instance.content_date,
        PresentationCreationTime=instance.content_time,
        ContentCreatorName=(study.reading_physicians or "").partition("\\")[0],
    )

    def one() -> Attributes:
        return Attributes(charset).set(
            ReferencedSOPClassUID=reference.sop_class, ReferencedSOPInstanceUID=reference.uid(place.slice)
        )

    series = Attributes(charset).set(SeriesInstanceUID=reference.series_uid)
    made.items("ReferencedSeriesSequence", series.items("ReferencedImageSequence", one()))
    if isinstance(image, ChestCT):
        made.set(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")
    centre, width = state.window
    window = Attributes(charset).set(WindowCenter=str(centre), WindowWidth=str(width))
    made.items("SoftcopyVOILUTSequence", window)
    area = Attributes(charset).set(
        DisplayedAreaTopLeftHandCorner=(1, 1),
        DisplayedAreaBottomRightHandCorner=(columns, rows),
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=("1", "1"),
    )
    made.items("DisplayedAreaSelectionSequence", area.items("ReferencedImageSequence", one()))
    made.items("GraphicAnnotationSequence", _annotation(charset, place, (rows, columns), state.text, one()))
    layer = Attributes(charset).set(GraphicLayer=LAYER, GraphicLayerOrder=1)
    layer.set(GraphicLayerRecommendedDisplayGrayscaleValue=65535)
    made.items("GraphicLayerSequence", layer)
    made.set(PresentationLUTShape="INVERSE" if getattr(image, "inverted", False) else "IDENTITY")
    return made


def size_of(image: Recipe) -> tuple[int, int]:
    """Rows and columns of the images of a recipe."""
    matrix = getattr(image, "matrix", 512)
    return getattr(image, "rows", matrix), getattr(image, "columns", matrix)


def _annotation(charset: str, place: Spot, size: tuple[int, int], text: str, image: Attributes) -> Attributes:
    """An arrow from the side that has more room, with a text at its end."""
    way = -1.0 if place.column > size[1] / 2 else 1.0
    larger = max(size) / 512  # arrows are as large on the screen whatever the image's resolution
    shaft, head = SHAFT * larger, HEAD * larger
    tip = (place.column + way * (place.reach * 0.75 + 3), place.row + place.reach * 0.75 + 3)
    end = (tip[0] + way * shaft * 0.75, tip[1] + shaft * 0.66)
    barbs = ((tip[0] + way * head, tip[1] + head * 0.25), (tip[0] + way * head * 0.3, tip[1] + head))
    lines = [_line(charset, end, tip), _line(charset, barbs[0], tip, barbs[1])]
    label = Attributes(charset).set(
        AnchorPointAnnotationUnits="PIXEL",
        UnformattedTextValue=text,
        AnchorPoint=_kept(size, end),
        AnchorPointVisibility="N",
    )
    made = Attributes(charset).set(GraphicLayer=LAYER)
    made.items("ReferencedImageSequence", image)
    return made.items("TextObjectSequence", label).items("GraphicObjectSequence", *lines)


def _kept(size: tuple[int, int], point: tuple[float, float]) -> tuple[float, float]:
    """A point (column, row; the first pixel's corner is 0, 0) within an image of so many rows and columns."""
    column, row = (min(max(v + 0.5, 0.0), float(end)) for v, end in zip(point, size[::-1], strict=True))
    return column, row


def _line(charset: str, *points: tuple[float, float]) -> Attributes:
    return Attributes(charset).set(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=len(points),
        GraphicData=tuple(max(v + 0.5, 0.0) for point in points for v in point),
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
