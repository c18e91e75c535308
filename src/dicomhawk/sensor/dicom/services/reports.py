"""Results of storage commitments, told with N-EVENT-REPORT on the association of the request (PS3.4 J.3.3)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import structs

from ....evidence import events as ev
from ....hospital.elements import DataSet, Element, encode
from ....upperlayer import dimse
from ....upperlayer.dimse import Command, CommandField, Key
from ....upperlayer.negotiation import Context
from .. import status

if TYPE_CHECKING:
    from ..connection import Connection

COMMITMENT_CLASS: Final = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model SOP Class (PS3.4 J.3.1)."""
COMMITMENT_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
"""Its well-known instance (PS3.4 J.3.5)."""

MAX_UID: Final = 64
"""Characters of a UID (PS3.5 9.1); what is longer is nobody's."""
MAX_REPORTS: Final = 16
"""Results that one association may wait for; a modality asks once for each examination."""
MAX_REFERENCES: Final = 10_000
"""References of all of them together: some 2 MB of memory, and more than fit into one request."""
LOOK_AGAIN: Final = 0.1
"""Seconds after which a result is tried again that came due during a query or retrieval."""

_RETRIEVE_AE_TITLE, _TRANSACTION_UID = 0x00080054, 0x00081195
_REFERENCED_SOP_SEQUENCE, _FAILED_SOP_SEQUENCE = 0x00081199, 0x00081198
_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID = 0x00081150, 0x00081155
_FAILURE_REASON = 0x00081197
_ALL_DONE, _SOME_FAILED = 1, 2  # Event Types (PS3.4 table J.3-2)


class Reference(NamedTuple):
    """An object that is to be kept, as the requestor names it."""

    sop_class_uid: str
    sop_uid: str


class Report(NamedTuple):
    """A result that is to be told."""

    context: Context
    transaction_uid: str
    references: tuple[Reference, ...]


class Reports:
    """The results that one association is still to be told, one after the other."""

    __slots__ = ("_answer", "_awaited", "_connection", "_due", "_pending", "_task", "_told")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pending: deque[tuple[float, Report]] = deque()  # with the moment (the loop's) from which it is due
        self._task: asyncio.Task[None] | None = None
        self._told: ev.NEventReport | None = None  # the one that is not answered yet
        self._answer: asyncio.Future[int] | None = None
        self._awaited = 0  # the Message ID that an answer is awaited to

    @classmethod
    def of(cls, connection: Connection) -> Reports:
        """Those of the association on `connection`."""
        dispatch = connection.dispatch
        if dispatch.reports is None:
            dispatch.reports = cls(connection)
        return dispatch.reports

    def has_room(self, report: Report) -> bool:
        """Whether another result may wait."""
        references = sum(len(other.references) for _, other in self._pending)
        return len(self._pending) < MAX_REPORTS and references + len(report.references) <= MAX_REFERENCES

    def add(self, report: Report, delay: float) -> None:
        """Tell a result in `delay` seconds, if the association is open then."""
        loop = asyncio.get_running_loop()
        self._pending.append((loop.time() + delay, report))
        if self._task is None:
            self._task = loop.create_task(self._run())

    def responded(self, command: Command) -> bool:
        """A response of the peer came: whether it is the answer to the result that was told."""
        if (
            self._answer is None
            or self._answer.done()
            or command.command_field != CommandField.N_EVENT_REPORT_RSP
            or command.number(Key.MessageIDBeingRespondedTo, -1) != self._awaited
        ):
            return False
        self._answer.set_result(command.status)
        return True

    def end(self) -> None:
        """The connection is over: put on record what was told without an answer, and what wasn't told."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        record = self._connection.record
        if self._told is not None:
            record.emit(self._told)
            self._told = None
        while self._pending:
            _, report = self._pending.popleft()
            record.emit(ev.NEventReport(**_said(report), sent=False))

    async def _run(self) -> None:
        connection = self._connection
        loop = asyncio.get_running_loop()
        try:
            while self._pending:
                due, report = self._pending[0]
                await asyncio.sleep(max(0.0, due - loop.time()))
                if connection.operation is not None:
                    self._pending[0] = loop.time() + LOOK_AGAIN, report
                    continue
                kept = await connection.door.holdings.classes_of(
                    [reference.sop_uid for reference in report.references], connection.record.address
                )
                if connection.operation is not None:
                    self._pending[0] = loop.time() + LOOK_AGAIN, report
                    continue
                if not (connection.is_open and connection.provider.can_send):
                    return
                self._pending.popleft()
                await self._tell(report, kept)
        except Exception as error:
            connection.unforeseen(error)
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _tell(self, report: Report, kept: Mapping[str, str]) -> None:
        connection, context = self._connection, report.context
        persona = connection.door.persona.normalized.commitment
        committed, failed = _judged(report.references, kept)
        data_set = _data_set(_element(_TRANSACTION_UID, "UI", report.transaction_uid))
        if persona.retrieve_ae:
            data_set |= _data_set(_element(_RETRIEVE_AE_TITLE, "AE", connection.door.deployment.ae_title))
        for sequence, items in ((_REFERENCED_SOP_SEQUENCE, committed), (_FAILED_SOP_SEQUENCE, failed)):
            if items:
                data_set[sequence] = Element(sequence, "SQ", items)
        event_type = _SOME_FAILED if failed else _ALL_DONE
        data = encode(data_set, context.transfer_syntax)
        connection.message_id = self._awaited = connection.message_id % 0xFFFF + 1
        self._told = ev.NEventReport(
            **_said(report),
            message_id=self._awaited,
            type_id=event_type,
            committed=len(committed),
            failed=len(failed),
            bytes=len(data),
        )
        self._answer = asyncio.get_running_loop().create_future()
        command = dimse.encode(
            {
                Key.AffectedSOPClassUID: COMMITMENT_CLASS,
                Key.CommandField: CommandField.N_EVENT_REPORT_RQ,
                Key.MessageID: self._awaited,
                Key.CommandDataSetType: 1,
                Key.AffectedSOPInstanceUID: COMMITMENT_INSTANCE,
                Key.EventTypeID: event_type,
            }
        )
        connection.send(context.context_id, command, data)
        connection.flush(connection.door.clock())
        code: int | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(persona.patience):
                code = await self._answer
        told, self._told, self._answer = self._told, None, None
        connection.record.emit(structs.replace(told, status=code, outcome=status.outcome(code)))


def _said(report: Report) -> dict[str, Any]:
    context = report.context
    return {
        "by": "sensor",
        "context_id": context.context_id,
        "abstract_syntax": context.abstract_syntax,
        "transfer_syntax": context.transfer_syntax,
        "sop_class": COMMITMENT_CLASS,
        "sop_instance": COMMITMENT_INSTANCE,
        "transaction_uid": report.transaction_uid,
        "outcome": "unknown",
    }


def _judged(
    references: Sequence[Reference], kept: Mapping[str, str]
) -> tuple[tuple[DataSet, ...], tuple[DataSet, ...]]:
    """Items of the two sequences: what is kept, and what isn't and why, by the SOP classes of what is `kept`."""
    committed, failed = [], []
    for reference in references:
        item = _data_set(
            _element(_REFERENCED_SOP_CLASS_UID, "UI", reference.sop_class_uid),
            _element(_REFERENCED_SOP_INSTANCE_UID, "UI", reference.sop_uid),
        )
        known = kept.get(reference.sop_uid)
        if known == reference.sop_class_uid:
            committed.append(item)
            continue
        reason = status.NO_SUCH_OBJECT_INSTANCE if known is None else status.CLASS_INSTANCE_CONFLICT
        failed.append(item | _data_set(Element(_FAILURE_REASON, "US", reason.to_bytes(2, "little"))))
    return tuple(committed), tuple(failed)


def _data_set(*elements: Element) -> DataSet:
    return {element.tag: element for element in elements}


def _element(tag: int, vr: str, text: str) -> Element:
    return Element(tag, vr, text.encode("latin-1", "replace"))
