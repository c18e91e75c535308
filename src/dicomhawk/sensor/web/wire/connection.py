"""One TCP connection on a web door: the asyncio adapter between a transport, the sans-IO parts and the site.

Requests are served one after the other. Whatever came is on record before it is acted upon, and whatever is sent
before it leaves.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import parse_qsl, unquote

from ....evidence import events as ev
from ...addresses import ends
from ...tls.door import event_of
from ..door import Door
from ..message import Part, Request, Response, Stored
from .body import StreamedBody
from .head import Head, Words
from .inbound import BodyReceived, HeadReceived, Inbound, Wrong
from .outbound import CONTINUE, Framed
from .recorded import Recorded, content_type

READ_AHEAD = 1 << 17
"""Bytes of further requests that are kept while one is answered; the rest stays with the kernel."""
LINGER_BYTES = 1 << 20
"""Bytes that are read on, and put on record, behind the last response."""
PRECISE = 5.0
"""Seconds without a request up to which their end has a timer of its own, as a client can tell when it was."""
MAX_ARGUMENTS = 1000
"""Arguments of a query; nobody's form has more."""
_LINGER_RESET = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The visitor isn't there any more."""


class Connection(Recorded, asyncio.Protocol):
    """See the module's docstring."""

    __slots__ = (
        "_body",
        "_close_by",
        "_continue",
        "_ending",
        "_hold_until",
        "_lingered",
        "_peer_closed",
        "_responded",
        "_started",
        "_task",
        "_timer",
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
        self._body: StreamedBody | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None  # while the visitor doesn't read
        self._ending = ""
        self._close_by: float | None = None  # when the transport is aborted, whatever is under way
        self._hold_until: float | None = None  # when the close begins
        self._lingered = 0
        self._peer_closed = False
        self._continue = False  # whether 100 (Continue) is owed
        self._started = 0.0
        self._responded = False  # whether the request's response has begun
        self._timer: asyncio.TimerHandle | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor is there, or one too many."""
        self._transport = cast(asyncio.Transport, transport)
        door = self.door
        peer, local = ends(transport)
        self.inbound = Inbound(door.http, local[1], door.clock())
        self.record = door.recorder.open(peer, local, protocol="http")
        secured = transport.get_extra_info("tls")
        self.secure = secured is not None
        if secured is not None:
            self.record.emit(event_of(secured))
        door.connections.add(self)
        if not door.http.nodelay:
            self._set(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        if len(door.connections) > door.capacity:
            self._ending = "capacity"
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._ending:
            self._linger(data)
            return
        self.inbound.feed(data, self.door.clock())
        try:
            self._advance()
        except Exception as error:
            self._unforeseen(error)

    def eof_received(self) -> bool:
        """The visitor closed its side; what it asked for is answered still."""
        self._peer_closed = True
        if self._ending:
            self._transport.close()
            return True
        wrong = self.inbound.peer_closed()
        if wrong is not None:
            self._refuse(wrong, "peer-fin")
        elif self._task is None:
            self._finish("peer-fin")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        door = self.door
        door.connections.discard(self)
        if self._body is not None:
            self._body.end(broken=True)
        if self._writable is not None and not self._writable.done():
            self._writable.set_exception(Gone())
            self._writable.exception()  # nobody may be waiting
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._end_body(complete=False)
        leftover = self.inbound.leftover
        if leftover:
            self.record.received(leftover)
        self.inbound.stop()
        # Written with the next response, or by the worker's sweep: nobody waits for it.
        self.record.close(self._ending or ("peer-reset" if exc is not None else "peer-fin"))

    def pause_writing(self) -> None:
        """The visitor reads more slowly than we write."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """The visitor has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def check_deadline(self, now: float) -> None:
        """Act if a deadline has passed; called by the door's sweep."""
        if self._hold_until is not None and now >= self._hold_until:
            self._hold_until = None
            self._close()
            return
        if self._close_by is not None and now >= self._close_by:
            self._transport.abort()
            return
        deadline = self.inbound.deadline
        if deadline is None or now < deadline or self._ending:
            return
        if self._body is not None and self._body.is_full:
            return  # it is the site that doesn't read
        wrong = self.inbound.handle_timer()
        if wrong is None:
            self._finish("timeout")
        else:
            self._refuse(wrong, "timeout")

    def shut_down(self) -> None:
        """The sensor ends."""
        self._ending = self._ending or "shutdown"
        if self._task is not None:
            self._task.cancel()
        self._transport.close()

    # Requests

    def _advance(self) -> None:
        """Deal with all that the input amounts to so far."""
        while not self._ending:
            if self._body is not None and self._body.is_full:
                break
            indication = self.inbound.poll(self.door.clock())
            match indication:
                case HeadReceived():
                    self._begin(indication)
                case BodyReceived():
                    self._take_body(indication)
                case Wrong():
                    self._refuse(indication, "closed")
                case None:
                    break
        self._pace_reading()

    def _begin(self, received: HeadReceived) -> None:
        """A request: start serving it."""
        self._record_head(received)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._started = self.door.recorder.monotonic()
        head = received.head
        self._body = StreamedBody(self._body_wanted if received.has_body else None)
        expect = head.headers.get("Expect")
        self._continue = self._responded = False
        if expect is not None and head.version == "1.1" and received.has_body:
            self._continue = expect.lower() == "100-continue" and self.door.http.grammar.expect != "never"
            if self._continue and self.door.http.grammar.expect == "at-once":
                self._send_continue()
        path, mark, query = head.local.partition("?")
        request = Request(
            method=head.method,
            target=head.target,
            path=unquote(path, "utf-8", "replace"),
            query=_arguments(query) if mark else (),
            headers=head.headers,
            body=self._body,
            visitor=self.record.address,
            version=head.version,
            secure=self.secure,
            record=self.record,
        )
        self._task = asyncio.get_running_loop().create_task(self._serve(head, request))

    def _take_body(self, received: BodyReceived) -> None:
        self._continue = False  # the visitor didn't wait for it
        pieces = self._record_body(received)
        body = self._body
        if body is not None:
            for piece in pieces:
                body.put(piece)
            if received.last:
                body.end()
        if received.last and self._task is None:
            self._next()

    def _body_wanted(self) -> None:
        """The site waits for more of the body."""
        if self._continue:
            self._send_continue()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        try:
            self._advance()
        except Exception as error:
            self._unforeseen(error)

    def _send_continue(self) -> None:
        self._continue = False
        self._send(CONTINUE)

    def _next(self) -> None:
        """The request is answered and wholly read."""
        self._body = None
        self._head = None
        if self._peer_closed:
            self._finish("peer-fin")
            return
        self.inbound.proceed(self.door.clock())
        idle = self.door.http.times.idle
        if idle <= PRECISE:
            self._timer = asyncio.get_running_loop().call_later(idle, self._idle_over, self._number)

    def _idle_over(self, number: int) -> None:
        """A short time without another request has passed; a sweep would come some time after that."""
        if number == self._number and not self._ending and not self.inbound.buffered:
            self._finish("timeout")

    def _pace_reading(self) -> None:
        """Leave what comes in the kernel while nothing can be done with it."""
        if self._transport.is_closing():
            return
        full = (self._body is not None and self._body.is_full) or self.inbound.buffered > READ_AHEAD
        if full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # Responses

    async def _serve(self, head: Head, request: Request) -> None:
        """Let the site answer a request, and send what it says."""
        response: Response | None = None
        try:
            try:
                response = await self.door.site(request)
            except Exception as error:
                if self._transport.is_closing():
                    return
                self._report_error(error)
                response = self._crash(head)
            await self._respond(head, response)
        except Gone:
            return
        except Exception as error:
            self._unforeseen(error)
        finally:
            self._task = None
            body = None if response is None else response.body
            if isinstance(body, AsyncIterator) and hasattr(body, "aclose"):
                await body.aclose()

    def _crash(self, head: Head) -> Response:
        door = self.door
        status = door.http.crash
        page = door.writer.page(status, method=head.method, target=head.target)
        kind = door.http.errors.type
        return Response(status, [("Content-Type", kind)] if kind and page else [], page)

    async def _respond(self, head: Head, response: Response) -> None:
        door, record = self.door, self.record
        body = response.body
        length = response.length if isinstance(body, AsyncIterator) else _size(body)
        self._report()
        self._responded = True
        keep = self._keeps(head)
        framed = door.writer.head(
            response, method=head.method, version=head.version, now=door.now(), keep=keep, length=length
        )
        before = record.bytes_out
        sent = 0
        reason: str | None = "visitor gone"
        try:
            if not isinstance(body, AsyncIterator):
                sent = self._send_whole(framed, body)
            else:
                sent = await self._stream(framed, body)
                if length is not None and sent != length and framed.body:
                    framed = framed._replace(close=True)
            reason = None
        finally:
            record.emit(
                ev.HttpResponse(
                    number=self._number,
                    status=response.status,
                    mime_type=content_type(response.headers),
                    body_bytes=sent,
                    bytes=record.bytes_out - before,
                    outcome="failure" if response.status >= 400 or reason else "success",
                    reason=reason,
                ),
                since=self._started,
            )
        self._answered(framed)

    def _answered(self, framed: Framed) -> None:
        """The response is written: the connection ends, or goes on with the next request."""
        self._task = None
        body = self._body
        if self._ending:
            return
        if framed.close:
            self._finish("closed")
            return
        if body is not None:
            body.drop()
        if self.inbound.in_body:
            self._pace_reading()  # the rest of it is read, and kept
            return
        self._next()
        self._go_on()

    def _keeps(self, head: Head) -> bool:
        """Whether the connection goes on after the response (RFC 9112 section 9.3)."""
        http = self.door.http
        if self._peer_closed or self._number >= http.times.requests:
            return False
        if self.inbound.is_last or (self._continue and self.inbound.in_body):
            return False  # of the latter: the visitor may send the body, or not
        fields = head.headers.all("Connection")
        if http.grammar.persistence == "keep-alive" and fields:
            return "keep-alive" in _options(fields[:1])
        options = _options(fields)
        if "close" in options or head.version == "0.9":
            return False
        return head.version == "1.1" or "keep-alive" in options

    def _send_whole(self, framed: Framed, body: Part) -> int:
        if not framed.body:
            self._send(framed.head)
            return 0
        if self.door.http.response.split or isinstance(body, Stored):
            self._send(framed.head)
            if _size(body):
                self._send(body)
        else:
            self._send(framed.head + body)
        return _size(body)

    async def _stream(self, framed: Framed, parts: AsyncIterator[Part]) -> int:
        """Send the parts of a body as they come, no faster than the visitor reads."""
        self._send(framed.head)
        sent = 0
        if not framed.body:
            return 0
        async for part in parts:
            size = _size(part)
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

    def _refuse(self, wrong: Wrong, ending: str) -> None:
        """Answer what isn't served as the product does, and end."""
        door = self.door
        malformed = wrong.malformed
        reaction = door.http.reaction(malformed.fault)
        words = malformed.words
        host = ""
        if wrong.head is not None:
            words = Words(wrong.head.method, wrong.head.target, wrong.head.version)
            host = wrong.head.headers.get("Host") or ""
        self._record_wrong(wrong, reaction.status)
        if self._body is not None:
            self._body.end(broken=True)
        if self._task is not None:
            self._task.cancel()
            self._task = None
        answer = door.writer.error(reaction, words, method=words.method, host=host, now=door.now())
        if answer and not self._transport.is_closing() and (wrong.head is None or not self._responded):
            self._send(answer)
        self._ending = ending
        if reaction.hold:
            self._hold_until = door.clock() + reaction.hold
        elif reaction.close == "reset":
            self._reset()
        else:
            self._close()

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
        if self._peer_closed or not times.linger:
            self._close_by = self.door.clock() + times.write
            transport.close()
            return
        patience = max(times.linger, times.write) if transport.get_write_buffer_size() else times.linger
        self._close_by = self.door.clock() + patience
        if transport.can_write_eof():
            transport.write_eof()
        transport.resume_reading()

    def _linger(self, data: bytes) -> None:
        """What comes behind the end is put on record, up to a bound."""
        if self._lingered < LINGER_BYTES:
            self.record.received(data)
        self._lingered += len(data)
        if self._lingered > 16 * LINGER_BYTES:
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


def _size(part: Part) -> int:
    return len(part.data) if isinstance(part, Stored) else memoryview(part).nbytes


def _options(values: tuple[str, ...]) -> set[str]:
    return {option.strip().lower() for value in values for option in value.split(",")}


def _arguments(query: str) -> tuple[tuple[str, str], ...]:
    pieces = query.split("&", MAX_ARGUMENTS)[:MAX_ARGUMENTS]
    return tuple(parse_qsl("&".join(pieces), keep_blank_values=True, errors="replace"))
