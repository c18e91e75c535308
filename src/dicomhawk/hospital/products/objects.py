"""What a product knows of an object: the values of its attributes."""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import Final

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET
from dicomhawk.hospital.dialect import QueryDialect, Reading, TooLong
from dicomhawk.hospital.elements import DataSet, Element, decode
from dicomhawk.hospital.part10 import HEAD_SIZE, Part10Error, dataset_offset
from dicomhawk.hospital.pixels import PIXEL_DATA
from dicomhawk.hospital.products import texts

REMEMBERED_HEADS: Final = 128
"""Heads kept decoded: those of one answer's page. Each may cost as much as its file's head."""

_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_DIGITS: Final = {"FL": "{:.9g}", "FD": "{:.17g}"}
"""As many as tell any two numbers apart."""
OPAQUE: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"))


class StoredObject:
    """An object's attributes. Values are text with one character for each byte."""

    __slots__ = ("_dialect", "charset", "head")

    def __init__(self, head: DataSet, dialect: QueryDialect) -> None:
        self.head = head
        self._dialect = dialect
        self.charset = declared(head.get(SPECIFIC_CHARACTER_SET), dialect.reading)

    def within(self, item: DataSet) -> StoredObject:
        """An item of one of its sequences."""
        found = StoredObject(item, self._dialect)
        found.charset = found.charset or self.charset
        return found

    def value(self, tag: int) -> str | None:
        """The value, in the set in which the product keeps it; None: there is none that it would know."""
        element = self.head.get(tag)
        if element is None or isinstance(element.value, tuple) or tag & 0xFFFF == 0:
            return None
        if self._dialect.reading is not Reading.ATTRIBUTE:
            return self._limited(element.vr, text_of(element, self.charset, self._dialect))
        return None if tag >> 16 & 1 else self.read(vrs.of_tag(tag), element.value)

    def read(self, vr: str, value: bytes) -> str | None:
        """A value of `vr`, in the set in which the product keeps it; None: it is none that it would know."""
        if vr in OPAQUE:
            return None
        if vr in _NUMBERS:
            return _numbers(vr, value)
        if vr == "AT":
            return None
        return self._limited(vr, _in_utf_8(vr, unpadded(vr, value), self.charset, self._dialect))

    def _limited(self, vr: str, text: str | None) -> str | None:
        longest = self._dialect.longest.get(vr)
        if text is not None and longest is not None and len(text) > longest:
            return None if self._dialect.too_long is TooLong.ABSENT else text[:longest]
        return text

    def items(self, tag: int) -> tuple[DataSet, ...] | None:
        """The items of a sequence; None: there is no such."""
        element = self.head.get(tag)
        return element.value if element is not None and isinstance(element.value, tuple) else None


def text_of(element: Element, charset: str, dialect: QueryDialect) -> str | None:
    """The text that a product has for an element which isn't a sequence, one character for each byte: in UTF-8, if it
    keeps texts so. None: it has none for such a value.

    The dialect must go by the VR in the data set (`Reading`).
    """
    tag, vr, value = element
    assert isinstance(value, bytes)
    if vr in vrs.TEXT:
        return _in_utf_8(vr, unpadded(vr, value), charset, dialect)
    if dialect.reading is Reading.TEXT:
        return None
    if vr in _NUMBERS:
        return _numbers(vr, value)
    if vr == "AT":
        return "{:04x},{:04x}".format(*struct.unpack_from("<HH", value)) if len(value) >= 4 else None  # the first one
    own = vrs.of_tag(tag)
    if vr != "UN" or own not in vrs.TEXT:
        return None
    # Of what nobody knew it is only the padding of UN that is taken away (PS3.5 section 6.2.2).
    text = value.decode("latin-1").removesuffix("" if len(value) % 2 else "\0")
    return _in_utf_8(own, text, charset, dialect)


def declared(element: Element | None, reading: Reading) -> str:
    """The value of Specific Character Set in an element."""
    if element is None or isinstance(element.value, tuple):
        return ""
    text = element.value.decode("latin-1")
    if reading is Reading.ATTRIBUTE:
        return text.rstrip(" \0")
    if element.vr not in vrs.TEXT:
        return ""
    if reading is Reading.REPRESENTATION:
        text = text.partition("\0")[0]
    return "\\".join(term.strip(" ") for term in text.split("\\"))


def _in_utf_8(vr: str, text: str, charset: str, dialect: QueryDialect) -> str:
    if dialect.texts.answers_in is None or not texts.affected(vr):
        return text
    return texts.to_utf_8(text, charset, dialect.texts.undeclared)


def unpadded(vr: str, value: bytes) -> str:
    """The text of a value, which a NUL ends. In a UID, spaces don't count wherever they are."""
    text = value.decode("latin-1").split("\0")[0]
    return text.replace(" ", "") if vr == "UI" else text.rstrip(" ")


def _numbers(vr: str, value: bytes) -> str | None:
    size = struct.calcsize(f"<{_NUMBERS[vr]}")
    numbers = [number for (number,) in struct.iter_unpack(f"<{_NUMBERS[vr]}", value[: len(value) // size * size])]
    if not numbers:
        return None
    return "\\".join(_DIGITS[vr].format(number) if vr in _DIGITS else str(number) for number in numbers)


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
