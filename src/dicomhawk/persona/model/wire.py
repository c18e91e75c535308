"""Lengths, times, what malformed input gets, and how bytes are written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ...upperlayer.dialect import Close, Dialect, Drain, Reaction
from ...upperlayer.errors import Quirk
from ...upperlayer.fragments import Fragments
from .base import Part, Seconds
from .dimse import CommandSets


def _one_of(*allowed: Close) -> AfterValidator:
    def check(close: Close) -> Close:
        if close not in allowed:
            raise ValueError(f"one of {', '.join(member.value for member in allowed)} is possible here")
        return close

    return AfterValidator(check)


AtEnd = Annotated[Close, _one_of(Close.WAIT, Close.FIN, Close.RESET, Close.DROP, Close.LINGER)]
"""What becomes of the connection: "wait" for the peer to close, "fin" or "reset" at once, "drop" (close at once: a
reset if there was input left unread, else in order), "linger" (as drop, but only once something more arrives)."""
HangUp = Annotated[Close, _one_of(Close.FIN, Close.RESET, Close.DROP, Close.LINGER)]
AtOnce = Annotated[Close, _one_of(Close.FIN, Close.RESET, Close.DROP)]
Silent = Annotated[Close, _one_of(Close.FIN, Close.RESET)]
AfterDrain = Annotated[Close, _one_of(Close.DROP, Close.LINGER)]
SourceAndReason = tuple[int, int]


class ReactionModel(Part):
    """What is sent and done when the peer is wrong."""

    abort: SourceAndReason | None = Field(default=None, description="Source and reason of an A-ABORT.")
    again: SourceAndReason | None = Field(default=None, description="Those of a second one right behind it.")
    close: Close = Field(
        default=Close.WAIT,
        description="What becomes of the connection then, as for `after_release`; or drain (see there), or keep: the"
        " association goes on.",
    )
    hold: Seconds | None = Field(default=None, ge=0, description="Seconds until a waiting connection is closed.")

    def reaction(self) -> Reaction:
        """The upper layer's form of it."""
        return Reaction(self.abort, self.close, self.hold, self.again)


Reactions = dict[Quirk | Literal["default"], ReactionModel]


class DrainModel(Part):
    """What is done with the next PDU after an A-ABORT that is followed by `drain`.

    Observed with a P-DATA-TF that is wrong and, in the same segment, each type of PDU behind it.
    """

    abort: SourceAndReason | None = Field(
        default=(2, 2), description="What answers an A-ASSOCIATE-RQ, or something that isn't a PDU."
    )
    block: int = Field(
        default=1,
        ge=1,
        le=65536,
        description="The body of any other PDU is read in blocks of so many bytes, also beyond its end. Observed by"
        " how much must follow before the connection is closed.",
    )
    close: AfterDrain = Field(default=Close.DROP, description="How the connection is closed after either.")


class FragmentsModel(Part):
    """How much of the maximum length that a peer announces is used. Seen with associations that announce little."""

    overhead: int = Field(
        default=6, ge=6, le=64, description="By how much the data of a P-DATA-TF are shorter than the maximum length."
    )
    smallest: int = Field(default=128, ge=8, le=4096, description="The smallest maximum length that is respected.")
    below: bool = Field(
        default=True,
        description="Whether a peer that announces less is sent so much all the same, or nothing (peer-maximum).",
    )
    largest: int | None = Field(
        default=None, ge=4096, le=1 << 20, description="The largest that is used, also where there is no limit."
    )
    even_from: int = Field(
        default=0, ge=0, le=4096, description="From which maximum length on the data have an even length."
    )
    whole_from: int | None = Field(
        default=None,
        ge=12,
        le=4096,
        description="From which length of the data on the header of an element isn't parted between two P-DATA-TFs;"
        " unset: it may always be.",
    )
    packed: bool = Field(
        default=False,
        description="Whether the identifier of a response begins in the P-DATA-TF of its command. Observed with a"
        " query that finds something.",
    )


class Wire(Part):
    """Lengths, times, what malformed input gets, and how bytes are written."""

    max_pdu: int = Field(default=16384, ge=4096, le=1 << 20, description="Announced maximum length.")
    artim: Seconds = Field(
        default=30,
        gt=0,
        description="Waiting for an A-ASSOCIATE-RQ, and for the peer to close. Observed with a connection that sends"
        " nothing.",
    )
    linger: Seconds = Field(
        default=30,
        gt=0,
        description="How long a connection that lingers is held. Observed with a client that stays after release.",
    )
    partial_request: Seconds | None = Field(
        default=None,
        gt=0,
        description="Waiting for more of an A-ASSOCIATE-RQ that has begun; unset: `artim` runs on. Then it is"
        " partial-pdu before the association.",
    )
    partial_header: Seconds | None = Field(
        default=None,
        gt=0,
        description="Waiting for six header bytes on an association, from the first one on (partial-header); unset:"
        " as `idle`. Observed with three bytes of a P-DATA-TF.",
    )
    partial_command: Seconds | None = Field(
        default=None,
        gt=0,
        description="Waiting for more of a command set that has begun; then what has come of it is forgotten; unset:"
        " never. Observed with half a C-ECHO-RQ and, two seconds later, a whole one.",
    )
    partial_pdu: Seconds | None = Field(
        default=60,
        gt=0,
        description="Waiting for more of a PDU whose header has come (partial-pdu). Observed with half a P-DATA-TF.",
    )
    idle: Seconds | None = Field(default=300, gt=0, description="Silence on an open association (timeout).")
    data_set: Seconds | None = Field(
        default=None,
        gt=0,
        description="Waiting for the data set of a command (timeout, `in_service`); unset: as `idle`. Observed with"
        " a C-FIND whose identifier doesn't come.",
    )
    after_release: AtEnd = Field(
        default=Close.WAIT,
        description="What becomes of the connection after A-RELEASE-RP: wait for the peer to close; fin or reset at"
        " once; drop: a reset if there is unread input, else fin; linger: the same, but not before something more"
        " arrives or `linger` has passed.",
    )
    after_reject: AtEnd = Field(default=Close.WAIT, description="The same after A-ASSOCIATE-RJ.")
    after_abort: AtOnce = Field(default=Close.FIN, description="The same after an A-ABORT of the peer.")
    after_artim: Silent = Field(default=Close.FIN, description="The same after `artim`.")
    hang_up: HangUp = Field(
        default=Close.FIN, description="The same where a service ends the connection without an A-ABORT."
    )
    longest_control: int | None = Field(
        default=None,
        ge=4,
        le=4096,
        description="Longest A-RELEASE-RQ or A-ABORT that is taken on an association, if any length up to there is;"
        " unset: exactly 4 bytes. Others are pdu-length.",
    )
    eager: bool = Field(
        default=False,
        description="Whether a PDU that isn't taken is answered as soon as its header is there. Observed with six"
        " bytes of an A-RELEASE-RP on an association.",
    )
    release_in_service: bool = Field(
        default=True,
        description="Whether a release is agreed to while a data set is awaited or a query is answered; if not, it is"
        " not answered. Observed with a release right behind a C-FIND.",
    )
    release_in_suboperation: bool = Field(
        default=True,
        description="Whether a release is treated as at other times while the response to an object of a C-GET is"
        " awaited; if not, it isn't answered, counts as a failed response, and the C-GET goes on. Observed with a"
        " release in place of a C-STORE-RSP.",
    )
    drain: DrainModel = DrainModel()
    fragments: FragmentsModel = FragmentsModel()
    before_association: Reactions = Field(
        default_factory=dict, description="What is done about each quirk before an association."
    )
    on_association: Reactions = Field(default_factory=dict, description="The same on an association.")
    in_service: Reactions = Field(
        default_factory=dict, description="Where it differs while a data set is awaited or a query is answered."
    )
    in_suboperation: Reactions = Field(
        default_factory=dict,
        description="Where it differs while the response to an object of a C-GET is awaited: with keep, it counts as"
        " a failed one. Observed with a PDU of an unknown type in place of a C-STORE-RSP.",
    )
    half_closed: Reactions = Field(
        default_factory=dict,
        description="By partial-header or partial-pdu: what is done when the peer closes its side there, before the"
        " connection is closed.",
    )
    command_sets: CommandSets = CommandSets()
    write: Literal["whole", "split-header"] = Field(
        default="whole",
        description="Whether a P-DATA-TF is written in one piece, or its first 12 bytes apart. Observed, with Nagle's"
        " algorithm, as a pause of 40 ms behind them.",
    )
    nodelay: bool = Field(
        default=True, description="Whether Nagle's algorithm is off (TCP_NODELAY); if not, small pieces wait."
    )

    def dialect(self) -> Dialect:
        """The upper layer's form of it; what the file doesn't say is the standard read literally."""
        literal = Dialect()
        before, before_default = _reactions(self.before_association)
        on, on_default = _reactions(self.on_association)
        return Dialect(
            artim=self.artim,
            linger=self.linger,
            partial_request=self.partial_request,
            partial_header=self.partial_header,
            partial_command=self.partial_command,
            partial_pdu=self.partial_pdu,
            idle=self.idle,
            data_set=self.data_set,
            max_pdu=self.max_pdu,
            longest_control=self.longest_control,
            eager=self.eager,
            drain=Drain(self.drain.abort, self.drain.block, self.drain.close),
            before_association={**literal.before_association, **before},
            before_association_default=before_default or literal.before_association_default,
            on_association=on if on_default else {**literal.on_association, **on},
            on_association_default=on_default or literal.on_association_default,
            in_service=_reactions(self.in_service)[0],
            in_suboperation=_reactions(self.in_suboperation)[0],
            half_closed=_reactions(self.half_closed)[0],
            after_release=self.after_release,
            after_reject=self.after_reject,
            after_artim=self.after_artim,
            after_abort=self.after_abort,
            hang_up=self.hang_up,
            release_in_service=self.release_in_service,
            release_in_suboperation=self.release_in_suboperation,
            fragments=Fragments(**self.fragments.model_dump()),
            rules=self.command_sets.rules(),
        )


def _reactions(named: Reactions) -> tuple[dict[Quirk, Reaction], Reaction | None]:
    """By quirk, and for all others."""
    default = named.get("default")
    by_quirk = {quirk: model.reaction() for quirk, model in named.items() if isinstance(quirk, Quirk)}
    return by_quirk, default.reaction() if default else None
