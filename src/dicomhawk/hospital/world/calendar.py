"""When studies happen: the shape of weeks and days, over the past and the days ahead."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SETTLED = timedelta(minutes=50)  # before now: what began earlier is in the archive, whatever it was
PAST_DAYS = 540
AHEAD_DAYS = 14
RECENT_SHARE = 0.4  # of the studies that are from the last weeks; the rest are what remains of earlier times
RECENT_DAYS = 30.0  # time constant of those
WEEKDAYS = (1.0, 1.04, 1.0, 0.98, 0.86, 0.16, 0.14)
BUSIEST = 70.0  # studies a day that the hospital's scanners can make

# Weight of each hour: lists begin at half past seven, pause at noon, end at four; emergencies at all hours.
HOURS = (1, 1, 1, 1, 1, 1, 2, 10, 26, 30, 30, 27, 17, 26, 26, 20, 8, 5, 4, 4, 3, 3, 2, 1)
WEEKEND_HOURS = (2, 2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 7, 7, 7, 6, 6, 5, 5, 5, 4, 3, 2)


def past(count: int, now: float, zone: ZoneInfo, source: random.Random) -> list[datetime]:
    """`count` moments before `now`, in order, the recent days fuller than the rest."""
    latest = datetime.fromtimestamp(now, zone) - SETTLED
    today = latest.date()
    weights = [
        (RECENT_SHARE / RECENT_DAYS * math.exp(-d / RECENT_DAYS) + (1 - RECENT_SHARE) / PAST_DAYS)
        * WEEKDAYS[(today - timedelta(days=d)).weekday()]
        for d in range(PAST_DAYS)
    ]
    made: list[datetime] = []
    while len(made) < count:
        for d in source.choices(range(PAST_DAYS), weights, k=count - len(made)):
            moment = on_day(today - timedelta(days=d), zone, source)
            if moment <= latest:
                made.append(moment)
    return sorted(made)


def ahead(count: int, now: float, zone: ZoneInfo, source: random.Random) -> list[datetime]:
    """Moments after `now`, over the next two weeks, at the pace of the last ones of `count` studies."""
    pace = min(count * (RECENT_SHARE / RECENT_DAYS + (1 - RECENT_SHARE) / PAST_DAYS), BUSIEST)
    earliest = datetime.fromtimestamp(now, zone)
    made = []
    for d in range(AHEAD_DAYS + 1):
        day = earliest.date() + timedelta(days=d)
        expected = pace * WEEKDAYS[day.weekday()]
        number = int(expected) + (source.random() < expected % 1)
        made += [m for m in (on_day(day, zone, source) for _ in range(number)) if m > earliest]
    return sorted(made)


def on_day(day: date, zone: ZoneInfo, source: random.Random) -> datetime:
    """A moment of that day, more likely when the department is busy."""
    hours = HOURS if day.weekday() < 5 else WEEKEND_HOURS
    hour = source.choices(range(24), hours)[0]
    return datetime.combine(day, time(hour, source.randrange(60), source.randrange(60)), zone)
