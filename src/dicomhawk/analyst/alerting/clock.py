"""Hours of the day, in UTC: quiet hours and digests. Moments are microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime

from ...settings.alerts import DAY_MINUTES, minutes, span

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def quiet_until(moment: int, hours: str) -> int | None:
    """When the quiet hours (``HH:MM-HH:MM``) end that `moment` is in; None if it isn't in any."""
    if not hours:
        return None
    first, last = span(hours)
    midnight = moment - moment % DAY
    minute = moment % DAY / MINUTE
    if first < last:
        return midnight + last * MINUTE if first <= minute < last else None
    if minute >= first:
        return midnight + (DAY_MINUTES + last) * MINUTE
    return midnight + last * MINUTE if minute < last else None


def digest_after(moment: int, clock: str) -> int:
    """The first moment after `moment` at which a digest is due."""
    at = minutes(clock) * MINUTE
    due = moment - moment % DAY + at
    return due if due > moment else due + DAY


def hour_of(moment: int) -> int:
    """The beginning of the clock's hour that `moment` is in."""
    return moment - moment % HOUR


def day_text(moment: int) -> str:
    """The day, as in ``2026-11-22``."""
    return f"{datetime.fromtimestamp(moment // SECOND, UTC):%Y-%m-%d}"


def text(moment: int) -> str:
    """To the minute, as in ``2026-11-22 14:05 UTC``."""
    return f"{datetime.fromtimestamp(moment // SECOND, UTC):%Y-%m-%d %H:%M} UTC"
