"""A database of findings with some sessions and alerts in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from dicomhawk.analyst.database.schema import (
    ae_titles,
    alerts,
    captures,
    credentials,
    files,
    lures,
    sessions,
    techniques,
)
from dicomhawk.analyst.database.store import open_database, put
from dicomhawk.outputs.forwarding.base import Record
from dicomhawk.outputs.forwarding.records import alert_records, session_records

from .support import BEGIN_NS, HOSTILE

BEGIN = BEGIN_NS // 1000
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def database(path: Path) -> Engine:
    """The tables, empty."""
    return open_database(f"sqlite:///{path.absolute()}")


def add_session(engine: Engine, number: int, **more: Any) -> str:
    """A session that fetched studies and left a file; returns its identifier."""
    name = f"01K9SESSION{number:015d}"
    row = {
        "session": name,
        "sensor": "ward-7",
        "address": f"203.0.113.{number % 250}",
        "first": BEGIN + number * 1_000_000,
        "last": BEGIN + number * 1_000_000 + 90_000_000,
        "ended": True,
        "doors": json.dumps(["dicom:104", "http:80"]),
        "connections": 3,
        "category": "Cloud",
        "operator": "example-cloud",
        "confidence": "medium",
        "country": "DE",
        "asn": 64496,
        "network": "EXAMPLE",
        "tool": "DCMTK getscu",
        "depth": "exfiltration",
        "rank": 5,
        "interaction": True,
        "severity": 3,
        "verdict": "Somebody unknown fetched 12 studies.",
    }
    with engine.begin() as connection:
        connection.execute(insert(sessions).values(row | more))
        rule = {"session": name, "first": BEGIN, "last": BEGIN, "severity": 3}
        connection.execute(
            insert(techniques),
            [
                rule | {"rule": "D08", "name": "Wildcard", "attack": json.dumps(["T1213", "T1119"])},
                rule | {"rule": "D20", "name": "Scan", "attack": json.dumps(["T1595.002"])},
            ],
        )
        tried = {"session": name, "service": "dicom", "first": BEGIN}
        connection.execute(
            insert(credentials),
            [
                tried | {"username": "admin", "password": "admin", "succeeded": 1},
                tried | {"username": HOSTILE, "password": "x", "succeeded": 0},
            ],
        )
        tried_titles = {"session": name, "calling": "FINDSCU", "called": "ANY-SCP", "accepted": 3}
        connection.execute(insert(ae_titles).values(tried_titles))
        lure = {"event": f"lure-{number}", "session": name, "moment": BEGIN, "action": "taken", "lure": "credential"}
        connection.execute(insert(lures).values(lure))
        held = {"sha256": SHA256, "size": 4711, "type": "application/x-dosexec", "severity": 4}
        put(connection, files, [held], keep=True)
        got = {"event": f"file-{number}", "session": name, "sha256": SHA256, "moment": BEGIN, "name": HOSTILE}
        connection.execute(insert(captures).values(got))
    return name


def add_alert(engine: Engine, number: int, session: str = "", **more: Any) -> None:
    """An alert that is due."""
    row = {
        "key": f"key-{number}",
        "rule": "depth",
        "session": session or f"01K9SESSION{number:015d}",
        "actor": "actor-1",
        "moment": BEGIN + number * 1_000_000,
        "severity": 3,
        "title": f"Studies were fetched, {number}",
        "text": "Twelve of them.",
        "facts": json.dumps({"studies": 12, "attack": ["T1213"]}),
        "state": "due",
    }
    with engine.begin() as connection:
        connection.execute(insert(alerts).values(row | more))


def told(engine: Engine) -> tuple[list[Record], list[Record]]:
    """All sessions and all alerts, as records."""
    with engine.connect() as connection:
        of_sessions = connection.execute(sessions.select().order_by(sessions.c.session)).all()
        of_alerts = connection.execute(alerts.select().order_by(alerts.c.seq)).all()
        return session_records(connection, of_sessions), alert_records(connection, of_alerts)
