"""Identifiers of queries drawn from a seed, sound and odd ones, as bytes in Implicit VR Little Endian."""

from __future__ import annotations

import random
from struct import pack
from typing import NamedTuple, TypeAlias

from dicomhawk.hospital import vr as vrs
from tests.realism.objects import CLASSES, ROOT, study_uid

Value: TypeAlias = "str | bytes | list[bytes]"

LEVEL, CHARSET, PATIENT_ID, STUDY, SERIES, INSTANCE = (
    0x00080052, 0x00080005, 0x00100020, 0x0020000D, 0x0020000E, 0x00080018
)  # fmt: skip
VALUES: dict[int, list[Value]] = {
    0x00100010: [
        "DOE*", "doe^jane", "Doe^*", "*^J*", "M?LLER*", "M??LLER*", "*\xdc*", "m\xfcller*", b"M\xc3\x9cLLER*",
        "YAMADA*", "*=*", "smith", "SMITH ", "Lee^A?B*C", "O'Neil_%*", "O'Neil *", "NOV*", " LEADING*", "LEADING*",
        "*", "?*", "S*H", "DOE^JANE\\smith", "DOE", b"\xb8*", b"*\xbf*",
    ],
    PATIENT_ID: [
        "P*", "p00?", "P001", "ID 1", "*1", "X_?", "X 1", "A%2", "P001\\P002", "P001\\p002\\ID 2", "*", " P001",
    ],
    0x00100030: ["19700101", "19600101-19800101", "-19800101", "1960.05.06", "19700101-", "1970*"],
    0x00100040: ["F", "f", "M\\F", "*", "?"],
    0x00080020: [
        "20200115", "20200101-20201231", "-20200131", "20200115-", "yesterday", "2020.01.15", "2020*",
        "20201231-20200101", "-", "20200115\\20200131", "2020.02.03", "20200101-2020.12.31", "20209999",
    ],
    0x00080030: ["0830", "083000", "08", "080000-120000", "0800-", "-0900", "141500.123", "23:59:59", "08-09", "0*"],
    0x00080050: ["A*", "a0", "A00", "?0*", "B_?", "*V", "A00\\A01V", "A11"],
    0x00081030: ["CHEST CT", "chest*", "*mr", "Sch?del", "Sch\xe4del", "A*", "A\\B", "*", "X", "D*"],
    0x00080060: ["CT", "MR", "CT\\MR", "C?", "ct", "*"],
    0x00080061: ["CT", "MR", "CT\\MR", "C*", "ct", "OT"],
    0x00080090: ["REF*", "ref^a", "REF^A"],
    0x00080070: ["ACME", "acme", "*bel"],
    0x00080080: ["HOSP", "*", "HO*"],
    0x0008103E: ["S1", "s1", "axial*"],
    0x00181030: ["*"],
    0x00200010: ["S0", "S?", "s0"],
    0x00200011: ["1", "01", "2", " 2", "1\\01"],
    0x00200013: ["0", "1"],
    0x00101010: ["042Y"],
    0x00102160: ["EG", "E*"],
    0x00101000: ["O1", "O1\\O2", "O*"],
    0x00081070: ["OP^X", "op*"],
    0x00201206: ["1", "2"],
    0x00080016: [CLASSES["CT"]],
    0x00280010: [b"\x08\0"],
    0x00080054: ["ORTHANC"],
    0x00080056: ["ONLINE"],
    0x00101030: ["71.5"],
    0x00180015: ["CHEST"],
    0x00321032: ["*"],
    0x00080062: [CLASSES["CT"]],
}  # fmt: skip
# Without Patient Comments and Additional Patient History: dcmqrscp reads beyond its index for a value of theirs, and
# mostly, but not always, dies of it.
ASKED = (
    *VALUES, 0x00080000, 0x00080012, 0x00200012, 0x00280008, 0x00201200, 0x00201202, 0x00201204, 0x00201208,
    0x00201209, 0x00280011, 0x00280030, 0x00200037, 0x00280106, 0x00081032, 0x00081110, 0x00080008, 0x00100021,
    STUDY, SERIES, INSTANCE, 0x00091001, 0x00321060, 0x00400275, 0x00080023, 0x001021B0, 0x00104000, 0x00201070,
    0x00180024,
)  # fmt: skip
CHARSETS = (
    "ISO_IR 100", "ISO_IR 192", "ISO_IR 144", "ISO_IR 999", "", "\\ISO 2022 IR 87", "ISO_IR 6",
    "ISO 2022 IR 6\\ISO 2022 IR 100", "ISO_IR 101",
)  # fmt: skip
ODD_LEVELS = ("study", "Series", "STUDIES", "INSTANCE", "PATIENTS", "FOO", "STUDYX", "  ", "image", "IMAGES", "")
LEVELS = ("PATIENT", "STUDY", "STUDY", "STUDY", "SERIES", "SERIES", "IMAGE")


class Query(NamedTuple):
    """`patient_root`: in that information model, else in Study Root."""

    patient_root: bool
    identifier: bytes
    words: str


def element(tag: int, value: Value) -> bytes:
    """One element; a list is the items of a sequence."""
    if isinstance(value, list):
        data = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in value)
    else:
        data = value if isinstance(value, bytes) else value.encode("latin-1")
    if len(data) % 2:
        data += b"\0" if vrs.of_tag(tag) == "UI" else b" "
    return pack("<HHI", tag >> 16, tag & 0xFFFF, len(data)) + data


def draw(source: random.Random, patients: int) -> Query:
    """A query for objects of so many patients."""
    level, patient_root = source.choice(LEVELS), source.random() < 0.5
    tags = _parents(source, level, patients, patient_root=patient_root) if source.random() < 0.85 else {}
    for tag in source.sample(ASKED, source.randint(0, 8)):
        tags.setdefault(tag, [] if vrs.of_tag(tag) == "SQ" else "")
    for tag in source.sample(list(VALUES), source.choice((0, 1, 1, 1, 2, 3))):
        tags[tag] = source.choice(VALUES[tag])
    if source.random() < 0.2:
        one, other = _study(source, patients), _study(source, patients)
        tags[STUDY] = source.choice((f"{one}\\{other}", f"{ROOT}.*", one, f"{one} "))
    if source.random() < 0.3:
        tags[source.choice((STUDY, SERIES, INSTANCE))] = ""
    if source.random() < 0.25:
        tags[CHARSET] = source.choice(CHARSETS)
    if source.random() < 0.1:
        tags[0x00081110] = [element(0x00081150, "") + element(0x00081155, "")]
    if source.random() > 0.03:
        tags[LEVEL] = source.choice(ODD_LEVELS) if source.random() < 0.06 else level
    return Query(patient_root, b"".join(element(tag, tags[tag]) for tag in sorted(tags)), _words(tags))


def _parents(source: random.Random, level: str, patients: int, *, patient_root: bool) -> dict[int, Value]:
    tags: dict[int, Value] = {}
    depth = ("PATIENT", "STUDY", "SERIES", "IMAGE").index(level)
    study = _study(source, patients) if source.random() < 0.9 else ""
    if patient_root and depth > 0:
        tags[PATIENT_ID] = source.choice(VALUES[PATIENT_ID]) if source.random() < 0.8 else ""
    if depth > 1:
        tags[STUDY] = study
    if depth > 2:
        tags[SERIES] = f"{study}.{source.randint(0, 1)}" if study and source.random() < 0.9 else ""
    return tags


def _study(source: random.Random, patients: int) -> str:
    return study_uid(source.randrange(patients), source.choice((0, 1, 1, 2, 3)))


def _words(tags: dict[int, Value]) -> str:
    return ", ".join(f"{tag >> 16:04x},{tag & 0xFFFF:04x}={value!r}" for tag, value in sorted(tags.items()))
