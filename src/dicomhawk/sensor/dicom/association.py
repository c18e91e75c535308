"""One association from the inside: what its peer's indications lead to, and what services can do with it.

Whatever is sent is on record before it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ...evidence import events as ev
from ...evidence.transcript import Framing, Reference
from ...upperlayer.dialect import SERVICE_PROVIDER, Close
from ...upperlayer.errors import Quirk
from ...upperlayer.indications import AbortIndication, ReleaseIndication, Violation
from ...upperlayer.intake import Buffer
from ...upperlayer.machine import State
from ...upperlayer.message import CommandReceived, DataSetFragment
from . import services
from .dispatch import Dispatch, Gone
from .outlet import PATIENCE, Outlet
from .recorded import Recorded

if TYPE_CHECKING:
    from .door import Door

_OPEN = (State.STA6, State.STA8)
_RELEASE = ev.Release()


class Association(Recorded):
    """See the module's docstring. `door`, `provider` and `record` are for the services."""

    __slots__ = ("_outlet", "_transport", "_writable", "calling_ae_title", "dispatch", "door", "message_id")

    def __init__(self, door: Door, dispatch: Dispatch) -> None:
        super().__init__()
        self.door = door
        self.dispatch = dispatch
        self._outlet: Outlet
        self._transport: asyncio.Transport
        self._writable: asyncio.Future[None] | None = None  # while the peer doesn't read
        self.calling_ae_title = ""
        self.message_id = 0  # the last one of ours on this association

    @property
    def is_open(self) -> bool:
        """Whether something can still be sent on the association."""
        return self.provider.state in _OPEN

    def _released(self, indication: ReleaseIndication, now: float) -> None:
        self.record.emit(_RELEASE)
        if self._first == "":
            self._first = "release"
        dialect = self.door.dialect
        if self.provider.asks and not dialect.release_in_suboperation and self.dispatch.spoilt():
            return
        if self.provider.in_service and not dialect.release_in_service:
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
        self._record_violation(violation)
        reaction = violation.reaction
        if reaction.close is Close.KEEP:
            self.dispatch.abandon()
            if not self.dispatch.spoilt():
                self.dispatch.stop()
            return
        if reaction.close is Close.DRAIN:
            self.dispatch.abandon()
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

    def look(self) -> None:
        """Take for a command what has come so far, as a product that looks for one and doesn't wait."""
        now = self.door.clock()
        violation = self.provider.look(now)
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
        for start, stop, piece in provider.parts(context_id, data):
            part = data[start:stop]
            last = stop == len(data)
            provider.send_data(context_id, part, piece, last=last)
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
