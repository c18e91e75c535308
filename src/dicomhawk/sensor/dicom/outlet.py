"""How bytes leave, and how a connection ends: what a peer can tell a product by, where it isn't in the bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from array import array
from collections.abc import Sequence
from fcntl import ioctl
from termios import FIONREAD

from ...upperlayer.dialect import Close

PATIENCE = 60.0
"""Seconds that a peer may leave what we send unread, before the association is aborted."""
FINEST = 0.001
"""Seconds: the event loop can't wait for less."""
_LINGER_RESET = struct.pack("ii", 1, 0)

Buffer = bytes | memoryview


class Outlet:
    """The writing side of a transport.

    `split`: the first piece of what is written goes out by itself, as from a product that writes a P-DATA-TF's
    headers apart. Where Nagle's algorithm is on, the peer sees the rest when it has acknowledged the first.
    """

    __slots__ = ("_close_by", "_due", "_held", "_released", "_split", "_then", "_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, *, split: bool, nodelay: bool) -> None:
        self._transport = transport
        self._split = split
        self._close_by: float | None = None  # when a close that waits for the peer to read is made a reset
        self._due: float | None = None  # before then (the loop's clock), nothing goes out
        self._held: list[Sequence[Buffer]] | None = None  # what waits for that
        self._timer: asyncio.TimerHandle | None = None
        self._released: asyncio.Future[None] | None = None
        self._then: float | None = None  # a close in order, asked for at this moment, is to follow what waits
        if not nodelay:
            self._set(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def _set(self, level: int, name: int, value: int | bytes) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(level, name, value)

    def hold(self, seconds: float) -> None:
        """Let the answer that comes next go out after so many seconds, and not before."""
        if seconds >= FINEST and self._held is None:
            self._due = asyncio.get_running_loop().time() + seconds

    def write(self, pieces: Sequence[Buffer]) -> None:
        """Write these, in order, when it is time."""
        if self._held is not None:
            self._held.append(pieces)
            return
        if self._due is not None:
            loop = asyncio.get_running_loop()
            left, self._due = self._due - loop.time(), None
            if left >= FINEST:
                self._held = [pieces]
                self._timer = loop.call_later(left, self._let_go)
                return
        self._write(pieces)

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for pieces in held or ():
            self._write(pieces)
        if self._released is not None and not self._released.done():
            self._released.set_result(None)
        self._released = None
        if self._then is not None:
            self._end(self._then)

    async def released(self) -> None:
        """Wait until nothing is held back any more."""
        if self._held is not None:
            if self._released is None:
                self._released = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._released)

    def lost(self) -> None:
        """The connection is over: what waits is not sent."""
        self._held = self._then = None
        self._let_go()

    def _write(self, pieces: Sequence[Buffer]) -> None:
        if self._split and len(pieces) > 1:
            pieces = self._write_now(pieces[0]) + list(pieces[1:])
        if len(pieces) == 1:
            self._transport.write(pieces[0])
        else:
            self._transport.writelines(pieces)

    def _write_now(self, piece: Buffer) -> list[Buffer]:
        """Write to the socket at once, not with what comes behind; returns what could not be written."""
        transport = self._transport
        if transport.get_write_buffer_size() or transport.is_closing():
            return [piece]
        if transport.get_extra_info("tls") is not None:
            transport.write(piece)  # a record of its own, which goes out at once
            return []
        try:
            written = os.write(transport.get_extra_info("socket").fileno(), piece)
        except OSError:  # the transport will meet it too, and say so
            return [piece]
        return [piece[written:]] if written < len(piece) else []

    def close(self, close: Close, pieces: Sequence[Buffer], now: float) -> None:
        """Write these, then end the connection: by a reset, or in order, for which a peer has `PATIENCE` to read."""
        if close is Close.RESET:
            self._let_go()
            for piece in pieces:
                if self._write_now(piece):
                    break
            self._set(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._transport.abort()
            return
        if pieces:
            self.write(pieces)
        if self._held is None:
            self._end(now)
        else:
            self._then = now

    def _end(self, now: float) -> None:
        self._then = None
        self._close_by = now + PATIENCE
        self._say_so()
        self._transport.close()

    def _say_so(self) -> None:
        """Let the peer know of the end at once: the transport closes a moment later; what comes meanwhile would make
        a reset of it. It has to be one if something has come already."""
        transport = self._transport
        if transport.get_extra_info("tls") is not None or transport.get_write_buffer_size():
            return
        sock, unread = transport.get_extra_info("socket"), array("i", (0,))
        try:
            ioctl(sock.fileno(), FIONREAD, unread)
            if not unread[0]:
                end = socket.socket(sock.family, sock.type, sock.proto, sock.fileno())
                try:
                    end.shutdown(socket.SHUT_WR)
                finally:
                    end.detach()
        except OSError:  # it is over already
            return

    def is_overdue(self, now: float) -> bool:
        """Whether the peer hasn't read what was sent before the close, although it had the time."""
        return self._close_by is not None and now >= self._close_by

    @property
    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._then is not None or self._transport.is_closing()
