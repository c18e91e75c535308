"""Syslog: RFC 5424 messages over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425).

Nobody acknowledges a syslog message. Over TCP and TLS a batch counts as delivered when the receiver's system has
acknowledged its last byte; what that system or the receiver loses then is lost.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

from ...evidence.documents import text_at
from ...settings import Settings
from ...settings.outputs import SyslogOutput
from .base import Batch, Output, Record, Temporary, rendered
from .formats.cef import cef
from .formats.short import one_line
from .stream import Stream
from .tls import context

APP_NAME = "dicomhawk"
_SEVERITIES = (6, 5, 4, 3, 2)
"""Informational, notice, warning, error, critical (RFC 5424 section 6.2.1)."""
_NIL = "-"


class Syslog(Output):
    """One connection, made when it is needed."""

    def __init__(self, output: SyslogOutput, settings: Settings) -> None:
        self._settings = output
        self._port = output.port if output.port is not None else 6514 if output.transport == "tls" else 514
        self._tls = context(output.ca, output.certificate) if output.transport == "tls" else None
        self._stream: Stream | None = None
        self._socket: socket.socket | None = None

    @property
    def where(self) -> str:
        return f"{self._settings.transport}://{self._settings.host}:{self._port}"

    async def send(self, batch: Batch) -> None:
        messages = rendered(batch, self._message)
        try:
            if self._settings.transport == "udp":
                await self._datagrams(messages)
            else:
                await self._octets(b"".join(b"%d %b" % (len(one), one) for one in messages))
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Temporary(f"{self.where} can't be reached: {error}") from None

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _message(self, record: Record) -> bytes:
        return message(record, self._settings.facility, self._settings.format, self._settings.max_bytes)

    async def _datagrams(self, messages: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        if self._socket is None:
            found = await loop.getaddrinfo(self._settings.host, self._port, type=socket.SOCK_DGRAM)
            family, kind, number, _, address = found[0]
            self._socket = socket.socket(family, kind, number)
            self._socket.setblocking(False)
            self._socket.connect(address)
        for one in messages:
            await loop.sock_sendall(self._socket, one)

    async def _octets(self, data: bytes) -> None:
        if self._stream is not None and self._stream.ended:
            await self.close()
        if self._stream is None:
            self._stream = await Stream.open(self._settings.host, self._port, self._tls)
        await self._stream.deliver(data)


def message(record: Record, facility: int, form: str, limit: int) -> bytes:
    """A SYSLOG-MSG (RFC 5424 section 6) of at most `limit` bytes."""
    document = record.document
    header = " ".join(
        (
            f"<{facility * 8 + _SEVERITIES[record.severity]}>1",
            text_at(document, "@timestamp"),
            _name(text_at(document, "observer.name"), 255),
            APP_NAME,
            _NIL,
            _name(text_at(document, "event.action"), 32),
            _NIL,
            "",
        )
    ).encode("ascii")
    left = limit - len(header)
    if form == "json":
        return header + one_line(document, left)
    body = cef(record, left - 3)
    return header + (body if body.isascii() else b"\xef\xbb\xbf" + body)


def _name(text: str, limit: int) -> str:
    """Printable ASCII without spaces, as names in the header are."""
    return re.sub(r"[^!-~]", "?", text)[:limit] or _NIL
