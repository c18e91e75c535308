"""Verification (PS3.4 annex A)."""

from __future__ import annotations

from ....evidence import events as ev
from ....evidence.ecs import MESSAGE_ID_TO_COME
from ....persona.sopclasses import VERIFICATION
from ....upperlayer.dimse import Command, Key, encode, response
from .. import status
from .base import Service


class Echo(Service):
    """C-ECHO."""

    __slots__ = ()

    def finish(self, now: float) -> None:
        """Answer it."""
        command, context, persona = self.request.command, self.request.context, self.connection.door.persona
        served = context.abstract_syntax == VERIFICATION or persona.commands.on_any_context
        disposal = status.SUCCESS if served else persona.commands.wrong_context
        code = disposal if isinstance(disposal, int) else None
        self.connection.record.emit_numbered(
            ev.CEcho(
                message_id=MESSAGE_ID_TO_COME,
                context_id=context.context_id,
                abstract_syntax=context.abstract_syntax,
                transfer_syntax=context.transfer_syntax,
                status=code,
                outcome=status.outcome(code),
            ),
            command.message_id,
        )
        if served and command.sop_class_uid == VERIFICATION and persona.responses.affected_sop_class:
            self.connection.send(context.context_id, _answer(command.message_id))
        else:
            self.dispose(disposal, "C-ECHO on a context of another service")


_HEAD, _TAIL = encode(
    response(
        Command({Key.AffectedSOPClassUID: VERIFICATION, Key.CommandField: 0x0030, Key.MessageID: 0x2A2A}),
        status.SUCCESS,
    )
).split(b"\x2a\x2a")


def _answer(message_id: int) -> bytes:
    """The usual answer: only the message id varies, and echoes come by the thousand."""
    return b"%b%b%b" % (_HEAD, message_id.to_bytes(2, "little"), _TAIL)
