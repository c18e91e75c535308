"""For how long the product waits: every moment that was seen is tried in every field that is a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import floor

from ..battery.transcript import End, Transcript
from ..model import Persona
from . import fields
from .fit import Fit, seen_reactions

SHORTEST = 0.3
"""Seconds; what happens sooner is no timer."""
LONGER = 180.0
"""Taken for a timer that didn't run out while it was watched, unless a known product's longer one fits."""
GRAIN = 0.75
"""A timer is noticed late, by up to so many seconds, where a product looks once a second."""
_TIMES = ("artim", "linger", "partial_request", "partial_header", "partial_pdu", "idle", "data_set")


def moments(transcript: Transcript) -> list[float]:
    """Moments at which something happened in the experiments about timers, and the time between two of them."""
    found: set[float] = set()
    for name in transcript.observations:
        if not name.startswith("timers."):
            continue
        for take in transcript.takes(name):
            times = [answer.seconds for answer in take.last.answers if answer.seconds > SHORTEST]
            if take.end in (End.FIN, End.RESET) and take.seconds > SHORTEST:
                times.append(take.seconds)
            found.update(map(_rounded, times))
            found.update(_rounded(later - sooner) for sooner, later in pairwise(times))
    return sorted(time for time in found if time > SHORTEST)


def _rounded(seconds: float) -> float:
    whole = floor(seconds)
    return float(whole) if seconds >= 2 and seconds - whole < GRAIN else round(seconds, 1)


def fit_times(fit: Fit, transcript: Transcript) -> None:
    """Try what was seen, and what would not have been seen yet."""
    tried = [*moments(transcript), max(LONGER, 2 * transcript.patience), None]
    for _ in range(2):
        before = len(fit.wrong)
        for path in _times(fit.persona):
            for seconds in tried:
                if seconds is not None or path[-1] not in ("artim", "linger"):
                    fit.offer(fields.changed(fit.persona, path, seconds))
        _fit_holds(fit, tried)
        _fit_ends(fit, tried)
        if len(fit.wrong) == before:
            return


def _times(persona: Persona) -> Iterator[fields.Path]:
    for name in _TIMES:
        if name in type(persona.wire).model_fields:
            yield "wire", name


def _fit_holds(fit: Fit, tried: list[float | None]) -> None:
    for table in ("before_association", "on_association", "in_service"):
        for quirk, reaction in list(getattr(fit.persona.wire, table).items()):
            for seconds in tried:
                changed = reaction.model_copy(update={"hold": seconds})
                known = getattr(fit.persona.wire, table)
                fit.offer(fields.changed(fit.persona, ("wire", table), {**known, quirk: changed}))


def _fit_ends(fit: Fit, tried: list[float | None]) -> None:
    """A time and what is done when it is over, together: either alone may foresee no more than before."""
    for number in sorted(fit.wrong):
        if number not in fit.wrong or not fit.evidence.seen[number].timed:
            continue
        for quirk, associated in fit.evidence.foreseen(fit.persona, number).quirks[:1]:
            table = "on_association" if associated else "before_association"
            known = getattr(fit.persona.wire, table)
            for reaction in seen_reactions(fit, number):
                ended = fields.changed(fit.persona, ("wire", table), {**known, quirk: reaction})
                times = (
                    fields.changed(ended, path, seconds) for path in _times(ended) for seconds in tried if seconds
                )
                if fit.best(times):
                    break
