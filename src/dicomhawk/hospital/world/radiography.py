"""Radiographs of the chest: views, exposure, and how much of the detector's image is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images.radiograph import GEOMETRY
from dicomhawk.hospital.images.recipe import Mark, Radiograph
from dicomhawk.hospital.objects.compression import JPEG_2000_LOSSLESS, JPEG_LOSSLESS, RLE
from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.objects.recipe import XRayAcquisition
from dicomhawk.hospital.objects.xray import CR_IMAGE_STORAGE, DX_IMAGE_STORAGE
from dicomhawk.hospital.objects.xray_makers import XRayModel
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.draw import clipped, digits, draw, token
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

View = Literal["PA", "AP", "LL"]

TOP, BASES = 162.0, -122.0  # mm in the base: its upper end, and below the lungs
HALF_WIDTH, HALF_DEPTH = 178.0, 135.0  # mm of the base's person
DETECTOR = 430.0  # mm: no image is larger
ONE_VIEW = 0.3  # of those who can stand
COMPRESSING = 0.35  # of the devices that can send compressed images are set to do so

_SYNTAXES = {"jpeg-lossless": JPEG_LOSSLESS, "jpeg2000": JPEG_2000_LOSSLESS, "rle": RLE, "explicit": EXPLICIT_LE}
# kV, mAs for the base's person, dose-area product (dGy cm2) per mAs, noise.
_EXPOSURES: dict[View, tuple[tuple[int, ...], float, float, float]] = {
    "PA": ((117, 120, 125, 125), 1.7, 0.55, 1.0),
    "LL": ((117, 125, 125), 5.5, 0.6, 1.1),
    "AP": ((85, 90, 100), 2.0, 0.35, 1.7),
}


def radiographs(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """One series for each view: from the back and from the side standing, or from the front in bed."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, XRayModel)
    views: tuple[View, ...] = ("PA", "LL") if source.random() > ONE_VIEW else ("PA",)
    if exam.kind == "xr_bedside" or model.mobile:
        views = ("AP",)
    begins = source.randrange(40, 150)
    for number, view in enumerate(views):
        image = _image(exam, model, view, number, source)
        stored = Stored(
            1,
            DX_IMAGE_STORAGE if model.kind == "DX" else CR_IMAGE_STORAGE,
            image.rows,
            image.columns,
            syntax=_syntax(model, device),
        )
        name = model.programs[view]
        scan = _exposure(exam, model, device, view, source)
        first = 1 if number == 0 else None
        yield Planned(image, scan, name, name, "CHEST", begins, 1.0, stored=stored, number=first)
        begins += source.randrange(35, 90)


def _syntax(model: XRayModel, device: Device) -> str:
    """A device stores all its images in one syntax."""
    compresses = draw(device.serial, "syntax").random() < COMPRESSING
    return _SYNTAXES[model.syntax] if compresses else EXPLICIT_LE


def _image(exam: Examination, model: XRayModel, view: View, number: int, source: random.Random) -> Radiograph:
    body, processing = exam.body, model.processing
    distance, place = GEOMETRY[view]
    magnified = distance / (distance - abs(place))
    top = TOP * body.height + source.uniform(-3, 6)
    edges = [source.uniform(3, 9) for _ in range(4)]
    if model.kind == "CR":
        rows, columns = model.formats[1 if view == "LL" or body.girth < 0.95 else 0]
        height = rows * model.pixel / magnified
        # A plate is larger than the field: what is below the lungs is shielded.
        below = (top - height) - (BASES * body.height - source.uniform(5, 25))
        edges[2] = max(edges[2], -below * magnified)
        edges = [max(edge, source.uniform(5, 12)) for edge in edges]
    else:
        height = min(top - BASES * body.height + source.uniform(0, 25), DETECTOR / magnified)
        half = (HALF_DEPTH if view == "LL" else HALF_WIDTH - 8) * body.girth + max(body.fat, 0)
        half += body.breast * 0.6 if view == "LL" else 0.0
        width = min(2 * half + source.uniform(0, 25), DETECTOR / magnified)
        rows, columns = (round(length * magnified / model.pixel) // 2 * 2 for length in (height, width))
    return Radiograph(
        body=body,
        study=exam.seed,
        series=token(exam.seed, "view", number),
        view=view,
        middle=(round(top - height / 2, 1), round(source.gauss(0, 5) - (6 if view == "LL" else 0), 1)),
        rows=rows,
        columns=columns,
        pixel=model.pixel,
        noise=round(_EXPOSURES[view][3] * source.uniform(0.75, 1.4), 3),
        bits=model.bits,
        detail=round(processing.detail * source.uniform(0.94, 1.06), 3),
        contrast=round(processing.contrast * source.uniform(0.92, 1.08), 3),
        brightness=round(processing.brightness + source.uniform(-0.025, 0.025), 4),
        collimation=(round(edges[0], 1), round(edges[1], 1), round(edges[2], 1), round(edges[3], 1)),
        shutter=processing.shutter,
        inverted=model.inverted,
        mark=_mark(view, processing.electronic_mark, source),
    )


def _mark(view: View, electronic: bool, source: random.Random) -> Mark:
    left = view == "LL" or source.random() < 0.4
    # The patient's left is at the right of the image, except from the side.
    column = source.uniform(0.87, 0.91) if left and view != "LL" else source.uniform(0.05, 0.09)
    return Mark(
        text="L" if left else "R",
        row=round(source.uniform(0.04, 0.12), 4),
        column=round(column, 4),
        height=7.0 if electronic else 12.0,
        angle=0.0 if electronic else round(source.gauss(0, 5), 1),
        electronic=electronic,
    )


def _exposure(
    exam: Examination, model: XRayModel, device: Device, view: View, source: random.Random
) -> XRayAcquisition:
    voltages, usual, per_mas, _ = _EXPOSURES[view]
    stout = exam.body.girth**2 * (1 + max(exam.body.fat, -5) * 0.02)
    exposure = round(usual * stout * source.uniform(0.85, 1.2), 2)
    detector = draw(device.serial, "detector") if model.kind == "DX" else source  # plates change, detectors stay
    return XRayAcquisition(
        requested=exam.requested,
        kvp=source.choice(voltages),
        exposure=exposure,
        milliseconds=max(2, round(exposure * (3.6 if view != "AP" else 8))),
        index=round(model.target * 2 ** clipped(source, 0, 0.35, -1.2, 1.2)),
        plate=digits(model.detector[0], detector),
        dose_area=round(exposure * per_mas * source.uniform(0.9, 1.1), 3),
        grid=view != "AP",
    )
