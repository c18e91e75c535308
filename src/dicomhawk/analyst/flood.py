"""Sessions of more events than are looked at together: what a visitor floods us with hides nothing that it does next.

Counted is everything, and rules are held against all of it, part by part. The rest is concluded from a sample: how it
begins, and then of each kind of event the first ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from ..evidence.documents import Document, number_at, text_at
from .tally import Tally, tally
from .techniques import Match

BEGINNING = 20_000
"""Events at the beginning that are in the sample."""
OF_A_KIND = 500
"""Later events of one kind that are."""
MAX_KINDS = 200
"""Kinds of later events; a journal from elsewhere may have any number."""
PART = 20_000
"""Events that rules are held against together."""
MAX_EVIDENCE = 20
"""Identifiers of events kept of one technique."""


class Flood:
    """All events of such a session, in order: `read` begins anew each time."""

    def __init__(self, read: Callable[[], Iterable[Document]]) -> None:
        self._read = read
        self.counted: Tally = tally(read())
        self.sample = list(_sampled(read()))

    def __iter__(self) -> Iterator[Document]:
        return iter(self._read())

    def matched(self, match: Callable[[list[Document]], list[Match]]) -> list[Match]:
        """What `match` says of all parts, as one."""
        found: dict[str, Match] = {}
        events = iter(self)
        while part := list(islice(events, PART)):
            for one in match(part):
                found[one.rule] = _together(found[one.rule], one) if one.rule in found else one
        return sorted(found.values(), key=lambda one: one.rule)


def _sampled(events: Iterable[Document]) -> Iterator[Document]:
    kinds: Counter[tuple[str, int, str]] = Counter()
    for number, event in enumerate(events):
        if number < BEGINNING:
            yield event
            continue
        kind = (event["event"]["action"], number_at(event, "event.severity"), text_at(event, "honeypot.lure.kind"))
        if kinds[kind] >= OF_A_KIND or (kind not in kinds and len(kinds) >= MAX_KINDS):
            continue
        kinds[kind] += 1
        yield event


def _together(one: Match, other: Match) -> Match:
    worst = max(one, other, key=lambda each: each.severity)
    return worst._replace(
        times=one.times + other.times,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        evidence=(one.evidence + other.evidence)[:MAX_EVIDENCE],
    )
