"""How bytes leave, and how a connection ends: what a peer can tell a product by, where it isn't in the bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Sequence

from ...upperlayer.dialect import Close

PATIENCE = 60.0
"""Seconds that a peer may leave what we send unread, before the association is aborted."""
_LINGER_RESET = struct.pack("ii", 1, 0)

Buffer = bytes | memoryview


class Outlet:
    """The writing side of a transport.

    `split`: the first piece of what is written goes out by itself, as from a product that writes a P-DATA-TF's
    headers apart. Where Nagle's algorithm is on, the peer sees the rest when it has acknowledged the first.
    """

    __slots__ = ("_close_by", "_split", "_transport")

    def __init__(self, transport: asyncio.Transport, *, split: bool, nodelay: bool) -> None:
        self._transport = transport
        self._split = split
        self._close_by: float | None = None  # when a close that waits for the peer to read is made a reset
        if not nodelay:
            self._set(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def _set(self, level: int, name: int, value: int | bytes) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(level, name, value)

    def write(self, pieces: Sequence[Buffer]) -> None:
        """Write these, in order."""
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
        try:
            written = os.write(transport.get_extra_info("socket").fileno(), piece)
        except OSError:  # the transport will meet it too, and say so
            return [piece]
        return [piece[written:]] if written < len(piece) else []

    def close(self, close: Close, pieces: Sequence[Buffer], now: float) -> None:
        """Write these, then end the connection: by a reset, or in order, for which a peer has `PATIENCE` to read."""
        if close is Close.RESET:
            for piece in pieces:
                if self._write_now(piece):
                    break
            self._set(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._transport.abort()
            return
        if pieces:
            self.write(pieces)
        self._close_by = now + PATIENCE
        self._transport.close()

    def is_overdue(self, now: float) -> bool:
        """Whether the peer hasn't read what was sent before the close, although it had the time."""
        return self._close_by is not None and now >= self._close_by

    @property
    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._transport.is_closing()
