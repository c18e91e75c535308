"""One TCP connection on a DICOM door: the asyncio adapter between a transport and the upper layer.

It owns the socket's side and nothing else: bytes go to the `Provider`, what the provider makes of them to the
services, and all of it to the record, before any byte that answers it leaves.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, cast

from ...evidence import events as ev
from ...evidence.recorder import ConnectionRecord
from ...evidence.transcript import Framing, Reference
from ...upperlayer import dimse
from ...upperlayer.dialect import SERVICE_PROVIDER, Close
from ...upperlayer.errors import Quirk
from ...upperlayer.machine import State
from ...upperlayer.message import CommandReceived, DataSetFragment
from ...upperlayer.negotiation import Accepted, Rejected, Unanswered
from ...upperlayer.provider import (
    AbortIndication,
    AssociateIndication,
    Buffer,
    Provider,
    ReleaseIndication,
    Violation,
)
from . import services
from .door import Door
from .foreign import first_line, guess

FIRST_BYTES = 256
"""Bytes shown of what was not DICOM; all of them are in the transcript."""
PATIENCE = 60.0
"""Seconds that a peer may leave what we send unread, before the association is aborted."""
_LINGER_RESET = struct.pack("ii", 1, 0)
_NOWHERE = ("::", 0)
_MAPPED = "::ffff:"
_C_CANCEL_RQ = int(dimse.CommandField.C_CANCEL_RQ)  # looking a member up costs more than comparing it
_OPEN = (State.STA6, State.STA8)
_STA2 = State.STA2
_SILENT_ENDINGS = {"peer-fin": "silent_fin", "peer-reset": "rst"}
_RELEASE = ev.Release()


class Gone(Exception):
    """The association ended while something was being sent on it."""


class Connection(asyncio.Protocol):
    """See the module's docstring. `provider`, `door` and `record` are for the services."""

    __slots__ = (
        "_close_by",
        "_ending",
        "_first",
        "_held",
        "_pdus_out",
        "_reads",
        "_receiver",
        "_rq_segments",
        "_spans",
        "_task",
        "_transport",
        "_writable",
        "calling_ae_title",
        "door",
        "message_id",
        "operation",
        "provider",
        "record",
    )

    def __init__(self, door: Door) -> None:
        self.door = door
        self.provider: Provider
        self.record: ConnectionRecord
        self.operation: services.Operation | None = None
        self.calling_ae_title = ""
        self.message_id = 0  # the last one of ours on this association
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None
        self._held: CommandReceived | None = None  # a request that waits for the operation to end
        self._receiver: services.Receiver | None = None  # who takes the data set that is coming in
        self._spans: list[tuple[int, int, int, int]] = []  # where the input holds bytes of objects
        self._writable: asyncio.Future[None] | None = None  # while the peer doesn't read
        self._ending = ""
        self._close_by: float | None = None  # when a close that waits for the peer to read is made a reset
        self._pdus_out = 0
        self._reads = 0
        self._rq_segments: int | None = None
        self._first: str | None = None  # what the peer did after the accept; "" for nothing yet

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor is there, or one too many."""
        self._transport = cast(asyncio.Transport, transport)
        door = self.door
        # A peer that is gone already has no name any more.
        peer = transport.get_extra_info("peername") or _NOWHERE
        local = transport.get_extra_info("sockname") or _NOWHERE
        self.provider = Provider(door.dialect, door.clock())
        self.record = door.recorder.open(_endpoint(peer), _endpoint(local), protocol="dicom")
        door.connections.add(self)
        if len(door.connections) > door.capacity:
            self._ending = "capacity"
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self._reads += 1
        now = self.door.clock()
        self.provider.feed(data, now)
        try:
            self._advance(now)
        except Exception as error:
            self._unforeseen(error)

    def eof_received(self) -> None:
        """The peer closed its side; asyncio closes ours."""
        self._ending = self._ending or "peer-fin"

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        door, provider, record = self.door, self.provider, self.record
        door.connections.discard(self)
        self._break_operation()
        if self._receiver is not None:
            self._receiver.abandon()
            self._receiver = None
        leftover = provider.leftover
        if leftover:
            record.received(leftover)
        before = provider.state
        provider.transport_closed()
        if before is _STA2 and leftover[:1] not in (b"", b"\1"):
            self._foreign(leftover)
        ending = self._ending or ("peer-reset" if exc is not None else "peer-fin")
        # Written with the next response, or by the worker's sweep: nobody waits for it.
        record.close(
            ending,
            pdus_in=provider.pdus_received,
            pdus_out=self._pdus_out,
            rq_segments=self._rq_segments,
            after_ac=self._first or self._silence(ending, leftover),
        )

    def _silence(self, ending: str, leftover: bytes) -> str | None:
        """How a peer left who did nothing on the accepted association; None if it wasn't like that."""
        if self._first is None or leftover or self.provider.pdus_received > 1:
            return None
        return _SILENT_ENDINGS.get(ending)

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write: nothing more is read from it until it has caught up."""
        self._writable = asyncio.get_running_loop().create_future()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self._resume_reading()

    def _resume_reading(self) -> None:
        if self._held is None and self._writable is None and not self._transport.is_closing():
            self._transport.resume_reading()

    def check_deadline(self, now: float) -> None:
        """Act if the provider's deadline has passed; called by the door's sweep."""
        if self._close_by is not None:
            if now >= self._close_by:
                self._transport.abort()
            return
        deadline = self.provider.deadline
        if deadline is None or now < deadline:
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

    # The upper layer's side

    def _advance(self, now: float) -> None:
        """Deal with all that the input amounts to so far, then write what there is to say."""
        provider = self.provider
        while self._held is None and provider.close is None:
            indication = provider.poll(now)
            if indication is None:
                break
            _HANDLERS[type(indication)](self, indication, now)
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
        answer = self.door.answer(indication)
        self.record.emit_encoded(answer.event)
        self._rq_segments = self._reads
        match answer.outcome:
            case Accepted():
                self._pdus_out += 1
                self._first = ""
                self.calling_ae_title = indication.rq.calling_ae_title.strip(" \0")
                self.provider.accept(answer.outcome, answer.encoded)
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
        self.provider.confirm_release(now)
        self._pdus_out += 1
        self._break_operation()

    def _aborted(self, indication: AbortIndication, now: float) -> None:
        self.record.emit(ev.Abort(by="peer", source=indication.source, reason=indication.reason))
        if self._first == "":
            self._first = "abort"
        self._break_operation()

    def _violation(self, violation: Violation, now: float) -> None:
        record = self.record
        self._first = self._first or None
        if violation.state is State.STA2 and _is_foreign(violation):
            self._foreign(violation.data)
        if violation.quirk is not Quirk.TIMEOUT:
            record.emit(
                ev.Violation(
                    quirk=violation.quirk.value,
                    detail=violation.detail,
                    state=f"Sta{violation.state.value}",
                    first_bytes=violation.data[:FIRST_BYTES].hex(),
                )
            )
        if violation.reaction.abort is not None:
            source, reason = violation.reaction.abort
            self._pdus_out += 1
            record.emit(ev.Abort(by="sensor", source=source, reason=reason))
        if violation.state is State.STA13:
            # PS3.8 would have us answer each of them until the timer ends; one is enough for anybody's disk.
            self.provider.close = Close.FIN
        self._break_operation()

    def _foreign(self, data: bytes) -> None:
        first = data[:FIRST_BYTES]
        self.record.emit(ev.ProtocolUnknown(guess=guess(first), first_bytes=first.hex(), text=first_line(first)))

    # The services' side

    def _command(self, received: CommandReceived, now: float) -> None:
        command = received.command
        field = command.command_field
        if self._first == "":
            self._first = "dimse"
        if field & dimse.RESPONSE_BIT:
            receiver: services.Receiver = services.DISCARD
            if self.operation is not None:
                self.operation.responded(command)
            else:
                receiver = services.unasked(self, command)
            self._receiver = receiver if command.has_data_set else None
        elif field == _C_CANCEL_RQ:
            self._cancel(received)
        elif self.operation is not None:
            intruded = services.meanwhile(self, command)
            if intruded is None:
                # One operation at a time, as without an asynchronous operations window (PS3.7 D.3.3.3).
                self._held = received
                self._transport.pause_reading()
            else:
                self._receiver = intruded if command.has_data_set else None
        else:
            self._begin(received, now)

    def _begin(self, received: CommandReceived, now: float) -> None:
        request = services.Request(received.command, self.provider.contexts[received.context_id], now)
        receiver = services.open_receiver(self, request)
        if received.command.has_data_set:
            self._receiver = receiver
        else:
            receiver.finish(now)

    def _fragment(self, fragment: DataSetFragment, now: float) -> None:
        receiver = self._receiver
        if receiver is None:
            return
        receiver.take(fragment)
        if fragment.last:
            self._receiver = None
            receiver.finish(now)

    def _cancel(self, received: CommandReceived) -> None:
        command = received.command
        message_id = command.number(dimse.Key.MessageIDBeingRespondedTo)
        operation = self.operation
        running = operation is not None and operation.message_id == message_id
        self.record.emit(ev.CCancel(message_id=message_id, context_id=received.context_id, running=running))
        receiver: services.Receiver = services.DISCARD
        if operation is None:
            receiver = services.late_cancel(self, command)
        elif running:
            operation.cancel()
        else:
            receiver = services.meanwhile(self, command) or receiver
        self._receiver = receiver if command.has_data_set else None

    def start(self, operation: services.Operation, work: Coroutine[Any, Any, None]) -> None:
        """Run an operation that sends several responses."""
        self.operation = operation
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            self.operation = self._task = None
            now = self.door.clock()
            held, self._held = self._held, None
            if held is not None:
                self._resume_reading()
                self._begin(held, now)
            self._advance(now)
        except Gone:
            self._break_operation()
        except Exception as error:
            self._unforeseen(error)

    def _break_operation(self) -> None:
        """The association is over, and with it what was being done on it."""
        operation, task = self.operation, self._task
        if operation is None and task is None:
            return
        self.operation = self._task = self._held = None
        if operation is not None:
            operation.broken()
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def drop_operation(self) -> None:
        """End what is being done without another response; the association goes on."""
        self._break_operation()

    def _unforeseen(self, error: Exception) -> None:
        """An error of ours: this connection is given up, the others go on."""
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "a connection failed", "exception": error})
        self._break_operation()
        self.give_up()

    def refuse(self, quirk: Quirk, detail: str) -> None:
        """Abort, or whatever the persona has for it, with the next `flush`: a message that the product won't have."""
        now = self.door.clock()
        violation = self.provider.refuse(quirk, detail, now)
        if violation is not None:
            self._violation(violation, now)

    def hang_up(self) -> None:
        """Close the connection in order, without an A-ABORT, with the next `flush`."""
        self.provider.close = self.provider.close or Close.FIN
        self._break_operation()

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
        self._pdus_out += 1
        provider.send(context_id, command, data)

    async def send_object(self, context_id: int, command: bytes, data: memoryview, reference: Reference) -> None:
        """As `send`, with a data set that the transcript only refers to; waits for a peer that reads slowly.

        A large object goes out in steps, so that neither it nor its fragments pile up in memory. Raises `Gone`.
        """
        provider, record = self.provider, self.record
        self.send(context_id, command)
        literal = b"".join(provider.take_output(self.door.clock()))
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
            self._transport.writelines([literal, *pieces])
            literal = b""
            if not last:
                await self.drain()

    def flush(self, now: float) -> None:
        """Write what is queued, after the record of what led to it; then close, if it is time."""
        provider = self.provider
        out = provider.take_output(now)
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            self.record.sent(data)
            self.door.recorder.flush()
            self._transport.write(data)
        else:
            self.door.recorder.flush()
        close = provider.close
        if close is not None and not self._transport.is_closing():
            self._close(close)

    def _close(self, close: Close) -> None:
        if close is Close.RESET:
            self._ending = self._ending or "aborted"
            sock = self._transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._transport.abort()
        else:
            self._ending = self._ending or "closed"
            self._close_by = self.door.clock() + PATIENCE
            self._transport.close()

    async def drain(self) -> None:
        """Wait until the peer has read enough. Raises `Gone` if the association is over."""
        self.flush(self.door.clock())
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
