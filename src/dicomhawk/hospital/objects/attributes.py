"""Building a data set from keywords and Python values, as the machines that we pose as would have written it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Self

from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element, encode
from dicomhawk.hospital.registry import tag_for_keyword, vr_of_tag

Scalar = str | int | float
Value = Scalar | Sequence[Scalar] | None

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_ENCAPSULATED = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"  # Pixel Data of undefined length
_AMBIGUOUS = {"US or SS": "US", "OB or OW": "OW"}


@cache
def _look_up(keyword: str) -> tuple[int, str]:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is not in the data dictionary")
    vr = vr_of_tag(tag)
    return tag, _AMBIGUOUS.get(vr, vr)


def decimal(number: float) -> str:
    """A decimal string (VR DS) of at most 16 characters, in the shortest form."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    return f"{number:.10g}"[:16] if len(text) > 16 else ("0" if text in ("-0", "") else text)


def padded_decimal(number: float) -> str:
    """A decimal string with six decimals, as the machines of one maker write it."""
    return f"{number:.6f}"[:16]


class Attributes:
    """A data set under construction.

    None stands for an empty value. Text is encoded in the character set of the data set, which is what the
    hospital uses; characters that it lacks are replaced.
    """

    def __init__(self, charset: str) -> None:
        self._charset = character_set(charset)
        self.data_set: DataSet = {}
        self._compressed = b""

    def set(self, **values: Value) -> Self:
        """Set attributes by their keywords."""
        for keyword, value in values.items():
            tag, vr = _look_up(keyword)
            self.data_set[tag] = Element(tag, vr, self._bytes(vr, value))
        return self

    def as_vr(self, vr: str, **values: Value) -> Self:
        """Set attributes whose VR depends on others, such as Pixel Padding Value."""
        for keyword, value in values.items():
            tag, _ = _look_up(keyword)
            self.data_set[tag] = Element(tag, vr, self._bytes(vr, value))
        return self

    def raw(self, keyword: str, vr: str, value: bytes) -> Self:
        """Set an attribute to bytes."""
        tag, _ = _look_up(keyword)
        self.data_set[tag] = Element(tag, vr, value)
        return self

    def items(self, keyword: str, *items: Attributes) -> Self:
        """Set a sequence."""
        tag, _ = _look_up(keyword)
        self.data_set[tag] = Element(tag, "SQ", tuple(item.data_set for item in items))
        return self

    def private(self, group: int, creator: str, *elements: tuple[int, str, Value]) -> Self:
        """Add a private block: each element is its number within the block, its VR and its value."""
        block = 0x10
        while (group << 16 | block) in self.data_set:
            block += 1
        tag = group << 16 | block
        self.data_set[tag] = Element(tag, "LO", self._bytes("LO", creator))
        for number, vr, value in elements:
            tag = group << 16 | block << 8 | number
            self.data_set[tag] = Element(tag, vr, self._bytes(vr, value))
        return self

    def encapsulate(self, value: bytes) -> Self:
        """Set Pixel Data, the last element, to encapsulated frames and their delimiter (PS3.5 A.4)."""
        self._compressed = _ENCAPSULATED + value
        return self

    def encode(self) -> bytes:
        """The data set in Explicit VR Little Endian, with compressed pixel data if there is."""
        return encode(self.data_set, EXPLICIT_LE) + self._compressed

    def _bytes(self, vr: str, value: Value) -> bytes:
        if value is None:
            return b""
        values: Sequence[Scalar] = [value] if isinstance(value, str | int | float) else value
        if vr in _BINARY:
            return struct.pack(f"<{len(values)}{_BINARY[vr]}", *values)
        text = "\\".join(decimal(v) if isinstance(v, float) else str(v) for v in values)
        encoded = self._charset.encode(text)
        return text.encode("ascii", "replace") if encoded is None else encoded
