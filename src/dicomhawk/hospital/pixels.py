"""Where the frames of an object are (PS3.5 section 8 and annex A.4), without a look at their samples."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final, NamedTuple

from .charset import of_data_set
from .elements import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, DataSet, decode_until
from .matching import key_text, split

HEAD: Final = 256 << 10
"""Bytes within which the pixels of nearly all objects begin; only if they don't is more read."""

LONGEST_HEAD: Final = 16 << 20
"""Bytes within which they must begin: what is read is copied, and visitors' objects may have gigabytes."""

MAX_FRAGMENTS: Final = 200_000
"""Fragments that are counted: two hours of video at 25 frames a second."""

PIXEL_DATA: Final = 0x7FE00010
FIRST_PIXELS: Final = 0x7FE00008
"""Float Pixel Data; Double Float Pixel Data and Pixel Data follow."""

_UNCOMPRESSED: Final = frozenset((IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE))
_ITEM: Final = 0xFFFEE000
_UNDEFINED: Final = 0xFFFFFFFF


class PixelsError(Exception):
    """The object has no such frame, or its frames can't be found."""


class Shape(NamedTuple):
    """Attributes of the Image Pixel module (PS3.3 C.7.6.3); 0 and empty where they are absent."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: bool
    photometric: str

    @property
    def frame_bits(self) -> int:
        """Bits of an uncompressed frame."""
        if self.photometric == "YBR_FULL_422":
            return self.rows * self.columns * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples * self.bits_allocated


def text_of(head: DataSet, tag: int) -> str:
    """The value of an attribute as text; empty if it is absent."""
    element = head.get(tag)
    return key_text(element, of_data_set(head)) if element is not None else ""


def texts_of(head: DataSet, tag: int) -> list[str]:
    """The values of an attribute as text."""
    element = head.get(tag)
    return split(element.vr, key_text(element, of_data_set(head))) if element is not None else []


def number_of(head: DataSet, tag: int, default: int = 0) -> int:
    """The first value of an attribute as an integer of at most nine digits."""
    first = next(iter(texts_of(head, tag)), "")
    return int(first) if first.isdecimal() and first.isascii() and len(first) < 10 else default


def shape_of(head: DataSet) -> Shape:
    """What a data set says about its pixels. Never raises."""
    allocated = number_of(head, 0x00280100)
    return Shape(
        rows=number_of(head, 0x00280010),
        columns=number_of(head, 0x00280011),
        samples=number_of(head, 0x00280002, 1),
        frames=max(1, number_of(head, 0x00280008, 1)),
        bits_allocated=allocated,
        bits_stored=number_of(head, 0x00280101, allocated),
        signed=number_of(head, 0x00280103) == 1,
        planar=number_of(head, 0x00280006) == 1,
        photometric=text_of(head, 0x00280004).upper(),
    )


class Pixels:
    """The pixel data of an object. `data` is its data set in `syntax`. Raises `PixelsError` if it has none."""

    def __init__(self, data: memoryview, syntax: str) -> None:
        if syntax == DEFLATED_LE:
            raise PixelsError("the object is deflated")
        self._data = data
        self.syntax = syntax
        self.head, at = decode_until(data[:HEAD], syntax, FIRST_PIXELS)
        if at is None and len(data) > HEAD:
            self.head, at = decode_until(data[:LONGEST_HEAD], syntax, FIRST_PIXELS)
        if at is None:
            raise PixelsError("the object has no pixels")
        self.shape = shape_of(self.head)
        order = ">" if syntax == EXPLICIT_BE else "<"
        explicit = syntax != IMPLICIT_LE
        start = at - (12 if explicit else 8)
        group, number = struct.unpack_from(f"{order}HH", data, start)
        self.tag: int = group << 16 | number
        if not FIRST_PIXELS <= self.tag <= PIXEL_DATA:
            raise PixelsError("the object has no pixels")
        (length,) = struct.unpack_from(f"{order}I", data, at - 4)
        self.offset = at
        """Where the value begins."""
        self.encapsulated = length == _UNDEFINED
        if not self.encapsulated and length > len(data) - at:
            raise PixelsError("the pixels are cut off")
        self.length = 0 if self.encapsulated else int(length)
        """Bytes of the value, if it isn't encapsulated."""
        self._frames: list[list[tuple[int, int]]] | None = None

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.shape.frames

    def frame(self, number: int) -> memoryview | bytes:
        """Frame `number`, from 1: its samples as they are in the data set, or its compressed stream.

        Raises `PixelsError`.
        """
        if not 1 <= number <= self.count:
            raise PixelsError(f"there is no frame {number}")
        if self.encapsulated:
            if self._frames is None:
                self._frames = self._find_frames()
            pieces = [self._data[start : start + length] for start, length in self._frames[number - 1]]
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        bits = self.shape.frame_bits
        if not bits or bits % 8:
            raise PixelsError("a frame is no whole number of bytes")
        size = bits // 8
        if number * size > self.length:
            raise PixelsError(f"the pixels of frame {number} are missing")
        start = self.offset + (number - 1) * size
        return self._data[start : start + size]

    def _find_frames(self) -> list[list[tuple[int, int]]]:
        """Where the fragments of each frame are."""
        table, fragments = self._fragments()
        count = self.count
        if len(fragments) == count:
            return [[each] for each in fragments]
        if count == 1 and fragments:
            return [fragments]
        if len(table) != count:
            raise PixelsError("it isn't clear which fragments are a frame")
        # Offsets count from the first fragment's item.
        first = fragments[0][0] - 8 if fragments else 0
        starts = {start - 8 - first: place for place, (start, _) in enumerate(fragments)}
        if any(offset not in starts for offset in table):
            raise PixelsError("the offset table points between the fragments")
        places = [*(starts[offset] for offset in table), len(fragments)]
        found = [fragments[low:high] for low, high in pairwise(places)]
        if not all(found):
            raise PixelsError("the offset table isn't in order")
        return found

    def samples(self) -> memoryview:
        """The value of pixels that aren't encapsulated."""
        return self._data[self.offset : self.offset + self.length]

    def items(self) -> list[memoryview]:
        """The items of encapsulated pixels: the Basic Offset Table, and the fragments. Raises `PixelsError`."""
        return [self._data[start : start + length] for start, length in self._items()]

    def _fragments(self) -> tuple[list[int], list[tuple[int, int]]]:
        """The Basic Offset Table, and where the fragments are."""
        found = self._items()
        start, length = found[0]
        table = struct.unpack_from(f"<{length // 4}I", self._data, start)
        return list(table), found[1:]

    def _items(self) -> list[tuple[int, int]]:
        """Where the items are; there is one at least."""
        data, at = self._data, self.offset
        found: list[tuple[int, int]] = []
        while len(found) <= MAX_FRAGMENTS:
            if len(data) - at < 8:
                break
            group, element, length = struct.unpack_from("<HHI", data, at)
            at += 8
            if group << 16 | element != _ITEM:
                break
            if length > len(data) - at:
                raise PixelsError("a fragment is cut off")
            found.append((at, length))
            at += length
        if not found or len(found) > MAX_FRAGMENTS:
            raise PixelsError("there are no fragments, or too many")
        return found
