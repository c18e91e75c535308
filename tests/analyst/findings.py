"""Findings written into a database of findings by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, Table, select, update

from dicomhawk.analyst.alerting import Alerter
from dicomhawk.analyst.database.schema import (
    ae_titles,
    alerts,
    captures,
    events,
    files,
    lures,
    origins,
    sessions,
    techniques,
)
from dicomhawk.analyst.database.store import open_database, put
from dicomhawk.analyst.depth import Depth
from dicomhawk.evidence.documents import moment
from dicomhawk.evidence.stamps import rfc3339
from dicomhawk.settings import Settings
from dicomhawk.settings.alerts import Alerts

NOON = moment("2026-11-16T12:00:00Z")
"""A Monday."""
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
LATER = NOON + 6 * DAY
INTRUDER = "203.0.113.9"


def database(folder: Path) -> Engine:
    """An empty one."""
    path = folder / "findings.sqlite"
    path.write_bytes(_empty())
    return open_database(f"sqlite:///{path}")


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "findings.sqlite"
        open_database(f"sqlite:///{path}").dispose()
        return path.read_bytes()


class Findings:
    """A database, an alerter, and what is found."""

    def __init__(self, folder: Path, url: str = "", **of_alerts: Any) -> None:
        self.settings = Settings(data=folder, alerts=Alerts(**of_alerts))
        self.engine = open_database(url) if url else database(folder)
        self.alerter = Alerter(self.settings)
        self._number = 0
        self._firsts: dict[str, int] = {}
        self._waiting: list[tuple[Table, dict[str, Any]]] = []

    def close(self) -> None:
        self.engine.dispose()

    def session(
        self, name: str, depth: Depth = Depth.SCAN, *, at: int = NOON, address: str = INTRUDER, **columns: Any
    ) -> str:
        """A session that has gone so far at once."""
        values = {
            "sensor": "s1",
            "address": address,
            "first": at,
            "last": at + MINUTE,
            "doors": '["dicom:11112"]',
            "depth": depth.word,
            "rank": int(depth),
            "interaction": depth >= Depth.QUERY,
            "verdict": f"Somebody unknown went as far as {depth.word}.",
            **columns,
        }
        self._put(sessions, {"session": name, **values})
        self._firsts[name] = at
        return name

    def origin(self, address: str, *tags: str, category: str = "Other", operator: str = "") -> None:
        row = {"category": category, "operator": operator, "confidence": "high", "tags": json.dumps(tags)}
        self._put(origins, {"address": address, **row})

    def went(self, session: str, *happened: tuple[str, int]) -> None:
        """Events of a session: actions at so many microseconds after its beginning."""
        for action, after in happened:
            self._number += 1
            identifier, moment = f"{session}-{self._number:06}", self._firsts[session] + after
            document = {
                "@timestamp": rfc3339(moment),
                "event": {"id": identifier, "action": action},
                "session": session,
                "dicom": {"suboperations": {"completed": 3}},
            }
            at = {"id": identifier, "moment": moment, "sensor": "s1", "session": session}
            row = {"seq": self._number, "action": action, "severity": 20, "document": json.dumps(document)}
            self._put(events, {**row, **at})

    def technique(self, session: str, rule: str, severity: int, *, at: int = NOON, **columns: Any) -> None:
        values = {"session": session, "rule": rule, "name": f"Technique {rule}", "first": at, "last": at, **columns}
        self._put(techniques, {"severity": severity, **values})

    def lure(self, session: str, lure: str, action: str = "taken", *, at: int = NOON) -> None:
        self._number += 1
        row = {"event": f"L{self._number}", "session": session, "moment": at, "action": action, "lure": lure}
        self._put(lures, row)

    def file(self, session: str, sha256: str, severity: int, *, at: int = NOON) -> None:
        self._number += 1
        verdict = {"type": "DICOM and PE", "verdict": "A program that is a DICOM file too.", "examined": at}
        self._put(files, {"sha256": sha256, "size": 900, "severity": severity, **verdict})
        self._put(captures, {"event": f"F{self._number}", "session": session, "sha256": sha256, "moment": at})

    def title(self, session: str, calling: str, called: str = "ANY-SCP") -> None:
        self._put(ae_titles, {"session": session, "calling": calling, "called": called, "accepted": 1})

    def change(self, session: str, **columns: Any) -> None:
        self.write()
        with self.engine.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.session == session).values(**columns))

    def consider(self, *names: str) -> None:
        """What the analyst does behind the analysis of sessions; without names, of all."""
        self.write()
        with self.engine.begin() as connection:
            self.alerter.consider(connection, names or _all(connection))

    def write(self) -> None:
        """Everything so far into the database, in one transaction."""
        alike: dict[tuple[Table, tuple[str, ...]], dict[tuple[Any, ...], dict[str, Any]]] = {}
        for table, row in self._waiting:
            key = tuple(row[column.name] for column in table.primary_key)
            alike.setdefault((table, tuple(row)), {})[key] = row
        with self.engine.begin() as connection:
            for (table, _), rows in sorted(alike.items(), key=lambda one: one[0][0] is not sessions):
                put(connection, table, list(rows.values()))
        self._waiting.clear()

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        self._waiting.append((table, row))

    def due(self, now: int = LATER) -> int:
        with self.engine.begin() as connection:
            return self.alerter.due(connection, now)

    def alerts(self, *states: str) -> list[Any]:
        """Rows in the order of their moments, of these states."""
        with closing(self.engine.connect()) as connection:
            rows = connection.execute(select(alerts).order_by(alerts.c.moment, alerts.c.key)).all()
        return [row for row in rows if not states or row.state in states]

    def told(self, now: int = LATER) -> list[Any]:
        """All sessions considered, and what is sent then."""
        self.consider()
        self.due(now)
        return self.alerts("due")


def _all(connection: Connection) -> Sequence[str]:
    return list(connection.execute(select(sessions.c.session)).scalars())


def rules_of(rows: Iterable[Any]) -> list[str]:
    return [row.rule for row in rows]
