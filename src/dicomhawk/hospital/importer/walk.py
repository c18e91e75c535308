"""Finding the pixel data of a data set in a file without reading what is before it (PS3.5 section 7)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import IO

from dicomhawk.hospital import vr as vrs

PIXEL_DATA = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
"""Float, double float and integer pixel data."""

MAX_DEPTH = 32
"""Sequences within sequences; no standard object nests deeper than about ten."""

_LAST_BEFORE_TRAILER = 0x7FE0FFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF


class Unreadable(Exception):
    """The file can't be read as DICOM; the message says why, in words for the operator."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """The one element that is copied and never parsed: offsets of header, value and end in the data set's file."""

    start: int
    value: int
    end: int


def find_pixels(
    file: IO[bytes], start: int, *, explicit: bool, little_endian: bool, max_elements: int
) -> tuple[int, Pixels | None]:
    """Where what precedes the pixel data of the data set from `start` on ends, and the pixel data, if any.

    What follows the pixel data (signatures, padding) is left out. Raises `Unreadable`.
    """
    size = file.seek(0, os.SEEK_END)
    walker = _Walker(file, size, little_endian, max_elements)
    at = start
    while at < size:
        tag, vr, length, value = walker.element(at, explicit)
        if tag > _LAST_BEFORE_TRAILER:
            break
        end = walker.end(value, length, explicit and vr != "UN")
        if tag in PIXEL_DATA:
            return at, Pixels(at, value, end)
        at = end
    return at, None


class _Walker:
    """Steps over elements and items by their lengths alone."""

    def __init__(self, file: IO[bytes], size: int, little_endian: bool, max_elements: int) -> None:
        self._file = file
        self._size = size
        self._left = max_elements
        order = "<" if little_endian else ">"
        self._tag_and_length = struct.Struct(order + "HHL")
        self._vr_and_length = struct.Struct(order + "2sH")
        self._length = struct.Struct(order + "L")

    def element(self, at: int, explicit: bool) -> tuple[int, str, int, int]:
        """Tag, VR (empty if not explicit), length of the element at `at`, and where its value begins."""
        header = self._read(at)
        group, element, length = self._tag_and_length.unpack_from(header)
        tag = group << 16 | element
        if not explicit or group == 0xFFFE:
            return tag, "", length, at + 8
        code, length = self._vr_and_length.unpack_from(header, 4)
        vr = code.decode("latin-1")
        if vr in vrs.SHORT:
            return tag, vr, length, at + 8
        if not (code.isalpha() and code.isupper()):
            raise Unreadable(f"its data set is damaged: no VR in {tag:08X} (at byte {at})")
        if len(header) < 12:
            raise Unreadable("it is cut short")
        return tag, vr, self._length.unpack_from(header, 8)[0], at + 12

    def end(self, at: int, length: int, explicit: bool) -> int:
        """Where the value that begins at `at` ends; `explicit`: items in it have VRs."""
        if length != _UNDEFINED:
            return self._skipped(at, length)
        inside = [(True, explicit)]  # sequences (True) and items (False) of undefined length that we are in
        while inside:
            in_sequence, explicit = inside[-1]
            tag, vr, length, at = self.element(at, explicit and not in_sequence)
            if tag == (_SEQUENCE_END if in_sequence else _ITEM_END):
                inside.pop()
            elif in_sequence != (tag == _ITEM):
                raise Unreadable(f"its data set is damaged: {tag:08X} is out of place (at byte {at - 8})")
            elif length != _UNDEFINED:
                at = self._skipped(at, length)
            elif len(inside) > 2 * MAX_DEPTH:
                raise Unreadable(f"it has more than {MAX_DEPTH} sequences within each other")
            else:
                inside.append((not in_sequence, explicit and vr != "UN"))
        return at

    def _skipped(self, at: int, length: int) -> int:
        if length > self._size - at:
            raise Unreadable("it is cut short")
        return at + length

    def _read(self, at: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise Unreadable("it has too many elements")
        self._file.seek(at)
        header = self._file.read(12)
        if len(header) < 8:
            raise Unreadable("it is cut short")
        return header
