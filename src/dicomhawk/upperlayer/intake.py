"""The input of one connection: bytes that are understood, and those that are not yet."""

from __future__ import annotations

from .pdu import HEADER_SIZE

Buffer = bytes | memoryview


class Intake:
    """Where a `Provider` reads from. `received` counts the bytes so far."""

    __slots__ = ("_buffer", "_deaf", "_inside", "_mark", "_needed", "_pending", "_position", "received")

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0  # up to where the buffer is understood
        self._mark = 0  # up to where `consumed` has handed the buffer out
        self._pending: bytearray | None = None  # the beginning of a PDU whose rest has not come
        self._needed = HEADER_SIZE
        self._inside = 0  # where the P-DATA-TF ends whose values are being handed out; 0: none is
        self._deaf = False  # what comes isn't looked at
        self.received = 0

    def _take(self, data: bytes) -> None:
        self.received += len(data)
        if self._deaf:
            if self._pending is not None:
                data = bytes(self._pending) + data
                self._pending = None
            self._buffer, self._position, self._mark = data, len(data), 0
            return
        if self._pending is not None:
            self._pending += data
            if len(self._pending) < self._needed:
                return
            data = bytes(self._pending)
            self._pending = None
        elif self._position < len(self._buffer):
            data = self._buffer[self._position :] + data
            if self._inside:
                self._inside -= self._position
        self._buffer, self._position, self._mark = data, 0, 0

    def consumed(self) -> tuple[int, Buffer]:
        """The bytes that have been understood (or given up) since the last call, and their stream offset.

        To be called when `poll` has no more to say, before the next `feed`: that is how a transcript can tell
        the bytes of a data set, which it keeps elsewhere, from all others. What is left at the end of a
        connection is `leftover`.
        """
        buffer, mark, position = self._buffer, self._mark, self._position
        offset = self.received - len(buffer) + mark
        if position == len(buffer) or self._pending is not None:
            self._buffer, self._position, self._mark = b"", 0, 0
        else:
            self._mark = position
        if not mark and position == len(buffer):
            return offset, buffer
        return offset, memoryview(buffer)[mark:position]

    @property
    def leftover(self) -> bytes:
        """Bytes received that are not (yet) understood: the beginning of a PDU, or what wasn't polled."""
        return bytes(self._pending) if self._pending is not None else self._buffer[self._position :]

    def _keep(self, needed: int) -> None:
        """Keep the beginning of a PDU until `needed` bytes are there."""
        self._pending = bytearray(memoryview(self._buffer)[self._position :])
        self._needed = needed

    def _skip_values(self) -> None:
        """Leave out what remains of a P-DATA-TF."""
        if self._inside:
            self._position, self._inside = self._inside, 0
