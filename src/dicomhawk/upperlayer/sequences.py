"""Sequences of undefined length (PS3.5 section 7.5) in Implicit VR Little Endian, to get past them: a command set has
none, but some products read it as any data set."""

from __future__ import annotations

from struct import Struct

from .errors import ProtocolError, Quirk

UNDEFINED = 0xFFFFFFFF
DELIMITERS = 0xFFFE
"""The group of items and of what ends them."""
MAX_NESTING = 64
"""Sequences and items within each other; nothing real comes near it."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
_HEADER = Struct("<HHL")


def behind_sequence(data: bytes, position: int) -> int:
    """The offset behind a sequence whose first item should begin at `position`; the end, if nothing is left that
    can be an item.

    What an item of defined length holds isn't looked at. Raises `ProtocolError` with `Quirk.COMMAND_SET` if the
    sequence can't be followed to its end.
    """
    size = len(data)
    if size - position < _HEADER.size:
        return size
    in_items = [False]  # what the next header is in: an item, or a sequence
    while in_items:
        if size - position < _HEADER.size or len(in_items) > MAX_NESTING:
            raise ProtocolError(Quirk.COMMAND_SET, f"a sequence that does not end, at {position}")
        group, number, length = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        in_item = in_items[-1]
        if group == DELIMITERS and number == (_ITEM_END if in_item else _SEQUENCE_END):
            in_items.pop()
        elif in_item is (group == DELIMITERS) or not (in_item or number == _ITEM):
            raise ProtocolError(Quirk.COMMAND_SET, f"({group:04x},{number:04x}) where it can't be")
        elif length == UNDEFINED:
            in_items.append(not in_item)
        elif length > size - position:
            raise ProtocolError(Quirk.COMMAND_SET, f"{length} bytes in a sequence, of {size - position}")
        else:
            position += length
    return position
