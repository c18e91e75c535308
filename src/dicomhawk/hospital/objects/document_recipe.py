"""What the catalogue keeps of documents: reports, dose reports, key objects, presentation states."""

from __future__ import annotations

from typing import Literal

import msgspec

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.telling import Facts
from dicomhawk.hospital.images.recipe import Recipe


class Reference(msgspec.Struct, frozen=True):
    """A series that a document refers to: the UID of its nth instance, from 0, is as in `runs.Run`."""

    series_uid: str
    sop_class: str
    stem: str
    first: int
    width: int
    count: int
    image: Recipe

    def uid(self, k: int) -> str:
        """SOP Instance UID of instance `k`, from 0."""
        return f"{self.stem}{self.first + k:0{self.width}d}"


class Report(msgspec.Struct, frozen=True, tag="report"):
    """A radiology report."""

    facts: Facts
    form: Literal["basic", "enhanced", "pdf"]
    system: int  # place in `documents.SYSTEMS`
    references: tuple[Reference, ...] = ()
    verified: bool = True


class KeyObjects(msgspec.Struct, frozen=True, tag="key_objects"):
    """The images that a reader has marked."""

    findings: tuple[Finding, ...]
    references: tuple[Reference, ...]
    system: int
    locale: str


class Presentation(msgspec.Struct, frozen=True, tag="presentation"):
    """How a reader has windowed an image, with an arrow to a finding."""

    finding: Finding
    reference: Reference
    window: tuple[int, int]
    label: str  # Content Label
    text: str
    system: int


class DosePart(msgspec.Struct, frozen=True):
    """One irradiation of a CT examination."""

    event: str  # Irradiation Event UID
    protocol: str
    spiral: bool
    seconds: float
    length: float  # mm
    pitch: float
    kvp: int
    current: int
    highest_current: int
    ctdi: float
    dlp: float
    axial: bool = False  # rotation after rotation with a standing table; `spiral` means not a localizer


class DoseReport(msgspec.Struct, frozen=True, tag="dose"):
    """The radiation dose of a CT examination."""

    parts: tuple[DosePart, ...]
    region: Literal["chest", "head", "abdomen"]
    began: str  # DT
    ended: str


Document = Report | KeyObjects | Presentation | DoseReport
