"""C-MOVE (PS3.4 C.4.2), which never opens a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....persona import sopclasses
from ....upperlayer.dimse import Key
from .. import status
from .base import RESPONSES_A_TURN, Request, remote
from .retrieve import Retrieval

if TYPE_CHECKING:
    from ....hospital.instances import Instances
    from ....persona.model.commands import Disposal
    from ..connection import Connection

TYPICAL_OBJECT = 512 * 1024
"""Bytes assumed of an object whose size isn't known, for the pace of a C-MOVE."""


class Move(Retrieval):
    """C-MOVE: what a peer of the hospital's own network would see; nothing leaves towards the destination."""

    __slots__ = ("_move",)

    def __init__(self, connection: Connection, request: Request) -> None:
        self._move = connection.door.persona.move
        super().__init__(connection, request, self._move.select, self._move.progress)

    def _announce(self) -> None:
        destination = self.request.command.text(Key.MoveDestination)
        self.connection.record.emit(ev.CMove(destination=destination, **self._query()))

    @property
    def _classes(self) -> frozenset[str]:
        return sopclasses.MOVE

    async def _retrieve(self, instances: Instances) -> Disposal:
        move, connection = self._move, self.connection
        found, self._remaining = self._remaining, 0
        destination = remote(connection, self.request.command.text(Key.MoveDestination))
        if destination is None and move.destination_first:
            return move.unknown_destination
        if not len(instances):
            return self._select.nothing_found
        if destination is None:
            return move.unknown_destination
        if not destination.reachable and move.unreachable == "end":
            return move.unreachable_status
        if not destination.reachable or move.outcome == "refused":
            return await self._fail_all(instances)
        left, self._remaining = len(instances), found
        for instance in instances:
            if self.cancelled and self._progress.cancel == "at-once":
                return status.CANCEL
            stopping = self.cancelled
            size = instance.size or TYPICAL_OBJECT
            await asyncio.sleep(move.per_object + size * 8 / (move.megabits * 1e6))
            left -= 1
            self._remaining = left
            self._completed += 1
            self._bytes += size
            if stopping:
                return status.CANCEL
            self._pending()
            await connection.drain()
        return status.SUCCESS

    async def _fail_all(self, instances: Instances) -> Disposal:
        for instance in instances:
            self._fail(instance.sop_uid)
            if self._failed % RESPONSES_A_TURN == 0:
                await asyncio.sleep(0)
        self._remaining = 0
        return status.SUCCESS
