"""Public holidays by rule, so that any year has them.

A rule is one of these, as in the ``[calendar]`` table of a locale:

* ``12-25``: that day of every year; ``12-25*``: if it is a Saturday or Sunday, the next weekday is off, too;
  ``07-04~``: if it is a Saturday, the Friday before is off, if a Sunday, the Monday after,
* ``easter+39``: days after (or before) Easter Sunday of the western churches,
* ``11-22>thu``: the first Thursday from that day on, here the fourth of November.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

_RULE = re.compile(
    r"easter(?P<offset>[+-]\d{1,3})|(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:>(?P<weekday>mon|tue|wed|thu|fri|sat|sun)|(?P<moved>[*~]))?"
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SATURDAY = 5
_DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar, by the Meeus-Jones-Butcher algorithm."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=256)
def holidays(rules: Sequence[str], year: int) -> frozenset[date]:
    """The holidays of a year by `rules` (a tuple). Raises `ValueError` for a rule that is none."""
    # New Year's Day may be kept on the last of December.
    named = [_named(rule, of_year) for of_year in (year, year + 1) for rule in rules]
    found = {day for day, _ in named}
    for day, moved in named:
        if moved and day.weekday() >= _SATURDAY:
            found.add(_instead(day, moved, found))
    return frozenset(day for day in found if day.year == year)


def _named(rule: str, year: int) -> tuple[date, str | None]:
    """The day itself, and how it is moved."""
    match = _RULE.fullmatch(rule)
    if match is None:
        raise ValueError(f"{rule} is no rule for holidays")
    if match["offset"]:
        return easter(year) + int(match["offset"]) * _DAY, None
    day = date(year, int(match["month"]), int(match["day"]))
    if match["weekday"]:
        day += (_WEEKDAYS.index(match["weekday"]) - day.weekday()) % 7 * _DAY
    return day, match["moved"]


def _instead(day: date, moved: str, others: set[date]) -> date:
    """The weekday that is off because the holiday is on a weekend."""
    if moved == "~" and day.weekday() == _SATURDAY:
        return day - _DAY
    substitute = day + (7 - day.weekday()) * _DAY
    while substitute in others:
        substitute += _DAY
    return substitute
