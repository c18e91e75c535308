"""What the upper layer tells its user: the indications and confirmations of PS3.8 section 7, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from . import pdu as p
from .dialect import Reaction
from .errors import Quirk
from .machine import State
from .message import CommandReceived, DataSetFragment


class AssociateIndication(NamedTuple):
    """An A-ASSOCIATE-RQ to answer by `accept` or `reject`. `raw`: its body, without the six header bytes."""

    rq: p.AssociateRQ
    raw: bytes


@dataclass(frozen=True, slots=True)
class AssociateConfirmation:
    """The A-ASSOCIATE-AC or -RJ that answers our request."""

    answer: p.AssociateAC | p.AssociateRJ


@dataclass(frozen=True, slots=True)
class ReleaseIndication:
    """The peer wants to release; answer by `confirm_release`.

    `collision`: so do we. Then the requestor of the association confirms at once, and its acceptor only
    after the `ReleaseConfirmation` (PS3.8 7.2.2).
    """

    collision: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseConfirmation:
    """The peer agrees to our release."""


@dataclass(frozen=True, slots=True)
class AbortIndication:
    """An A-ABORT from the peer."""

    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class Violation:
    """The peer did something wrong, and `reaction` is what was done about it."""

    quirk: Quirk
    detail: str
    state: State
    data: bytes
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class TransportClosed:
    """The connection ended. `state`: the state that it ended in."""

    state: State


Indication = (
    AssociateIndication
    | AssociateConfirmation
    | CommandReceived
    | DataSetFragment
    | ReleaseIndication
    | ReleaseConfirmation
    | AbortIndication
    | Violation
    | TransportClosed
)
