"""What the services have in common: requests, receivers of data sets, and operations of several responses."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from ....hospital.elements import DataSet, ElementsError, decode
from ....hospital.query import QueryError, QueryProblem
from ....hospital.structure import Manner, Structure
from ....settings import Remote
from ....upperlayer import dimse
from ....upperlayer.dimse import Command, Value
from ....upperlayer.errors import Quirk
from ....upperlayer.message import DataSetFragment
from ....upperlayer.negotiation import Context
from .. import status

if TYPE_CHECKING:
    from ....persona.model import Persona
    from ....persona.model.commands import Disposal
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

    def response(self, status: int, data: bytes | None = None, tail: bytes = b"", /, **more: Value) -> None:
        """Queue a response, with `data` as its data set, and `tail` behind the elements of its command set."""
        encoded = dimse.encode(self._elements(status, more, has_data_set=data is not None)) + tail
        self.connection.send(self.request.context.context_id, encoded, data)

    def _elements(self, status: int, more: Mapping[str, Value], *, has_data_set: bool) -> dict[int, Value]:
        """The elements of a response, as the persona has them."""
        command, persona = self.request.command, self.connection.door.persona.responses
        elements = dimse.response(command, status, **more)
        if has_data_set:
            elements[dimse.Key.CommandDataSetType] = 1
        if not persona.affected_sop_class:
            elements.pop(dimse.Key.AffectedSOPClassUID, None)
        elif persona.empty_sop_class and command.elements.get(dimse.Key.AffectedSOPClassUID) == "":
            elements[dimse.Key.AffectedSOPClassUID] = ""
        return elements

    def dispose(self, disposal: Disposal, detail: str, **more: Value) -> None:
        """Do with the command what the persona has for it: a response with this status and `more`, an A-ABORT, ..."""
        if isinstance(disposal, int):
            self.response(disposal, **more)
        else:
            leave(self.connection, disposal, detail)

    def structure(self) -> Structure:
        """What finds out whether the data set can be read, as the persona reads."""
        reading = self.connection.door.persona.commands.reading
        manner = Manner(
            ends_in_header=reading.ends_in_header,
            ends_before_value=reading.ends_before_value,
            other_vrs=reading.other_vrs,
            fragments_anywhere=reading.fragments_anywhere,
            loose_items=reading.loose_items,
        )
        return Structure(self.request.context.transfer_syntax, manner)

    @property
    def sop_class_uid(self) -> str:
        """What is asked for: the abstract syntax of the context, unless the persona goes by the command."""
        if self.connection.door.persona.commands.on_any_context:
            return self.request.command.sop_class_uid
        return self.request.context.abstract_syntax


def leave(connection: Connection, way: Literal["abort", "close", "ignore"], detail: str) -> None:
    """Give no response; instead an A-ABORT, the end of the connection, or nothing."""
    if way == "abort":
        connection.refuse(Quirk.COMMAND_REFUSED, detail)
    elif way == "close":
        connection.hang_up()


def remote(connection: Connection, ae_title: str) -> Remote | None:
    """The remote AE of that title, if the archive knows one: from the settings, or a device of the hospital."""
    door = connection.door
    if ae_title in door.remotes:
        return door.remotes[ae_title]
    if not door.persona.commands.ae_title_case:
        folded = ae_title.lower()
        for title, found in door.remotes.items():
            if title.lower() == folded:
                return found
    if not ae_title or (ae_title == door.deployment.ae_title and not door.persona.commands.knows_itself):
        return None
    return Remote(ae_title=ae_title) if door.holdings.knows(ae_title) else None


class Operation(Protocol):
    """A service at work that sends several responses, and can be cancelled."""

    message_id: int
    cancelled: bool

    @property
    def context_id(self) -> int:
        """The presentation context of its request."""

    def cancel(self) -> None:
        """C-CANCEL came: stop before the next response."""

    def broken(self) -> None:
        """The association ended before the operation did: put on record how far it got."""

    def responded(self, command: Command) -> bool:
        """A response of the peer came: whether a sub-operation of ours waited for one."""

    def disturbed(self, command: Command) -> bool:
        """Another command came: whether this operation has taken it for an answer to a sub-operation."""

    def spoilt(self) -> bool:
        """Something came that is no command: whether this operation has taken it for an answer to a sub-operation."""


class Identified(Service):
    """A service whose data set is an identifier, which is collected up to `MAX_IDENTIFIER` bytes.

    `too_long`: there was more than that. `ended`: its last event is on record.
    """

    __slots__ = ("cancelled", "ended", "identifier", "message_id", "too_long")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self.identifier = bytearray()
        self.cancelled = False
        self.ended = False
        self.message_id = request.command.message_id
        self.too_long = False

    def is_misplaced(self, sop_classes: Container[str]) -> bool:
        """Whether the command isn't one of its presentation context, where it has to be: the context is for none of
        these SOP classes, or for another one than the command names (PS3.7 annex C, 0122)."""
        if self.connection.door.persona.commands.on_any_context:
            return False
        abstract = self.request.context.abstract_syntax
        return abstract not in sop_classes or self.request.command.sop_class_uid not in ("", abstract)

    @property
    def relational(self) -> bool:
        """Whether relational queries were agreed on (PS3.4 C.5.1.1.1, C.5.3.1.1)."""
        return self.request.context.extended[:1] == b"\1"

    def take(self, fragment: DataSetFragment) -> None:
        """Collect the identifier."""
        room = MAX_IDENTIFIER - len(self.identifier)
        if len(fragment.data) > room:
            self.too_long = True
        self.identifier += fragment.data[:room]

    def read(self) -> DataSet | None:
        """The identifier as a data set; None if it can't be read."""
        data, syntax = bytes(self.identifier), self.request.context.transfer_syntax
        structure = self.structure()
        try:
            structure.feed(data)
            structure.finish()
            return decode(data, syntax, head=structure.lenient, lenient=structure.lenient)
        except ElementsError:
            return None

    def cancel(self) -> None:
        """Stop before the next response; what comes behind the C-CANCEL is for later."""
        self.cancelled = True
        self.connection.dispatch.wait_for_look()

    @property
    def context_id(self) -> int:
        """The presentation context of the request."""
        return self.request.context.context_id

    def responded(self, command: Command) -> bool:
        """No sub-operations: a response that nobody asked for."""
        return False

    def disturbed(self, command: Command) -> bool:
        """No sub-operations."""
        return False

    def spoilt(self) -> bool:
        """No sub-operations."""
        return False


def failure(error: QueryError, persona: Persona) -> tuple[int, dict[str, Value]]:
    """Status of a query or retrieval that fails (PS3.4 C.4.1.1.4, C.4.2.1.5, C.4.3.1.4), and what else a response
    says of it."""
    if error.status is not None:
        return error.status, {}
    if error.kind is QueryProblem.IDENTIFIER_MISMATCH:
        # No Error Comment: words of ours would tell this archive from all others.
        told = error.tags and persona.responses.offending_element
        return status.DOES_NOT_MATCH_SOP_CLASS, {"OffendingElement": error.tags} if told else {}
    # The reason is ours, and nobody else's business.
    return persona.responses.unable, {}


class _Discard:
    """Takes a data set that nobody wants."""

    def take(self, fragment: DataSetFragment) -> None:
        """Drop it."""

    def finish(self, now: float) -> None:
        """Nothing to answer."""

    def abandon(self) -> None:
        """Nothing to undo."""


def ignored(connection: Connection) -> Receiver:
    """Who takes the data set of a command that is ignored."""
    if connection.door.persona.commands.data_set_of_ignored == "command":
        connection.provider.expect_no_data_set()
    return DISCARD


DISCARD: Receiver = _Discard()
