"""Reading a journal piece by piece, from wherever one left off: for readers who keep their place themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .journal import MAX_LINE, SUFFIX
from .spool import segments

PIECE = 1 << 20
"""Bytes read of a segment at once."""


class Piece(NamedTuple):
    """Whole lines of a segment, one after the other."""

    segment: str
    """Name of the file."""
    begin: int
    end: int
    """Bytes from the segment's beginning: where to go on."""
    lines: list[bytes]
    """Without their newlines. Whether each is an event is for the reader to see."""


def pieces(folder: Path, places: Mapping[str, int], piece: int = PIECE) -> Iterator[Piece]:
    """What stands behind `places` (segment -> bytes that were read), by day, writer and number.

    A last line that isn't whole is left for later: its writer may be at it. If the writer died at it, it goes on in
    another segment, and nobody ever needs the line.
    """
    for _, _, _, path in segments(folder, SUFFIX):
        offset = places.get(path.name, 0)
        try:
            if path.stat().st_size <= offset:
                continue
            with path.open("rb") as file:
                while found := _next(path.name, offset, file, piece):
                    yield found
                    offset = found.end
        except FileNotFoundError:
            continue


def ends(folder: Path) -> dict[str, int]:
    """The place behind everything that was written so far."""
    found = {}
    for _, _, _, path in segments(folder, SUFFIX):
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - MAX_LINE))
                tail = file.read()
        except FileNotFoundError:
            continue
        whole = tail.rfind(b"\n") + 1
        found[path.name] = size - len(tail) + whole
    return found


def _next(name: str, offset: int, file: BinaryIO, piece: int) -> Piece | None:
    file.seek(offset)
    data = file.read(piece)
    end = data.rfind(b"\n") + 1
    while data and not end and len(data) < MAX_LINE:
        more = file.read(PIECE)
        if not more:
            return None
        data += more
        end = data.rfind(b"\n") + 1
    if not data:
        return None
    if not end:  # longer than any line of ours; nor is the rest of it an event
        return Piece(name, offset, offset + len(data), [])
    return Piece(name, offset, offset + end, data[: end - 1].split(b"\n"))
