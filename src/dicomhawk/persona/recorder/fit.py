"""Finds the persona that foresees what was observed: the nearest known product first, then value by value.

A value is changed only if more connections are foreseen then, so that what no experiment shows stays as it is in
the nearest product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from ...upperlayer.dialect import Close
from ...upperlayer.policy import Cause
from ..battery.reading import aborts, rejection
from ..battery.transcript import End
from ..model import Persona
from ..model.negotiation import CheckModel
from ..model.wire import ReactionModel
from . import fields
from .evidence import Evidence

MOST_ROUNDS = 4
"""Of trying every field; what one value hides, the next round sees."""
TABLES = ("contexts", "request", "reject", "answer", "wire")


class Foresees(Protocol):
    """Something that was observed, piece by piece."""

    def unexplained(self, persona: Persona, among: Iterable[int] | None = None) -> set[int]:
        """Numbers of the pieces (of those `among`) that are not as the persona would have it."""


E = TypeVar("E", bound=Foresees)


class Search(Generic[E]):
    """A persona under way, and what it doesn't foresee yet."""

    def __init__(self, evidence: E, persona: Persona) -> None:
        self.evidence = evidence
        self.persona = persona
        self.wrong = evidence.unexplained(persona)

    def offer(self, candidate: Persona) -> bool:
        """Take a candidate if it foresees more."""
        if not self.wrong:
            return False
        # Whether it mends anything is quickly seen; whether it breaks something else takes all connections.
        still = self.evidence.unexplained(candidate, self.wrong)
        if len(still) >= len(self.wrong):
            return False
        wrong = self.evidence.unexplained(candidate)
        if len(wrong) >= len(self.wrong):
            return False
        self.persona, self.wrong = candidate, wrong
        return True

    def best(self, candidates: Iterable[Persona]) -> bool:
        """Take the best of several candidates, if it foresees more."""
        found = False
        for candidate in candidates:
            found = self.offer(candidate) or found
        return found


Fit = Search[Evidence]
"""A search for what the upper layer does."""


def nearest(evidence: Evidence, known: Iterable[tuple[Persona, bool]]) -> Fit:
    """The known product that foresees most. Of several, one that says it is the same (the second of each pair), and
    was measured."""
    fits = [(Fit(evidence, persona), kin) for persona, kin in known]
    return min(fits, key=lambda pair: (len(pair[0].wrong), not pair[1], pair[0].persona.kind != "measured"))[0]


def improve(fit: Fit, tables: Iterable[Persona]) -> None:
    """Other products' tables, then single values, until nothing helps."""
    others = list(tables)
    for table in TABLES:
        fit.best(fields.changed(fit.persona, (table,), getattr(other, table)) for other in others)
    for _ in range(MOST_ROUNDS):
        better = False
        for path in list(fields.fitted(fit.persona)):
            for value in fields.alternatives(fit.persona, path):
                better = fit.offer(fields.changed(fit.persona, path, value)) or better
        better = _reactions(fit) or better
        better = _checks(fit) or better
        if not better or not fit.wrong:
            return


def _reactions(fit: Fit) -> bool:
    """What is done about each quirk, as seen where the quirk occurs."""
    better = False
    for number in sorted(fit.wrong):
        if number not in fit.wrong:
            continue
        for quirk, associated in fit.evidence.foreseen(fit.persona, number).quirks[:1]:
            table = "on_association" if associated else "before_association"
            known = getattr(fit.persona.wire, table)
            for reaction in seen_reactions(fit, number):
                candidate = fields.changed(fit.persona, ("wire", table), {**known, quirk: reaction})
                if fit.offer(candidate):
                    better = True
                    break
    return better


def seen_reactions(fit: Fit, number: int) -> Iterator[ReactionModel]:
    """What may have been done on a connection, by what came back and how it ended."""
    take = fit.evidence.seen[number].take
    said = [(abort.source, abort.reason) for abort in aborts(take.answers)]
    first, again = (said[0] if said else None), (said[1] if len(said) > 1 else None)
    ways = {
        End.OPEN: (Close.WAIT, Close.LINGER, Close.DRAIN, Close.KEEP),
        End.FIN: (Close.FIN, Close.DROP, Close.LINGER),
        End.RESET: (Close.RESET, Close.DROP, Close.LINGER, Close.DRAIN),
    }
    for close in ways.get(take.end, ()):
        yield ReactionModel(abort=first, again=again, close=close)


def _checks(fit: Fit) -> bool:
    """Reasons to reject: which there are, what is said, and in which order they are looked for."""
    better = False
    answers = _seen_rejections(fit)
    for cause in Cause:
        now = fit.persona.reject.checks
        others = tuple(entry for entry in now if entry.cause is not cause)
        better = fit.offer(_with_checks(fit, others)) or better
        for answer in (None, *answers):
            for place in range(len(others) + 1):
                entry = CheckModel(cause=cause, answer=answer)
                better = fit.offer(_with_checks(fit, (*others[:place], entry, *others[place:]))) or better
                if not fit.wrong:
                    return better
    return better


def _with_checks(fit: Fit, checks: tuple[Any, ...]) -> Persona:
    return fields.changed(fit.persona, ("reject", "checks"), checks)


def _seen_rejections(fit: Fit) -> list[tuple[int, int, int]]:
    found = [rejection(fit.evidence.seen[number].take) for number in fit.wrong]
    return sorted({(rj.result, rj.source, rj.reason) for rj in found if rj is not None})
