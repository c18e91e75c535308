"""DIMSE commands that are whole, but that nobody expects there (PS3.7 annex C.5)."""

from __future__ import annotations

from ....upperlayer.dimse import CommandField, Key
from .. import building as b
from ..laboratory import Catalogue, Laboratory
from ..line import REPLY_SECONDS, final
from .negotiation import CT, FIND
from .wrong_on import PROPOSED

catalogue = Catalogue()


def _commands(name: str, about: str, *variants: tuple[str, bytes]) -> None:
    def play(lab: Laboratory) -> None:
        for label, data in variants:
            line = lab.line(label).associate((*PROPOSED, (7, FIND, (b.IMPLICIT,))))
            line.send(data, "a command").hear(final, REPLY_SECONDS)
            if line.over:
                line.finish()
            else:
                line.watch(0.3).release()

    catalogue.add(f"commands.{name}", about)(play)


_commands(
    "other-class",
    "a C-ECHO-RQ for another SOP class, or on another context",
    ("for storage", b.message(1, b.command(CommandField.C_ECHO_RQ, AffectedSOPClassUID=CT, MessageID=1))),
    ("for nothing", b.message(1, b.command(CommandField.C_ECHO_RQ, AffectedSOPClassUID=b.NOWHERE, MessageID=1))),
    ("on storage", b.message(5, b.echo_command())),
    ("on find", b.message(7, b.echo_command())),
)
_commands(
    "unknown-field",
    "command fields that don't exist, and responses to nothing",
    ("0x1234", b.message(1, b.command(0x1234, AffectedSOPClassUID=b.VERIFICATION, MessageID=1))),
    ("0x0000", b.message(1, b.command(0, AffectedSOPClassUID=b.VERIFICATION, MessageID=1))),
    (
        "C-ECHO-RSP",
        b.message(
            1,
            b.command(
                CommandField.C_ECHO_RSP,
                AffectedSOPClassUID=b.VERIFICATION,
                MessageIDBeingRespondedTo=1,
                Status=0,
            ),
        ),
    ),
    ("C-CANCEL-RQ", b.message(1, b.command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=1))),
)
_commands(
    "other-service",
    "commands of other services on the context of verification",
    (
        "C-FIND-RQ",
        b.message(
            1,
            b.command(CommandField.C_FIND_RQ, data_set=True, AffectedSOPClassUID=FIND, MessageID=1, Priority=0),
            b"\x08\0\x52\0\6\0\0\0STUDY ",
        ),
    ),
    (
        "N-GET-RQ",
        b.message(
            1,
            b.command(
                CommandField.N_GET_RQ,
                RequestedSOPClassUID=b.VERIFICATION,
                MessageID=1,
                RequestedSOPInstanceUID=b.NOWHERE,
            ),
        ),
    ),
)
_commands(
    "message-ids",
    "message identifiers",
    ("0", b.echo(1, 0)),
    ("65535", b.echo(1, 65535)),
    ("same twice", b.echo(1, 7) + b.echo(1, 7)),
)
_commands(
    "more-elements",
    "a C-ECHO-RQ with elements that it doesn't have",
    ("priority", b.message(1, b.echo_command(Priority=2))),
    ("instance", b.message(1, b.echo_command(AffectedSOPInstanceUID=b.NOWHERE))),
    ("status", b.message(1, b.echo_command(Status=0))),
    (Key.MoveOriginatorMessageID.name, b.message(1, b.echo_command(MoveOriginatorMessageID=1))),
)
