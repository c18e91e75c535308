"""Whether a data set can be read to its end (PS3.5 section 7), told from its bytes as they come.

Nothing of it is kept, however long it is: `Structure` follows tags, lengths and nesting, and skips values.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import Struct

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.elements import DEFLATED_LE, EXPLICIT_BE, IMPLICIT_LE, ElementsError
from dicomhawk.hospital.pixels import PIXEL_DATA

MAX_NESTING = 256
"""Sequences within sequences that are followed; nothing real comes near it."""
MAX_INFLATED = 64 << 20
"""Bytes of a deflated data set that are looked at; the rest is taken for good."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_STEP = 1 << 20
_VRS = {name.encode(): name for name in vrs.LONG | vrs.SHORT}

_LITTLE_TAG, _LITTLE_LONG = Struct("<HH").unpack_from, Struct("<I").unpack_from

_DATA_SET, _SEQUENCE, _FRAGMENTS = range(3)


class _Frame:
    """What the next element is in: `end` is its offset, None if a delimiter ends it."""

    __slots__ = ("end", "explicit", "filled", "kind")

    def __init__(self, kind: int, end: int | None, explicit: bool) -> None:
        self.kind = kind
        self.end = end
        self.explicit = explicit
        self.filled = False  # there is an element in it


@dataclass(frozen=True)
class Manner:
    """What is let pass. The defaults let nothing pass."""

    ends_in_header: bool = False
    """The data set may end within the header of an element or item."""
    ends_before_value: bool = False
    """It may end behind the header of an element, where the value should begin."""
    other_vrs: bool = False
    """Two bytes that are no VR may stand for one: with a length of 32 bits if they are capitals, else of 16."""
    fragments_anywhere: bool = True
    """Binary values other than Pixel Data may be in fragments, too."""
    loose_items: bool = False
    """Items and sequences may be longer than what they are in."""


STRICT = Manner()


class Structure:
    """Reads a data set in transfer syntax `syntax`; a UID that is not one of the four here is Explicit VR LE."""

    __slots__ = (
        "_at",
        "_frames",
        "_fresh",
        "_inflated",
        "_inflater",
        "_long",
        "_manner",
        "_rest",
        "_short",
        "_skip",
        "_stopped",
        "_tag",
    )

    def __init__(self, syntax: str, manner: Manner = STRICT) -> None:
        self._manner = manner
        self._fresh = False  # nothing has come since the header of an element
        order = ">" if syntax == EXPLICIT_BE else "<"
        self._tag = Struct(f"{order}HH").unpack_from
        self._short = Struct(f"{order}H").unpack_from
        self._long = Struct(f"{order}I").unpack_from
        self._frames = [_Frame(_DATA_SET, None, syntax != IMPLICIT_LE)]
        self._at = 0  # offset of what comes next
        self._skip = 0  # bytes of a value that are still to come
        self._rest = b""  # the beginning of a header
        self._stopped = False  # by a delimiter; what follows isn't looked at
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if syntax == DEFLATED_LE else None
        self._inflated = 0

    @property
    def lenient(self) -> bool:
        """Whether something is let pass."""
        return self._manner != STRICT

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes. Raises `ElementsError` as soon as they can't be read."""
        if self._inflater is None:
            self._follow(data)
            return
        pending, more = bytes(data), True
        # What is behind the end stays in `unconsumed_tail`, however often it is offered again.
        while (pending or more) and not self._inflater.eof and self._inflated < MAX_INFLATED:
            try:
                found = self._inflater.decompress(pending, _STEP)
            except zlib.error as error:
                raise ElementsError(f"not a deflated data set: {error}") from None
            pending, more = self._inflater.unconsumed_tail, len(found) == _STEP
            self._inflated += len(found)
            self._follow(found)

    def finish(self) -> None:
        """There is no more. Raises `ElementsError` if something is missing."""
        if self._inflated >= MAX_INFLATED:
            return
        self._leave_full_frames()
        manner = self._manner
        if self._rest:
            passes = manner.ends_in_header
        elif self._fresh:
            passes = manner.ends_before_value
        else:
            frame = self._frames[-1]
            of_defined_item = manner.loose_items and frame.kind == _DATA_SET and frame.end is not None
            passes = not self._skip and (len(self._frames) == 1 or (of_defined_item and frame.filled))
        if not passes:
            raise ElementsError(f"the data set ends within an element, at {self._at}")

    def _follow(self, data: bytes | memoryview) -> None:
        place, size = 0, len(data)
        while place < size and not self._stopped:
            if self._skip:
                step = min(self._skip, size - place)
                self._fresh = False
                self._skip -= step
                self._at += step
                place += step
                continue
            kept = len(self._rest)
            header = self._rest + bytes(data[place : place + 12 - kept])
            used = self._header(header)
            if not used:
                self._rest = header
                return
            self._rest = b""
            place += used - kept

    def _header(self, header: bytes) -> int:
        """Take the header of an element, an item or a delimiter; its length, 0 if there is more of it to come."""
        self._leave_full_frames()
        if len(header) < 8:
            return 0
        frame = self._frames[-1]
        self._fresh = False
        # What is in UN of undefined length is in Implicit VR Little Endian, whatever the rest is in.
        tag_at, length_at = (self._tag, self._long) if frame.explicit else (_LITTLE_TAG, _LITTLE_LONG)
        group, number = tag_at(header)
        tag = group << 16 | number
        if frame.kind != _DATA_SET or group == 0xFFFE:
            self._at += 8
            self._delimiter(tag, length_at(header, 4)[0])
            return 8
        if not frame.explicit:
            vr, length, used = vrs.of_tag(tag), length_at(header, 4)[0], 8
        else:
            code = header[4:6]
            vr = _VRS.get(code, "")
            if not vr:
                vr = "UN" if code.isalpha() and code.isupper() else "CS"
                if vr == "CS" and not self._manner.other_vrs:
                    raise ElementsError(f"no VR in {tag:08X} at {self._at}")
            if vr in vrs.SHORT:
                length, used = self._short(header, 6)[0], 8
            elif len(header) < 12:
                return 0
            else:
                length, used = self._long(header, 8)[0], 12
        self._at += used
        self._value(tag, vr, length)
        return used

    def _value(self, tag: int, vr: str, length: int) -> None:
        frame = self._frames[-1]
        frame.filled = True
        if length == _UNDEFINED:
            if vr in ("OB", "OW") and (tag == PIXEL_DATA or self._manner.fragments_anywhere):
                self._enter(_FRAGMENTS, None, frame.explicit)
            elif vr in ("SQ", "UN"):
                # A sequence that somebody did not know is in Implicit VR Little Endian (PS3.5 section 6.2.2).
                self._enter(_SEQUENCE, None, frame.explicit and vr != "UN")
            elif vr in ("OB", "OW") or not self._manner.ends_before_value:
                raise ElementsError(f"undefined length of a value of {vr}, at {self._at}")
            else:
                self._skip = length  # more than comes
            self._fresh = True
            return
        self._demand(length, f"the value of {tag:08X}")
        if vr == "SQ":
            self._enter(_SEQUENCE, self._at + length, frame.explicit)
        else:
            self._skip = length
        self._fresh = length > 0

    def _delimiter(self, tag: int, length: int) -> None:
        frame = self._frames[-1]
        if len(self._frames) == 1 and tag == _ITEM_END and self._manner.loose_items:
            self._stopped = True
        elif tag == (_ITEM_END if frame.kind == _DATA_SET else _SEQUENCE_END) and len(self._frames) > 1:
            if frame.end is None:
                self._frames.pop()
        elif frame.kind == _DATA_SET or tag != _ITEM:
            raise ElementsError(f"{tag:08X} where it can't be, at {self._at}")
        elif frame.kind == _FRAGMENTS:
            if length == _UNDEFINED:
                raise ElementsError(f"undefined length of a fragment, at {self._at}")
            self._skip = length
        else:
            if length != _UNDEFINED:
                self._demand(length, "an item")
            self._enter(_DATA_SET, None if length == _UNDEFINED else self._at + length, frame.explicit)

    def _demand(self, length: int, what: str) -> None:
        """Raise unless `length` bytes fit into the nearest frame with an end."""
        if self._manner.loose_items:
            frame = self._frames[-1]
            if frame.kind == _DATA_SET and frame.end is not None and 0 <= frame.end - self._at < length:
                raise ElementsError(f"{what} at {self._at} claims {length} bytes of {frame.end - self._at}")
            return
        end = next((frame.end for frame in reversed(self._frames) if frame.end is not None), None)
        if end is not None and self._at + length > end:
            raise ElementsError(f"{what} at {self._at} claims {length} bytes of {end - self._at}")

    def _enter(self, kind: int, end: int | None, explicit: bool) -> None:
        if len(self._frames) > MAX_NESTING:
            raise ElementsError(f"more than {MAX_NESTING} sequences within each other")
        self._frames.append(_Frame(kind, end, explicit))

    def _leave_full_frames(self) -> None:
        while self._frames[-1].end is not None and self._at >= self._frames[-1].end:
            self._frames.pop()
