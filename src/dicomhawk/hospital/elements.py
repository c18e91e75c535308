"""Data sets as bytes (PS3.5 section 7): a bounded reader and a writer for what strangers send and ask.

`decode` raises nothing but `ElementsError`, whatever the bytes. Values stay bytes, without interpretation, and
binary numbers in them are little endian whatever the transfer syntax, so that what was read in one syntax can
be written in another.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple, NoReturn, TypeAlias

from dicomhawk.hospital import vr as vrs

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"

MAX_ELEMENTS = 20_000
"""Elements and items of one data set, nested ones included: each costs us some 200 bytes of memory."""

MAX_DEPTH = 32
"""Sequences within sequences; no standard object nests deeper than about ten."""

MAX_INFLATED = 4 * 1024 * 1024
"""Bytes that a deflated data set may become: a thousand times more than an identifier needs."""

MAX_SHORT_LENGTH = 0xFFFE
"""Longest even value of an explicit VR with a 16-bit length."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_SEQUENCES = frozenset(("SQ", "UN"))
_FRAGMENTED = frozenset(("OB", "OW"))
_VR_NAMES = {name.encode(): name for name in vrs.LONG | vrs.SHORT}


class ElementsError(Exception):
    """The bytes are not a data set in the given transfer syntax, or one beyond our limits."""


class Element(NamedTuple):
    """One data element. `value`: the bytes with their padding, or the items of a sequence (VR ``SQ``)."""

    tag: int
    vr: str
    value: bytes | tuple[DataSet, ...]


DataSet: TypeAlias = dict[int, Element]


def plain_text(data_set: DataSet, tag: int) -> str:
    """A value without its padding, one character for each byte: a UID, a code string; empty if there is none."""
    element = data_set.get(tag)
    if element is None or not isinstance(element.value, bytes):
        return ""
    return element.value.decode("latin-1").strip("\0 ")


class _EndOfData(ElementsError):
    """The data ends within an element."""


def decode(
    data: bytes | memoryview,
    syntax: str,
    *,
    stop_at: int | None = None,
    head: bool = False,
    max_value: int | None = None,
    max_elements: int = MAX_ELEMENTS,
    lenient: bool = False,
) -> DataSet:
    """Read a data set in transfer syntax `syntax`; a UID that is not one of the four here is Explicit VR LE.

    Stops before the first element whose tag is `stop_at` or higher. With `head`, `data` is only the first part
    of something: what was read before it ends, or before it makes no sense, is returned, and nothing is raised.
    Values longer than `max_value` bytes are left out. Of elements with the same tag the last counts. With `lenient`
    the first counts, an item's delimiter ends the data set, and so does the end of the data within a header or
    behind it: a value that hasn't begun is empty; what isn't in capitals where a VR should be stands for a binary one
    of the short form. Raises `ElementsError`.
    """
    data = bytes(data)
    found: DataSet = {}
    try:
        if syntax == DEFLATED_LE:
            data = _inflate(data, head)
        decoder = _Decoder(data, syntax != IMPLICIT_LE, syntax == EXPLICIT_BE, max_value, max_elements, lenient)
        decoder.data_set(found, 0, len(data), 0, stop_at=stop_at)
    except ElementsError:
        if not head:
            raise
    return found


def decode_until(data: bytes | memoryview, syntax: str, stop_at: int) -> tuple[DataSet, int | None]:
    """Read the beginning of an object as `decode` does with `head`, and where the value of the first element begins
    whose tag is `stop_at` or higher; None: it isn't in `data`. Not for the deflated syntax. Never raises."""
    data = bytes(data)
    found: DataSet = {}
    decoder = _Decoder(data, syntax != IMPLICIT_LE, syntax == EXPLICIT_BE, None, MAX_ELEMENTS)
    try:
        at = decoder.data_set(found, 0, len(data), 0, stop_at=stop_at)
    except ElementsError:
        return found, None
    return found, at if at < len(data) else None


def encode(data_set: Mapping[int, Element], syntax: str) -> bytes:
    """Write a data set in transfer syntax `syntax`, in the order of tags, padded, with defined lengths.

    A value that is too long for its explicit VR is written as UN (PS3.5 section 6.2.2), and one longer than
    the 32-bit length can say raises `ElementsError`.
    """
    data = _encode(data_set, syntax != IMPLICIT_LE, ">" if syntax == EXPLICIT_BE else "<")
    return deflated(data) if syntax == DEFLATED_LE else data


def deflated(data: bytes) -> bytes:
    """A data set in Explicit VR Little Endian as the deflated syntax has it (PS3.5 section A.5)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    found = deflater.compress(data) + deflater.flush()
    return found + b"\0" * (len(found) % 2)


def padded(vr: str, value: bytes) -> bytes:
    """`value` with the padding of `vr` if its length is odd."""
    if len(value) % 2 == 0:
        return value
    return value + (b" " if vr in vrs.TEXT and vr not in vrs.NUL_PADDED else b"\0")


def header(tag: int, vr: str, length: int, *, explicit: bool, order: str = "<") -> bytes:
    """Tag, VR and length of an element; `order` is ``<`` or ``>``. Raises `ElementsError` for the length."""
    try:
        if not explicit:
            return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length)
        if vr in vrs.SHORT:
            return struct.pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length)
        return struct.pack(f"{order}HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    except struct.error:
        raise ElementsError(f"{length} bytes are too many for a value of {vr}") from None


def _encode(data_set: Mapping[int, Element], explicit: bool, order: str) -> bytes:
    parts: list[bytes] = []
    for tag in sorted(data_set):
        _, vr, value = data_set[tag]
        if isinstance(value, tuple):
            vr, value = "SQ", b"".join(_encode_item(item, explicit, order) for item in value)
        else:
            value = padded(vr, value)
            if explicit and len(value) > MAX_SHORT_LENGTH and vr in vrs.SHORT:
                vr = "UN"
            elif order == ">":
                value = vrs.swapped(vr, value)
        parts += (header(tag, vr, len(value), explicit=explicit, order=order), value)
    return b"".join(parts)


def _encode_item(item: Mapping[int, Element], explicit: bool, order: str) -> bytes:
    value = _encode(item, explicit, order)
    return struct.pack(f"{order}HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(value)) + value


def _inflate(data: bytes, head: bool) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, MAX_INFLATED + 1)
    except zlib.error as error:
        raise ElementsError(f"not a deflated data set: {error}") from None
    if not head and len(inflated) > MAX_INFLATED:
        raise ElementsError(f"inflates to more than {MAX_INFLATED} bytes")
    if not head and not inflater.eof:
        raise ElementsError("the deflated data set is incomplete")
    return inflated


class _Decoder:
    """Reads `data`; positions and ends are offsets into it, and an end is never beyond it."""

    def __init__(
        self,
        data: bytes,
        explicit: bool,
        big_endian: bool,
        max_value: int | None,
        max_elements: int,
        lenient: bool = False,
    ) -> None:
        self._data = data
        self._explicit = explicit
        self._swap = big_endian
        order = ">" if big_endian else "<"
        self._tag_and_length = struct.Struct(f"{order}HHI").unpack_from
        self._tag_vr_length = struct.Struct(f"{order}HH2sH").unpack_from
        self._length = struct.Struct(f"{order}I").unpack_from
        self._max_value = len(data) if max_value is None else max_value
        self._left = max_elements
        self._lenient = lenient

    def data_set(
        self, found: DataSet, at: int, end: int, depth: int, *, stop_at: int | None = None, item: bool = False
    ) -> int:
        """Read elements into `found` up to `end`, or with `item` up to the item's delimiter; where it ended."""
        lenient = self._lenient
        value: bytes | tuple[DataSet, ...]
        while at < end:
            if lenient and depth == 0 and end - at < 8:
                return end
            tag, vr, length, at = self._header(at, end)
            if tag >> 16 == 0xFFFE:
                if (item or (lenient and depth == 0)) and tag == _ITEM_END:
                    return at
                self._fail(f"a delimiter {tag:08X} outside its sequence", at)
            if stop_at is not None and tag >= stop_at:
                return at
            self._count(at)
            if lenient and depth == 0 and length and end - at < (8 if vr == "SQ" else 1):
                value, at = () if vr == "SQ" else b"", end
            elif length == _UNDEFINED:
                value, at = self._undefined(vr, at, end, depth)
                vr = "SQ" if isinstance(value, tuple) else vr
            elif length > end - at:
                raise _EndOfData(f"the value of {tag:08X} at {at} claims {length} bytes of {end - at}")
            elif vr == "SQ":
                value, at = self._items(at, at + length, depth + 1), at + length
            elif length > self._max_value:
                at += length
                continue
            else:
                value = self._data[at : at + length]
                at += length
                if self._swap:
                    value = vrs.swapped(vr, value)
            if not lenient or tag not in found:
                found[tag] = Element(tag, vr, value)
        if item:
            raise _EndOfData(f"an item without its delimiter at {at}")
        return at

    def _header(self, at: int, end: int) -> tuple[int, str, int, int]:
        """Tag, VR, length of the element at `at`, and where its value begins."""
        if end - at < 8:
            raise _EndOfData(f"{end - at} bytes left at {at} for an element")
        if not self._explicit:
            group, element, length = self._tag_and_length(self._data, at)
            tag = group << 16 | element
            return tag, vrs.of_tag(tag), length, at + 8
        group, element, code, length = self._tag_vr_length(self._data, at)
        tag = group << 16 | element
        if group == 0xFFFE:
            return tag, "", 0, at + 8
        vr = _VR_NAMES.get(code)
        if vr in vrs.SHORT:
            return tag, vr, length, at + 8
        if vr is None:
            # A VR of a later edition of the standard has a 32-bit length (PS3.5 section 7.1.2).
            if not (code.isalpha() and code.isupper()):
                if not self._lenient:
                    self._fail(f"no VR in {tag:08X}", at)
                return tag, "OB", length, at + 8
            vr = "UN"
        if end - at < 12:
            raise _EndOfData(f"{end - at} bytes left at {at} for an element")
        return tag, vr, self._length(self._data, at + 8)[0], at + 12

    def _undefined(self, vr: str, at: int, end: int, depth: int) -> tuple[bytes | tuple[DataSet, ...], int]:
        """The value of undefined length at `at`, and where it ended."""
        if vr in _FRAGMENTED:
            return self._fragments(at, end)
        if vr not in _SEQUENCES:
            self._fail(f"undefined length of a value of {vr}", at)
        if vr == "UN" and self._explicit:
            # A sequence that somebody did not know is in Implicit VR Little Endian (PS3.5 section 6.2.2).
            inner = _Decoder(self._data, False, False, self._max_value, self._left)
            items, at = inner._sequence(at, end, depth + 1)
            self._left = inner._left
            return items, at
        return self._sequence(at, end, depth + 1)

    def _items(self, at: int, end: int, depth: int) -> tuple[DataSet, ...]:
        """The items that fill the data from `at` to `end`."""
        found: list[DataSet] = []
        while at < end:
            item, at = self._item(at, end, depth)
            if item is None:
                break  # a needless delimiter, as some writers leave it
            found.append(item)
        return tuple(found)

    def _sequence(self, at: int, end: int, depth: int) -> tuple[tuple[DataSet, ...], int]:
        """The items from `at` to the sequence's delimiter, and where that ended."""
        found: list[DataSet] = []
        while True:
            item, at = self._item(at, end, depth)
            if item is None:
                return tuple(found), at
            found.append(item)

    def _item(self, at: int, end: int, depth: int) -> tuple[DataSet | None, int]:
        if depth > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} sequences within each other", at)
        tag, length, at = self._item_header(at, end)
        if tag == _SEQUENCE_END:
            return None, at
        found: DataSet = {}
        if length == _UNDEFINED:
            return found, self.data_set(found, at, end, depth, item=True)
        return found, self.data_set(found, at, at + length, depth)

    def _fragments(self, at: int, end: int) -> tuple[bytes, int]:
        """The fragments of an encapsulated value, joined (PS3.5 section A.4)."""
        found: list[bytes] = []
        while True:
            tag, length, at = self._item_header(at, end)
            if tag == _SEQUENCE_END:
                return b"".join(found), at
            if length == _UNDEFINED:
                self._fail("undefined length of a fragment", at)
            found.append(self._data[at : at + length] if length <= self._max_value else b"")
            at += length

    def _item_header(self, at: int, end: int) -> tuple[int, int, int]:
        """Tag and length of the item or delimiter at `at`, and where its value begins."""
        if end - at < 8:
            raise _EndOfData(f"{end - at} bytes left at {at} for an item")
        group, element, length = self._tag_and_length(self._data, at)
        tag = group << 16 | element
        at += 8
        if tag == _SEQUENCE_END:
            return tag, 0, at
        if tag != _ITEM:
            self._fail(f"{tag:08X} where an item should be", at)
        self._count(at)
        if length != _UNDEFINED and length > end - at:
            raise _EndOfData(f"the item at {at} claims {length} bytes of {end - at}")
        return tag, length, at

    def _count(self, at: int) -> None:
        self._left -= 1
        if self._left < 0:
            self._fail("too many elements", at)

    def _fail(self, what: str, at: int) -> NoReturn:
        raise ElementsError(f"{what} (at byte {at})")
