"""Where a product cuts a message that doesn't part an element's header: at the end of what fits before it.

It follows the elements of an encoded data set (PS3.5 section 7.1, 7.5) only as far as that takes: into sequences and
items of undefined length, and into all of Explicit VR. What can't be followed is cut anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_UNDEFINED = 0xFFFFFFFF
_DELIMITERS = 0xFFFE
_SHORT_HEADER, _LONG_HEADER = 8, 12


def cuts(
    data: bytes | memoryview, piece: int, *, explicit: bool, big_endian: bool = False
) -> Iterator[tuple[int, int]]:
    """Beginning and end of each piece of `data`, none longer than `piece` bytes, in which no header is parted.

    `piece` is at least 12, the length of the longest header.
    """
    begin = 0
    for start, header in _headers(data, explicit=explicit, order="big" if big_endian else "little"):
        while start - begin > piece:
            yield begin, begin + piece
            begin += piece
        if start + header - begin > piece:
            yield begin, start
            begin = start
    while len(data) - begin > piece:
        yield begin, begin + piece
        begin += piece
    yield begin, len(data)


def _headers(data: bytes | memoryview, *, explicit: bool, order: str) -> Iterator[tuple[int, int]]:
    """Beginning and length of each header."""
    position, end = 0, len(data)
    while end - position >= _SHORT_HEADER:
        group = int.from_bytes(data[position : position + 2], order)  # type: ignore[arg-type]
        header, descend = _SHORT_HEADER, group == _DELIMITERS
        length_at, length_size = position + 4, 4
        if explicit and not descend:
            vr = bytes(data[position + 4 : position + 6])
            descend = vr == b"SQ"
            if vr in _LONG:
                header, length_at = _LONG_HEADER, position + 8
            else:
                length_at, length_size = position + 6, 2
        length = int.from_bytes(data[length_at : length_at + length_size], order)  # type: ignore[arg-type]
        yield position, header
        position += header
        if not (descend or length == _UNDEFINED):
            position += length
