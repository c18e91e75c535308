"""Retrieval: C-GET (PS3.4 C.4.3) and C-MOVE (PS3.4 C.4.2), which never opens a connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from ....evidence import events as ev
from ....evidence.transcript import Reference
from ....hospital.elements import DataSet, Element, ElementsError, decode, encode
from ....hospital.query import QueryError, QueryProblem
from ....persona import sopclasses
from ....upperlayer import dimse
from ....upperlayer.dimse import Command, CommandField, Key
from ....upperlayer.negotiation import Context
from .. import describe, status
from .base import RESPONSES_A_TURN, Identified, Request, WrongContext, failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ....hospital.instances import InstanceRef, Instances
    from ...holdings import StoredObject
    from ..connection import Connection

RESPONSE_TIMEOUT = 60.0
"""Seconds that a peer may take to answer a C-STORE sub-operation, before the association is aborted."""
AHEAD = 3
"""Objects rendered ahead of the one being sent, so that the renderer works while the network does."""
TYPICAL_OBJECT = 512 * 1024
"""Bytes assumed of an object whose size isn't known, for the pace of a C-MOVE."""

_MEDIUM = 0
_FAILED_SOP_INSTANCE_UID_LIST = 0x00080058
_EXPLICIT_LONG = 0x10000  # a UI value of an explicit VR has a 16-bit length


class _Retrieval(Identified):
    """What C-GET and C-MOVE share: the identifier, the counters, the last response."""

    __slots__ = ("_bytes", "_completed", "_failed", "_failed_uids", "_keys", "_remaining", "_warning")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._keys: DataSet | None = None
        self._remaining = self._completed = self._failed = self._warning = 0
        self._failed_uids: list[str] = []
        self._bytes = 0

    def finish(self, now: float) -> None:
        """The identifier is here: record it, and begin."""
        with contextlib.suppress(ElementsError):
            self._keys = decode(bytes(self.identifier), self.request.context.transfer_syntax)
        self._announce()
        self.connection.start(self, self._work())

    def _announce(self) -> None:
        raise AssertionError("each retrieval has an event of its own")

    async def _retrieve(self, instances: Instances) -> int:
        raise AssertionError("each retrieval has a way of its own")

    def _instances(self) -> Instances:
        if self._keys is None or self.too_long:
            raise QueryError(QueryProblem.UNABLE_TO_PROCESS, "Identifier can not be read")
        connection = self.connection
        return connection.door.holdings.retrieve(
            self.request.context.abstract_syntax,
            self._keys,
            connection.record.address,
            relational=self.relational,
        )

    async def _work(self) -> None:
        comment: dict[str, dimse.Value] = {}
        try:
            is_get = self.request.command.command_field == CommandField.C_GET_RQ
            self.demand_context(sopclasses.GET if is_get else sopclasses.MOVE)
            instances = self._instances()
            self._remaining = len(instances)
            code = await self._retrieve(instances)
            if code == status.SUCCESS:
                self._remaining = 0  # also if the visitor has meanwhile replaced what was counted
        except (QueryError, WrongContext) as error:
            code, comment = failure(error)
        if code == status.SUCCESS:
            code = self._verdict()
        self._end(code)
        counters = self._counters(remaining=code == status.CANCEL)
        failed = self._failed_list() if self._failed_uids else None
        self.response(code, failed, **counters, **comment)

    def broken(self) -> None:
        """The association ended first."""
        if not self.ended:
            self._end(None)

    def _end(self, code: int | None) -> None:
        self.ended = True
        kind = ev.CGetEnd if self.request.command.command_field == CommandField.C_GET_RQ else ev.CMoveEnd
        self.connection.record.emit(
            kind(
                message_id=self.message_id,
                context_id=self.request.context.context_id,
                status=code,
                outcome=status.outcome(code),
                remaining=self._remaining,
                completed=self._completed,
                failed=self._failed,
                warning=self._warning,
                bytes=self._bytes,
            ),
            since=self.request.received,
        )

    def _verdict(self) -> int:
        """PS3.4 C.4.2.1.5 and C.4.3.1.4: success, some failed or with warnings, all failed."""
        if not self._failed and not self._warning:
            return status.SUCCESS
        if self._completed or self._warning:
            return status.SUBOPERATIONS_WARNING
        return status.UNABLE_TO_PERFORM_SUBOPERATIONS

    def _counters(self, *, remaining: bool) -> dict[str, dimse.Value]:
        counters: dict[str, dimse.Value] = {
            "NumberOfCompletedSuboperations": min(self._completed, 0xFFFF),
            "NumberOfFailedSuboperations": min(self._failed, 0xFFFF),
            "NumberOfWarningSuboperations": min(self._warning, 0xFFFF),
        }
        if remaining:
            counters["NumberOfRemainingSuboperations"] = min(self._remaining, 0xFFFF)
        return counters

    def _failed_list(self) -> bytes:
        value = "\\".join(self._failed_uids).encode("ascii", "replace")
        if len(value) >= _EXPLICIT_LONG:
            value = value[: _EXPLICIT_LONG - 2].rpartition(b"\\")[0]
        element = Element(_FAILED_SOP_INSTANCE_UID_LIST, "UI", value)
        return encode({element.tag: element}, self.request.context.transfer_syntax)

    def _pending(self) -> None:
        self.response(status.PENDING, None, **self._counters(remaining=True))

    def _fail(self, sop_uid: str) -> None:
        self._failed += 1
        self._failed_uids.append(sop_uid)

    def _query(self) -> dict[str, Any]:
        return {
            **self.said(),
            "priority": self.request.command.number(Key.Priority),
            "bytes": len(self.identifier),
            **describe.query(self._keys),
        }


class Get(_Retrieval):
    """C-GET: the objects come back on the same association, where the peer took the SCP role for them."""

    __slots__ = ("_answer", "_contexts", "_message_id")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._answer: asyncio.Future[Command] | None = None
        self._message_id = 0
        self._contexts: dict[str, list[Context]] = {}
        for context in connection.provider.contexts.values():
            if context.scp:
                self._contexts.setdefault(context.abstract_syntax, []).append(context)

    def _announce(self) -> None:
        self.connection.record.emit(ev.CGet(**self._query()))

    def responded(self, command: Command) -> None:
        """The peer's answer to a C-STORE sub-operation."""
        answer = self._answer
        if answer is not None and not answer.done() and command.command_field == CommandField.C_STORE_RSP:
            answer.set_result(command)

    async def _retrieve(self, instances: Instances) -> int:
        connection = self.connection
        holdings = connection.door.holdings
        for instance, ahead in _looking_ahead(instances):
            if self.cancelled:
                return status.CANCEL
            contexts = self._contexts.get(instance.sop_class_uid)
            stored = None
            if contexts is not None:
                for later in ahead:
                    holdings.prefetch(later)
                stored = await holdings.fetch(instance, [context.transfer_syntax for context in contexts])
            self._remaining -= 1
            if contexts is None or stored is None:
                self._fail(instance.sop_uid)
                if self._failed % RESPONSES_A_TURN == 0:  # nothing else waits here, and there may be all instances
                    await connection.drain()
                    await asyncio.sleep(0)
            else:
                context = next(c for c in contexts if c.transfer_syntax == stored.transfer_syntax)
                await self._store(context, instance, stored)
            self._pending()
        return status.SUCCESS

    async def _store(self, context: Context, instance: InstanceRef, stored: StoredObject) -> None:
        """One C-STORE sub-operation."""
        connection = self.connection
        self._message_id = self._message_id % 0xFFFF + 1
        command = dimse.encode(
            {
                Key.AffectedSOPClassUID: instance.sop_class_uid,
                Key.CommandField: CommandField.C_STORE_RQ,
                Key.MessageID: self._message_id,
                Key.Priority: _MEDIUM,
                Key.CommandDataSetType: 1,
                Key.AffectedSOPInstanceUID: instance.sop_uid,
            }
        )
        self._answer = asyncio.get_running_loop().create_future()
        reference = Reference(stored.origin, stored.key, stored.transfer_syntax)
        await connection.send_object(context.context_id, command, stored.data, reference)
        self._bytes += len(stored.data)
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                answer = await self._answer
        except TimeoutError:
            self._fail(instance.sop_uid)
            connection.give_up()
            return
        finally:
            self._answer = None
        if answer.status == status.SUCCESS:
            self._completed += 1
        elif answer.status >> 12 == 0xB:
            self._warning += 1
        else:
            self._fail(instance.sop_uid)


class Move(_Retrieval):
    """C-MOVE: what a peer of the hospital's own network would see; nothing leaves towards the destination."""

    __slots__ = ()

    def _announce(self) -> None:
        destination = self.request.command.text(Key.MoveDestination)
        self.connection.record.emit(ev.CMove(destination=destination, **self._query()))

    async def _retrieve(self, instances: Instances) -> int:
        connection = self.connection
        move = connection.door.persona.move
        if not connection.door.holdings.knows(self.request.command.text(Key.MoveDestination)):
            return status.MOVE_DESTINATION_UNKNOWN
        if move.outcome == "refused":
            for instance in instances:
                self._fail(instance.sop_uid)
                if self._failed % RESPONSES_A_TURN == 0:
                    await asyncio.sleep(0)
            return status.SUCCESS
        for instance in instances:
            if self.cancelled:
                return status.CANCEL
            size = instance.size or TYPICAL_OBJECT
            await asyncio.sleep(move.per_object + size * 8 / (move.megabits * 1e6))
            self._remaining -= 1
            self._completed += 1
            self._bytes += size
            self._pending()
            await connection.drain()
        return status.SUCCESS


def _looking_ahead(instances: Iterable[InstanceRef]) -> Iterator[tuple[InstanceRef, deque[InstanceRef]]]:
    """Each instance, and those that come after it, up to `AHEAD`."""
    coming = iter(instances)
    ahead = deque(islice(coming, AHEAD + 1))
    while ahead:
        yield ahead.popleft(), ahead
        ahead.extend(islice(coming, 1))
