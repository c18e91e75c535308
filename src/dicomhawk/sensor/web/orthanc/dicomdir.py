"""The directory of a medium (PS3.10 section 8, PS3.3 annex F)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from ....hospital import vr as vrs
from ....hospital.attributes import UNIQUE_KEYS, Level
from ....hospital.elements import EXPLICIT_LE, DataSet, Element, encode, header
from ....hospital.part10 import file_meta
from ....hospital.products.find import ProductArchive
from .file import File

STORAGE: Final = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage."""
_NEXT, _IN_USE, _LOWER, _TYPE = 0x00041400, 0x00041410, 0x00041420, 0x00041430
_FILE_ID, _SOP_CLASS, _SOP_UID, _SYNTAX = 0x00041500, 0x00041510, 0x00041511, 0x00041512
_FILE_SET_ID, _FIRST, _LAST, _CONSISTENCY, _RECORDS = 0x00041130, 0x00041200, 0x00041202, 0x00041212, 0x00041220
_KEYS: Final = {
    Level.PATIENT: (0x00080005, 0x00100010, 0x00100020),
    Level.STUDY: (0x00080005, 0x00080020, 0x00080030, 0x00080050, 0x00081030, 0x0020000D, 0x00200010),
    Level.SERIES: (0x00080005, 0x00080060, 0x0020000E, 0x00200011),
    Level.IMAGE: (0x00080005, 0x00200013),
}
_TYPES: Final = {Level.PATIENT: b"PATIENT ", Level.STUDY: b"STUDY ", Level.SERIES: b"SERIES", Level.IMAGE: b"IMAGE "}
_ITEM: Final = struct.Struct("<HHI")


@dataclass
class _Record:
    values: DataSet
    below: dict[str, _Record] = field(default_factory=dict)
    offset: int = 0


class Directory:
    """Collects files, and writes their directory."""

    def __init__(self, product: ProductArchive) -> None:
        self._product = product
        self._top: dict[str, _Record] = {}

    def add(self, file: File, name: str) -> None:
        """Take in a file."""
        records, record = self._top, None
        for level in Level:
            key = file.head.value(UNIQUE_KEYS[level]) or ""
            record = records.get(key)
            if record is None:
                values = {tag: file.head.head[tag] for tag in _KEYS[level] if tag in file.head.head}
                values[_IN_USE] = Element(_IN_USE, "US", b"\xff\xff")
                values[_TYPE] = Element(_TYPE, "CS", _TYPES[level])
                record = records[key] = _Record(values)
            records = record.below
        assert record is not None
        sop_class = file.head.value(0x00080016) or ""
        for tag, vr, text in (
            (_FILE_ID, "CS", name.replace("/", "\\")),
            (_SOP_CLASS, "UI", sop_class),
            (_SOP_UID, "UI", file.sop_uid),
            (_SYNTAX, "UI", file.syntax),
        ):
            record.values[tag] = Element(tag, vr, text.encode("latin-1", "replace"))

    def encoded(self) -> bytes:
        """The file DICOMDIR."""
        meta = file_meta(STORAGE, f"{STORAGE}.1", EXPLICIT_LE, "1.2.276.0.7230010.3.0.3.6.7")
        before = self._before(0, 0)
        at = len(meta) + len(before) + 12
        items = self._laid_out(self._top, at)
        tops = list(self._top.values())
        before = self._before(tops[0].offset if tops else 0, tops[-1].offset if tops else 0)
        body = b"".join(self._item(record, after) for record, after in items)
        return meta + before + header(_RECORDS, "SQ", len(body), explicit=True) + body

    @staticmethod
    def _before(first: int, last: int) -> bytes:
        values = (
            Element(_FILE_SET_ID, "CS", b""),
            Element(_FIRST, "UL", first.to_bytes(4, "little")),
            Element(_LAST, "UL", last.to_bytes(4, "little")),
            Element(_CONSISTENCY, "US", b"\0\0"),
        )
        return encode({element.tag: element for element in values}, EXPLICIT_LE)

    def _laid_out(self, records: dict[str, _Record], at: int) -> list[tuple[_Record, int]]:
        """All records in their order, each with where the next one of its level is, and their offsets set."""
        ordered: list[_Record] = []
        followers: dict[int, _Record] = {}

        def walk(level: dict[str, _Record]) -> None:
            siblings = list(level.values())
            for number, record in enumerate(siblings):
                if number + 1 < len(siblings):
                    followers[id(record)] = siblings[number + 1]
                ordered.append(record)
                walk(record.below)

        walk(records)
        for record in ordered:
            record.offset = at
            at += len(self._item(record, 0))
        return [(record, followers[id(record)].offset if id(record) in followers else 0) for record in ordered]

    @staticmethod
    def _item(record: _Record, after: int) -> bytes:
        lower = next(iter(record.below.values())).offset if record.below else 0
        values = record.values | {
            _NEXT: Element(_NEXT, "UL", after.to_bytes(4, "little")),
            _LOWER: Element(_LOWER, "UL", lower.to_bytes(4, "little")),
        }
        for tag, element in values.items():
            values[tag] = element._replace(vr=vrs.of_tag(tag))
        data = encode(values, EXPLICIT_LE)
        return _ITEM.pack(0xFFFE, 0xE000, len(data)) + data
