"""The two streams of a connection as they were on the wire: transcripts with the bytes of objects put in again."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from ..evidence.transcript import (
    Ended,
    Gap,
    ObjectStored,
    Opened,
    Received,
    ReceivedObject,
    Record,
    Reference,
    Sent,
    SentObject,
    read_connection,
)
from .summary import Where

Resolver = Callable[[Reference], bytes | memoryview | None]
"""What a reference is about; None if it can't be had. Its origin is ``captured`` for the data set of a captured file,
``body`` for a whole one: what came over HTTP."""

_A_ASSOCIATE_RQ = b"\x01"


class Piece(NamedTuple):
    """Bytes of one direction."""

    us: int
    inbound: bool
    """From the visitor."""
    data: bytes | memoryview


@dataclass
class Missing:
    """What could not be had."""

    objects: dict[Reference, int] = field(default_factory=dict)
    """Bytes that are zeros, by object."""
    lost: int = 0
    """Bytes that the sensor could not write at the time."""


def streams(transcripts: Path, where: Where, resolve: Resolver, missing: Missing) -> Iterator[Opened | Piece | Ended]:
    """A connection from its beginning to its end, if that is on record. What can't be had is zeros, and noted in
    `missing`. Raises `TranscriptError` if the transcript is gone."""

    def records() -> Iterator[Record]:
        return read_connection(transcripts, where.segment, where.offset, where.connection)

    # Which captured file an incoming object became is known only after its bytes.
    stored: dict[int, str] = {}
    origin = ""
    for record in records():
        if isinstance(record, ObjectStored):
            stored[record.ordinal] = record.sha256
        elif isinstance(record, Received) and not origin:
            origin = "captured" if record.data.startswith(_A_ASSOCIATE_RQ) else "body"
    objects = _Objects(resolve, missing)
    for record in records():
        match record:
            case Opened():
                yield record
            case Received(us, data):
                yield Piece(us, True, data)
            case Sent(us, data):
                yield Piece(us, False, data)
            case ReceivedObject(us, ordinal, offset, length):
                reference = Reference(origin, stored.get(ordinal, ""), "")
                for part in objects.pieces(reference, offset, length):
                    yield Piece(us, True, part)
            case SentObject(us, reference, offset, length):
                for part in objects.pieces(reference, offset, length):
                    yield Piece(us, False, part)
            case Ended():
                yield record
                return
            case Gap(_, lost):
                missing.lost += lost


class Timed(Protocol):
    """What has a moment (microseconds since the epoch)."""

    @property
    def us(self) -> int: ...


T = TypeVar("T", bound=Timed)


def in_order(sources: Iterable[tuple[int, Iterator[T]]]) -> Iterator[T]:
    """What several sources give, in the order of time. Each has the moment from which on it has something, and is
    asked only then, so that memory is bounded by those that overlap."""
    heap: list[tuple[int, int, T, Iterator[T]]] = []
    waiting = sorted(sources, key=lambda source: source[0], reverse=True)
    order = 0
    while heap or waiting:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            source = waiting.pop()[1]
            first = next(source, None)
            if first is not None:
                order += 1
                heapq.heappush(heap, (first.us, order, first, source))
        if heap:
            _, number, found, source = heapq.heappop(heap)
            yield found
            following = next(source, None)
            if following is not None:
                heapq.heappush(heap, (following.us, number, following, source))


class _Objects:
    """Bytes of objects; remembers the last one, since they come in pieces."""

    PIECE = 1 << 20

    def __init__(self, resolve: Resolver, missing: Missing) -> None:
        self._resolve = resolve
        self._missing = missing.objects
        self._reference: Reference | None = None
        self._data = memoryview(b"")

    def pieces(self, reference: Reference, offset: int, length: int) -> Iterator[bytes | memoryview]:
        """The bytes in pieces, zeros where there are none."""
        if reference != self._reference:
            self._reference = reference
            found = self._resolve(reference) if reference.key else None
            self._data = memoryview(b"" if found is None else found)
        end = offset + length
        for at in range(offset, min(end, len(self._data)), self.PIECE):
            yield self._data[at : min(at + self.PIECE, end)]
        missing = end - max(offset, len(self._data))
        if missing > 0:
            self._missing[reference] = self._missing.get(reference, 0) + missing
        while missing > 0:
            yield bytes(min(missing, self.PIECE))
            missing -= self.PIECE
