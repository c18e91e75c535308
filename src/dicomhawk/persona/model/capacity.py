"""How many connections a product serves at a time.

All of it is applied to each remote address by itself: whoever holds the product up holds up only their own other
connections, which is all that they can see.
"""

from __future__ import annotations

from pydantic import Field

from .base import Part, Seconds


class Capacity(Part):
    """How many connections are served at a time, of one remote address."""

    serial_negotiation: bool = Field(
        default=False,
        description="Whether one connection at a time is negotiated, and others wait until it is accepted or gone."
        " Observed with a connection that sends nothing, and an association asked for beside it.",
    )
    serial_associations: bool = Field(
        default=False,
        description="Whether the others wait until that connection is gone, with its association. Observed with an"
        " association that does nothing, and another one asked for beside it.",
    )
    served_associations: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="How many associations are served at a time; more are accepted, and take turns. Observed with"
        " idle associations and an echo on one more.",
    )
    turn: Seconds = Field(
        default=1.0,
        gt=0,
        le=60,
        description="How long an association that takes turns waits for a command; with the command it is over too.",
    )
    max_associations: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="How many associations there may be; more are rejected (cause `capacity`). Observed with as many"
        " idle associations as it takes.",
    )
