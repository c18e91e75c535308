"""Query (PS3.4 C.4.1) and Modality Worklist FIND (PS3.4 K.4.1)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.errors import UnkeptKeyError
from ....hospital.query import QueryError, encode_match
from ....persona import sopclasses
from ....upperlayer import dimse
from ...lured import asked, told
from .. import describe, status
from .base import RESPONSES_A_TURN, Identified, Request, failure

if TYPE_CHECKING:
    from collections.abc import Generator

    from ....hospital.elements import DataSet
    from ....hospital.query import Match
    from ....persona.model.commands import Disposal
    from ..connection import Connection


class _Refused(Exception):
    """The query isn't carried out: what it gets instead, and why."""

    def __init__(self, disposal: Disposal, detail: str) -> None:
        super().__init__(detail)
        self.disposal = disposal


class Find(Identified):
    """C-FIND."""

    __slots__ = ("_bytes", "_keys", "_matches_sent")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._keys: DataSet | None = None
        self._matches_sent = self._bytes = 0

    def finish(self, now: float) -> None:
        """The identifier is here: record it, and begin to answer."""
        self._keys = self.read()
        self.connection.record.emit(
            ev.CFind(
                **self.said(),
                priority=self.request.command.number(dimse.Key.Priority),
                bytes=len(self.identifier),
                **describe.query(self._keys),
            )
        )
        asked(self.connection.door.lures, self.connection.record, self.identifier, "c-find")
        try:
            keys = self._readable()
        except _Refused as refused:
            self._refuse(refused)
        else:
            self.connection.start(self, self._answer(keys))

    def _readable(self) -> DataSet:
        """The identifier. Raises `_Refused` for what is wrong already."""
        persona = self.connection.door.persona
        if self.is_misplaced(sopclasses.FIND):
            raise _Refused(persona.commands.wrong_context, "C-FIND on a context of another service")
        if not self.request.command.has_data_set:
            raise _Refused(persona.find.failures.no_identifier, "C-FIND without an identifier")
        if self._keys is None or self.too_long:
            raise _Refused(persona.find.failures.unreadable, "identifier that can't be read")
        return self._keys

    async def _answer(self, keys: DataSet) -> None:
        comment: dict[str, dimse.Value] = {}
        data: bytes | None = None
        persona = self.connection.door.persona
        try:
            with contextlib.closing(self._matches(keys)) as matches:  # it may hold files open
                code, data = await self._send(matches, keys)
        except _Refused as refused:
            self._refuse(refused)
            return
        except UnkeptKeyError:
            self._refuse(_Refused(persona.find.failures.unkept, "a value of a key that isn't kept"))
            return
        except QueryError as error:
            code, comment = failure(error, persona)
            if self.cancelled:
                code, comment = status.CANCEL, {}
        self._end(code)
        self.response(code, data, **comment)

    def _refuse(self, refused: _Refused) -> None:
        disposal = refused.disposal
        if self.cancelled and isinstance(disposal, int):
            disposal = status.CANCEL
        self._end(disposal if isinstance(disposal, int) else None)
        self.dispose(disposal, str(refused))

    async def _send(self, matches: Generator[Match | None, None, None], keys: DataSet) -> tuple[int, bytes | None]:
        """A pending response for each match; returns the final status, and the final response's data set."""
        connection, context = self.connection, self.request.context
        pending, pending_optional = self._pending(status.PENDING), self._pending(status.PENDING_OPTIONAL_KEYS)
        find = connection.door.persona.find
        for match in matches:
            if match is not None and not find.unsendable_tags.isdisjoint(keys):
                raise _Refused(find.failures.unsendable, "a key that no answer can have")
            if self.cancelled:
                with_match = match is not None and find.cancel_with_match
                return status.CANCEL, encode_match(match, context.transfer_syntax) if match and with_match else None
            if match is None:
                await self._give_way()
                continue
            data = encode_match(match, context.transfer_syntax)
            told(connection.door.lures, connection.record, data)
            connection.send(context.context_id, pending_optional if match.unsupported else pending, data)
            self._matches_sent += 1
            self._bytes += len(data)
            if self._matches_sent % RESPONSES_A_TURN == 0:
                await self._give_way()
        return status.CANCEL if self.cancelled else status.SUCCESS, None

    async def _give_way(self) -> None:
        await self.connection.drain()
        await asyncio.sleep(0)
        await self.connection.dispatch.look()

    def broken(self) -> None:
        """The association ended first."""
        if not self.ended:
            self._end(None)

    def _end(self, code: int | None) -> None:
        self.ended = True
        self.connection.record.emit(
            ev.CFindEnd(
                message_id=self.message_id,
                context_id=self.request.context.context_id,
                status=code,
                outcome=status.outcome(code),
                matches=self._matches_sent,
                bytes=self._bytes,
            ),
            since=self.request.received,
        )

    def _pending(self, code: int) -> bytes:
        return dimse.encode(self._elements(code, {}, has_data_set=True))

    def _matches(self, keys: DataSet) -> Generator[Match | None, None, None]:
        connection, asked = self.connection, self.sop_class_uid
        holdings, failures = connection.door.holdings, connection.door.persona.find.failures
        if asked == sopclasses.MODALITY_WORKLIST_FIND:
            if failures.no_worklist is not None:
                raise _Refused(failures.no_worklist, "C-FIND of a worklist")
            return holdings.find_worklist(keys, connection.record.address)
        if failures.class_unknown != "any" and asked not in sopclasses.FIND:
            raise _Refused(failures.class_unknown, f"C-FIND of {asked}")
        return holdings.find(asked, keys, connection.record.address, relational=self.relational)
