"""The hospital's patients: who was here, who is to come back, and for what."""

from __future__ import annotations

import heapq
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.world.calendar import Slot
from dicomhawk.hospital.world.kinds import DEMAND, SOON, Kind
from dicomhawk.hospital.world.people import Person, Registry

ANYBODY_BACK = 0.17  # of the visits without appointment: somebody who was here for something else
SHORTEST_RETURN = timedelta(days=12)
TRIES = 6  # people thought of before it is somebody new
PATIENCE_SOON, PATIENCE = 3, 28  # days after which somebody who was to come isn't expected any more

Due = tuple[int, str, int]
"""Somebody to come back: proleptic Gregorian ordinal of the day, kind of examination, key of the patient."""


@dataclass
class Known:
    """A patient who was here; `key` is the catalogue's."""

    person: Person
    key: int
    last: datetime
    before: dict[str, tuple[str, tuple[Finding, ...]]] = field(default_factory=dict)
    """By the subject of reports: the day (DA) of the last examination, and what it found."""


class Patients:
    """Chooses who comes; `kinds` are the examinations that can be made."""

    def __init__(self, registry: Registry, kinds: Collection[Kind]) -> None:
        self._registry, self._kinds = registry, frozenset(kinds)
        self._known: list[Known] = []
        self._by_key: dict[int, Known] = {}
        # By who can make the examination, and whether they are still in hospital.
        self._due: dict[tuple[tuple[str, ...], bool], list[tuple[int, int, Kind]]] = {}

    def add(self, known: Known) -> None:
        """Somebody who was here."""
        self._known.append(known)
        self._by_key[known.key] = known

    def choose(self, slot: Slot, source: random.Random) -> tuple[Known | None, Kind]:
        """Who comes for `slot`, and for what; None is somebody new."""
        modalities = DEMAND[slot.kind].modalities
        for soon in (True, False) if not slot.urgent else (True,):
            expected = self._expected(modalities, soon, slot.moment)
            if expected is not None:
                return expected
        if self._known and source.random() < ANYBODY_BACK:
            for _ in range(TRIES):
                known = source.choice(self._known)
                if slot.moment - known.last > SHORTEST_RETURN:
                    return known, slot.kind
        return None, slot.kind

    def new(self, slot: Slot, key: int) -> Known:
        """Somebody who was never here, of the age that such examinations are made at."""
        known = Known(self._registry.patient(DEMAND[slot.kind].ages, slot.moment.date()), key, slot.moment)
        self.add(known)
        return known

    def examined(self, known: Known, kind: Kind, moment: datetime, source: random.Random) -> None:
        """`known` had that examination; plans what follows it."""
        known.last = moment
        for follows in DEMAND[kind].returns:
            if follows.kind in self._kinds and source.random() < follows.probability:
                days = source.choice(follows.days)
                if days > SOON:
                    days += round(source.gauss(0, days * 0.05))
                self._plan(moment.toordinal() + days, follows.kind, known.key, soon=days <= SOON)
                return

    def due(self) -> Iterator[Due]:
        """Who is to come back."""
        for queue in self._due.values():
            for day, key, kind in queue:
                yield day, kind, key

    def resume(self, due: list[Due], today: int) -> None:
        """Take up what was planned before; `today` is an ordinal. Add the patients first."""
        for day, name, key in due:
            kind = next((known for known in self._kinds if known == name), None)
            if kind is not None and key in self._by_key:
                self._plan(day, kind, key, soon=day - today <= SOON)

    def _plan(self, day: int, kind: Kind, key: int, *, soon: bool) -> None:
        heapq.heappush(self._due.setdefault((DEMAND[kind].modalities, soon), []), (day, key, kind))

    def _expected(self, modalities: tuple[str, ...], soon: bool, moment: datetime) -> tuple[Known, Kind] | None:
        """The first in the queue whose day has come."""
        queue, today = self._due.get((modalities, soon), []), moment.toordinal()
        patience = PATIENCE_SOON if soon else PATIENCE
        while queue and queue[0][0] <= today:
            day, key, kind = heapq.heappop(queue)
            known = self._by_key[key]
            if today - day <= patience and known.last.toordinal() < today:
                return known, kind
        return None
