"""When answers go out: not before the product would have had them ready."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from ...persona.model.timing import Distribution, Timing
from ...upperlayer.dimse import RESPONSE_BIT, CommandField

ASSOCIATION: Final = 0
"""Stands for the A-ASSOCIATE-RQ among the numbers of command fields."""


class Pace:
    """Draws, for each request of one door, how long its answer takes at the least."""

    def __init__(self, timing: Timing) -> None:
        self._of: Mapping[int, Distribution] = {
            field: quantiles
            for fields, quantiles in (
                ((ASSOCIATION,), timing.association),
                ((CommandField.C_ECHO_RQ,), timing.echo),
                ((CommandField.C_FIND_RQ,), timing.find),
                ((CommandField.C_GET_RQ, CommandField.C_MOVE_RQ), timing.retrieve),
                ((CommandField.C_STORE_RQ,), timing.store),
                (
                    tuple(field for field in CommandField if field & 0x0100 and not field & RESPONSE_BIT),
                    timing.normalized,
                ),
            )
            if quantiles
            for field in map(int, fields)
        }

    def least(self, field: int) -> float:
        """Seconds that the answer to a command (or `ASSOCIATION`) takes at the least."""
        quantiles = self._of.get(field)
        return 0.0 if quantiles is None else Timing.drawn(quantiles, random.random())
