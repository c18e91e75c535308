"""DIMSE-N, as far as the persona has it; all else is refused, as PS3.7 annex C or the persona has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....upperlayer.dimse import Command, CommandField
from .base import Receiver, Request
from .commitment import COMMITMENT_CLASS, Commitment
from .mpps import MPPS_CLASS, ProcedureStep
from .refused import Refused

if TYPE_CHECKING:
    from ..connection import Connection

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
_STEP_COMMANDS = (CommandField.N_CREATE_RQ, CommandField.N_SET_RQ)
_DEFINED = frozenset(map(int, CommandField))


def is_defined(command: Command) -> bool:
    """Whether PS3.7 has this command field."""
    return command.command_field in _DEFINED


def open_other(connection: Connection, request: Request) -> Receiver:
    """Storage commitment, procedure steps, or a refusal."""
    command, persona = request.command, connection.door.persona
    commands, commitment = persona.commands, persona.normalized.commitment
    field, sop_class = command.command_field, command.sop_class_uid
    if (field == CommandField.N_ACTION_RQ and commitment.accepted) or (
        field == CommandField.N_EVENT_REPORT_RQ and commitment.reports_accepted
    ):
        if sop_class == COMMITMENT_CLASS:
            return _served(connection, request, Commitment, COMMITMENT_CLASS)
        if commitment.wrong_class is not None:
            return Refused.open(connection, request, commitment.wrong_class)
    elif field in _STEP_COMMANDS and persona.normalized.steps.accepted and sop_class == MPPS_CLASS:
        return _served(connection, request, ProcedureStep, MPPS_CLASS)
    if field not in _NORMALIZED:
        disposal = commands.unsupported if is_defined(command) else commands.undefined
    elif connection.door.policy.of(sop_class) is not None:
        disposal = commands.unsupported
    else:
        disposal = commands.unknown_class
    return Refused.open(connection, request, disposal)


def _served(
    connection: Connection, request: Request, service: type[Commitment | ProcedureStep], abstract_syntax: str
) -> Receiver:
    commands = connection.door.persona.commands
    if not commands.on_any_context and request.context.abstract_syntax != abstract_syntax:
        return Refused.open(connection, request, commands.wrong_context)
    return service.open(connection, request)
