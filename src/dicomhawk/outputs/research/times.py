"""Moments as coarse as they are wanted."""

from __future__ import annotations

from enum import StrEnum

from ...analyst.report.calendar import Spans, date_of, moment
from ...analyst.report.selection import DAY

HOUR = DAY // 24


class Coarseness(StrEnum):
    """How exact the moments of a data set are."""

    EXACT = "exact"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    def moment(self, us: int) -> str:
        """A moment (microseconds since the epoch), RFC 3339 in UTC; the beginning of what it lies in."""
        if self is Coarseness.WEEK:
            return date_of(Spans("week", 0, 0).span(us // DAY))
        if self is Coarseness.DAY:
            return date_of(us // DAY)
        at = us // HOUR * HOUR if self is Coarseness.HOUR else us
        return moment(at).replace(" ", "T") + "Z"

    def duration(self, us: int) -> int:
        """Seconds; to one digit, unless moments are exact."""
        seconds = max(0, us) // 1_000_000
        if self is Coarseness.EXACT or seconds < 10:
            return seconds
        power: int = 10 ** (len(str(seconds)) - 1)
        return seconds // power * power
