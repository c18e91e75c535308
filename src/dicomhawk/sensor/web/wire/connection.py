"""One TCP connection on a web door: the asyncio adapter between a transport, the sans-IO parts and the site.

Requests are served one after the other. Whatever came is on record before it is acted upon, and whatever is sent
before it leaves.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import parse_qsl, unquote

from ....evidence import events as ev
from ...addresses import ends
from ...tls.door import event_of
from ..door import Door
from ..message import Request, Response
from .body import StreamedBody
from .framing import MANY
from .head import Head, Words
from .inbound import BodyReceived, HeadReceived, Inbound, Wrong
from .outbound import CONTINUE, Framed
from .outgoing import Gone, Outgoing, size_of
from .persistence import keeps
from .recorded import content_type

READ_AHEAD = 1 << 17
"""Bytes of further requests that are kept while one is answered; the rest stays with the kernel."""
PRECISE = 5.0
"""Seconds without a request up to which their end has a timer of its own, as a client can tell when it was."""
MAX_ARGUMENTS = 1000
"""Arguments of a query; nobody's form has more."""


class Connection(Outgoing, asyncio.Protocol):
    """See the module's docstring."""

    __slots__ = (
        "_body",
        "_continue",
        "_gives_way",
        "_last",
        "_responded",
        "_started",
        "_task",
        "_timer",
    )

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._body: StreamedBody | None = None
        self._task: asyncio.Task[None] | None = None
        self._continue = False  # whether 100 (Continue) is owed
        self._started = 0.0
        self._responded = False  # whether the request's response has begun
        self._last = False  # whether the connection ends with the request's body
        self._gives_way = False  # whether others have a turn before the rest of the input
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
        if not door.http.nodelay:
            self._set(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        if not door.admit(self):
            self.give_way()

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
        door.connections.pop(self, None)
        if self._body is not None:
            self._body.end(broken=True)
        self._lost()
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

    def check_deadline(self, now: float) -> None:
        """Act if a deadline has passed; called by the door's sweep."""
        deadline = self.inbound.deadline
        if self._check_end(now) or deadline is None or now < deadline:
            return
        if self._body is not None and self._body.is_full:
            return  # it is the site that doesn't read
        wrong = self.inbound.handle_timer()
        if wrong is None:
            self._finish("timeout")
        else:
            self._refuse(wrong, "timeout")

    @property
    def is_waiting(self) -> bool:
        """Whether it is the visitor's turn: a request, or the rest of one, is awaited."""
        return self._task is None and not self._transport.is_closing()

    def give_way(self) -> None:
        """There is no room for it, or none any more."""
        self.door.connections.pop(self, None)
        self._ending = self._ending or "capacity"
        self._transport.abort()

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
                    if len(indication.pieces) >= MANY:
                        self._gives_way = True
                        asyncio.get_running_loop().call_soon(self._go_on)
                        break
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
            body.put(b"".join(pieces))
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
        self._gives_way = False
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
        if self._peer_closed or self._last:
            self._finish("peer-fin" if self._peer_closed else "closed")
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
        if full or self._gives_way:
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
            if self._task is asyncio.current_task():
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
        length = response.length if isinstance(body, AsyncIterator) else size_of(body)
        self._report()
        self._responded = True
        # Whether a body comes that was never asked for is the visitor's to know.
        unsure = self._continue and self.inbound.in_body
        keep = not (self._peer_closed or unsure or self.inbound.is_last) and keeps(head, self._number, door.http)
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
        if body is not None:
            body.drop()
        if self.inbound.in_body and not self._continue:
            self._last = framed.close
            if self._last:
                self._half_close()
            self._pace_reading()  # the rest of it is read, and kept
            return
        if framed.close:
            self._finish("closed")
            return
        self._next()
        self._go_on()

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


def _arguments(query: str) -> tuple[tuple[str, str], ...]:
    pieces = query.split("&", MAX_ARGUMENTS)[:MAX_ARGUMENTS]
    return tuple(parse_qsl("&".join(pieces), keep_blank_values=True, errors="replace"))
