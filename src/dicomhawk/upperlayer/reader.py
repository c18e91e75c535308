"""A bounded reader of big-endian fields, as PS3.8 section 9.3 has them."""

from __future__ import annotations

from .errors import ProtocolError, Quirk


class Reader:
    """Reads from a buffer and never past its end.

    Every method raises `ProtocolError` with the quirk given at construction when too few bytes are left.
    """

    __slots__ = ("_buffer", "_end", "_position", "_quirk")

    def __init__(self, buffer: bytes, quirk: Quirk) -> None:
        self._buffer = buffer
        self._position = 0
        self._end = len(buffer)
        self._quirk = quirk

    @property
    def remaining(self) -> int:
        """Bytes left."""
        return self._end - self._position

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self._position
        stop = start + count
        if stop > self._end:
            raise ProtocolError(self._quirk, f"{count} bytes wanted at {start}, {self._end - start} left")
        self._position = stop
        return self._buffer[start:stop]

    def u8(self) -> int:
        """An unsigned 8-bit integer."""
        return self.take(1)[0]

    def u16(self) -> int:
        """An unsigned 16-bit integer."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """An unsigned 32-bit integer."""
        return int.from_bytes(self.take(4), "big")

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(self.remaining)

    def text(self, count: int) -> str:
        """The next `count` bytes as text; ISO 8859-1 maps every byte, so nothing is lost."""
        return self.take(count).decode("latin-1")

    def finish(self) -> None:
        """Raise unless everything was read."""
        if self._position != self._end:
            raise ProtocolError(self._quirk, f"{self.remaining} bytes left over")
