"""Lengths, times, and what malformed input gets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...upperlayer.dialect import Close, Dialect, Reaction
from ...upperlayer.errors import Quirk
from .base import Part, Seconds


class ReactionModel(Part):
    """What is sent and done when the peer is wrong."""

    abort: tuple[int, int] | None = Field(default=None, description="Source and reason of an A-ABORT.")
    close: Close = Close.WAIT
    hold: Seconds | None = Field(default=None, ge=0, description="Seconds until a waiting connection is closed.")

    def reaction(self) -> Reaction:
        """The upper layer's form of it."""
        return Reaction(self.abort, self.close, self.hold)


class Wire(Part):
    """Lengths, times, and what malformed input gets."""

    max_pdu: int = Field(default=16384, ge=4096, le=1 << 20, description="Announced maximum length.")
    artim: Seconds = Field(default=30, gt=0, description="Waiting for an A-ASSOCIATE-RQ, and for the close.")
    partial_pdu: Seconds | None = Field(default=60, gt=0, description="Waiting for the rest of a PDU.")
    idle: Seconds | None = Field(default=300, gt=0, description="Silence on an open association.")
    after_release: Close = Close.WAIT
    after_reject: Close = Close.WAIT
    after_artim: Close = Close.FIN
    before_association: dict[Quirk | Literal["default"], ReactionModel] = Field(default_factory=dict)
    on_association: dict[Quirk | Literal["default"], ReactionModel] = Field(default_factory=dict)

    def dialect(self) -> Dialect:
        """The upper layer's form of it; what the file doesn't say is PS3.8 read literally."""
        literal = Dialect()
        before = {q: r.reaction() for q, r in self.before_association.items() if isinstance(q, Quirk)}
        on = {q: r.reaction() for q, r in self.on_association.items() if isinstance(q, Quirk)}
        before_default = self.before_association.get("default")
        on_default = self.on_association.get("default")
        return Dialect(
            artim=self.artim,
            partial_pdu=self.partial_pdu,
            idle=self.idle,
            max_pdu=self.max_pdu,
            before_association={**literal.before_association, **before},
            before_association_default=(
                before_default.reaction() if before_default else literal.before_association_default
            ),
            on_association={**literal.on_association, **on},
            on_association_default=on_default.reaction() if on_default else literal.on_association_default,
            after_release=self.after_release,
            after_reject=self.after_reject,
            after_artim=self.after_artim,
        )
