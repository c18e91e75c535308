"""The table of alerts, as it follows from the findings.

Which alerts there are follows from findings and settings, whatever was analysed first, and however often; only
`Alerter.due` knows what time it is. It lets go of what was held:

    held --> due        to be sent
    held --> digested   told in the digest, or with an alert of the same session that is worse
    held --> late       too long ago to be sent

What the allow-list covers is ``allowed``, and what the findings no longer say is ``withdrawn``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from ...settings import Settings
from ..database.schema import alerts, sessions
from ..database.store import clean
from . import texts
from .allow import AllowList, Visit, WatchedAllowList
from .clock import DAY, SECOND, day_text, hour_of, quiet_until
from .rates import CRITICAL, LIMITED, limit
from .subjects import Subject, subjects
from .triggers import Alarm, alarms, wanted

DIGEST = "digest"
"""Rule of the rows that are digests."""
IPV6_PREFIX = 64
"""Of addresses that count as one visitor: who has one has all of them."""
_DECIDED = ("due", "late", "digested")
_WITHDRAWN = {"state": "withdrawn", "because": "the findings say otherwise now"}

Values = dict[str, Any]


class Alerter:
    """Makes alerts of findings, and lets them go when it is time."""

    def __init__(self, settings: Settings) -> None:
        """Raises `SettingsError` for an allow-list that can't be used."""
        self._settings = settings.alerts
        self._rules = settings.alerts.all_rules
        self._wanted = wanted(self._rules)
        self._allow = WatchedAllowList(settings.allow_file)
        self._actors = frozenset(actor for rule in self._rules for actor in rule.actors)
        self._attributed: set[str] = set()

    def consider(self, connection: Connection, session_ids: Sequence[str]) -> None:
        """The alerts of these sessions, whose findings were just written in the same transaction."""
        if not self._settings.enabled or not session_ids:
            return
        allow = self._allow.current()
        hours: set[int] = set()
        new: list[Values] = []
        for subject in subjects(connection, session_ids, self._wanted):
            rows = self._rows(subject, alarms(subject, self._rules), allow)
            there = {row.key: row for row in subject.alerts}
            hours.update(hour_of(row.moment) for row in subject.alerts)
            hours.update(hour_of(row["moment"]) for row in rows)
            new += [row for row in rows if row["key"] not in there]
            _renew(connection, rows, there)
        if new:
            connection.execute(insert(alerts), new)
        limit(connection, hours, self._settings, self._held)

    def due(self, connection: Connection, now: int) -> int:
        """Let go of what was held up to `now` (microseconds since the epoch); how many that is, and digests."""
        self.consider(connection, self._newly_attributed(connection))
        held = (
            select(alerts)
            .where(alerts.c.state == "held", alerts.c.until <= now)
            .order_by(alerts.c.moment, alerts.c.key)
        )
        rows = connection.execute(held).all()
        digests: dict[int, list[str]] = {}
        for row in rows:
            if row.because in LIMITED:
                digests.setdefault(row.until, []).append(row.key)
            else:
                _set(connection, row.key, self._timely(row.moment, now))
        for moment, keys in sorted(digests.items()):
            self._digest(connection, moment, keys, now)
        return len(rows) + len(digests)

    def _newly_attributed(self, connection: Connection) -> list[str]:
        """Sessions of which is known now whose they are: that comes later than their findings."""
        other = func.coalesce(sessions.c.actor, "") != alerts.c.actor
        query = select(alerts.c.session).join(sessions, sessions.c.session == alerts.c.session)
        query = query.where(other, alerts.c.state != "withdrawn")
        found = set(connection.execute(query).scalars())
        if self._actors:
            of_rules = select(sessions.c.session).where(sessions.c.actor.in_(self._actors))
            new = set(connection.execute(of_rules).scalars()) - self._attributed
            self._attributed |= new
            found |= new
        return sorted(found)

    def _timely(self, moment: int, now: int) -> Values:
        if now - moment > self._settings.late_days * DAY:
            return {"state": "late", "because": f"older than {self._settings.late_days} days"}
        return {"state": "due", "because": ""}

    def _rows(self, subject: Subject, found: list[Alarm], allow: AllowList) -> list[Values]:
        session = subject.session
        visit = Visit(
            session.address,
            [int(port) for door in json.loads(session.doors) if (port := door.rpartition(":")[2]).isdigit()],
            [row.calling for row in subject.titles],
        )
        rows = []
        for alarm in found:
            trigger = alarm.trigger
            entry = allow.entry(visit, trigger.moment, trigger.severity)
            values = {
                "key": f"{trigger.kind}:{trigger.about}:{session.session}",
                "rule": trigger.rule,
                "session": session.session,
                "actor": session.actor or "",
                "moment": trigger.moment,
                "severity": trigger.severity,
                "title": texts.title(subject, trigger),
                "text": texts.body(subject, alarm),
                "facts": texts.facts(subject, alarm),
                "repeats": alarm.repeats,
                "visitor": session.actor or _network(session.address),
                **(self._held(trigger.moment, trigger.severity) if entry is None else _allowed(entry.name)),
            }
            rows.append({name: clean(value) for name, value in values.items()})
        self._settle(rows)
        return rows

    def _held(self, moment: int, severity: int) -> Values:
        if severity >= CRITICAL:
            return {"state": "held", "because": "", "until": moment}
        settled = moment + self._settings.settle_seconds * SECOND
        quiet = quiet_until(settled, self._settings.quiet)
        if quiet is not None:
            return {"state": "held", "because": "quiet hours", "until": quiet}
        return {"state": "held", "because": "", "until": settled}

    def _settle(self, rows: list[Values]) -> None:
        """What gets worse soon is told with what it becomes."""
        sent = [row for row in rows if row["state"] == "held"]
        for row, worse in itertools.pairwise(sent):
            if worse["moment"] <= max(row["until"], row["moment"] + self._settings.settle_seconds * SECOND):
                row |= {"state": "digested", "because": f"told with {worse['key']}", "until": 0}

    def _digest(self, connection: Connection, moment: int, keys: list[str], now: int) -> None:
        key = f"{DIGEST}:{day_text(moment)}"
        because = f"told in {key}"
        for each in keys:
            _set(connection, each, {"state": "digested", "because": because})
        told = select(alerts).where(alerts.c.because == because).order_by(alerts.c.moment, alerts.c.key)
        rows = connection.execute(told).all()
        of_day = (alerts.c.moment > moment - DAY) & (alerts.c.moment <= moment)
        allowed = connection.execute(
            select(func.count()).select_from(alerts).where(alerts.c.state == "allowed", of_day)
        ).scalar()
        title, text = texts.digest(rows, moment, allowed or 0)
        values: Values = {
            "rule": DIGEST,
            "session": "",
            "moment": moment,
            "severity": max(row.severity for row in rows),
            "title": title,
            "text": text,
            "facts": json.dumps({"alerts": [row.key for row in rows][:1000], "allowed": allowed or 0}),
        }
        known = connection.execute(select(alerts.c.seq).where(alerts.c.key == key)).scalar()
        if known is None:
            connection.execute(insert(alerts).values(key=key, **values, **self._timely(moment, now)))
        else:
            _set(connection, key, values)


def _allowed(name: str) -> Values:
    return {"state": "allowed", "because": name, "until": 0}


def _renew(connection: Connection, rows: list[Values], there: Mapping[str, Row[Any]]) -> None:
    """Change what is there already into what it should be."""
    wanted = {row["key"]: row for row in rows}
    for key, old in there.items():
        values = _renewed(wanted[key], old) if key in wanted else _WITHDRAWN
        if any(getattr(old, name) != value for name, value in values.items()):
            _set(connection, key, values)


def _renewed(row: Values, old: Row[Any]) -> Values:
    """What becomes of a row that was there: what time has decided stays, unless the findings are others."""
    undecided = row["state"] == "held" and (row["moment"], row["severity"]) == (old.moment, old.severity)
    if undecided and (old.state in _DECIDED or old.because in LIMITED) and not old.because.startswith("told with "):
        return {**row, "state": old.state, "because": old.because, "until": old.until}
    return row


def _set(connection: Connection, key: str, values: Values) -> None:
    connection.execute(update(alerts).where(alerts.c.key == key).values(values))


def _network(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address or "unknown"
    return str(ip_network(f"{found}/{IPV6_PREFIX}", strict=False)) if found.version == 6 else str(found)
