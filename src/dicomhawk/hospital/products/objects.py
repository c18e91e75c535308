"""What a product knows of an object: the values of its attributes."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import Final

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET
from dicomhawk.hospital.dialect import QueryDialect, TooLong
from dicomhawk.hospital.elements import DataSet, decode
from dicomhawk.hospital.part10 import HEAD_SIZE, Part10Error, dataset_offset
from dicomhawk.hospital.pixels import PIXEL_DATA
from dicomhawk.hospital.products import texts

REMEMBERED_HEADS: Final = 128
"""Heads kept decoded: those of one answer's page. Each may cost as much as its file's head."""

_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
OPAQUE: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"))


class StoredObject:
    """An object's attributes. Values are text with one character for each byte."""

    __slots__ = ("_dialect", "charset", "head")

    def __init__(self, head: DataSet, dialect: QueryDialect) -> None:
        self.head = head
        self._dialect = dialect
        element = head.get(SPECIFIC_CHARACTER_SET)
        raw = element.value if element is not None and isinstance(element.value, bytes) else b""
        self.charset = raw.decode("latin-1").rstrip(" \0")

    def within(self, item: DataSet) -> StoredObject:
        """An item of one of its sequences."""
        found = StoredObject(item, self._dialect)
        found.charset = found.charset or self.charset
        return found

    def value(self, tag: int) -> str | None:
        """The value, in the set in which the product keeps it; None: there is none that it would know."""
        element = self.head.get(tag)
        if element is None or isinstance(element.value, tuple) or tag >> 16 & 1 or tag & 0xFFFF == 0:
            return None
        return self.read(vrs.of_tag(tag), element.value)

    def read(self, vr: str, value: bytes) -> str | None:
        """A value of `vr`, in the set in which the product keeps it; None: it is none that it would know."""
        if vr in OPAQUE:
            return None
        if vr in _NUMBERS:
            return _numbers(vr, value)
        if vr == "AT":
            return None
        text = unpadded(vr, value)
        rules = self._dialect.texts
        if rules.answers_in is not None and texts.affected(vr):
            text = texts.to_utf_8(text, self.charset, rules.undeclared)
        longest = self._dialect.longest.get(vr)
        if longest is not None and len(text) > longest:
            return None if self._dialect.too_long is TooLong.ABSENT else text[:longest]
        return text

    def items(self, tag: int) -> tuple[DataSet, ...] | None:
        """The items of a sequence; None: there is no such."""
        element = self.head.get(tag)
        return element.value if element is not None and isinstance(element.value, tuple) else None


def unpadded(vr: str, value: bytes) -> str:
    """The text of a value, which a NUL ends. In a UID, spaces don't count wherever they are."""
    text = value.decode("latin-1").split("\0")[0]
    return text.replace(" ", "") if vr == "UI" else text.rstrip(" ")


def _numbers(vr: str, value: bytes) -> str | None:
    size = struct.calcsize(f"<{_NUMBERS[vr]}")
    numbers = [number for (number,) in struct.iter_unpack(f"<{_NUMBERS[vr]}", value[: len(value) // size * size])]
    if not numbers:
        return None
    return "\\".join(f"{number:.9g}" if vr in ("FL", "FD") else str(number) for number in numbers)


class Vault:
    """Reads the heads of objects in the files below the folder `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.head = lru_cache(REMEMBERED_HEADS)(self._head)

    def _head(self, path: str, syntax: str) -> DataSet:
        """The data set of a file without its pixels; as much of it as can be read. Never raises for its content."""
        try:
            fd = os.open(self._root / path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return {}
        try:
            data = os.pread(fd, HEAD_SIZE, 0)
        finally:
            os.close(fd)
        try:
            return decode(data[dataset_offset(data) :], syntax, stop_at=PIXEL_DATA, head=True, lenient=True)
        except Part10Error:
            return {}
