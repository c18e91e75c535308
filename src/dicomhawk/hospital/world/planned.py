"""What is planned of a study before its rows are written: its series, and what they share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images.recipe import Body, Recipe
from dicomhawk.hospital.objects.recipe import Acquisition
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.kinds import Kind


@dataclass(frozen=True)
class Stored:
    """The instances of a series, as the archive counts and describes them."""

    count: int
    sop_class: str
    rows: int | None
    columns: int | None
    bits: int | None = 16  # allocated
    frames: int | None = None
    syntax: str = EXPLICIT_LE


@dataclass(frozen=True)
class Planned:
    """A series to be made: what to render, how it was acquired, what it is called, how long it took.

    `stored`: None for slices of CT and MR, one instance for each slice of the image. `modality`: None if it is the
    device's. `number`: the Series Number; None for the next one.
    """

    image: Recipe
    acquisition: Acquisition
    description: str
    protocol: str
    body_part: str
    begins: int  # seconds after the study's beginning
    lasts: float  # seconds from first to last image
    stored: Stored | None = None
    modality: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class Examination:
    """What all series of a study share."""

    seed: str
    body: Body
    kind: Kind
    requested: str
    frame_of_reference: str
    irradiation_event: str
    events: tuple[str, ...] = ()
    """UIDs of the irradiations of an examination that may have several; the first is `irradiation_event`."""
    planning_event: str = ""  # that of the localizer
    labels: Mapping[str, str] = field(default_factory=dict)
    """What sonographers write on images, by the window that they look through."""
    locale: str = ""
    reason: str = ""  # as the order gives it
    ward: str = ""
    urgent: bool = False


Planner = Callable[[Examination, Device, random.Random], Iterator[Planned]]
