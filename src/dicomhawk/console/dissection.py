"""A connection's transcript, taken apart: PDUs with what they say, HTTP as text, and the bytes of either.

Bytes are decoded with the sensor's own bounded readers, and data sets only where the sensor decoded them too: what
was asked and answered. Objects are named, not opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..evidence.transcript import (
    Ended,
    Gap,
    ObjectStored,
    Opened,
    Received,
    ReceivedObject,
    Record,
    Sent,
    SentObject,
)
from .pdus import Pdus, Piece

KEPT = 64 << 10
"""Bytes of one unit that are kept to be shown."""
TOGETHER_US = 20_000
"""Records of a stream of text within this time (microseconds) are shown as one."""


@dataclass
class Unit:
    """A part of a conversation that is shown as one: a PDU, a stretch of a stream, a remark.

    `size`: bytes of it, of which `data` are those kept. `of`: the object whose bytes the rest are, as
    ``hospital 1.2.3`` or ``captured <ordinal>``; `times` such PDUs in a row are one unit.
    """

    us: int
    inbound: bool
    kind: str
    data: bytes = b""
    size: int = 0
    summary: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    of: str = ""
    times: int = 1

    @property
    def remark(self) -> bool:
        """Whether it is about the connection, and not of it."""
        return not self.size


def dissected(records: Iterable[Record], protocol: str) -> Iterator[Unit]:
    """The units of a connection, in the order of time. `protocol`: ``dicom`` is taken for PDUs, all else for text."""
    streams: _Text | _Dicom = _Dicom() if protocol == "dicom" else _Text()
    us = 0
    for record in records:
        us = record.us
        match record:
            case Opened(_, _, source, destination):
                yield Unit(
                    us, True, "opened", summary=f"{source[0]}:{source[1]} to {destination[0]}:{destination[1]}"
                )
            case Received(_, data):
                yield from streams.add(us, True, Piece(data, len(data)))
            case Sent(_, data):
                yield from streams.add(us, False, Piece(data, len(data)))
            case ReceivedObject(_, ordinal, _, length):
                yield from streams.add(us, True, Piece(b"", length, f"captured {ordinal}"))
            case SentObject(_, reference, _, length):
                yield from streams.add(us, False, Piece(b"", length, f"{reference.origin} {reference.key}"))
            case ObjectStored(_, ordinal, sha256):
                yield from streams.rest()
                yield Unit(us, True, "stored", summary=sha256, of=f"captured {ordinal}")
            case Gap(_, lost):
                yield from streams.rest()
                yield Unit(us, True, "gap", summary=f"{lost} bytes could not be written at the time")
            case Ended(_, reason):
                yield from streams.rest()
                yield Unit(us, reason.startswith("peer"), "ended", summary=reason)
    yield from streams.rest()


class _Text:
    """Stretches of one direction."""

    def __init__(self) -> None:
        self._unit: Unit | None = None

    def add(self, us: int, inbound: bool, piece: Piece) -> Iterator[Unit]:
        unit = self._unit
        if (
            unit is None
            or unit.inbound != inbound
            or unit.of != piece.of
            or (us - unit.us > TOGETHER_US and not piece.of)
        ):
            yield from self.rest()
            unit = self._unit = Unit(us, inbound, "bytes", of=piece.of)
        unit.data += piece.data[: max(0, KEPT - len(unit.data))]
        unit.size += piece.size

    def rest(self) -> Iterator[Unit]:
        unit, self._unit = self._unit, None
        if unit is not None:
            first = unit.data[:200].split(b"\n", 1)[0].decode("latin-1").rstrip("\r")
            unit.summary = first if first.isprintable() and first.isascii() else ""
            yield unit


class _Dicom:
    """PDUs of both directions; bytes, once they are none."""

    def __init__(self) -> None:
        self._pdus = Pdus()
        self._waiting: Unit | None = None

    def add(self, us: int, inbound: bool, piece: Piece) -> Iterator[Unit]:
        for found in self._pdus.add(inbound, piece):
            unit = Unit(us, inbound, found.kind, found.data, found.size, found.summary, found.facts, found.of)
            waiting = self._waiting
            if waiting is not None and unit.of and (waiting.of, waiting.inbound) == (unit.of, inbound):
                waiting.times += 1
                waiting.size += unit.size
                continue
            yield from self._flush()
            self._waiting = unit

    def rest(self) -> Iterator[Unit]:
        yield from self._flush()

    def _flush(self) -> Iterator[Unit]:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            yield waiting
