"""One TCP connection on a DICOM door: the asyncio adapter between a transport and the upper layer.

It owns the socket's side and nothing else: bytes go to the `Provider`, what the provider makes of them to the
services, and all of it to the record, before any byte that answers it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from ...evidence import events as ev
from ...evidence.recorder import ConnectionRecord
from ...evidence.transcript import Framing, Reference
from ...upperlayer.dialect import SERVICE_PROVIDER, Close
from ...upperlayer.errors import Quirk
from ...upperlayer.indications import AbortIndication, AssociateIndication, ReleaseIndication, Violation
from ...upperlayer.intake import Buffer
from ...upperlayer.machine import State
from ...upperlayer.message import CommandReceived, DataSetFragment
from ...upperlayer.negotiation import Accepted, Rejected, Unanswered
from ...upperlayer.provider import Provider
from . import services
from .dispatch import Dispatch, Gone
from .door import Door
from .foreign import first_line, guess
from .outlet import PATIENCE, Outlet
from .pace import ASSOCIATION
from .turns import Turns

FIRST_BYTES = 256
"""Bytes shown of what was not DICOM; all of them are in the transcript."""
_NOWHERE = ("::", 0)
_MAPPED = "::ffff:"
_OPEN = (State.STA6, State.STA8)
_STA2 = State.STA2
_SILENT_ENDINGS = {"peer-fin": "silent_fin", "peer-reset": "rst"}
_RELEASE = ev.Release()
_UNFINISHED = frozenset({Quirk.TIMEOUT, Quirk.PARTIAL_HEADER, Quirk.PARTIAL_PDU})


class _Waiting:
    """What has come of a connection while it waits for its turn: one read's worth, then the kernel keeps it."""

    __slots__ = ("early", "peer_closed", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.early = bytearray()
        self.peer_closed = False


class Connection(asyncio.Protocol):
    """See the module's docstring. `provider`, `door` and `record` are for the services."""

    __slots__ = (
        "_ending",
        "_first",
        "_outlet",
        "_pdus_out",
        "_reads",
        "_rq_segments",
        "_spans",
        "_steps",
        "_transport",
        "_waiting",
        "_writable",
        "calling_ae_title",
        "dispatch",
        "door",
        "message_id",
        "provider",
        "record",
    )

    def __init__(self, door: Door) -> None:
        self.door = door
        self.provider: Provider
        self.record: ConnectionRecord
        self.dispatch = Dispatch(self)
        self._outlet: Outlet
        self.calling_ae_title = ""
        self.message_id = 0  # the last one of ours on this association
        self._transport: asyncio.Transport
        self._spans: list[tuple[int, int, int, int]] = []  # where the input holds bytes of objects
        self._writable: asyncio.Future[None] | None = None  # while the peer doesn't read
        self._ending = ""
        self._waiting: _Waiting | None = None  # for its turn
        self._pdus_out = 0
        self._steps = 0
        self._reads = 0
        self._rq_segments: int | None = None
        self._first: str | None = None  # what the peer did after the accept; "" for nothing yet

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor is there, or one too many."""
        self._transport = cast(asyncio.Transport, transport)
        door = self.door
        wire = door.persona.wire
        self._outlet = Outlet(self._transport, split=wire.write == "split-header", nodelay=wire.nodelay)
        # A peer that is gone already has no name any more.
        peer = transport.get_extra_info("peername") or _NOWHERE
        local = transport.get_extra_info("sockname") or _NOWHERE
        self.provider = Provider(door.dialect, door.clock())
        self.record = door.recorder.open(_endpoint(peer), _endpoint(local), protocol="dicom")
        door.connections.add(self)
        turn: bool | None = True
        if len(door.connections) > door.capacity:
            turn = None
        elif door.turns is not None:
            turn = door.turns.arrive(self.record.address, self)
        if turn is None:
            self._ending = "capacity"
            self._transport.abort()
        elif not turn:
            self.wait_turn()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self._reads += 1
        if self._waiting is not None:
            self._waiting.early += data
            self.pause_reading()
            return
        now = self.door.clock()
        self.provider.feed(data, now)
        try:
            self.advance(now)
        except Exception as error:
            self.unforeseen(error)

    def eof_received(self) -> bool:
        """The peer closed its side; ours is closed as the product does."""
        if self._waiting is not None:
            self._waiting.peer_closed = True
            return True
        self._ending = self._ending or "peer-fin"
        now = self.door.clock()
        self._stop_short()
        violation = self.provider.peer_closed(now)
        if violation is not None:
            self._violation(violation, now)
        self.flush(now)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        door, provider, record = self.door, self.provider, self.record
        door.connections.discard(self)
        self._outlet.lost()
        if self._waiting is not None:
            provider.feed(bytes(self._waiting.early), door.clock())
            self._waiting = None
        if door.turns is not None:
            door.turns.left(record.address, self)
        self.dispatch.lost()
        self._record_input()
        leftover = provider.leftover
        if leftover:
            record.received(leftover)
        self._stop_short()
        provider.transport_closed()
        ending = self._ending or ("peer-reset" if exc is not None else "peer-fin")
        # Written with the next response, or by the worker's sweep: nobody waits for it.
        record.close(
            ending,
            pdus_in=provider.pdus_received,
            pdus_out=self._pdus_out,
            rq_segments=self._rq_segments,
            after_ac=self._first or self._silence(ending, leftover),
        )

    def _stop_short(self) -> None:
        """The peer ends the connection: what if it never came to an A-ASSOCIATE-RQ?"""
        first = self.provider.leftover
        if self.provider.state is _STA2 and first[:1] not in (b"", b"\1"):
            self._foreign(first)

    def _silence(self, ending: str, leftover: bytes) -> str | None:
        """How a peer left who did nothing on the accepted association; None if it wasn't like that."""
        if self._first is None or leftover or self.provider.pdus_received > 1:
            return None
        return _SILENT_ENDINGS.get(ending)

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write: nothing more is read from it until it has caught up."""
        self._writable = asyncio.get_running_loop().create_future()
        self.pause_reading()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self.resume_reading()

    def pause_reading(self) -> None:
        """Leave what comes in the kernel."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, if nothing else is against it."""
        if self.dispatch.holds or self._writable is not None or self._waiting is not None:
            return
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def check_deadline(self, now: float) -> None:
        """Act if the provider's deadline has passed; called by the door's sweep."""
        if self._outlet.is_closing:
            if self._outlet.is_overdue(now):
                self._transport.abort()
            return
        deadline = self.provider.deadline
        if deadline is None or now < deadline or self._waiting is not None:
            return
        if self.operation is not None:
            return  # the silence is ours
        indication = self.provider.handle_timer(now)
        self._ending = self._ending or "timeout"
        if indication is not None:
            _HANDLERS[type(indication)](self, indication, now)
        self.flush(now)

    def shut_down(self) -> None:
        """The sensor ends: abort an association, close everything else."""
        self._ending = self._ending or "shutdown"
        if self.provider.state is State.STA6:
            self.provider.abort(self.door.clock(), SERVICE_PROVIDER, 0, Close.FIN)
        self.provider.close = self.provider.close or Close.FIN
        self.flush(self.door.clock())

    # Its turn

    @property
    def is_busy(self) -> bool:
        """Whether it can't be interrupted: a product that reads and waits would be in the middle of something."""
        provider = self.provider
        return self.operation is not None or provider.awaits_data_set or provider.in_pdu or not self.is_open

    def wait_turn(self) -> None:
        """Leave it alone until `proceed`: others are served, or negotiated."""
        self._waiting = _Waiting(self.door.clock())

    def proceed(self) -> None:
        """It has its turn."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._transport.is_closing():
            return
        now = self.door.clock()
        if self.provider.state is _STA2:
            self.provider = Provider(self.door.dialect, now)
        else:
            self.provider.postpone(now - waiting.since)
        self.resume_reading()
        if waiting.early:
            self.provider.feed(bytes(waiting.early), now)
        try:
            self.advance(now)
        except Exception as error:
            self.unforeseen(error)
        if waiting.peer_closed:
            if self._waiting is None:
                self.eof_received()
            else:
                self._waiting.peer_closed = True

    def _end_step(self, turns: Turns) -> None:
        """A command is done with, or several: others may have their turn."""
        self._steps = self.dispatch.ended
        if self.is_open and not turns.step_over(self.record.address, self):
            self.wait_turn()

    # The upper layer's side

    def advance(self, now: float) -> None:
        """Deal with all that the input amounts to so far, then write what there is to say."""
        provider = self.provider
        turns = self.door.turns
        if turns is not None and self.dispatch.ended != self._steps:
            self._end_step(turns)  # with an operation that took its time
        while not self.dispatch.holds and provider.close is None and self._waiting is None:
            indication = provider.poll(now)
            if indication is None:
                break
            _HANDLERS[type(indication)](self, indication, now)
            if turns is not None and self.dispatch.ended != self._steps:
                self._end_step(turns)
        self._record_input()
        self.flush(now)

    def _record_input(self) -> None:
        """Transcribe the consumed input: literally, but for what went into captured objects."""
        offset, data = self.provider.consumed()
        if not self._spans:
            if data:
                self.record.received(data)
            return
        record = self.record
        data = memoryview(data)
        done = 0
        for start, length, ordinal, object_offset in self._spans:
            at = start - offset
            if at > done:
                record.received(data[done:at])
            record.received_object(ordinal, object_offset, length)
            done = at + length
        if done < len(data):
            record.received(data[done:])
        self._spans.clear()

    @property
    def is_open(self) -> bool:
        """Whether something can still be sent on the association."""
        return self.provider.state in _OPEN

    def captured(self, fragment: DataSetFragment, ordinal: int, object_offset: int) -> None:
        """The bytes of `fragment` are kept as part of the visitor's object number `ordinal`."""
        self._spans.append((fragment.offset, len(fragment.data), ordinal, object_offset))

    def _associate(self, indication: AssociateIndication, now: float) -> None:
        door, turns, visitor = self.door, self.door.turns, self.record.address
        admitted = turns is None or turns.admit(visitor, self)
        answer = door.answer(indication, full=not admitted)
        self._outlet.hold(door.pace.least(ASSOCIATION))
        self.record.emit_encoded(answer.event)
        self._rq_segments = self._reads
        match answer.outcome:
            case Accepted():
                self._pdus_out += 1
                self._first = ""
                self.calling_ae_title = indication.rq.calling_ae_title.strip(" \0")
                self.provider.accept(answer.outcome, answer.encoded)
                if turns is not None and not turns.accepted(visitor, self):
                    self.wait_turn()
            case Rejected(rj):
                self._pdus_out += 1
                self.provider.reject(rj, now)
            case Unanswered():
                reaction = self.provider.leave_unanswered(now)
                self._pdus_out += reaction.abort is not None

    def _released(self, indication: ReleaseIndication, now: float) -> None:
        self.record.emit(_RELEASE)
        if self._first == "":
            self._first = "release"
        if self.provider.in_service and not self.door.dialect.release_in_service:
            self.provider.expect_no_data_set()
            self.dispatch.abandon()
            self.dispatch.stop()
            return
        self.provider.confirm_release(now)
        self._pdus_out += 1
        self.dispatch.stop()

    def _aborted(self, indication: AbortIndication, now: float) -> None:
        self.record.emit(ev.Abort(by="peer", source=indication.source, reason=indication.reason))
        if self._first == "":
            self._first = "abort"
        self.dispatch.stop()

    def _violation(self, violation: Violation, now: float) -> None:
        record = self.record
        self._first = self._first or None
        if violation.state is State.STA2 and _is_foreign(violation):
            self._foreign(violation.data)
        if violation.quirk not in _UNFINISHED:
            record.emit(
                ev.Violation(
                    quirk=violation.quirk.value,
                    detail=violation.detail,
                    state=f"Sta{violation.state.value}",
                    first_bytes=violation.data[:FIRST_BYTES].hex(),
                )
            )
        reaction = violation.reaction
        for source_and_reason in (reaction.abort, reaction.again):
            if source_and_reason is not None:
                source, reason = source_and_reason
                self._pdus_out += 1
                record.emit(ev.Abort(by="sensor", source=source, reason=reason))
        if reaction.close is Close.KEEP:
            self.dispatch.abandon()
            self.dispatch.stop()
            return
        if violation.state is State.STA13 and reaction.close is Close.WAIT:
            # PS3.8 would have us answer each of them until the timer ends; one is enough for anybody's disk.
            self.provider.close = Close.FIN
        self.dispatch.stop()

    def _command(self, received: CommandReceived, now: float) -> None:
        if self._first == "":
            self._first = "dimse"
        self.dispatch.command(received, now)

    def _fragment(self, fragment: DataSetFragment, now: float) -> None:
        self.dispatch.fragment(fragment, now)

    def _foreign(self, data: bytes) -> None:
        first = data[:FIRST_BYTES]
        self.record.emit(ev.ProtocolUnknown(guess=guess(first), first_bytes=first.hex(), text=first_line(first)))

    # The services' side

    @property
    def operation(self) -> services.Operation | None:
        """The service that is at work, if one is that takes time."""
        return self.dispatch.operation

    def start(self, operation: services.Operation, work: Coroutine[Any, Any, None]) -> None:
        """Run an operation that sends several responses."""
        self.dispatch.start(operation, work)

    def drop_operation(self) -> None:
        """End what is being done without another response; the association goes on."""
        self.dispatch.stop()

    def unforeseen(self, error: Exception) -> None:
        """An error of ours: this connection is given up, the others go on."""
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "a connection failed", "exception": error})
        self.dispatch.stop()
        self.give_up()

    def answers(self, field: int) -> None:
        """The request with this command field is complete: its answer waits until the product would have it."""
        self._outlet.hold(self.door.pace.least(field))

    def refuse(self, quirk: Quirk, detail: str) -> None:
        """Abort, or whatever the persona has for it, with the next `flush`: a message that the product won't have."""
        now = self.door.clock()
        violation = self.provider.refuse(quirk, detail, now)
        if violation is not None:
            self._violation(violation, now)

    def hang_up(self) -> None:
        """Close the connection in order, without an A-ABORT, with the next `flush`."""
        self.provider.hang_up(self.door.clock())
        self.dispatch.stop()

    def give_up(self, close: Close = Close.FIN) -> None:
        """Abort the association: the peer doesn't do its part, or we can't do ours."""
        if self.is_open:
            self.provider.abort(self.door.clock(), SERVICE_PROVIDER, 0, close)
            self.record.emit(ev.Abort(by="sensor", source=SERVICE_PROVIDER, reason=0))
            self.flush(self.door.clock())
        else:
            self._transport.abort()

    def send(self, context_id: int, command: bytes, data: Buffer | None = None) -> None:
        """Queue a message for the next `flush`. Raises `Gone` if the association is over."""
        provider = self.provider
        if not self.is_open:
            raise Gone
        if not provider.can_send:
            self.refuse(Quirk.PEER_MAXIMUM, f"a maximum length of {provider.peer_maximum_length}")
            raise Gone
        self._pdus_out += 1
        provider.send(context_id, command, data)

    async def send_object(self, context_id: int, request: bytes, data: memoryview, reference: Reference) -> None:
        """As `send`, with a data set that the transcript only refers to; waits for a peer that reads slowly.

        A large object goes out in steps, so that neither it nor its fragments pile up in memory. Raises `Gone`.
        """
        provider, record = self.provider, self.record
        self.send(context_id, request)
        command = provider.take_output(self.door.clock())
        literal = b"".join(command)
        step = provider.data_step
        for start in range(0, max(len(data), 1), step):
            part = data[start : start + step]
            last = start + step >= len(data)
            provider.send_data(context_id, part, last=last)
            pieces = provider.take_output(self.door.clock())  # headers and views of the data take turns
            self._pdus_out += len(pieces) // 2
            if literal:
                record.sent(literal)
            framing = Framing(len(pieces[1]), bytes(pieces[0]), bytes(pieces[-2]))
            if framing.piece:
                record.sent_object(reference, start, len(part), framing)
            else:
                record.sent(framing.last)
            self.door.recorder.flush()
            self._outlet.write([*command, *pieces])
            command, literal = [], b""
            if not last:
                await self.drain()

    def flush(self, now: float) -> None:
        """Write what is queued, after the record of what led to it; then close, if it is time."""
        provider = self.provider
        out = provider.take_output(now)
        if out:
            self.record.sent(out[0] if len(out) == 1 else b"".join(out))
        self.door.recorder.flush()
        close = provider.close
        if close is not None and not self._outlet.is_closing:
            self._ending = self._ending or ("aborted" if close is Close.RESET else "closed")
            self._outlet.close(close, out, now)
        elif out:
            self._outlet.write(out)

    async def drain(self) -> None:
        """Wait until the peer has read enough. Raises `Gone` if the association is over."""
        self.flush(self.door.clock())
        await self._outlet.released()
        if self._writable is not None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await asyncio.shield(self._writable)
            except TimeoutError:
                self.give_up(Close.RESET)
        if not self.is_open:
            raise Gone


def _endpoint(name: tuple[Any, ...]) -> tuple[str, int]:
    """Address and port of a socket's name; an IPv4 address within IPv6, as on a socket for both, becomes IPv4."""
    host, port = name[:2]
    return (host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host), port


def _is_foreign(violation: Violation) -> bool:
    """Whether the first bytes of a connection are not those of an A-ASSOCIATE-RQ but another protocol's."""
    if violation.quirk in (Quirk.PDU_LENGTH, Quirk.TIMEOUT):  # RDP and DCE-RPC begin as PDUs do, SOCKS stops short
        return violation.data[:1] not in (b"", b"\1")
    return violation.quirk in (Quirk.UNKNOWN_PDU, Quirk.PDU_TOO_LONG)


_HANDLERS: dict[type[Any], Callable[[Connection, Any, float], None]] = {
    CommandReceived: Connection._command,
    DataSetFragment: Connection._fragment,
    AssociateIndication: Connection._associate,
    ReleaseIndication: Connection._released,
    AbortIndication: Connection._aborted,
    Violation: Connection._violation,
}
"""What is done with each indication that an acceptor can get."""
