"""Commands that are not carried out: what they get, and what is put on record of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....evidence import events as ev
from ....hospital.elements import ElementsError, decode
from ....upperlayer.dimse import Key
from .. import describe, status
from .base import Identified, Receiver, Request, ignored

if TYPE_CHECKING:
    from ....persona.model.commands import Disposal
    from ..connection import Connection


class Normalized(Identified):
    """A DIMSE-N command, with what its event says."""

    __slots__ = ()

    def asked(self) -> dict[str, Any]:
        """What the events of all DIMSE-N commands have in common."""
        command = self.request.command
        return {
            **self.said(),
            "sop_class": command.sop_class_uid or None,
            "sop_instance": command.sop_instance_uid or None,
            "keys": self._keys(),
            "bytes": len(self.identifier),
        }

    def _keys(self) -> dict[str, str] | None:
        try:
            data_set = decode(bytes(self.identifier), self.request.context.transfer_syntax)
        except ElementsError:
            return None
        return describe.keys(data_set) or None


class Refused(Normalized):
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
        command = self.request.command
        code = self._disposal if isinstance(self._disposal, int) else None
        self.connection.record.emit(
            ev.NCommand(
                **self.asked(),
                command=command.command_field,
                name=command.name,
                type_id=command.number(Key.ActionTypeID) or command.number(Key.EventTypeID) or None,
                destination=command.text(Key.MoveDestination) or None,
                status=code,
                outcome=status.outcome(code),
            )
        )
        self.dispose(self._disposal, self._detail)
