"""The experiments, by what they are about."""

from ..laboratory import Catalogue
from . import (
    association,
    capacity,
    commands,
    negotiation,
    normalized,
    queries,
    retrievals,
    rhythm,
    storing,
    syntaxes,
    timers,
    wrong_before,
    wrong_on,
)

ALL = Catalogue()
ALL.include(
    module.catalogue
    for module in (
        association,
        negotiation,
        syntaxes,
        wrong_before,
        wrong_on,
        commands,
        normalized,
        storing,
        queries,
        retrievals,
        rhythm,
        capacity,
        timers,
    )
)
