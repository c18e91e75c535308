"""CT of the head: protocols with a tilted gantry or a tucked chin, and their reconstructions.

There is no localizer: from the side it would show that the patients have no face.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from dicomhawk.hospital.images.recipe import HeadCT
from dicomhawk.hospital.objects.makers import CTModel, model_of
from dicomhawk.hospital.objects.recipe import CTAcquisition
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.dose_sheets import HEAD, Planning, dose_sheet
from dicomhawk.hospital.world.draw import clipped, token
from dicomhawk.hospital.world.planned import Examination, Planned

LOWEST, VERTEX = -50.5, 91.0  # mm from the head's centre: above the orbits, and above the scalp
ORBITOMEATAL = (15.5, 1.2, 14.0, 18.5)  # degrees between slice and base: mean, deviation, limits
TILTED = 0.6  # of the examinations on a scanner whose gantry is tilted
WINDOWS = {"soft": (40, 80), "bone": (600, 2800)}
PADDING = {"siemens": -1024, "ge": -3024}


@dataclass(frozen=True)
class _Part:
    """A reconstruction: kernel, mm of thickness and between slices."""

    kernel: Literal["soft", "bone"]
    thickness: float
    spacing: float


_AXIAL = ((_Part("soft", 5.0, 5.0), _Part("bone", 2.5, 5.0)), (_Part("soft", 5.0, 5.0),))
_GE_SPIRAL = (
    (_Part("soft", 5.0, 5.0), _Part("bone", 2.5, 2.5)),
    (_Part("soft", 2.5, 2.5), _Part("bone", 1.25, 1.25)),
    (_Part("soft", 5.0, 5.0), _Part("soft", 1.25, 1.25), _Part("bone", 1.25, 1.25)),
)
_SIEMENS_SPIRAL = (
    (_Part("soft", 5.0, 5.0), _Part("bone", 3.0, 3.0)),
    (_Part("soft", 5.0, 5.0), _Part("soft", 1.0, 1.0), _Part("bone", 1.0, 1.0)),
    (_Part("soft", 4.0, 4.0), _Part("bone", 2.0, 2.0)),
    (_Part("soft", 3.0, 3.0), _Part("bone", 1.0, 1.0)),
)


def head_ct(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """Series of an unenhanced CT of the head for the device that it is made on."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, CTModel)
    siemens = model.maker == "siemens"
    axial = model.tilts and source.random() < TILTED
    parts = source.choice(_AXIAL if axial else _SIEMENS_SPIRAL if siemens else _GE_SPIRAL)
    angle = round(clipped(source, *ORBITOMEATAL), 1)
    tilt = float(round(clipped(source, 11, 3, 4, angle)) if axial else 0)
    current = int(clipped(source, 285, 40, 190, 400))
    scan = CTAcquisition(
        frame_of_reference=exam.frame_of_reference,
        irradiation_event=exam.irradiation_event,
        kvp=source.choice((120, 120, 120, 140) if axial else (120, 120, 120, 100)),
        current=current,
        pitch=0.55 if siemens else 0.531,
        ctdi=round(current * 0.19 * source.uniform(0.96, 1.04), 6),
        kernel="",
        windows=(),
        table_height=round(source.uniform(150, 182), 1 if siemens else 6),
        table_position=round(source.uniform(-460, -180) if siemens else source.uniform(28, 62), 1),
        requested=exam.requested,
        acquisition=2 if siemens else 1,
        axial=axial,
    )
    noise = 3.3 * (285 / current) ** 0.5 * source.uniform(0.92, 1.08)
    low = round(LOWEST + source.uniform(-2, 3), 2)
    length = VERTEX + source.uniform(-3, 5) - low
    field = float(source.choice((220, 230, 230, 240, 250)))
    protocol = _protocol(siemens, axial, source)
    begins = source.randrange(90, 260)
    brain = source.choice(model.kernels["brain"])
    # Reconstructed in the same way: filtered or iteratively, as the kernels' first letters say.
    alike = [name for name in model.kernels["bone"] if name[0] == brain[0]]
    bone = source.choice(alike or model.kernels["bone"])
    for number, part in enumerate(parts):
        name = bone if part.kernel == "bone" else brain
        image = HeadCT(
            body=exam.body,
            study=exam.seed,
            series=token(exam.seed, "series", number),
            slices=math.ceil(length / part.spacing) + 1,
            first=low,
            spacing=part.spacing,
            thickness=part.thickness,
            fov=field,
            kernel=part.kernel,
            noise=round(noise * (5 / part.thickness) ** 0.5 * (3.4 if part.kernel == "bone" else 1), 2),
            tuck=round(angle - tilt, 1),
            holder="narrow" if siemens else "wide",
            tilt=tilt,
            padding=PADDING[model.maker],
        )
        windows = (WINDOWS[part.kernel], WINDOWS["soft" if part.kernel == "bone" else "bone"])
        acquisition = replace(scan, kernel=name, windows=windows if siemens else windows[:1])
        description = _description(siemens, part, name, source)
        yield Planned(image, acquisition, description, protocol, "HEAD", begins, length / (9 if axial else 24))
        begins += source.randrange(22, 60)
    planning = Planning("Topogram", source.choice((35, 50)), 0.13)
    filed = begins + source.randrange(10, 60)
    yield dose_sheet(exam, model, [scan], planning, low + length, length, filed, source, HEAD)


def _protocol(siemens: bool, axial: bool, source: random.Random) -> str:
    if siemens:
        return f"{source.randrange(1, 9)}_{source.choice(('HeadRoutine', 'Head', 'HeadSpi', 'Neuro_Head'))}"
    routine = source.choice(("ROUTINE HEAD", "HEAD W/O", "ADULT HEAD"))
    return f"1.{source.randrange(1, 20)} {routine}{'' if axial else ' HELICAL'}"


def _description(siemens: bool, part: _Part, name: str, source: random.Random) -> str:
    if siemens:
        region = "Bone" if part.kernel == "bone" and source.random() < 0.4 else "Head"
        return f"{region}  {part.thickness:.1f}  {name.replace(chr(92), '  ')}"
    if part.kernel == "bone":
        return source.choice((f"BONE {part.thickness:g}MM", "Bone", f"AX {part.thickness:g} BONE"))
    return source.choice((f"AX {part.thickness:g} HEAD", f"HEAD {part.thickness:g}MM", "Head Std"))
