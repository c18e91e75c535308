"""Commands that no service of the archive is there for: DIMSE-N ones, and what the standard doesn't define."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.elements import DataSet, ElementsError, decode
from ....upperlayer.dimse import Command, CommandField, Key
from .. import describe, status
from .base import Identified, Receiver, Request, ignored

if TYPE_CHECKING:
    from ....persona.model.commands import Disposal
    from ..connection import Connection

COMMITMENT_CLASS = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model SOP Class (PS3.4 J.3.1)."""
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
"""Its well-known instance (PS3.4 J.3.5)."""

_TRANSACTION_UID = 0x00081195
_REFERENCED_SOP_SEQUENCE, _FAILED_SOP_SEQUENCE = 0x00081199, 0x00081198
_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID = 0x00081150, 0x00081155
_FAILURE_REASON = 0x00081197
_REQUESTED, _ALL_DONE, _SOME_FAILED = 1, 1, 2  # Action Type, Event Types

_NORMALIZED = frozenset(
    {
        CommandField.N_EVENT_REPORT_RQ,
        CommandField.N_GET_RQ,
        CommandField.N_SET_RQ,
        CommandField.N_ACTION_RQ,
        CommandField.N_CREATE_RQ,
        CommandField.N_DELETE_RQ,
    }
)
_DEFINED = frozenset(map(int, CommandField))


def is_defined(command: Command) -> bool:
    """Whether PS3.7 has this command field."""
    return command.command_field in _DEFINED


class Refused(Identified):
    """A command that isn't carried out, whatever is in its data set."""

    __slots__ = ("_detail", "_disposal")

    def __init__(self, connection: Connection, request: Request, disposal: Disposal, detail: str = "") -> None:
        super().__init__(connection, request)
        self._disposal = disposal
        self._detail = detail or f"{request.command.name} on {request.context.abstract_syntax}"

    @classmethod
    def open(cls, connection: Connection, request: Request, disposal: Disposal, detail: str = "") -> Receiver:
        """Who takes the data set: what isn't answered with a status is done before any comes."""
        refused = cls(connection, request, disposal, detail)
        if isinstance(disposal, int):
            return refused
        refused.finish(request.received)
        return ignored(connection)

    def finish(self, now: float) -> None:
        """Record it and refuse."""
        self._record(self._disposal)
        self.dispose(self._disposal, self._detail)

    def _record(self, disposal: Disposal) -> None:
        command, context = self.request.command, self.request.context
        code = disposal if isinstance(disposal, int) else None
        try:
            keys = describe.keys(decode(bytes(self.identifier), context.transfer_syntax))
        except ElementsError:
            keys = None
        self.connection.record.emit(
            ev.NCommand(
                **self.said(),
                command=command.command_field,
                name=command.name,
                sop_class=command.sop_class_uid or None,
                sop_instance=command.sop_instance_uid or None,
                type_id=command.number(Key.ActionTypeID) or command.number(Key.EventTypeID) or None,
                keys=keys or None,
                bytes=len(self.identifier),
                status=code,
                outcome=status.outcome(code),
            )
        )


class Other(Refused):
    """DIMSE-N, as far as the persona has it; all else is refused, as PS3.7 annex C or the persona has it."""

    __slots__ = ()

    @classmethod
    def open(cls, connection: Connection, request: Request, disposal: Disposal = 0, detail: str = "") -> Receiver:
        """Storage commitment, or a refusal."""
        command, persona = request.command, connection.door.persona
        commands, normalized = persona.commands, persona.normalized
        field = command.command_field
        if field == CommandField.N_ACTION_RQ and normalized.commitment:
            return _Commitment.open(connection, request, normalized.malformed, "a malformed storage commitment")
        if field == CommandField.N_EVENT_REPORT_RQ and normalized.commitment_reports:
            return _Commitment.open(connection, request, normalized.malformed, "a malformed commitment report")
        if field not in _NORMALIZED:
            disposal = commands.unsupported if is_defined(command) else commands.undefined
        elif command.sop_class_uid in connection.door.policy.abstract_syntaxes:
            disposal = commands.unsupported
        else:
            disposal = commands.unknown_class
        return Refused.open(connection, request, disposal)


class _Commitment(Refused):
    """Storage commitment (PS3.4 annex J): a request for one, or the report of its result."""

    __slots__ = ()

    @classmethod
    def open(cls, connection: Connection, request: Request, disposal: Disposal, detail: str = "") -> Receiver:
        """Who takes the data set, if the command is right so far."""
        command = request.command
        if command.command_field == CommandField.N_ACTION_RQ:
            right_type = command.number(Key.ActionTypeID) == _REQUESTED
        else:
            right_type = command.number(Key.EventTypeID) in (_ALL_DONE, _SOME_FAILED)
        instance = (command.sop_class_uid, command.sop_instance_uid)
        if right_type and instance == (COMMITMENT_CLASS, COMMITMENT_INSTANCE) and command.has_data_set:
            return cls(connection, request, disposal, detail)
        return Refused.open(connection, request, disposal, detail)

    def finish(self, now: float) -> None:
        """Agree, if the data set is right."""
        data_set = self.read()
        if data_set is None or self.too_long or not self._is_right(data_set):
            super().finish(now)
            return
        self._record(status.SUCCESS)
        self.response(
            status.SUCCESS, AffectedSOPClassUID=COMMITMENT_CLASS, AffectedSOPInstanceUID=COMMITMENT_INSTANCE
        )

    def _is_right(self, data_set: DataSet) -> bool:
        command = self.request.command
        if not _has(data_set, _TRANSACTION_UID):
            return False
        with_failures = command.command_field == CommandField.N_EVENT_REPORT_RQ and (
            command.number(Key.EventTypeID) == _SOME_FAILED
        )
        if with_failures and not _references(data_set, _FAILED_SOP_SEQUENCE, _FAILURE_REASON):
            return False
        there = _REFERENCED_SOP_SEQUENCE in data_set
        return (with_failures and not there) or _references(data_set, _REFERENCED_SOP_SEQUENCE)


def _has(data_set: DataSet, tag: int) -> bool:
    element = data_set.get(tag)
    return element is not None and isinstance(element.value, bytes) and element.value != b""


def _references(data_set: DataSet, sequence: int, *more: int) -> bool:
    element = data_set.get(sequence)
    if element is None or not isinstance(element.value, tuple):
        return False
    wanted = (_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID, *more)
    return all(_has(item, tag) for item in element.value for tag in wanted)
