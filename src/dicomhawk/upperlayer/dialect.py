"""What PS3.8 leaves open, or products do differently, as data: the `Dialect` that a persona supplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .errors import Quirk
from .grammar import STRICT, Grammar


class Close(Enum):
    """What becomes of the transport connection."""

    WAIT = "wait"
    """Leave it to the peer; the ARTIM timer closes it in the end (the standard's way)."""
    FIN = "fin"
    """Close it in order, at once."""
    RESET = "reset"
    """Reset it."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """The answer to something that is wrong: an A-ABORT (source, reason) or nothing, and then what."""

    abort: tuple[int, int] | None
    close: Close
    hold: float | None = None
    """Seconds until a connection left waiting is closed; None: the ARTIM timer's."""


SERVICE_USER = 0
SERVICE_PROVIDER = 2

# Reasons of a service-provider's A-ABORT, PS3.8 table 9-26.
REASON_NOT_SPECIFIED = 0
UNRECOGNIZED_PDU = 1
UNEXPECTED_PDU = 2
UNRECOGNIZED_PARAMETER = 4
UNEXPECTED_PARAMETER = 5
INVALID_PARAMETER_VALUE = 6


@dataclass(frozen=True, slots=True)
class Dialect:
    """The defaults are PS3.8 read literally.

    Times are seconds; None is for ever.
    """

    artim: float = 30.0
    """Waiting for the first A-ASSOCIATE-RQ (Sta2), and for the peer to close (Sta13)."""
    partial_pdu: float | None = 60.0
    """Waiting for the rest of a PDU that has begun on an association."""
    idle: float | None = 300.0
    """Between two PDUs on an association."""
    max_pdu: int = 16384
    """Longest P-DATA-TF taken, as announced; what claims more is `Quirk.PDU_TOO_LONG`."""
    grammar: Grammar = STRICT
    """Which A-ASSOCIATE-RQs can be understood."""
    before_association: Mapping[Quirk, Reaction] = field(default_factory=dict)
    """Answers in Sta2 (action AA-1) that differ from `before_association_default`."""
    before_association_default: Reaction = Reaction((SERVICE_USER, REASON_NOT_SPECIFIED), Close.WAIT)
    on_association: Mapping[Quirk, Reaction] = field(
        default_factory=lambda: {
            Quirk.UNKNOWN_PDU: Reaction((SERVICE_PROVIDER, UNRECOGNIZED_PDU), Close.WAIT),
            Quirk.UNEXPECTED_PDU: Reaction((SERVICE_PROVIDER, UNEXPECTED_PDU), Close.WAIT),
            Quirk.PDV_CONTEXT: Reaction((SERVICE_PROVIDER, UNEXPECTED_PARAMETER), Close.WAIT),
            Quirk.TIMEOUT: Reaction((SERVICE_PROVIDER, REASON_NOT_SPECIFIED), Close.WAIT),
        }
    )
    """Answers on an open association (action AA-8) that differ from `on_association_default`."""
    on_association_default: Reaction = Reaction((SERVICE_PROVIDER, INVALID_PARAMETER_VALUE), Close.WAIT)
    after_release: Close = Close.WAIT
    """Once A-RELEASE-RP is sent (AR-4)."""
    after_reject: Close = Close.WAIT
    """Once A-ASSOCIATE-RJ is sent (AE-8)."""
    after_artim: Close = Close.FIN
    """When the ARTIM timer has run out (AA-2)."""

    def reaction(self, quirk: Quirk, *, associated: bool) -> Reaction:
        """The answer to a quirk."""
        if associated:
            return self.on_association.get(quirk, self.on_association_default)
        return self.before_association.get(quirk, self.before_association_default)
