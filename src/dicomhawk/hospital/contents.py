"""What of an object is told apart from its bulk data: its attributes, and single values."""

from __future__ import annotations

from typing import Final

from .elements import DEFLATED_LE, DataSet, Element, ElementsError, decode
from .json_model import parse_tag_path, value_at
from .pixels import Pixels, PixelsError

LARGE: Final = 64 << 10
"""Bytes from which on reading takes more than a millisecond, and belongs in a thread."""
MAX_READ: Final = 64 << 20
"""Bytes of an object without pixels that are read: documents and waveforms are far smaller."""

_PLACEHOLDER: Final = bytes(16)


def attributes_of(data: memoryview, syntax: str) -> DataSet:
    """The attributes of an object; those from the pixels on are left out, and the value of the pixels themselves is
    not theirs but says that there is one. What can't be read to its end is what was read. Never raises."""
    try:
        pixels = Pixels(data, syntax)
    except PixelsError:
        return decode(data[:MAX_READ], syntax, head=True)
    found = dict(pixels.head)
    vr = "OB" if pixels.encapsulated or pixels.shape.bits_allocated <= 8 else "OW"
    found[pixels.tag] = Element(pixels.tag, vr, _PLACEHOLDER)
    return found


def value_of(data: memoryview, syntax: str, path: str) -> memoryview | bytes | None:
    """The value at a path as in `json_model.Manner`, in little endian, or of encapsulated pixels their fragments in
    one; None: there is none, or it is a sequence. Never raises."""
    tags = parse_tag_path(path)
    if tags is None:
        return None
    if len(tags) == 1 and syntax != DEFLATED_LE:
        try:
            pixels = Pixels(data, syntax)
            if tags[0] == pixels.tag:
                if not pixels.encapsulated:
                    return data[pixels.offset : pixels.offset + pixels.length]
                return b"".join(bytes(pixels.frame(number)) for number in range(1, pixels.count + 1))
            found = value_at(pixels.head, tags)
        except PixelsError:
            found = value_at(_all(data, syntax), tags)
    else:
        found = value_at(_all(data, syntax), tags)
    return None if found is None or isinstance(found.value, tuple) else found.value


def _all(data: memoryview, syntax: str) -> DataSet:
    try:
        return decode(data[:MAX_READ], syntax, head=True, stop_at=0x7FE00000)
    except ElementsError:
        return {}
