"""What becomes of each attribute: the Basic Application Level Confidentiality Profile of PS3.15 annex E.

With its options Retain Longitudinal Temporal Information with Modified Dates, Clean Descriptors, and Retain
Patient Characteristics (the coarse ones). Where the profile lists what to remove and keeps the rest, this goes
the other way for everything in which words can stand: such an attribute is kept only if it is named here, and
so one that a later edition adds is not kept by oversight.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from importlib.resources import files

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.registry import keyword_for_tag


class Action(Enum):
    """What is done with an attribute that an object has."""

    REMOVE = auto()  # taken out
    EMPTY = auto()  # type 2 in some objects, so that it must stay, with no value
    KEEP = auto()  # as it is: binary numbers
    CODE = auto()  # CS, IS, DS, TM and AS: as it is if it has the form of its VR
    TECHNICAL = auto()  # words about the equipment: as they are, unless the patient is in them
    DESCRIPTOR = auto()  # words about the examination: only those that we know
    CODED_CONCEPT = auto()  # a value or meaning of a code: as it is if the coding scheme is a public one
    UID = auto()  # mapped
    CLASS_UID = auto()  # a UID that says what kind of object this is
    DATE = auto()  # DA, moved
    DATE_TIME = auto()  # DT, moved
    STAFF = auto()  # PN, another name
    ITEMS = auto()  # a sequence: its items are cleaned
    DRAWN = auto()  # has a value of the hospital's, see `identity`


def _named() -> dict[str, Action]:
    """What ``attributes.txt`` says: the attributes for which the VR is not enough to decide."""
    text = files("dicomhawk.hospital.importer").joinpath("attributes.txt").read_text(encoding="utf-8")
    found: dict[str, Action] = {}
    section = Action.REMOVE
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        if entry.startswith("["):
            section = Action[entry.strip("[]").upper()]
        elif entry:
            found[entry] = section
    return found


_BY_KEYWORD = _named()

_BY_VR = {
    "SQ": Action.ITEMS,
    "PN": Action.STAFF,
    "DA": Action.DATE,
    "DT": Action.DATE_TIME,
    "UI": Action.UID,
    "SH": Action.EMPTY,
    "LO": Action.EMPTY,
} | dict.fromkeys(("AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), Action.KEEP)
_BY_VR |= dict.fromkeys(("AS", "CS", "DS", "IS", "TM"), Action.CODE)

_REMOVED_GROUPS = frozenset((0x0000, 0x0002, 0x0004, 0x0012, 0x0016, 0x0034, 0x0400, 0x4008, 0x4FFE))
"""Commands, file structures, clinical trials and the statements of de-identification that go with them,
camera and GPS data, video flows, signatures and change histories, reports that were typed, MAC parameters."""


@lru_cache(maxsize=8192)
def action(tag: int) -> Action:
    """What becomes of the attribute `tag`, at any depth of an object."""
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1 or element == 0 or group in _REMOVED_GROUPS or group >= 0xFFF0:
        return Action.REMOVE
    if 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
        return Action.REMOVE  # curves and overlays
    keyword = keyword_for_tag(tag)
    if not keyword:
        return Action.REMOVE
    named = _BY_KEYWORD.get(keyword)
    if named is not None:
        return named
    if keyword.startswith("Selector"):
        return Action.REMOVE
    if keyword.endswith(("ClassUID", "ClassesSupported", "TransferSyntaxUID")):
        return Action.CLASS_UID
    return _BY_VR.get(vrs.of_tag(tag), Action.REMOVE)
