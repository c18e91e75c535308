"""HTTP/1.1 as the receiver speaks it: every address has a picture, or is not found, whatever token is in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from email.utils import formatdate
from typing import NamedTuple

import h11

from ..evidence.recorder import ConnectionRecord, Recorder

MAX_HEAD = 16 * 1024
"""Bytes of a request's head."""
MAX_BODY = 64 * 1024
"""Bytes of a body that are read, and thrown away; then the connection ends."""
MAX_REQUESTS = 32
"""Requests on one connection."""
MAX_CONNECTIONS = 500
"""At once; of more, new ones are closed."""
PATIENCE = 15.0
"""Seconds that a visitor may be silent, or leave an answer unread."""
READ_SIZE = 16 * 1024

_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x01\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x01\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02L\x01\x00;"
)
"""One transparent pixel, as nginx's module empty_gif has it; programs go by its first bytes, not by its name."""
_GIF_FIELDS = b"Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT\r\n"
_PICTURES = (".gif", ".png", ".ico", ".jpg")
_SERVER = b"nginx"


class Asked(NamedTuple):
    """A request."""

    method: str
    target: str
    host: str
    user_agent: str | None
    headers: tuple[str, ...]


Visit = Callable[[ConnectionRecord, Asked], None]


class Receiver:
    """Serves connections; `visit` is told of each request before it is answered."""

    def __init__(self, recorder: Recorder, visit: Visit) -> None:
        self._recorder, self._visit = recorder, visit
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        peer, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        if self._open >= MAX_CONNECTIONS or peer is None:
            writer.close()
            return
        self._open += 1
        record = self._recorder.open((peer[0], peer[1]), (local[0], local[1]), protocol="http")
        reason = "closed"
        try:
            async with asyncio.timeout(PATIENCE * MAX_REQUESTS):
                reason = await self._talk(reader, writer, record)
        except TimeoutError:
            reason = "timeout"
        except OSError:
            reason = "peer-reset"
        finally:
            self._open -= 1
            record.close(reason)
            self._recorder.flush()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: ConnectionRecord
    ) -> str:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        for _ in range(MAX_REQUESTS):
            try:
                asked = await self._read(connection, reader, record)
            except h11.RemoteProtocolError:
                await self._send(writer, record, _page(b"400 Bad Request", close=True))
                return "closed"
            if asked is None:
                return "peer-fin"
            self._visit(record, asked)
            close = connection.their_state is h11.MUST_CLOSE
            await self._send(writer, record, _answer(asked, close=close))
            if close or connection.their_state is not h11.DONE:
                return "closed"
            # What was sent went around h11, which has to know of it.
            connection.send(h11.Response(status_code=204, headers=[]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
        return "closed"

    async def _read(
        self, connection: h11.Connection, reader: asyncio.StreamReader, record: ConnectionRecord
    ) -> Asked | None:
        asked: Asked | None = None
        body = 0
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                async with asyncio.timeout(PATIENCE):
                    data = await reader.read(READ_SIZE)
                if data:
                    record.received(data)
                connection.receive_data(data)
            elif isinstance(event, h11.Request):
                asked = _asked(event)
            elif isinstance(event, h11.Data):
                body += len(event.data)
                if body > MAX_BODY:
                    raise h11.RemoteProtocolError("a long body")
            elif isinstance(event, h11.EndOfMessage):
                return asked
            else:
                return None

    async def _send(self, writer: asyncio.StreamWriter, record: ConnectionRecord, data: bytes) -> None:
        record.sent(data)
        self._recorder.flush()
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            await writer.drain()


def _asked(request: h11.Request) -> Asked:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw_items()]
    first = {name.lower(): value for name, value in reversed(headers)}
    return Asked(
        request.method.decode("latin-1"),
        request.target.decode("latin-1"),
        first.get("host", ""),
        first.get("user-agent"),
        tuple(f"{name}: {value}" for name, value in headers),
    )


def _answer(asked: Asked, *, close: bool) -> bytes:
    if asked.method not in ("GET", "HEAD"):
        return _page(b"405 Not Allowed", close=close)
    path = asked.target.partition("?")[0].lower()
    if not path.endswith(_PICTURES):
        return _page(b"404 Not Found", close=close, head=asked.method == "HEAD")
    head = _head(b"200 OK", b"image/gif", len(_GIF), close, _GIF_FIELDS)
    return head + (b"" if asked.method == "HEAD" else _GIF)


def _page(status: bytes, *, close: bool, head: bool = False) -> bytes:
    body = (
        b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n<center><h1>%b</h1></center>\r\n"
        b"<hr><center>%b</center>\r\n</body>\r\n</html>\r\n" % (status, status, _SERVER)
    )
    return _head(status, b"text/html", len(body), close) + (b"" if head else body)


def _head(status: bytes, kind: bytes, length: int, close: bool, more: bytes = b"") -> bytes:
    date, how = formatdate(usegmt=True).encode(), b"close" if close else b"keep-alive"
    return (
        b"HTTP/1.1 %b\r\nServer: %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%bConnection: %b\r\n\r\n"
        % (status, _SERVER, date, kind, length, more, how)
    )
