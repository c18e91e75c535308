"""What a report is about: a period, and sensors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from ...settings import SettingsError
from ..database.schema import sessions

DAY = 86_400_000_000
"""Microseconds."""
MAX_SIDE_BY_SIDE = 4
"""Sensors that have columns of their own; a page has no room for more."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_LENGTH = len("2026-01-31")


class Selection(NamedTuple):
    """Sessions that began in a period, of some sensors."""

    start: int | None = None
    """Microseconds since the epoch, UTC; None: from the beginning."""
    end: int | None = None
    """The first moment that isn't in it any more; None: to the end."""
    sensors: tuple[str, ...] = ()
    """Empty: all."""
    compare: bool = False
    """Whether the sensors are to be set against each other."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Of rows of the table `sessions`."""
        found: list[ColumnElement[bool]] = []
        if self.start is not None:
            found.append(sessions.c.first >= self.start)
        if self.end is not None:
            found.append(sessions.c.first < self.end)
        if self.sensors:
            found.append(sessions.c.sensor.in_(self.sensors))
        return found

    def only(self, sensor: str) -> Selection:
        """The same of one sensor alone."""
        return self._replace(sensors=(sensor,))


def moment_of(text: str, *, end: bool = False) -> int:
    """A moment or a day (UTC) as an operator writes it, in microseconds since the epoch.

    With `end` the first moment after it, so that a last day is in the period as a whole. Raises `SettingsError`.
    """
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        if end and len(text) <= _DATE_LENGTH:
            at += timedelta(days=1)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{text} is not a day or a moment such as 2026-11-21 or 2026-11-21T23:20 (UTC)."
        ) from None
    return (at - _EPOCH) // timedelta(microseconds=1)


def sensors_of(connection: Connection, selection: Selection) -> list[str]:
    """Names of the sensors that a report is about: those that were asked for, or else all that saw anything.

    Raises `SettingsError` if one that was asked for isn't known at all, or if nothing can be in the period.
    """
    if selection.start is not None and selection.end is not None and selection.start >= selection.end:
        raise SettingsError("The period ends before it begins.")
    if not selection.sensors:
        found = connection.scalars(select(sessions.c.sensor).where(*selection.conditions()).distinct())
        return sorted(found)
    known = set(connection.scalars(select(sessions.c.sensor).distinct()))
    for name in selection.sensors:
        if name not in known:
            there = ", ".join(sorted(known)[:20]) or "none"
            raise SettingsError(f"There is no sensor {name} in the findings; there are: {there}.")
    return list(selection.sensors)


def extent(connection: Connection, selection: Selection) -> tuple[int | None, int | None]:
    """First moment, and first moment after the last, of what was selected; as asked for, where it was."""
    first, last = connection.execute(
        select(func.min(sessions.c.first), func.max(sessions.c.last)).where(*selection.conditions())
    ).one()
    start = first if selection.start is None else selection.start
    end = (None if last is None else last + 1) if selection.end is None else selection.end
    return start, end
