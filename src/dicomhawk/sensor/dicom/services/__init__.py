"""The DIMSE services: what is done with a command, and what is answered (PS3.4, PS3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....upperlayer.dimse import Command, CommandField
from ....upperlayer.errors import Quirk
from .base import DISCARD, Operation, Receiver, Request, ignored, leave, remote
from .echo import Echo
from .find import Find
from .get import Get
from .move import Move
from .other import is_defined, open_other
from .refused import Refused
from .reports import Reports
from .store import Store

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = [
    "DISCARD",
    "Operation",
    "Receiver",
    "Reports",
    "Request",
    "late_cancel",
    "meanwhile",
    "open_receiver",
    "unasked",
]

_SERVICES = {
    CommandField.C_ECHO_RQ: Echo,
    CommandField.C_STORE_RQ: Store,
    CommandField.C_FIND_RQ: Find,
    CommandField.C_GET_RQ: Get,
    CommandField.C_MOVE_RQ: Move,
}


def open_receiver(connection: Connection, request: Request) -> Receiver:
    """The service that a request is for: it takes the data set, if there is one, and then answers."""
    command, commands = request.command, connection.door.persona.commands
    if commands.of_known_callers and command.name.removesuffix("-RQ") in commands.of_known_callers:
        caller = connection.calling_ae_title
        if remote(connection, caller) is None:
            return Refused.open(connection, request, commands.of_strangers, f"{command.name} from a stranger")
    service = _SERVICES.get(command.command_field)  # type: ignore[call-overload]
    if service is None:
        return open_other(connection, request)
    receiver: Receiver = service(connection, request)
    return receiver


def unasked(connection: Connection, command: Command) -> Receiver:
    """A response came that nobody waits for: do what the persona does, and take the data set."""
    commands = connection.door.persona.commands
    disposal = commands.response if is_defined(command) else commands.undefined
    leave(connection, "ignore" if isinstance(disposal, int) else disposal, f"{command.name} unasked for")
    return ignored(connection)


def late_cancel(connection: Connection, command: Command) -> Receiver:
    """A C-CANCEL came when nothing was there to be cancelled."""
    disposal = connection.door.persona.commands.late_cancel
    leave(connection, "ignore" if isinstance(disposal, int) else disposal, "C-CANCEL of nothing")
    return ignored(connection)


def meanwhile(connection: Connection, command: Command) -> Receiver | None:
    """A command came while an operation is at work; None: it waits for its turn."""
    commands, operation = connection.door.persona.commands, connection.operation
    if commands.meanwhile == "wait" or operation is None:
        return None
    if not operation.disturbed(command):
        if commands.meanwhile == "abort":
            connection.refuse(Quirk.COMMAND_REFUSED, f"{command.name} during an operation")
        else:
            connection.drop_operation()
    return ignored(connection)
