"""Data sets to send, in the order in which they are written down, and the synthetic objects to store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from struct import pack
from typing import NamedTuple, TypeAlias

from ...hospital.registry import tag_for_keyword, vr_of_tag
from . import building as b

Key: TypeAlias = "tuple[str | int, Value]"
"""A keyword of PS3.6, or a tag where there is none, and what is asked for; an item is a sequence of keys."""
Value: TypeAlias = "str | bytes | Sequence[Sequence[Key]]"
_LONG = frozenset({"OB", "OW", "SQ", "UN", "UT", "UC", "UR"})
_NULS = frozenset({"UI", "OB", "OW", "UN"})


@cache
def _tag_and_vr(key: str | int) -> tuple[int, str]:
    if isinstance(key, str):
        tag = tag_for_keyword(key)
        if tag is None:
            raise ValueError(f"PS3.6 has no {key}")
        return tag, vr_of_tag(tag).split(" or ")[-1]
    element = key & 0xFFFF
    if element == 0:
        return key, "UL"
    return key, "LO"


def data_set(keys: Sequence[Key], syntax: str = b.IMPLICIT) -> bytes:
    """The bytes of a data set, in the order given, which need not be that of the tags."""
    order = ">" if syntax == b.BIG else "<"
    found = b""
    for key, value in keys:
        tag, vr = _tag_and_vr(key)
        if isinstance(value, str | bytes):
            data = b.raw(value)
            data += (b"\0" if vr in _NULS else b" ") * (len(data) % 2)
        else:
            vr, inner = "SQ", [data_set(item, syntax) for item in value]
            data = b"".join(pack(f"{order}HHL", 0xFFFE, 0xE000, len(item)) + item for item in inner)
        head = pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
        if syntax == b.IMPLICIT:
            head += pack("<L", len(data))
        elif vr in _LONG:
            head += vr.encode() + b"\0\0" + pack(f"{order}L", len(data))
        else:
            head += vr.encode() + pack(f"{order}H", len(data))
        found += head + data
    return found


ROOT = "2.25.329800735698586629295641978511506173"
"""Of the UIDs of the synthetic objects."""
CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
SIDE = 4


class Made(NamedTuple):
    """A synthetic object."""

    patient: int
    study: int
    series: int
    number: int
    modality: str

    @property
    def study_uid(self) -> str:
        """Its study's."""
        return f"{ROOT}.{self.patient}.{self.study}"

    @property
    def series_uid(self) -> str:
        """Its series'."""
        return f"{self.study_uid}.{self.series}"

    @property
    def instance_uid(self) -> str:
        """Its own."""
        return f"{self.series_uid}.{self.number}"

    @property
    def sop_class_uid(self) -> str:
        """Its SOP class."""
        return CLASSES[self.modality]

    @property
    def patient_id(self) -> str:
        """Its patient's."""
        return PATIENTS[self.patient][0]


PATIENTS: dict[int, tuple[str, bytes, str, str, str | None]] = {
    1: ("REC-0001", b"RECORDER^ANNA", "19700101", "F", None),
    2: ("REC-0002", "Recorder^Bj\xf6rn".encode("latin-1"), "19651224", "M", "ISO_IR 100"),
    3: ("REC-0003", "RECORDER^\u017bANETA".encode(), "", "O", "ISO_IR 192"),
}
"""Identifier, name, birth date, sex, character set. Nobody real, and easily found again to be removed."""
STUDIES: dict[tuple[int, int], tuple[str, str, str, str]] = {
    (1, 1): ("19710115", "083000", "REC1001", "TEST ONE"),
    (1, 2): ("19710131", "141500.123", "REC1002", "TEST TWO"),
    (2, 1): ("19721231", "235959", "REC2001", "test three"),
    (3, 1): ("", "", "", ""),
}
"""Date, time, accession number, description: of a time of which no archive has studies."""
OBJECTS = (
    Made(1, 1, 1, 1, "CT"),
    Made(1, 1, 1, 2, "CT"),
    Made(1, 1, 2, 1, "CT"),
    Made(1, 2, 1, 1, "MR"),
    Made(2, 1, 1, 1, "CT"),
    Made(3, 1, 1, 1, "MR"),
)
SPARE = tuple(Made(1, 1, 9, number, "CT") for number in range(1, 9))
"""Those that the experiments about storing send, wrong in one way or another."""


def contents(made: Made, **changed: str | bytes) -> list[Key]:
    """The elements of a synthetic object; `changed` by keyword."""
    identifier, name, born, sex, character_set = PATIENTS[made.patient]
    date, time, accession, description = STUDIES[made.patient, made.study]
    found: list[Key] = [] if character_set is None else [("SpecificCharacterSet", character_set)]
    found += [
        ("SOPClassUID", made.sop_class_uid),
        ("SOPInstanceUID", made.instance_uid),
        ("StudyDate", date),
        ("SeriesDate", date),
        ("StudyTime", time),
        ("AccessionNumber", accession),
        ("Modality", made.modality),
        ("Manufacturer", "RECORDER"),
        ("ReferringPhysicianName", "REFERRER^R"),
        ("StudyDescription", description),
        ("SeriesDescription", f"SERIES {made.series}"),
        ("PatientName", name),
        ("PatientID", identifier),
        ("PatientBirthDate", born),
        ("PatientSex", sex),
        ("StudyInstanceUID", made.study_uid),
        ("SeriesInstanceUID", made.series_uid),
        ("StudyID", f"R{made.study}"),
        ("SeriesNumber", str(made.series)),
        ("InstanceNumber", str(made.number)),
        ("SamplesPerPixel", pack("<H", 1)),
        ("PhotometricInterpretation", "MONOCHROME2"),
        ("Rows", pack("<H", SIDE)),
        ("Columns", pack("<H", SIDE)),
        ("BitsAllocated", pack("<H", 16)),
        ("BitsStored", pack("<H", 12)),
        ("HighBit", pack("<H", 11)),
        ("PixelRepresentation", pack("<H", 0)),
        ("PixelData", b"".join(pack("<H", n * 61 % 4096) for n in range(SIDE * SIDE))),
    ]
    return [(key, changed.get(str(key), value)) for key, value in found]
