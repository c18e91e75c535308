"""When examinations happen: the shape of years, weeks and days, over the past and the days ahead."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from dicomhawk.hospital.world.holidays import holidays
from dicomhawk.hospital.world.kinds import DEMAND, Kind

SETTLED = timedelta(minutes=50)  # before now: what began earlier is in the archive, whatever it was
YEARS = 3.0
PER_DAY = 20.0
SMALL = 75.0
"""Studies for each daily one in an archive that is smaller than the default: a small hospital."""
SMALLEST = 2.0  # a day: a worklist has somebody in it
FULL_DAYS = 45.0
"""Time constant of what is still complete: earlier years have been thinned, as archives are that move old studies."""

# Weight of each weekday, and of each hour: lists begin at half past seven, pause at noon, end at four; emergencies
# come at all hours, most in the afternoon and evening.
LISTS = (1.0, 1.04, 1.0, 0.98, 0.86, 0.03, 0.01)
LIST_HOURS = (0, 0, 0, 0, 0, 0, 0, 8, 27, 31, 31, 28, 17, 27, 26, 20, 6, 3, 2, 1, 0, 0, 0, 0)
EMERGENCIES = (1.06, 1.0, 0.98, 0.98, 1.02, 0.92, 0.9)
EMERGENCY_HOURS = (9, 7, 6, 5, 5, 5, 7, 11, 17, 24, 29, 30, 29, 28, 29, 29, 28, 26, 25, 24, 22, 19, 15, 12)
OFF = 6
"""A holiday is a Sunday to appointments."""


@dataclass(frozen=True)
class Slot:
    """An examination to be made: when, what, and whether it is an emergency."""

    moment: datetime
    kind: Kind
    urgent: bool


@dataclass(frozen=True)
class Scale:
    """How large the archive is: `studies` in the `years` up to now, `per_day` of them on a usual working day now."""

    studies: int
    years: float = YEARS
    per_day: float | None = None

    @property
    def days(self) -> int:
        """Days of the past that there are studies from."""
        return max(1, round(self.years * 365.25))

    @property
    def daily(self) -> float:
        """Studies on a usual working day now."""
        if self.per_day is not None:
            return self.per_day
        fewest = self.studies / (self.days * 0.8)  # more than that, or the archive would have shrunk
        return max(min(PER_DAY, SMALLEST + self.studies / SMALL), fewest)


class Calendar:
    """The days of a hospital in `zone`, with the holidays and the slow months of its country."""

    def __init__(
        self,
        zone: ZoneInfo,
        rules: Sequence[str] = (),
        slow: dict[int, float] | None = None,
        kinds: Iterable[Kind] = DEMAND,
    ) -> None:
        self._zone, self._rules, self._slow = zone, tuple(rules), slow or {}
        self._kinds = tuple(kinds)
        planned = sum(DEMAND[kind].planned for kind in self._kinds)
        urgent = sum(DEMAND[kind].urgent for kind in self._kinds)
        self._planned, self._urgent = planned / (planned + urgent), urgent / (planned + urgent)
        self._slots: dict[tuple[int, float], tuple[list[tuple[int, Kind, bool]], list[float]]] = {}

    def kind_of_day(self, day: date) -> int:
        """The weekday that appointments keep on that day: Monday is 0."""
        return OFF if day in holidays(self._rules, day.year) else day.weekday()

    def expected(self, day: date) -> float:
        """Examinations of that day, relative to those of a usual working day."""
        appointments = LISTS[self.kind_of_day(day)] * self._slow.get(day.month, 1.0)
        return self._planned * appointments + self._urgent * EMERGENCIES[day.weekday()]

    def past(self, scale: Scale, now: float, source: random.Random) -> list[Slot]:
        """As many slots as `scale` has studies before `now`, in order, the recent weeks complete."""
        latest = datetime.fromtimestamp(now, self._zone) - SETTLED
        today = latest.date()
        days = [today - timedelta(days=back) for back in range(scale.days)]
        weights = [self.expected(day) * scale.daily for day in days]
        weights[0] *= self._part_gone(latest)
        complete = [math.exp(-back / FULL_DAYS) for back in range(scale.days)]
        there, recent = sum(weights), sum(w * c for w, c in zip(weights, complete, strict=True))
        # What is kept of long ago, so that all together are as many as were asked for.
        kept = max(0.0, (scale.studies - recent) / (there - recent)) if there > recent else 1.0
        thinned = [w * (kept + (1 - kept) * c) for w, c in zip(weights, complete, strict=True)]
        numbers = Counter(source.choices(range(scale.days), thinned, k=scale.studies)) if scale.studies else Counter()
        made: list[Slot] = []
        for back in sorted(numbers, reverse=True):
            made += self._day(days[back], numbers[back], source, before=latest if back == 0 else None)
        return made

    def ahead(self, daily: float, first: date, last: date, now: float, source: random.Random) -> list[Slot]:
        """Slots after `now`, from `first` to `last`, in order, with `daily` studies on a usual working day."""
        earliest = datetime.fromtimestamp(now, self._zone)
        made: list[Slot] = []
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            count = _poisson(daily * self.expected(day), source)
            made += (slot for slot in self._day(day, count, source) if slot.moment > earliest)
        return made

    def _day(self, day: date, count: int, source: random.Random, before: datetime | None = None) -> list[Slot]:
        """`count` slots of one day, in order."""
        choices, cumulative = self._slots_of(day)
        made: list[Slot] = []
        while len(made) < count:
            for hour, kind, urgent in source.choices(choices, cum_weights=cumulative, k=count - len(made)):
                at = time(hour, source.randrange(60), source.randrange(60))
                moment = datetime.combine(day, at, self._zone)
                if before is None or moment <= before:
                    made.append(Slot(moment, kind, urgent))
        made.sort(key=_moment)
        return made

    def _slots_of(self, day: date) -> tuple[list[tuple[int, Kind, bool]], list[float]]:
        lists = LISTS[self.kind_of_day(day)] * self._slow.get(day.month, 1.0)
        emergencies = EMERGENCIES[day.weekday()]
        key = (day.weekday(), lists)
        if key not in self._slots:
            weights = {
                (hour, kind, urgent): (
                    DEMAND[kind].urgent * emergencies * EMERGENCY_HOURS[hour] / sum(EMERGENCY_HOURS)
                    if urgent
                    else DEMAND[kind].planned * lists * LIST_HOURS[hour] / sum(LIST_HOURS)
                )
                for hour in range(24)
                for kind in self._kinds
                for urgent in (False, True)
            }
            some = {slot: weight for slot, weight in weights.items() if weight}
            self._slots[key] = list(some), list(accumulate(some.values()))
        return self._slots[key]

    def _part_gone(self, latest: datetime) -> float:
        """Part of that day's examinations that begin before `latest`; 0 if there is no full hour of them."""
        choices, cumulative = self._slots_of(latest.date())
        gone = sum(1 for hour, _, _ in choices if hour < latest.hour)  # slots are in the order of hours
        return cumulative[gone - 1] / cumulative[-1] if gone else 0.0


def _moment(slot: Slot) -> datetime:
    return slot.moment


def _poisson(mean: float, source: random.Random) -> int:
    """A Poisson deviate; rounded normal for large means."""
    if mean > 50:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    threshold, product, number = math.exp(-mean), source.random(), 0
    while product > threshold:
        product *= source.random()
        number += 1
    return number
