"""The writing side of a connection: responses at the pace at which a visitor reads, and the ways in which it ends.

Whatever is sent is on record before it leaves.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

from ..door import Door
from ..message import Part, Stored
from .inbound import Inbound
from .outbound import Framed
from .recorded import Recorded

LINGER_BYTES = 1 << 20
"""Bytes that are put on record behind the last response."""
ABANDON_BYTES = 1 << 24
"""Bytes behind the last response after which nobody listens any more."""
_LINGER_RESET = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The visitor isn't there any more."""


class Outgoing(Recorded):
    """See the module's docstring. `inbound` and the transport are set when the connection is made."""

    __slots__ = (
        "_close_by",
        "_ending",
        "_hold_until",
        "_lingered",
        "_peer_closed",
        "_transport",
        "_writable",
        "door",
        "inbound",
    )

    def __init__(self, door: Door) -> None:
        super().__init__()
        self.door = door
        self.inbound: Inbound
        self._transport: asyncio.Transport
        self._writable: asyncio.Future[None] | None = None  # while the visitor doesn't read
        self._ending = ""
        self._close_by: float | None = None  # when the transport is aborted, whatever is under way
        self._hold_until: float | None = None  # when the close begins
        self._lingered = 0
        self._peer_closed = False

    def pause_writing(self) -> None:
        """The visitor reads more slowly than we write."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """The visitor has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _lost(self) -> None:
        """The connection is over: whoever waits to write learns it."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(Gone())
            self._writable.exception()  # nobody may be waiting

    # Responses

    def _send_whole(self, framed: Framed, body: Part) -> int:
        if not framed.body:
            self._send(framed.head)
            return 0
        if self.door.http.response.split or isinstance(body, Stored):
            self._send(framed.head)
            if size_of(body):
                self._send(body)
        else:
            self._send(framed.head + body)
        return size_of(body)

    async def _stream(self, framed: Framed, parts: AsyncIterator[Part]) -> int:
        """Send the parts of a body as they come, no faster than the visitor reads."""
        self._send(framed.head)
        sent = 0
        if not framed.body:
            return 0
        async for part in parts:
            size = size_of(part)
            if not size:
                continue
            if framed.chunked:
                self._send(b"%x\r\n" % size, part, b"\r\n")
            else:
                self._send(part)
            sent += size
            await self._drain()
        if framed.chunked:
            self._send(b"0\r\n\r\n")
        return sent

    async def _drain(self) -> None:
        if self._writable is not None:
            try:
                async with asyncio.timeout(self.door.http.times.write):
                    await asyncio.shield(self._writable)
            except TimeoutError:
                self._ending = "timeout"
                self._transport.abort()
                raise Gone from None
        if self._transport.is_closing():
            raise Gone

    def _send(self, *parts: Part) -> None:
        """Put on record, then write."""
        record = self.record
        for part in parts:
            if isinstance(part, Stored):
                record.sent_object(part.reference, 0, len(part.data))
            else:
                record.sent(part)
        self.door.recorder.flush()
        if self._transport.is_closing():
            raise Gone
        pieces = [part.data if isinstance(part, Stored) else part for part in parts]
        if len(pieces) == 1:
            self._transport.write(pieces[0])
        else:
            self._transport.writelines(pieces)

    # Endings

    def _check_end(self, now: float) -> bool:
        """Whether the end has begun, or begins now."""
        if self._hold_until is not None and now >= self._hold_until:
            self._hold_until = None
            self._close()
        elif self._close_by is not None and now >= self._close_by:
            self._transport.abort()
        return bool(self._ending)

    def _finish(self, ending: str) -> None:
        self._ending = self._ending or ending
        self._close()

    def _close(self) -> None:
        """End the connection in order: our side first, if the visitor may still be sending."""
        self.inbound.stop()
        times = self.door.http.times
        self.door.recorder.flush()
        transport = self._transport
        if transport.is_closing():
            return
        if self._peer_closed or not times.linger or not transport.can_write_eof():
            self._close_by = self.door.clock() + times.write
            transport.close()
            return
        patience = max(times.linger, times.write) if transport.get_write_buffer_size() else times.linger
        self._close_by = self.door.clock() + patience
        self._half_close()
        transport.resume_reading()

    def _half_close(self) -> None:
        """Nothing more is said, but what comes is still read."""
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _linger(self, data: bytes) -> None:
        """What comes behind the end is put on record, up to a bound."""
        if self._lingered < LINGER_BYTES:
            self.record.received(data)
        self._lingered += len(data)
        if self._lingered > ABANDON_BYTES:
            self._transport.abort()

    def _reset(self) -> None:
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.door.recorder.flush()
        self._transport.abort()

    def _set(self, level: int, name: int, value: int | bytes) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(level, name, value)

    def _report_error(self, error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "a request failed", "exception": error})

    def _unforeseen(self, error: Exception) -> None:
        """An error of ours: this connection is given up, the others go on."""
        self._report_error(error)
        self._ending = self._ending or "error"
        self._transport.abort()


def size_of(part: Part) -> int:
    """Bytes of a part of a body."""
    return len(part.data) if isinstance(part, Stored) else memoryview(part).nbytes
