"""Recipes: everything that the pixels of a series depend on, small enough for one column of the catalogue.

Lengths are in mm, in the patient's own size. Positions are relative to the centre of the base volume: z up, y to
the back, x to the patient's left.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram

Kernel = Literal["soft", "lung"]
Contrast = Literal["T1", "T2", "FLAIR", "DWI", "ADC"]
Plane = Literal["axial", "coronal"]


class Body(msgspec.Struct, frozen=True):
    """What a patient brings to every examination; `seed` shapes all that is not given by a number here."""

    seed: str
    female: bool
    age: float  # years at the time of the examination
    height: float = 1.0  # relative to the base volume's person, along z
    girth: float = 1.0  # across
    fat: float = 0.0  # mm of subcutaneous fat, more or less than the base's
    breast: float = 0.0  # mm
    heart: float = 1.0  # relative to what is normal
    inflated: float = 0.0  # mm that the diaphragm is too low


class ChestCT(msgspec.Struct, frozen=True, tag="chest_ct"):
    """A series of axial CT slices; slice 0 is the uppermost."""

    body: Body
    study: str  # seed of how the patient lies and breathes that day
    series: str  # seed of the noise
    slices: int
    top: float
    spacing: float
    thickness: float
    fov: float
    contrast: float  # 0: native; 1: arterial
    kernel: Kernel
    noise: float  # standard deviation in the middle of the body, HU
    table: Literal["cradle", "slab", "shell"]
    padding: int = -1024  # HU outside the circle of reconstruction
    matrix: int = 512
    findings: tuple[Finding, ...] = ()


class AbdomenCT(ChestCT, frozen=True, tag="abdomen_ct"):
    """A series of axial CT slices of the upper abdomen; slice 0 is the uppermost. The base ends at the kidneys."""

    portal: float = 0.0  # as `contrast`, in the portal venous phase


class HeadCT(msgspec.Struct, frozen=True, tag="head_ct"):
    """A series of axial CT slices of the head; slice 0 is the lowest. Positions are relative to the head's centre."""

    body: Body
    study: str  # seed of how the head lies that day
    series: str  # seed of the noise
    slices: int
    first: float  # z of the middle of slice 0
    spacing: float  # along the table
    thickness: float
    fov: float
    kernel: Literal["soft", "bone"]
    noise: float  # standard deviation in the middle of the head, HU
    tuck: float  # degrees: how far the chin is on the chest
    holder: Literal["narrow", "wide"]
    tilt: float = 0.0  # degrees of the gantry: the front edge of a slice further up
    padding: int = -1024
    matrix: int = 512
    findings: tuple[Finding, ...] = ()


class Scout(msgspec.Struct, frozen=True, tag="scout"):
    """The localizers of a chest CT, one image for each direction."""

    body: Body
    study: str
    series: str
    directions: tuple[Literal["frontal", "lateral"], ...]
    top: float  # z of the upper edge
    rows: int
    columns: int
    pixel: tuple[float, float]  # mm between rows and columns, on the axis of the scanner
    noise: float  # of the attenuation in air
    table: Literal["cradle", "slab", "shell"]
    findings: tuple[Finding, ...] = ()

    @property
    def slices(self) -> int:
        """Images of the series."""
        return len(self.directions)


class BrainMR(msgspec.Struct, frozen=True, tag="brain_mr"):
    """A series of MR slices; slice 0 is the lowest (axial) or the foremost (coronal)."""

    body: Body
    study: str
    series: str
    slices: int
    contrast: Contrast
    plane: Plane
    first: float  # slice 0 along the direction of the stack, from the head's centre
    spacing: float
    thickness: float
    fov: float
    acquired: int  # pixels across that are acquired; the rest is zero-filled
    snr: float
    tilt: float  # degrees: the front edge of an axial plane, or the upper edge of a coronal one, further up or back
    down: float = 0.0  # of the field of view along the columns, from the head's centre
    field: float = 1.5  # tesla
    gain: float = 400.0  # stored value of grey matter
    matrix: int = 512
    findings: tuple[Finding, ...] = ()


class DoseSheet(msgspec.Struct, frozen=True, tag="dose_sheet"):
    """A screen with the doses of a CT examination, as scanners file it: text only."""

    body: Body
    title: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]  # rows of cells; the first is the heading
    footer: tuple[str, ...]
    layout: Literal["siemens", "ge"]
    rows: int = 512
    columns: int = 512

    @property
    def slices(self) -> int:
        """Instances of the series."""
        return 1


class Mark(msgspec.Struct, frozen=True):
    """A letter on a radiograph; place of its upper left corner relative to the image, height in mm."""

    text: str
    row: float
    column: float
    height: float
    angle: float = 0.0  # degrees: lead letters lie as they were laid
    electronic: bool = False


class Radiograph(msgspec.Struct, frozen=True, tag="radiograph"):
    """A projection radiograph of the chest: one image."""

    body: Body
    study: str
    series: str
    view: Literal["PA", "AP", "LL"]
    middle: tuple[float, float]  # z, and x or y, that the central ray passes
    rows: int
    columns: int
    pixel: float  # mm at the detector
    noise: float  # relative to that of a good exposure
    bits: int = 12
    detail: float = 1.0  # of the multi-scale processing
    contrast: float = 5.0  # steepness of the curve
    brightness: float = 0.46  # where its middle is between lung (0) and spine (1)
    collimation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # mm: top, right, bottom, left
    shutter: float = 0.0  # grey outside it, 0..1
    inverted: bool = False  # MONOCHROME1
    mark: Mark | None = None
    findings: tuple[Finding, ...] = ()


Window = Literal[
    "liver",
    "liver_across",
    "kidney_right",
    "kidney_left",
    "kidney_right_across",
    "spleen",
    "gallbladder",
    "pancreas",
    "aorta",
]
"""What an abdominal ultrasound looks at; without ``across``, along the patient or the organ."""


class Scan(msgspec.Struct, frozen=True):
    """One image of an ultrasound examination, or one loop."""

    window: Window
    depth: float  # mm
    shift: tuple[float, float] = (0.0, 0.0)  # mm, of the transducer along and across its plane
    measured: bool = False  # with calipers, where the organ has ends
    finding: str = ""  # seed of the finding that is looked at
    label: str = ""  # what the sonographer wrote on the image


class Ultrasound(msgspec.Struct, frozen=True, tag="ultrasound"):
    """A series of abdominal ultrasound images of one size, or of loops with `frames` frames each."""

    body: Body
    study: str
    series: str
    scans: tuple[Scan, ...]
    rows: int
    columns: int
    gain: float  # dB, more or less than usual
    dynamic_range: float  # dB from black to white
    frames: int = 1
    findings: tuple[Finding, ...] = ()

    @property
    def slices(self) -> int:
        """Instances of the series."""
        return len(self.scans)


Recipe = ChestCT | AbdomenCT | HeadCT | BrainMR | Radiograph | Scout | Ultrasound | DoseSheet | Electrocardiogram
