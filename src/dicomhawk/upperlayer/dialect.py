"""What PS3.8 and PS3.7 leave open, or products do differently, as data: the `Dialect` that a persona supplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .errors import Quirk
from .fragments import FILLING, Fragments
from .grammar import STRICT, Grammar
from .rules import STANDARD, Rules


class Close(Enum):
    """What becomes of the transport connection."""

    WAIT = "wait"
    """Leave it to the peer; the ARTIM timer closes it in the end (the standard's way)."""
    FIN = "fin"
    """Close it in order, at once."""
    RESET = "reset"
    """Reset it."""
    DROP = "drop"
    """Close it at once, as a program does that ends: reset if there is input that it hasn't read, in order if not."""
    LINGER = "linger"
    """As DROP, but not before anything more arrives (or has), the peer closes, or `Dialect.linger` has passed."""
    DRAIN = "drain"
    """Look at one more PDU, for `Dialect.artim` at most, and do what `Dialect.drain` says. Where an eager product
    meets an unexpected PDU, it is that one."""
    KEEP = "keep"
    """Don't: the association goes on as if nothing had happened."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """The answer to something that is wrong: an A-ABORT (source, reason) or nothing, and then what."""

    abort: tuple[int, int] | None
    close: Close
    hold: float | None = None
    """Seconds until a connection left waiting is closed; None: the ARTIM timer's, or `Dialect.linger`."""
    again: tuple[int, int] | None = None
    """A second A-ABORT right behind the first."""


@dataclass(frozen=True, slots=True)
class Drain:
    """What `Close.DRAIN` does with the PDU that it looks at.

    An A-ABORT ends the connection. An A-ASSOCIATE-RQ, and what isn't a PDU, is answered. Any other is ignored.
    """

    abort: tuple[int, int] | None = (2, 2)
    """What answers an A-ASSOCIATE-RQ or what isn't a PDU (action AA-7)."""
    block: int = 1
    """The body of a PDU that is ignored (AA-6) is read in blocks of so many bytes, the last of which may take bytes
    behind it, and waits for them."""
    close: Close = Close.DROP
    """What follows then: DROP or LINGER."""


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
    """The defaults are the standard read literally.

    Times are seconds; None is for ever.
    """

    artim: float = 30.0
    """Waiting for the first A-ASSOCIATE-RQ (Sta2), and for the peer to close (Sta13)."""
    linger: float = 30.0
    """How long `Close.LINGER` waits."""
    partial_request: float | None = None
    """Waiting for more of an A-ASSOCIATE-RQ whose header has come; None: the ARTIM timer runs on."""
    partial_header: float | None = None
    """Waiting for the rest of a PDU's six header bytes on an association, from the first of them; None: as `idle`."""
    partial_command: float | None = None
    """Waiting for more of a command set that has begun, where no service is at work; then what has come of it is
    forgotten, and nothing said. None: for ever."""
    partial_pdu: float | None = 60.0
    """Waiting for more of a PDU that has begun on an association."""
    idle: float | None = 300.0
    """Between two PDUs on an association."""
    data_set: float | None = None
    """Waiting for (more of) the data set of a command; None: as `idle`."""
    max_pdu: int = 16384
    """Longest P-DATA-TF taken, as announced; what claims more is `Quirk.PDU_TOO_LONG`."""
    longest_control: int | None = None
    """Longest A-RELEASE-RQ and A-ABORT taken on an association; None: they have exactly 4 bytes."""
    eager: bool = False
    """Whether a PDU that isn't taken is answered once its header is there, and its body left unread."""
    drain: Drain = Drain()
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
            Quirk.PARTIAL_HEADER: Reaction((SERVICE_PROVIDER, REASON_NOT_SPECIFIED), Close.WAIT),
            Quirk.PARTIAL_PDU: Reaction((SERVICE_PROVIDER, REASON_NOT_SPECIFIED), Close.WAIT),
        }
    )
    """Answers on an open association (action AA-8) that differ from `on_association_default`."""
    on_association_default: Reaction = Reaction((SERVICE_PROVIDER, INVALID_PARAMETER_VALUE), Close.WAIT)
    in_service: Mapping[Quirk, Reaction] = field(default_factory=dict)
    """Answers while a data set is awaited, or the service user is at work, that differ from those on an open
    association."""
    in_suboperation: Mapping[Quirk, Reaction] = field(default_factory=dict)
    """Answers while the service user waits for the response to a sub-operation, that differ from those."""
    half_closed: Mapping[Quirk, Reaction] = field(default_factory=dict)
    """By PARTIAL_HEADER or PARTIAL_PDU: answers when the peer closes its side within one, where there is any."""
    after_release: Close = Close.WAIT
    """Once A-RELEASE-RP is sent (AR-4)."""
    after_reject: Close = Close.WAIT
    """Once A-ASSOCIATE-RJ is sent (AE-8)."""
    after_artim: Close = Close.FIN
    """When the ARTIM timer has run out (AA-2)."""
    after_abort: Close = Close.FIN
    """When the peer's A-ABORT has come (AA-2, AA-3)."""
    hang_up: Close = Close.FIN
    """When the service user ends the connection without an A-ABORT."""
    release_in_service: bool = True
    """Whether a release is agreed to while a data set is awaited, or the service user is at work; if not, it isn't
    answered, and nothing more is taken."""
    release_in_suboperation: bool = True
    """Whether a release is treated as at other times while the response to a sub-operation is awaited; if not, it
    isn't answered, and what is being sent goes on."""
    fragments: Fragments = FILLING
    rules: Rules = STANDARD
    """What a command set must be like."""

    def reaction(self, quirk: Quirk, *, associated: bool) -> Reaction:
        """The answer to a quirk."""
        if associated:
            return self.on_association.get(quirk, self.on_association_default)
        return self.before_association.get(quirk, self.before_association_default)
