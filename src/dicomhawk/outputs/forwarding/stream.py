"""A TCP connection on which we do the talking."""

from __future__ import annotations

import asyncio
import fcntl
import ssl
import struct
import termios

CONNECT_SECONDS = 15.0
DRAIN_SECONDS = 60.0
"""A peer whose system acknowledges nothing for so long is gone."""


class Stream:
    """A TCP connection on which we do the talking."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None) -> Stream:
        """Connect. Raises OSError."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return cls(*await asyncio.open_connection(host, port, ssl=tls))
        except TimeoutError:
            raise OSError(f"no connection within {CONNECT_SECONDS:g} s") from None

    @property
    def ended(self) -> bool:
        """Whether the peer has closed it."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def deliver(self, data: bytes) -> None:
        """Write `data`, and wait until the peer's system has all of it. Raises OSError."""
        self.writer.write(data)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                transport = self.writer.transport
                transport.set_write_buffer_limits(high=1, low=0)
                await self.writer.drain()
                sock = self.writer.get_extra_info("socket")
                idle = 0
                # Twice: what TLS has made of it may be on its way to the system still.
                while not self.ended and idle < 2:
                    idle = 0 if _unacknowledged(sock.fileno()) else idle + 1
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise OSError(f"the receiver took nothing for {DRAIN_SECONDS:g} s") from None
        if self.ended:
            raise OSError("the receiver closed the connection")

    def close(self) -> None:
        """Let go of it."""
        self.writer.close()


def _unacknowledged(fd: int) -> int:
    """Bytes that the peer's system has not acknowledged (Linux: SIOCOUTQ)."""
    try:
        found: int = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    except (OSError, ValueError):
        return 0
    return found
