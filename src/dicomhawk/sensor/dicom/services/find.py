"""Query (PS3.4 C.4.1) and Modality Worklist FIND (PS3.4 K.4.1)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.elements import DataSet, ElementsError, decode
from ....hospital.errors import UnkeptKeyError
from ....hospital.query import QueryError, encode_match
from ....persona import sopclasses
from ....upperlayer import dimse
from ....upperlayer.message import DataSetFragment
from .. import describe, status
from .base import RESPONSES_A_TURN, Identified, Request, WrongContext, failure

if TYPE_CHECKING:
    from collections.abc import Generator

    from ....hospital.query import Match
    from ....persona.model.commands import Disposal
    from ..connection import Connection


class UnsendableError(Exception):
    """There is a match, but the product can't send an answer with such a key."""


class Find(Identified):
    """C-FIND."""

    __slots__ = ("_bytes", "_keys", "_matches_sent", "_odd")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._keys: DataSet | None = None
        self._matches_sent = self._bytes = 0
        self._odd = False  # a fragment of odd length has come, which the product takes for an error

    def take(self, fragment: DataSetFragment) -> None:
        """The next fragment of the identifier."""
        if len(fragment.data) & 1 and self.connection.door.persona.find.even_fragments:
            self._odd = True
        super().take(fragment)

    def finish(self, now: float) -> None:
        """The identifier is here: record it, and begin to answer."""
        command, context = self.request.command, self.request.context
        with contextlib.suppress(ElementsError):
            lenient = self.connection.door.persona.find.lenient
            self._keys = decode(bytes(self.identifier), context.transfer_syntax, lenient=lenient)
        self.connection.record.emit(
            ev.CFind(
                **self.said(),
                priority=command.number(dimse.Key.Priority),
                bytes=len(self.identifier),
                **describe.query(self._keys),
            )
        )
        self.connection.start(self, self._answer())

    async def _answer(self) -> None:
        comment: dict[str, dimse.Value] = {}
        failures = self.connection.door.persona.find.failures
        data: bytes | None = None
        try:
            self.demand_context(sopclasses.FIND)
            if not self.request.command.has_data_set:
                self._dispose(failures.no_identifier, "C-FIND without an identifier")
                return
            if self._keys is None or self.too_long or self._odd:
                self._dispose(failures.unreadable, "identifier that can't be read")
                return
            with contextlib.closing(self._matches(self._keys)) as matches:  # it may hold files open
                code, data = await self._send(matches)
        except UnsendableError:
            self._dispose(failures.unsendable, "a key that no answer can have")
            return
        except UnkeptKeyError:
            self._dispose(failures.unkept, "a value of a key that isn't kept")
            return
        except (QueryError, WrongContext) as error:
            disposal, comment = failure(error, self.connection.door.persona)
            if isinstance(error, QueryError) and error.status is not None:
                disposal, comment = error.status, {}
            if not isinstance(disposal, int):
                self._dispose(disposal, "C-FIND on a context of another service")
                return
            code = disposal
        self._end(code)
        self.response(code, data, **comment)

    def _dispose(self, disposal: Disposal, detail: str) -> None:
        self._end(disposal if isinstance(disposal, int) else None)
        self.dispose(disposal, detail)

    async def _send(self, matches: Generator[Match | None, None, None]) -> tuple[int, bytes | None]:
        """A pending response for each match; returns the final status, and the final response's data set."""
        connection, context = self.connection, self.request.context
        pending, pending_optional = self._pending(status.PENDING), self._pending(status.PENDING_OPTIONAL_KEYS)
        find = connection.door.persona.find
        for match in matches:
            if match is not None and not find.unsendable_tags.isdisjoint(self._keys or ()):
                raise UnsendableError
            if self.cancelled:
                with_match = match is not None and find.cancel_with_match
                return status.CANCEL, encode_match(match, context.transfer_syntax) if match and with_match else None
            if match is None:
                await self._give_way()
                continue
            data = encode_match(match, context.transfer_syntax)
            connection.send(context.context_id, pending_optional if match.unsupported else pending, data)
            self._matches_sent += 1
            self._bytes += len(data)
            if self._matches_sent % RESPONSES_A_TURN == 0:
                await self._give_way()
        return status.SUCCESS, None

    async def _give_way(self) -> None:
        await self.connection.drain()
        await asyncio.sleep(0)

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
        elements = dimse.response(self.request.command, code)
        elements[dimse.Key.CommandDataSetType] = 1
        return dimse.encode(elements)

    def _matches(self, keys: DataSet) -> Generator[Match | None, None, None]:
        connection, abstract = self.connection, self.sop_class_uid
        holdings = connection.door.holdings
        if abstract == sopclasses.MODALITY_WORKLIST_FIND:
            return holdings.find_worklist(keys, connection.record.address)
        return holdings.find(abstract, keys, connection.record.address, relational=self.relational)
