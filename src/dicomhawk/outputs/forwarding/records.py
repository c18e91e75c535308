"""Findings as ECS documents, so that all outputs have one kind of thing to tell.

A session's ``event.id`` is ``session-`` and its identifier, an alert's ``alert-`` and a digest of its key: the same
finding has the same one, even if the database was made anew.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, select

from ...analyst.database.schema import ae_titles, captures, credentials, files, lures, sessions, techniques
from ...evidence.documents import Document
from ...evidence.ecs import VERSION
from ...evidence.stamps import rfc3339
from .base import Record, encode

MAX_LISTED = 100
"""Files, credentials and the like that a session's document names."""


def session_records(connection: Connection, rows: Sequence[Row[Any]]) -> list[Record]:
    """Sessions (rows of the table) with what was found of them."""
    names = [row.session for row in rows]
    seen = _by_session(connection, techniques, names)
    tried = _by_session(connection, credentials, names)
    baits = _by_session(connection, lures, names)
    titles = _by_session(connection, ae_titles, names)
    taken = _captured(connection, names)
    found = []
    for row in rows:
        of_it = (part[row.session] for part in (seen, tried, baits, taken, titles))
        found.append(_record("sessions", row.severity, session_document(row, *of_it)))
    return found


def alert_records(connection: Connection, rows: Sequence[Row[Any]]) -> list[Record]:
    """Alerts (rows of the table)."""
    about = {}
    for part in _parts([row.session for row in rows]):
        for row in connection.execute(select(sessions).where(sessions.c.session.in_(part))):
            about[row.session] = row
    return [_record("alerts", row.severity, alert_document(row, about.get(row.session))) for row in rows]


def session_document(
    row: Row[Any],
    seen: Sequence[Row[Any]] = (),
    tried: Sequence[Row[Any]] = (),
    baits: Sequence[Row[Any]] = (),
    taken: Sequence[Row[Any]] = (),
    titles: Sequence[Row[Any]] = (),
) -> Document:
    """A session with its techniques, credentials, lures, captured files and AE titles."""
    hashes = sorted({one.sha256 for one in taken})[:MAX_LISTED]
    document = _common(row, row.last, row.severity)
    document["message"] = row.verdict
    document["event"] |= {
        "id": f"session-{row.session}",
        "kind": "event",
        "category": ["session", "intrusion_detection"],
        "type": ["end", "info"],
        "action": "session.verdict",
        "module": "session",
        "dataset": "honeypot.session",
        "start": rfc3339(row.first),
        "end": rfc3339(row.last),
        "duration": max(0, row.last - row.first) * 1000,
    }
    document["destination"] = {"bytes": row.bytes_out}
    document["source"]["bytes"] = row.bytes_in
    document["rule"] = {"id": [one.rule for one in seen], "name": [one.name for one in seen]}
    attack = sorted({name for one in seen for name in _list(one.attack)})
    if attack:
        document["threat"] = {"framework": "MITRE ATT&CK", "technique": {"id": attack}}
    document["related"]["hash"] = hashes
    document["related"]["user"] = sorted({one.username for one in tried})[:MAX_LISTED]
    of_session = {
        name: getattr(row, name)
        for name in (
            "depth",
            "rank",
            "interaction",
            "interest",
            "events",
            "connections",
            "associations",
            "rejected",
            "requests",
            "matches",
            "objects_sent",
            "objects_received",
            "tool",
        )
    }
    of_session["doors"] = _list(row.doors)
    of_session["ae_titles"] = [f"{one.calling}>{one.called}" for one in titles[:MAX_LISTED]]
    of_session["credentials"] = [
        {"service": one.service, "username": one.username, "password": one.password, "succeeded": one.succeeded > 0}
        for one in tried[:MAX_LISTED]
    ]
    of_session["lures"] = sorted({f"{one.action} {one.lure}" for one in baits})[:MAX_LISTED]
    of_session["files"] = [
        {"sha256": one.sha256, "size": one.size, "type": one.type, "severity": one.severity, "name": one.name}
        for one in taken[:MAX_LISTED]
    ]
    document["honeypot"]["session"] = of_session
    filled: Document = _filled(document)
    return filled


def alert_document(row: Row[Any], session: Row[Any] | None) -> Document:
    """An alert, with what is known of its session."""
    document = _common(session, row.moment, row.severity)
    document["session"] = row.session
    document["message"] = row.title
    digest = hashlib.sha256(row.key.encode("utf-8", "replace")).hexdigest()[:32]
    document["event"] |= {
        "id": f"alert-{digest}",
        "kind": "alert",
        "category": ["intrusion_detection"],
        "type": ["info"],
        "action": "alert",
        "module": "alert",
        "dataset": "honeypot.alert",
        "reason": row.title,
    }
    document["rule"] = {"id": [row.rule], "name": [row.rule]}
    facts = _record_of(row.facts)
    document["honeypot"]["alert"] = {"text": row.text, "facts": facts, "repeats": row.repeats}
    if isinstance(facts.get("attack"), list):
        document["threat"] = {"framework": "MITRE ATT&CK", "technique": {"id": facts["attack"][:MAX_LISTED]}}
    if row.actor:
        document["honeypot"]["actor"] = row.actor
    if session is not None:
        document["honeypot"]["session"] = {"depth": session.depth, "tool": session.tool, "verdict": session.verdict}
    filled: Document = _filled(document)
    return filled


def _common(session: Row[Any] | None, moment: int, severity: int) -> Document:
    document: Document = {
        "@timestamp": rfc3339(moment),
        "ecs": {"version": VERSION},
        "event": {"provider": "analyst", "severity": 20 * max(0, min(severity, 4)) + 10},
        "observer": {"type": "honeypot", "vendor": "DICOMHawk", "product": "dicomhawk"},
        "honeypot": {},
        "related": {},
        "source": {},
    }
    if session is not None:
        document["session"] = session.session
        document["observer"]["name"] = session.sensor
        document["source"] = {
            "ip": session.address,
            "geo": {"country_iso_code": session.country},
            "as": {"number": session.asn, "organization": {"name": session.network}},
        }
        document["related"]["ip"] = [session.address] if session.address else []
        document["honeypot"]["intel"] = {
            "category": session.category,
            "actor": session.operator,
            "confidence": session.confidence,
        }
        document["honeypot"]["actor"] = session.actor
    return document


def _by_session(connection: Connection, table: Table, names: Collection[str]) -> dict[str, list[Row[Any]]]:
    found = defaultdict(list)
    for part in _parts(names):
        for row in connection.execute(select(table).where(table.c.session.in_(part)).order_by(*table.primary_key)):
            found[row.session].append(row)
    return found


def _captured(connection: Connection, names: Collection[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Any]] = defaultdict(list)
    columns = (captures.c.session, captures.c.name, captures.c.sha256, files.c.size, files.c.type, files.c.severity)
    for part in _parts(names):
        query = (
            select(*columns)
            .join(files, files.c.sha256 == captures.c.sha256)
            .where(captures.c.session.in_(part))
            .order_by(captures.c.moment, captures.c.event)
        )
        for row in connection.execute(query):
            found[row.session].append(row)
    return found


def _parts(names: Collection[str], size: int = 200) -> list[list[str]]:
    every = sorted(set(names))
    return [every[at : at + size] for at in range(0, len(every), size)]


def _record(kind: Any, severity: int, document: Document) -> Record:
    return Record(kind, document["event"]["id"], max(0, min(severity, 4)), encode(document))


def _list(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        return []


def _record_of(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _filled(value: Any) -> Any:
    """`value` without what is None or empty, as in events."""
    if isinstance(value, dict):
        kept = {key: _filled(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", {}, [])}
    return value
