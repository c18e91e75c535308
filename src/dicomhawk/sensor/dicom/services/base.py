"""What the services have in common: requests, receivers of data sets, and operations of several responses."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ....hospital.query import QueryError, QueryProblem
from ....upperlayer import dimse
from ....upperlayer.dimse import Command, Value
from ....upperlayer.message import DataSetFragment
from ....upperlayer.negotiation import Context
from .. import status

if TYPE_CHECKING:
    from ..connection import Connection

MAX_IDENTIFIER = 1 << 20
"""Bytes of an identifier that are kept: some ten thousand UIDs, far more than any workstation lists."""

RESPONSES_A_TURN = 64
"""Responses between two looks at what else there is to do, C-CANCEL and other visitors among it."""


class Request(NamedTuple):
    """A command, the presentation context it came on, and the moment (seconds, the door's clock)."""

    command: Command
    context: Context
    received: float


class Receiver(Protocol):
    """Takes the data set of a command, fragment by fragment, and does what the command asks for."""

    def take(self, fragment: DataSetFragment) -> None:
        """The next fragment."""

    def finish(self, now: float) -> None:
        """The message is complete."""

    def abandon(self) -> None:
        """The connection ended before the message did."""


class Service:
    """A receiver that is bound to a connection and its request."""

    __slots__ = ("connection", "request")

    def __init__(self, connection: Connection, request: Request) -> None:
        self.connection = connection
        self.request = request

    def take(self, fragment: DataSetFragment) -> None:
        """Most commands have no data set; one that is there all the same is read and dropped."""

    def abandon(self) -> None:
        """Nothing to undo."""

    def said(self) -> dict[str, Any]:
        """What the events of all commands have in common."""
        command, context = self.request.command, self.request.context
        return {
            "message_id": command.message_id,
            "context_id": context.context_id,
            "abstract_syntax": context.abstract_syntax,
            "transfer_syntax": context.transfer_syntax,
        }

    def response(self, status: int, data: bytes | None = None, **more: Value) -> None:
        """Queue a response, with `data` as its data set."""
        elements = dimse.response(self.request.command, status, **more)
        if data is not None:
            elements[dimse.Key.CommandDataSetType] = 1
        self.connection.send(self.request.context.context_id, dimse.encode(elements), data)


class Operation(Protocol):
    """A service at work that sends several responses, and can be cancelled."""

    message_id: int

    def cancel(self) -> None:
        """C-CANCEL came: stop before the next response."""

    def broken(self) -> None:
        """The association ended before the operation did: put on record how far it got."""

    def responded(self, command: Command) -> None:
        """A response of the peer came, to a sub-operation of ours."""


class Identified(Service):
    """A service whose data set is an identifier, which is collected up to `MAX_IDENTIFIER` bytes."""

    __slots__ = ("_too_long", "cancelled", "ended", "identifier", "message_id")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self.identifier = bytearray()
        self.cancelled = False
        self.ended = False  # its last event is on record
        self.message_id = request.command.message_id
        self._too_long = False

    def demand_context(self, abstract_syntaxes: Container[str]) -> None:
        """Raise `WrongContext` unless the presentation context is for one of these SOP classes."""
        if self.request.context.abstract_syntax not in abstract_syntaxes:
            raise WrongContext

    @property
    def too_long(self) -> bool:
        """Whether there was more than is kept."""
        return self._too_long

    @property
    def relational(self) -> bool:
        """Whether relational queries were agreed on (PS3.4 C.5.1.1.1, C.5.3.1.1)."""
        return self.request.context.extended[:1] == b"\1"

    def take(self, fragment: DataSetFragment) -> None:
        """Collect the identifier."""
        room = MAX_IDENTIFIER - len(self.identifier)
        if len(fragment.data) > room:
            self._too_long = True
        self.identifier += fragment.data[:room]

    def cancel(self) -> None:
        """Stop before the next response."""
        self.cancelled = True

    def responded(self, command: Command) -> None:
        """No sub-operations: a response that nobody asked for."""


class WrongContext(Exception):
    """The command isn't one of the SOP class of its presentation context."""


def failure(error: QueryError | WrongContext) -> tuple[int, dict[str, Value]]:
    """Status of PS3.4 C.4.1.1.4 (and C.4.2.1.5, C.4.3.1.4), and what else the response says."""
    if isinstance(error, WrongContext):
        return status.SOP_CLASS_NOT_SUPPORTED, {}
    if error.kind is QueryProblem.IDENTIFIER_MISMATCH:
        # No Error Comment: words of ours would tell this archive from all others.
        return status.DOES_NOT_MATCH_SOP_CLASS, {"OffendingElement": error.tags} if error.tags else {}
    # The reason is ours, and nobody else's business.
    return status.UNABLE_TO_PROCESS, {}


class _Discard:
    """Takes a data set that nobody wants."""

    def take(self, fragment: DataSetFragment) -> None:
        """Drop it."""

    def finish(self, now: float) -> None:
        """Nothing to answer."""

    def abandon(self) -> None:
        """Nothing to undo."""


DISCARD: Receiver = _Discard()
