"""Storage Commitment Push Model (PS3.4 annex J): what a visitor may rely on being kept, and what not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.elements import DataSet
from ....upperlayer.dimse import CommandField, Key
from .. import status
from .base import Receiver, Request, remote
from .refused import Normalized, Refused
from .reports import COMMITMENT_CLASS, COMMITMENT_INSTANCE, MAX_UID, Reference, Report, Reports

if TYPE_CHECKING:
    from ....persona.model.commands import Disposal
    from ..connection import Connection

__all__ = ["COMMITMENT_CLASS", "Commitment"]

_TRANSACTION_UID = 0x00081195
_REFERENCED_SOP_SEQUENCE, _FAILED_SOP_SEQUENCE = 0x00081199, 0x00081198
_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID = 0x00081150, 0x00081155
_FAILURE_REASON = 0x00081197
_REQUESTED, _ALL_DONE, _SOME_FAILED = 1, 1, 2  # Action Type, Event Types


class Commitment(Normalized):
    """A request for storage commitment, or the report of its result."""

    __slots__ = ("_data_set", "_is_report")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._data_set: DataSet = {}
        self._is_report = request.command.command_field == CommandField.N_EVENT_REPORT_RQ

    @classmethod
    def open(cls, connection: Connection, request: Request) -> Receiver:
        """Who takes the data set, if the command is right so far."""
        command, persona = request.command, connection.door.persona.normalized.commitment
        disposal: Disposal | None = None
        if command.command_field == CommandField.N_ACTION_RQ:
            right_type = command.number(Key.ActionTypeID) == _REQUESTED
        else:
            right_type = command.number(Key.EventTypeID) in (_ALL_DONE, _SOME_FAILED)
        if not right_type:
            disposal = persona.wrong_type
        elif command.sop_instance_uid != COMMITMENT_INSTANCE and persona.wrong_instance != "accept":
            disposal = persona.wrong_instance
        elif not command.has_data_set and persona.malformed != "accept":
            disposal = persona.malformed
        if disposal is not None:
            return Refused.open(connection, request, disposal, "a malformed storage commitment")
        return cls(connection, request)

    def finish(self, now: float) -> None:
        """Agree, if the data set is right and the caller known; what is asked for is looked up later."""
        persona, connection = self.connection.door.persona.normalized.commitment, self.connection
        data_set = self.read()
        self._data_set = data_set or {}
        right = data_set is not None and not self.too_long and self._is_right()
        comment, report = "", None
        disposal: Disposal = status.SUCCESS
        if not right and persona.malformed != "accept":
            disposal = persona.malformed
        elif not self._is_report and persona.known_callers and not self._is_known:
            disposal, comment = persona.stranger, persona.stranger_comment
        elif not self._is_report and persona.result == "association" and self.request.context.scu:
            report = self._report()
            if not Reports.of(connection).has_room(report):
                disposal, report = persona.full, None
        self._record(disposal)
        more = {"ErrorComment": comment.replace("{caller}", connection.calling_ae_title)[:64]} if comment else {}
        instance = self.request.command.sop_instance_uid
        if instance:
            more["AffectedSOPInstanceUID"] = instance
        self.dispose(disposal, "a malformed storage commitment", **more)
        if report is not None:
            Reports.of(connection).add(report, random.uniform(*persona.delay))

    def abandon(self) -> None:
        """A data set that doesn't come whole is as one that is wrong, where that ends the connection."""
        connection = self.connection
        if connection.provider.close is None and connection.door.persona.normalized.commitment.malformed == "close":
            connection.hang_up()

    @property
    def _is_known(self) -> bool:
        return remote(self.connection, self.connection.calling_ae_title) is not None

    def _is_right(self) -> bool:
        data_set = self._data_set
        if not _text(data_set, _TRANSACTION_UID):
            return False
        with_failures = self._is_report and self.request.command.number(Key.EventTypeID) == _SOME_FAILED
        if with_failures and not self._are_references(_FAILED_SOP_SEQUENCE, _FAILURE_REASON):
            return False
        there = _REFERENCED_SOP_SEQUENCE in data_set
        return (with_failures and not there) or self._are_references(_REFERENCED_SOP_SEQUENCE)

    def _are_references(self, sequence: int, *more: int) -> bool:
        items = _items(self._data_set, sequence)
        if items is None or not (items or self.connection.door.persona.normalized.commitment.empty):
            return False
        wanted = (_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID, *more)
        return all(_text(item, tag) for item in items for tag in wanted)

    def _report(self) -> Report:
        return Report(
            context=self.request.context,
            transaction_uid=_uid(self._data_set, _TRANSACTION_UID),
            references=tuple(
                Reference(_uid(item, _REFERENCED_SOP_CLASS_UID), _uid(item, _REFERENCED_SOP_INSTANCE_UID))
                for item in _items(self._data_set, _REFERENCED_SOP_SEQUENCE) or ()
            ),
        )

    def _record(self, disposal: Disposal) -> None:
        command, code = self.request.command, disposal if isinstance(disposal, int) else None
        referenced = len(_items(self._data_set, _REFERENCED_SOP_SEQUENCE) or ())
        transaction_uid = _uid(self._data_set, _TRANSACTION_UID) or None
        if self._is_report:
            event: ev.NAction | ev.NEventReport = ev.NEventReport(
                **self.asked(),
                by="peer",
                type_id=command.number(Key.EventTypeID),
                transaction_uid=transaction_uid,
                committed=referenced,
                failed=len(_items(self._data_set, _FAILED_SOP_SEQUENCE) or ()),
                status=code,
                outcome=status.outcome(code),
            )
        else:
            event = ev.NAction(
                **self.asked(),
                type_id=command.number(Key.ActionTypeID),
                transaction_uid=transaction_uid,
                references=referenced,
                status=code,
                outcome=status.outcome(code),
            )
        self.connection.record.emit(event, since=self.request.received)


def _items(data_set: DataSet, sequence: int) -> tuple[DataSet, ...] | None:
    element = data_set.get(sequence)
    return element.value if element is not None and isinstance(element.value, tuple) else None


def _text(data_set: DataSet, tag: int) -> str:
    element = data_set.get(tag)
    if element is None or not isinstance(element.value, bytes):
        return ""
    return element.value.decode("latin-1")


def _uid(data_set: DataSet, tag: int) -> str:
    return _text(data_set, tag)[:MAX_UID].strip("\0 ")
