"""The DIMSE services: what is done with a command, and what is answered (PS3.4, PS3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....upperlayer.dimse import CommandField
from .base import DISCARD, Operation, Receiver, Request
from .echo import Echo
from .find import Find
from .other import Other
from .retrieve import Get, Move
from .store import Store

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["DISCARD", "Operation", "Receiver", "Request", "open_receiver"]

_SERVICES = {
    CommandField.C_ECHO_RQ: Echo,
    CommandField.C_STORE_RQ: Store,
    CommandField.C_FIND_RQ: Find,
    CommandField.C_GET_RQ: Get,
    CommandField.C_MOVE_RQ: Move,
}


def open_receiver(connection: Connection, request: Request) -> Receiver:
    """The service that a request is for: it takes the data set, if there is one, and then answers."""
    service = _SERVICES.get(request.command.command_field, Other)  # type: ignore[call-overload]
    receiver: Receiver = service(connection, request)
    return receiver
