"""What an electrocardiogram depends on, small enough for one column of the catalogue."""

from __future__ import annotations

from typing import Literal

import msgspec

Rhythm = Literal["sinus", "fibrillation", "flutter", "paced"]
Block = Literal["none", "incomplete_right", "right", "left", "left_anterior"]
Wall = Literal["none", "inferior", "anterior", "lateral"]


class Heart(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a heart beats on a day. Times in ms, angles in degrees of the frontal plane (0 to the left, 90 down)."""

    rate: float  # beats a minute, of the ventricles
    axis: float  # of QRS
    pr: float
    qrs: float
    qt: float  # at this rate
    rhythm: Rhythm = "sinus"
    block: Block = "none"
    breathing: float = 0.03  # part of a beat's length by which it changes with the breath
    scar: Wall = "none"  # an old infarct
    injury: Wall = "none"  # ST is raised there
    strain: float = 0.0  # depression of ST, mV, to the left
    thick: float = 1.0  # how much stronger the left ventricle is than usual
    repolarization: float = 1.0  # height of T: about 0 flat, below it inverted
    early_ventricular: int = 0  # extrasystoles in ten seconds
    early_atrial: int = 0


class Electrocardiogram(msgspec.Struct, frozen=True, tag="ecg", omit_defaults=True):
    """A recording of all its leads at once."""

    person: str  # seed of the chest's shape and of the form of the waves
    study: str  # seed of the beats, and of what disturbs them
    heart: Heart
    leads: tuple[str, ...]
    frequency: int  # samples a second
    seconds: int
    step: float  # microvolts of one unit
    mains: int  # Hz
    hum: float  # microvolts
    muscle: float  # microvolts, standard deviation
    wander: float  # microvolts
    median: bool = False  # with a second group: the median beat
    slices: int = 1  # instances of the series


THICK = 1.3
"""A left ventricle of so much more than the usual strength shows it."""
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""In the order of the standard 12-lead recording."""
