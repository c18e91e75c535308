"""How many alerts of an hour are sent: decided for each hour of the clock anew, from what happened in it.

So that it comes out the same in whatever order sessions are analysed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from ...settings.alerts import Alerts
from ..database.schema import alerts
from .clock import HOUR, digest_after

CRITICAL = 4
OF_VISITOR = "more than are sent of one visitor in an hour"
OF_ALL = "more than are sent in an hour"
LIMITED = (OF_VISITOR, OF_ALL)
_COUNTED = ("due", "held", "late")


def limit(
    connection: Connection, hours: Iterable[int], settings: Alerts, held: Callable[[int, int], dict[str, Any]]
) -> None:
    """Hold what is too much of the hours that begin at `hours`, and let go of what isn't any longer.

    `held` says how an alert of a moment and severity is held that isn't too much.
    """
    for hour in sorted(set(hours)):
        of_visitor: Counter[tuple[str, int]] = Counter()
        of_all: Counter[int] = Counter()
        query = (
            select(alerts)
            .where(alerts.c.moment >= hour, alerts.c.moment < hour + HOUR, alerts.c.visitor != "")
            .where(alerts.c.state.in_(_COUNTED) | alerts.c.because.like("told in %"))
            .order_by(alerts.c.moment, alerts.c.key)
        )
        for row in connection.execute(query).all():
            because = ""
            # What is worse isn't held for what is less, or a flood of small things would hide a large one. Critical
            # ones have a number of their own.
            worse = range(row.severity, CRITICAL) if row.severity < CRITICAL else (CRITICAL,)
            if row.severity < CRITICAL:
                of_visitor[row.visitor, row.severity] += 1
                if sum(of_visitor[row.visitor, severity] for severity in worse) > settings.per_hour:
                    because = OF_VISITOR
            if not because:
                of_all[row.severity] += 1
                if sum(of_all[severity] for severity in worse) > settings.in_all_per_hour:
                    because = OF_ALL
            if row.state == "digested" or because == (row.because if row.because in LIMITED else ""):
                continue
            values = (
                {"state": "held", "because": because, "until": digest_after(row.moment, settings.digest)}
                if because
                else held(row.moment, row.severity)
            )
            connection.execute(update(alerts).where(alerts.c.key == row.key).values(values))
