"""C-GET (PS3.4 C.4.3): the objects come back on the same association."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....persona import sopclasses
from ....upperlayer import dimse
from ....upperlayer.dimse import Command, CommandField, Key
from ....upperlayer.negotiation import Context
from ...lured import handed_out
from .. import status
from .base import RESPONSES_A_TURN, Request
from .retrieve import Retrieval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ....hospital.instances import InstanceRef, Instances
    from ....persona.model.commands import Disposal
    from ...holdings import StoredObject
    from ..connection import Connection

AHEAD = 3
"""Objects rendered ahead of the one being sent, so that the renderer works while the network does."""

_MEDIUM = 0


class Get(Retrieval):
    """C-GET."""

    __slots__ = (
        "_answer",
        "_awaited",
        "_cancelled_within",
        "_contexts",
        "_decodes",
        "_get",
        "_operation_id",
    )

    def __init__(self, connection: Connection, request: Request) -> None:
        self._get = connection.door.persona.get
        super().__init__(connection, request, self._get.select, self._get.progress)
        self._answer: asyncio.Future[int | None] | None = None
        self._awaited = 0  # the Message ID that an answer is awaited to
        self._cancelled_within = False  # while a sub-operation was under way
        self._operation_id = 0
        self._decodes = frozenset(map(sopclasses.transfer_syntax, self._get.decodes))
        self._contexts: dict[str, list[Context]] = {}
        for context in connection.provider.contexts.values():
            if context.scp or (context.default_roles and self._get.roles == "any"):
                self._contexts.setdefault(context.abstract_syntax, []).append(context)

    def _announce(self) -> None:
        self.connection.record.emit(ev.CGet(**self._query()))

    @property
    def _classes(self) -> frozenset[str]:
        return sopclasses.GET

    def responded(self, command: Command) -> bool:
        """The peer's answer to a C-STORE sub-operation; any other response stands for a failure."""
        right = (
            command.command_field == CommandField.C_STORE_RSP
            and command.number(Key.MessageIDBeingRespondedTo, -1) == self._awaited
        )
        return self._answered(command.status if right else None)

    def disturbed(self, command: Command) -> bool:
        """Another command where an answer should be: the sub-operation has failed; a C-CANCEL is no answer."""
        if self._answer is not None and command.command_field == CommandField.C_CANCEL_RQ:
            self._cancelled_within = self._cancelled_within or self._get.any_cancel
            return True
        return self._answered(None)

    def spoilt(self) -> bool:
        """What can't be read stands for a failed sub-operation."""
        return self._answered(None)

    def cancel(self) -> None:
        """C-CANCEL came, during a sub-operation or between two."""
        if self._answer is not None:
            self._cancelled_within = True
        else:
            super().cancel()

    def _answered(self, code: int | None) -> bool:
        answer = self._answer
        if answer is None or answer.done():
            return False
        answer.set_result(code)
        self.connection.dispatch.wait_for_look()
        return True

    @property
    def _failures_outweigh_cancel(self) -> bool:
        return self._cancelled_within and not self._progress.cancelled_after_failures

    async def _retrieve(self, instances: Instances) -> Disposal:
        if not len(instances):
            return self._select.nothing_found
        connection = self.connection
        left = len(instances)
        for instance, ahead in _looking_ahead(instances):
            if self.cancelled and self._progress.cancel == "at-once":
                return status.CANCEL
            stopping = self.cancelled
            left -= 1
            context, target = self._context_for(instance)
            stored = None
            if context is not None:
                for later in ahead:
                    connection.door.holdings.prefetch(later)
                stored = await connection.door.holdings.fetch(
                    instance, target, rewritten=self._get.rewritten, decodes=self._decodes
                )
            if context is None or stored is None:
                self._remaining = left
                self._fail(instance.sop_uid)
                if self._get.failed_message_ids:
                    self._next_message_id()
                if self._get.no_context == "end":
                    return self._get.no_context_status
                if self._failed % RESPONSES_A_TURN == 0:  # nothing else waits here, and there may be all instances
                    await connection.drain()
                    await asyncio.sleep(0)
            else:
                await self._store(context, instance, stored)
                if not self._cancelled_within or self._get.count_cancelled:
                    self._remaining = left
            if stopping or self._cancelled_within:
                return status.CANCEL
            self._pending()
            await connection.dispatch.look()
        return status.SUCCESS

    def _context_for(self, instance: InstanceRef) -> tuple[Context | None, str]:
        """The context to send an instance on, and its transfer syntax."""
        contexts = self._contexts.get(instance.sop_class_uid, [])
        own = self.connection.door.holdings.syntax_of(instance)
        for name in self._get.syntaxes:
            if name == "any":
                fitting = contexts
            else:
                wanted = own if name == "own" else sopclasses.transfer_syntax(name)
                fitting = [context for context in contexts if context.transfer_syntax == wanted]
            if fitting:
                context = fitting[0 if self._get.same_syntax == "first" else -1]
                return context, context.transfer_syntax
        return None, ""

    def _next_message_id(self) -> int:
        if self._get.message_ids == "association":
            self.connection.message_id = self.connection.message_id % 0xFFFF + 1
            return self.connection.message_id
        self._operation_id = self._operation_id % 0xFFFF + 1
        return self._operation_id

    async def _store(self, context: Context, instance: InstanceRef, stored: StoredObject) -> None:
        """One C-STORE sub-operation."""
        connection = self.connection
        asked = self.request.command.number(Key.Priority)
        self._awaited = self._next_message_id()
        command = dimse.encode(
            {
                Key.AffectedSOPClassUID: instance.sop_class_uid,
                Key.CommandField: CommandField.C_STORE_RQ,
                Key.MessageID: self._awaited,
                Key.Priority: asked if self._get.priority == "request" else _MEDIUM,
                Key.CommandDataSetType: 1,
                Key.AffectedSOPInstanceUID: instance.sop_uid,
            }
        )
        self._answer = asyncio.get_running_loop().create_future()
        connection.provider.asks = True
        stored = await handed_out(connection.door.lures, stored, instance, connection.record)
        await connection.send_object(context.context_id, command, stored.data, stored.reference)
        self._bytes += len(stored.data)
        connection.dispatch.listen()
        code: int | None = None
        try:
            code = await self._in_time(self._answer)
        except TimeoutError:
            if self._get.after_patience == "abort":
                self._fail(instance.sop_uid)
                connection.give_up()
                return
            if self._get.after_patience == "close":
                connection.hang_up()
                return
        finally:
            self._answer = None
            connection.provider.asks = False
        if code is None:
            self._cancelled_within = False  # what isn't an answer is an error, behind which the C-CANCEL is forgotten
        if self._cancelled_within and not self._get.count_cancelled:
            return
        if code == status.SUCCESS:
            self._completed += 1
        elif code is not None and (code >> 12 == 0xB or code in self._get.warnings):
            self._warning += 1
        else:
            self._fail(instance.sop_uid)

    async def _in_time(self, answer: asyncio.Future[int | None]) -> int | None:
        """The answer, or None for what takes its place. Raises `TimeoutError` if none begins in time."""
        provider = self.connection.provider
        while True:
            try:
                async with asyncio.timeout(self._get.patience):
                    return await asyncio.shield(answer)
            except TimeoutError:
                if not provider.in_pdu:  # if not, the provider's timer runs
                    provider.forget_begun()
                    raise


def _looking_ahead(instances: Iterable[InstanceRef]) -> Iterator[tuple[InstanceRef, deque[InstanceRef]]]:
    """Each instance, and those that come after it, up to `AHEAD`."""
    coming = iter(instances)
    ahead = deque(islice(coming, AHEAD + 1))
    while ahead:
        yield ahead.popleft(), ahead
        ahead.extend(islice(coming, 1))
