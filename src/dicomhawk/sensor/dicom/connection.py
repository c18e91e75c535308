"""One TCP connection on a DICOM door: the asyncio adapter between a transport and the upper layer.

It owns the socket's side and nothing else: bytes go to the `Provider`, what the provider makes of them to the
services, and all of it to the record, before any byte that answers it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from ...upperlayer.dialect import SERVICE_PROVIDER, Close
from ...upperlayer.indications import AbortIndication, AssociateIndication, ReleaseIndication, Violation
from ...upperlayer.machine import State
from ...upperlayer.message import CommandReceived, DataSetFragment
from ...upperlayer.negotiation import Accepted, Rejected, Unanswered, bare_title
from ...upperlayer.provider import Provider
from ..addresses import ends
from ..lured import bait_taken
from ..tls.door import event_of
from .association import Association
from .dispatch import Dispatch
from .door import Door
from .outlet import Outlet
from .pace import ASSOCIATION
from .turns import Turns

_STA2 = State.STA2


class _Waiting:
    """What has come of a connection while it waits for its turn: one read's worth, then the kernel keeps it."""

    __slots__ = ("early", "peer_closed", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.early = bytearray()
        self.peer_closed = False


class Connection(Association, asyncio.Protocol):
    """See the module's docstring."""

    __slots__ = ("_steps", "_waiting")

    def __init__(self, door: Door) -> None:
        super().__init__(door, Dispatch(self))
        self._waiting: _Waiting | None = None  # for its turn
        self._steps = 0

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor is there, or one too many."""
        self._transport = cast(asyncio.Transport, transport)
        door = self.door
        wire = door.persona.wire
        self._outlet = Outlet(self._transport, split=wire.write == "split-header", nodelay=wire.nodelay)
        self.provider = Provider(door.dialect, door.clock())
        self.record = door.recorder.open(*ends(transport), protocol="dicom")
        secured = transport.get_extra_info("tls")
        if secured is not None:
            self.record.emit(event_of(secured))
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
        if self.dispatch.departs():
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
        door = self.door
        door.connections.discard(self)
        self._outlet.lost()
        if self._waiting is not None:
            self.provider.feed(bytes(self._waiting.early), door.clock())
            self._waiting = None
        if door.turns is not None:
            door.turns.left(self.record.address, self)
        self.dispatch.lost()
        self._record_end(broken=exc is not None)

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
        if self.operation is not None and not (self.dispatch.reads or (self.provider.asks and self.provider.in_pdu)):
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
        self.dispatch.has_read()

    def _associate(self, indication: AssociateIndication, now: float) -> None:
        door, turns, visitor = self.door, self.door.turns, self.record.address
        admitted = turns is None or turns.admit(visitor, self)
        answer = door.answer(indication, full=not admitted)
        self._outlet.hold(door.pace.least(ASSOCIATION))
        self.record.emit_encoded(answer.event)
        if answer.bait:
            bait_taken(door.lures, self.record, answer.bait)
        self._rq_segments = self._reads
        match answer.outcome:
            case Accepted():
                self._pdus_out += 1
                self._first = ""
                calling = bare_title(indication.rq.calling_ae, door.policy.title_padding)
                self.calling_ae_title = calling.decode("latin-1")
                self.provider.accept(answer.outcome, answer.encoded)
                if turns is not None and not turns.accepted(visitor, self):
                    self.wait_turn()
            case Rejected(rj):
                self._pdus_out += 1
                self.provider.reject(rj, now)
            case Unanswered():
                reaction = self.provider.leave_unanswered(now)
                self._pdus_out += reaction.abort is not None


_HANDLERS: dict[type[Any], Callable[[Connection, Any, float], None]] = {
    CommandReceived: Connection._command,
    DataSetFragment: Connection._fragment,
    AssociateIndication: Connection._associate,
    ReleaseIndication: Connection._released,
    AbortIndication: Connection._aborted,
    Violation: Connection._violation,
}
"""What is done with each indication that an acceptor can get."""
