"""Commands of one association and the services that they are for: one operation at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ...evidence import events as ev
from ...upperlayer import dimse
from ...upperlayer.message import CommandReceived, DataSetFragment
from . import services

if TYPE_CHECKING:
    from .connection import Connection

_C_CANCEL_RQ = int(dimse.CommandField.C_CANCEL_RQ)  # looking a member up costs more than comparing it


class Gone(Exception):
    """The association ended while something was being sent on it."""


class Dispatch:
    """Gives each command to its service, and each data set to the command that it came with.

    `operation` is the service that is at work, if one is that takes time. `ended` counts the commands that are done
    with.
    """

    __slots__ = (
        "_behind",
        "_connection",
        "_departed",
        "_field",
        "_held",
        "_receiver",
        "_task",
        "_whole",
        "ended",
        "operation",
        "reports",
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._task: asyncio.Task[None] | None = None
        self._field = 0  # of the command that is, or was last, begun
        self._held: CommandReceived | None = None  # a request that waits for the operation to end
        self._behind = False  # input waits for the operation's next look at it
        self._departed = False  # and behind it, the peer closed its side
        self._whole: asyncio.Future[None] | None = None  # while the operation waits for the rest of a PDU
        self._receiver: services.Receiver | None = None  # who takes the data set that is coming in
        self.operation: services.Operation | None = None
        self.reports: services.Reports | None = None  # results that the peer is still to be told
        self.ended = 0

    @property
    def holds(self) -> bool:
        """Whether a request waits for the operation to end, and all input behind it, or input for its next look."""
        return self._held is not None or self._behind

    @property
    def reads(self) -> bool:
        """Whether the operation waits for the rest of a PDU that has begun."""
        return self._whole is not None

    def command(self, received: CommandReceived, now: float) -> None:
        """A command has come."""
        connection, command = self._connection, received.command
        field = command.command_field
        if field & dimse.RESPONSE_BIT:
            receiver: services.Receiver = services.DISCARD
            if self.reports is not None and self.reports.responded(command):
                pass
            elif self.operation is None:
                receiver = services.unasked(connection, command)
            elif not self.operation.responded(command):
                receiver = services.meanwhile(connection, command) or receiver
            self._take(receiver, command)
        elif field == _C_CANCEL_RQ:
            self._cancel(received)
        elif self.operation is not None:
            intruded = services.meanwhile(connection, command)
            if intruded is None:
                # One operation at a time, as without an asynchronous operations window (PS3.7 D.3.3.3).
                self._held = received
                connection.pause_reading()
            else:
                self._take(intruded, command)
        else:
            self._begin(received, now)

    def _take(self, receiver: services.Receiver, command: dimse.Command) -> None:
        self._receiver = receiver if command.has_data_set else None
        self.ended += self._receiver is None

    def _begin(self, received: CommandReceived, now: float) -> None:
        connection = self._connection
        request = services.Request(received.command, connection.provider.contexts[received.context_id], now)
        receiver = services.open_receiver(connection, request)
        self._field = received.command.command_field
        if received.command.has_data_set:
            self._receiver = receiver
        else:
            self._finish(receiver, now)

    def _finish(self, receiver: services.Receiver, now: float) -> None:
        self._connection.answers(self._field)
        with contextlib.suppress(Gone):
            receiver.finish(now)
        self.ended += self.operation is None

    def fragment(self, fragment: DataSetFragment, now: float) -> None:
        """A piece of a data set has come."""
        receiver = self._receiver
        if receiver is None:
            return
        receiver.take(fragment)
        if fragment.last and self._receiver is receiver:
            self._receiver = None
            self._finish(receiver, now)

    def _cancel(self, received: CommandReceived) -> None:
        connection, command = self._connection, received.command
        message_id = command.number(dimse.Key.MessageIDBeingRespondedTo)
        operation = self.operation
        running = operation is not None and operation.message_id == message_id
        if running and operation is not None and received.context_id != operation.context_id:
            # Where a command that comes meanwhile waits, a C-CANCEL is known by its Message ID alone.
            running = connection.door.persona.commands.meanwhile == "wait"
        connection.record.emit(ev.CCancel(message_id=message_id, context_id=received.context_id, running=running))
        receiver: services.Receiver = services.DISCARD
        if operation is None:
            receiver = services.late_cancel(connection, command)
        elif running:
            operation.cancel()
        else:
            receiver = services.meanwhile(connection, command) or receiver
        self._take(receiver, command)

    def start(self, operation: services.Operation, work: Coroutine[Any, Any, None]) -> None:
        """Run an operation that sends several responses."""
        self.operation = operation
        self._connection.provider.works = True
        self._task = asyncio.get_running_loop().create_task(self._run(work))
        self._task.add_done_callback(lambda _: work.close())  # a task that is cancelled at once never begins it

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        connection = self._connection
        try:
            try:
                if connection.door.persona.commands.meanwhile != "wait":
                    await asyncio.sleep(0)  # what has come behind the request shows now
                    await self.look()
                await work
            except Gone:
                self.stop()
                if not connection.is_open:
                    connection.flush(connection.door.clock())
                    self._depart()
                    return
            self.operation = self._task = None
            connection.provider.works = False
            self.ended += 1
            now = connection.door.clock()
            held, self._held = self._held, None
            self._let_in()
            if held is not None:
                connection.resume_reading()
                self._begin(held, now)
            connection.advance(now)
            self._depart()
        except Exception as error:
            connection.unforeseen(error)

    # Between two responses of an operation

    def wait_for_look(self) -> None:
        """What the operation waited for is here: what comes behind it counts when it looks next."""
        if self._connection.door.persona.commands.meanwhile != "wait":
            self._behind = True
            self._connection.pause_reading()

    def spoilt(self) -> bool:
        """Something came that isn't a command: whether the operation has taken it for what it waited for."""
        return self.operation is not None and self.operation.spoilt()

    def departs(self) -> bool:
        """The peer closed its side: whether that counts at the next look only."""
        self._departed = self._behind
        return self._behind

    async def look(self) -> None:
        """Let what has come count before the next response: a C-CANCEL, or what ends the operation, which is `Gone`.

        A PDU that has begun is waited for. Where commands wait until the operation has ended, nothing counts, nor
        once it is cancelled.
        """
        connection, operation = self._connection, self.operation
        if connection.door.persona.commands.meanwhile == "wait" or (operation is not None and operation.cancelled):
            return
        if self._behind:
            connection.flush(connection.door.clock())
            self._let_in()
            await asyncio.sleep(0)  # what the kernel has kept shows now
            connection.advance(connection.door.clock())
            self._depart()
        while self.operation is operation and connection.is_open:
            connection.look()
            if not connection.provider.in_pdu or self.operation is not operation:
                break
            self._whole = asyncio.get_running_loop().create_future()
            try:
                await self._whole
            finally:
                self._whole = None
        if self.operation is not operation or not connection.is_open:
            raise Gone

    def listen(self) -> None:
        """The operation waits for the peer: what has come behind the last thing that counted is looked at."""
        if self._behind:
            self._let_in()
            self._connection.advance(self._connection.door.clock())

    def has_read(self) -> None:
        """All input has been dealt with, but for a PDU that isn't whole."""
        if self._whole is not None and not self._whole.done() and not self._connection.provider.in_pdu:
            self._whole.set_result(None)

    def _let_in(self) -> None:
        if self._behind:
            self._behind = False
            self._connection.resume_reading()

    def _depart(self) -> None:
        if self._departed:
            self._departed = False
            self._connection.eof_received()

    def stop(self) -> None:
        """End the operation, if there is one, without another response, and forget the request that waits for it."""
        operation, task = self.operation, self._task
        if operation is None and task is None:
            return
        self.operation = self._task = None
        self._connection.provider.works = False
        held, self._held = self._held, None
        self._let_in()
        if held is not None:
            self._connection.resume_reading()
        if operation is not None:
            operation.broken()
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def lost(self) -> None:
        """The connection is over."""
        self.stop()
        self.abandon()
        if self.reports is not None:
            self.reports.end()

    def abandon(self) -> None:
        """The data set that is coming in will not be complete."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.abandon()
