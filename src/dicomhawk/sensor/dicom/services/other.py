"""Commands that no service is there for: DIMSE-N ones, and what the standard doesn't define."""

from __future__ import annotations

from ....evidence import events as ev
from ....hospital.elements import ElementsError, decode
from ....upperlayer.dimse import CommandField, Key
from .. import describe, status
from .base import Identified

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


class Other(Identified):
    """Refuses what it is given, as PS3.7 annex C has it: no such SOP class, or unrecognized operation."""

    __slots__ = ()

    def finish(self, now: float) -> None:
        """Record it and refuse."""
        command, context = self.request.command, self.request.context
        code = status.NO_SUCH_SOP_CLASS if command.command_field in _NORMALIZED else status.UNRECOGNIZED_OPERATION
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
        self.response(code)
