"""Response-time distributions."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from .base import Part

LONGEST = 60_000.0
"""Milliseconds: a client has given up by then."""
Milliseconds = Annotated[float, Field(ge=0, le=LONGEST)]


def _ascending(quantiles: tuple[float, ...]) -> tuple[float, ...]:
    if len(quantiles) == 1:
        raise ValueError("a distribution has a least and a greatest value")
    if any(later < earlier for earlier, later in pairwise(quantiles)):
        raise ValueError("quantiles ascend")
    return quantiles


Distribution = Annotated[tuple[Milliseconds, ...], Field(max_length=101), AfterValidator(_ascending)]
"""Quantiles at equal distances, from the least value to the greatest; empty: as soon as can be."""


class Timing(Part):
    """Milliseconds from the last byte of a request to the first of its answer.

    An answer that is ready sooner waits, one that is ready later goes out at once. All are seen by asking often, on
    an association of its own each time for `association`, on one for the others.
    """

    association: Distribution = Field(default=(), description="A-ASSOCIATE-RQ to A-ASSOCIATE-AC or -RJ.")
    echo: Distribution = Field(default=(), description="C-ECHO.")
    find: Distribution = Field(default=(), description="C-FIND to the first response, of a study query.")
    retrieve: Distribution = Field(default=(), description="C-GET and C-MOVE to the first PDU of the answer.")
    store: Distribution = Field(default=(), description="C-STORE, from the end of the data set.")
    normalized: Distribution = Field(default=(), description="DIMSE-N commands.")

    @staticmethod
    def drawn(quantiles: Distribution, probability: float) -> float:
        """The quantile (seconds) of a `probability` from 0 to 1; 0 for an empty distribution."""
        if not quantiles:
            return 0.0
        place = probability * (len(quantiles) - 1)
        below = min(int(place), len(quantiles) - 2)
        low, high = quantiles[below], quantiles[below + 1]
        return (low + (high - low) * (place - below)) / 1000
