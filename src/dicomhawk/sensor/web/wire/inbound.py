"""The reading side of a connection: bytes in, requests and their bodies out. Sans-IO.

It owns no socket and no clock: the moment comes in as a number (seconds of a monotonic clock).
"""

from __future__ import annotations

from dataclasses import dataclass

from ....persona.model.http import Http
from ....persona.model.http_faults import Fault
from .framing import Framing, Piece, framing_of
from .head import Head, HeadReader, Malformed

AT_A_TIME = 1 << 16
"""Bytes of a body that are handed on at a time."""


@dataclass(frozen=True, slots=True)
class HeadReceived:
    """A request has begun. `raw`: its bytes."""

    head: Head
    raw: bytes
    has_body: bool


@dataclass(frozen=True, slots=True)
class BodyReceived:
    """Input of a body; `pieces` says where in `raw` the body itself is, the rest is framing."""

    raw: bytes
    pieces: list[Piece]
    last: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request that isn't served. Nothing more is read; `raw` is what was found wrong, and all that came after."""

    malformed: Malformed
    raw: bytes
    head: Head | None = None
    """Where it is the body that is wrong."""


Indication = HeadReceived | BodyReceived | Wrong


class Inbound:
    """See the module's docstring. Behind the end of a request it waits for `proceed`."""

    __slots__ = ("_buffer", "_framing", "_head", "_head_by", "_heads", "_http", "_state", "deadline", "requests")

    def __init__(self, http: Http, port: int, now: float) -> None:
        """`port`: the one that the door listens on."""
        self._http = http
        self._heads = HeadReader(http, port)
        self._buffer = bytearray()
        self._head: Head | None = None
        self._framing: Framing | None = None
        self._state = "head"
        self.requests = 0
        self._head_by = now + http.times.head
        self.deadline: float | None = now + http.times.silent
        """When `handle_timer` is due; None: what is awaited isn't the visitor's."""

    @property
    def buffered(self) -> int:
        """Bytes that wait."""
        return len(self._buffer)

    @property
    def in_body(self) -> bool:
        """Whether more of the request's body is to come."""
        return self._state == "body"

    @property
    def is_last(self) -> bool:
        """Whether the product reads nothing behind this request."""
        return self._framing is not None and self._framing.last

    @property
    def leftover(self) -> bytes:
        """What was never looked at."""
        return bytes(self._buffer)

    def feed(self, data: bytes, now: float) -> None:
        """Bytes came."""
        times = self._http.times
        if self._state == "body":
            self.deadline = now + times.body
        elif self._state == "head":
            if not self._buffer:
                self._head_by = now + times.head
            self.deadline = self._head_by
            if self.requests and times.further is not None:
                self.deadline = min(self._head_by, now + times.further)
        self._buffer += data

    def poll(self, now: float) -> Indication | None:
        """What the input amounts to next; None: nothing for now."""
        try:
            if self._state == "head":
                return self._read_head(now)
            if self._state == "body":
                return self._read_body(now)
        except Malformed as malformed:
            return self._wrong(malformed)
        return None

    def proceed(self, now: float) -> None:
        """The request is answered: the next one may come."""
        self._head = self._framing = None
        self._state = "head"
        times = self._http.times
        self._head_by = now + times.head
        self.deadline = now + ((times.further or times.head) if self._buffer else times.idle)

    def stop(self) -> None:
        """Nothing more is to be read."""
        self._state = "over"
        self.deadline = None

    def peer_closed(self) -> Wrong | None:
        """The visitor closed its side; None: not in the middle of anything."""
        if self._state == "body":
            return self._wrong(Malformed(Fault.BODY_TORN))
        if self._state == "head" and self._buffer:
            return self._wrong(Malformed(Fault.TORN))
        return None

    def handle_timer(self) -> Wrong | None:
        """The deadline has passed; None: the connection may simply be closed."""
        if self._state == "body":
            return self._wrong(Malformed(Fault.BODY_TIMEOUT))
        if self._buffer:
            return self._wrong(Malformed(Fault.HEAD_TIMEOUT))
        if not self.requests:
            return self._wrong(Malformed(Fault.SILENT))
        self.stop()
        return None

    def _read_head(self, now: float) -> Indication | None:
        if not self._buffer:
            return None
        head = self._heads.read(self._buffer)
        if head is None:
            return None
        framing = framing_of(head, self._http)
        self._heads.settle(head)
        self._head = head
        self.requests += 1
        raw = self._take(head.size)
        self._framing = framing
        self._state = "done" if framing.done else "body"
        self.deadline = None if framing.done else now + self._http.times.body
        return HeadReceived(head, raw, not framing.done)

    def _read_body(self, now: float) -> Indication | None:
        framing = self._framing
        if not self._buffer or framing is None:
            return None
        raw = self._take(AT_A_TIME)
        try:
            pieces, size = framing.feed(raw)
        except Malformed as malformed:
            return self._wrong(malformed, raw)
        if framing.done:
            self._state = "done"
            self.deadline = None
        if size < len(raw):
            self._buffer[:0] = raw[size:]
            raw = raw[:size]
        return BodyReceived(raw, pieces, framing.done)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _wrong(self, malformed: Malformed, raw: bytes = b"") -> Wrong:
        self.stop()
        return Wrong(malformed, raw + self._take(len(self._buffer)), self._head)
