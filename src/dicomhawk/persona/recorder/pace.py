"""How long answers take: from the rhythm experiments to distributions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from ...upperlayer import pdu
from ..battery.experiments.rhythm import ENOUGH
from ..battery.reading import decoded
from ..battery.transcript import Transcript
from ..model.timing import LONGEST
from . import fields
from .notes import Notes

KINDS = (
    ("association", "rhythm.associate", "A-ASSOCIATE-RQ"),
    ("echo", "rhythm.echo", "C-ECHO-RQ"),
    ("find", "rhythm.find", "C-FIND-RQ"),
    ("retrieve", "rhythm.retrieve", "C-GET-RQ"),
    ("store", "rhythm.store", "C-STORE-RQ"),
)
"""A field of `Timing`, the experiment that speaks for it, and how the labels of its requests begin."""
AT_ONCE = 1.0
"""Milliseconds: what takes no longer nine times out of ten needs no waiting, which isn't that exact."""
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98)
"""Quantiles that are kept. The slowest few answers are accidents of the machine, not the product's."""
DECIMALS = 1
_ANSWERS = (pdu.AssociateAC, pdu.AssociateRJ, pdu.PDataTF)


def pace(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """The distributions that were seen; empty ones for what is answered at once."""
    found: dict[fields.Path, Any] = {}
    for kind, experiment, request in KINDS:
        times = sorted(_times(transcript, experiment, request))
        if len(times) < ENOUGH:
            why = transcript.missing.get(experiment, f"only {len(times)} answers were timed")
            notes.missing(f"timing.{kind}", why)
        else:
            found["timing", kind] = distribution(times)
    return found


def distribution(times: list[float]) -> tuple[float, ...]:
    """Quantiles of ascending times, both in milliseconds; none if there is nothing to wait for."""
    if quantile(times, 0.9) < AT_ONCE:
        return ()
    return tuple(accumulate((min(round(quantile(times, share), DECIMALS), LONGEST) for share in SHARES), max))


def quantile(ascending: list[float], share: float) -> float:
    """The value that no more than a share of a sample comes before."""
    return ascending[int(share * (len(ascending) - 1))]


def _times(transcript: Transcript, experiment: str, request: str) -> Iterator[float]:
    """Milliseconds to the first byte of each answer."""
    for take in transcript.takes(experiment):
        for step in take.steps:
            first = next(iter(step.answers), None)
            if first is None or first.began is None or not step.label.startswith(request):
                continue
            if isinstance(decoded(first.pdu), _ANSWERS):
                yield first.began * 1000
