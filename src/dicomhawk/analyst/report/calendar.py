"""Days, weeks or months: what a time axis is divided into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .selection import DAY

MAX_DAYS = 200
"""Columns of days that a drawing has room for."""
MAX_WEEKS = 200
"""And of weeks: nearly four years."""
MAX_LISTED = 40
"""Rows of a table over time that a page has room for."""
MAX_SPANS = 2400
"""Months in two hundred years: a moment that is false must not make the report endless."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Spans:
    """Consecutive spans of time, each named by the number of its first day since the epoch."""

    unit: str
    """day, week or month."""
    first: int
    last: int

    @classmethod
    def of(cls, start: int | None, end: int | None) -> Spans:
        """Those that a period has (microseconds since the epoch; the end isn't in it)."""
        if start is None or end is None or end <= start:
            return cls("day", 0, -1)
        first, last = start // DAY, (end - 1) // DAY
        days = last - first + 1
        unit = "day" if days <= MAX_DAYS else "week" if days <= 7 * MAX_WEEKS else "month"
        return cls(unit, first, last)

    @property
    def many(self) -> bool:
        """Whether there are more than a page can list."""
        return sum(1 for _ in self) > MAX_LISTED

    def span(self, day: int) -> int:
        """The span that a day is in. A day after the last, which a session reached into, is in a span of its own."""
        if self.unit == "day":
            return day
        if self.unit == "week":
            return day - (day + 3) % 7  # the epoch was a Thursday
        date = _EPOCH + timedelta(days=day)
        return (date.replace(day=1) - _EPOCH).days

    def __iter__(self) -> Iterator[int]:
        at, count = self.first, 0
        while at <= self.last and count < MAX_SPANS:
            span = self.span(at)
            yield span
            at, count = self._next(span), count + 1

    def _next(self, span: int) -> int:
        if self.unit == "month":
            date = _EPOCH + timedelta(days=span + 31)
            return (date.replace(day=1) - _EPOCH).days
        return span + (7 if self.unit == "week" else 1)


def date_of(day: int) -> str:
    """The date of a day since the epoch, as in 2026-11-22; empty if there is none."""
    try:
        return f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"
    except OverflowError:
        return ""


def moment(us: int) -> str:
    """A moment for people, to the second, in UTC; empty if it isn't one."""
    try:
        return f"{_EPOCH + timedelta(microseconds=us):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return ""


def lasted(us: int) -> str:
    """A length of time (microseconds), as people say it."""
    seconds = us // 1_000_000
    if seconds < 1:
        return "less than a second"
    for unit, length, part, of_it in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= length:
            rest = seconds % length // of_it
            return f"{seconds // length} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{seconds} s"
