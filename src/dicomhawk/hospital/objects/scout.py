"""CT Image objects (PS3.3 A.3) that are localizers, as the scanners of two makers write them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.recipe import Scout
from dicomhawk.hospital.images.scout import ISOCENTRE, SOURCE
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context, ge_identity, number_format, pixels, request, start
from dicomhawk.hospital.objects.makers import CTModel
from dicomhawk.hospital.objects.recipe import CTAcquisition

INTERCEPT = -1024
COLUMN = (0, 0, -1)  # rows of a localizer go down the patient
ROW = {"frontal": (1, 0, 0), "lateral": (0, 1, 0)}


def build(context: Context, image: Scout, scan: CTAcquisition, hu: NDArray[np.int16]) -> Attributes:
    """The data set of one localizer; `hu` is the rendered image."""
    model = context.model
    assert isinstance(model, CTModel)
    siemens, text = model.maker == "siemens", number_format(model)
    kind = ("ORIGINAL", "PRIMARY", "LOCALIZER")
    made = start(context, (*kind, "CT_SOM5 TOP") if siemens else kind, scan.irradiation_event if siemens else None)
    frontal = image.directions[context.number] == "frontal"
    current = scan.current if frontal else round(scan.current * 1.5)
    length = image.rows * image.pixel[0]
    made.set(
        FrameOfReferenceUID=scan.frame_of_reference,
        AcquisitionNumber=context.number + 1,
        ScanOptions="TOPOGRAM" if siemens else "SCOUT MODE",
        KVP=str(scan.kvp),
        SliceThickness=text(model.collimation[0]),
        DataCollectionDiameter=text(500),
        ReconstructionDiameter=None if siemens else text(image.columns * image.pixel[1]),
        DistanceSourceToDetector=text(model.distances[0]),
        DistanceSourceToPatient=text(model.distances[1]),
        GantryDetectorTilt=text(0),
        TableHeight=text(scan.table_height),
        RotationDirection="CW",
        XRayTubeCurrent=current,
        ExposureTime=round(length * 10),
        Exposure=max(1, round(current * length / 100)),
        FilterType="FLAT" if siemens else "BODY FILTER",
        GeneratorPower=round(scan.kvp * current / (1000 if siemens else 1)),
        FocalSpots=text(0.7),
        ConvolutionKernel=scan.kernel if siemens else None,
    )
    _geometry(made, image, scan, siemens=siemens, frontal=frontal, text=[text(v) for v in image.pixel])
    request(made, context, scan.requested)
    made.set(RescaleIntercept=str(INTERCEPT), RescaleSlope="1", RescaleType="HU" if siemens else "US")
    centre, width = scan.windows[0 if frontal else -1]
    made.set(WindowCenter=centre, WindowWidth=width)
    _siemens(made) if siemens else _ge(made, context, model, frontal)
    pixels(made, hu - np.int16(INTERCEPT), 12 if siemens else 16, signed=not siemens)
    return made


def _geometry(
    made: Attributes, image: Scout, scan: CTAcquisition, *, siemens: bool, frontal: bool, text: list[str]
) -> None:
    half = (image.columns - 1) / 2 * image.pixel[1]
    axis = -scan.table_height if siemens else 0.0
    top = scan.table_position + image.top - image.pixel[0] / 2
    corner = (-half, axis, top) if frontal else (0.0, axis - half, top)
    write = float if siemens else "{:.6f}".format
    made.set(
        ImagePositionPatient=tuple(write(v) for v in corner),
        ImageOrientationPatient=tuple(write(v) for v in (*ROW["frontal" if frontal else "lateral"], *COLUMN)),
        PixelSpacing=text,
        SliceLocation=write(axis if frontal else 0.0),
    )


def _siemens(made: Attributes) -> None:
    made.private(0x0019, "SIEMENS CT VA0  COAD", (0x90, "DS", "0"), (0x96, "IS", 0))
    made.private(0x0021, "SIEMENS MED", (0x11, "DS", ("0", "0")))


def _ge(made: Attributes, context: Context, model: CTModel, frontal: bool) -> None:
    ge_identity(made, context, "CT_LIGHTSPEED", model.model)
    made.private(
        0x0019,
        "GEMS_ACQU_01",
        (0x23, "DS", "100.000000"),
        (0x26, "SL", 0 if frontal else 90),  # degrees of azimuth: where the tube stands
        (0x39, "SS", 16),
    )
    made.private(0x0043, "GEMS_PARM_01", (0x16, "SS", 2), (0x1E, "DS", f"{SOURCE - ISOCENTRE:.6f}"))
