"""Rows of a data set, from the findings. Each table is read twice: first to count how many wrote what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from ...analyst.database import schema
from ...analyst.database.schema import captures, clients, credentials, events, files, sessions
from ...analyst.report.cells import strings
from ...analyst.report.counting import scanned
from ...analyst.report.selection import Selection
from ...evidence.documents import text_at
from .own import Own
from .pseudonyms import Pseudonyms
from .strings import OURS, Allowed, path_of, scrubbed
from .times import Coarseness

Row = dict[str, Any]
AT_ONCE = 200
"""Sessions whose requests are read at a time."""
MAX_PATHS = 5_000
"""Different paths of one session."""
_SHIPPED = re.compile(r"D\d{2}\Z")
_ATTACK = re.compile(r"T\d{4}(?:\.\d{3})?\Z")
_FINDING = re.compile(r"(?:polyglot|structure|codec|bomb|tampering|text|type)\.[a-z0-9_\-]{1,40}\Z")
"""Identifiers of the analyst's own; those of YARA rules may be the operator's."""
_METHOD = re.compile(r"[A-Z]{1,12}\Z")
_REQUEST = "http.request"
_KINDS = ("dfp", "ja3", "ja4", "user-agent", "browser")
_HEX = re.compile(r"[0-9a-f_t]{6,80}\Z")

_decode = msgspec.json.Decoder(dict).decode


class Rules(NamedTuple):
    """How things are named and what may be written."""

    selection: Selection
    pseudonyms: Pseudonyms
    times: Coarseness
    networks: bool
    texts: Allowed
    """AE titles, user agents, names of clients."""
    paths: Allowed
    origins: Allowed
    """Countries and autonomous systems."""


def rules_of(
    connection: Connection,
    selection: Selection,
    pseudonyms: Pseudonyms,
    times: Coarseness,
    own: Own,
    *,
    networks: bool,
    least: int,
) -> Rules:
    """Count who wrote what, so that what fewer than `least` visitors wrote isn't given."""
    rules = Rules(selection, pseudonyms, times, networks, *(Allowed(own, least) for _ in range(3)))
    found = connection.execute(
        _of(selection, sessions, sessions.c.address, sessions.c.tool, sessions.c.country, sessions.c.asn)
    )
    for address, tool, country, asn in found:
        rules.texts.count(scrubbed(tool), address)
        rules.origins.count(country, address)
        rules.origins.count(_autonomous(asn), address)
    table = schema.ae_titles
    for address, called, calling in connection.execute(
        _of(selection, _joined(table), sessions.c.address, table.c.called, table.c.calling)
    ):
        rules.texts.count(scrubbed(called), address)
        rules.texts.count(scrubbed(calling), address)
    for address, kind, value in connection.execute(
        _of(selection, _joined(clients), sessions.c.address, clients.c.kind, clients.c.value)
    ):
        if kind == "user-agent":
            rules.texts.count(scrubbed(value), address)
    source = sessions.join(events, events.c.session == sessions.c.session)
    requested = _of(selection, source, sessions.c.address, events.c.document).where(events.c.action == _REQUEST)
    for address, document in connection.execute(requested):
        rules.paths.count(_path(document)[1], address)
    return rules


def _of(selection: Selection, source: FromClause, *columns: ColumnElement[Any]) -> Any:
    return select(*columns).select_from(source).where(*selection.conditions()).execution_options(yield_per=1000)


def _joined(table: FromClause) -> FromClause:
    return table.join(sessions, table.c.session == sessions.c.session)


def _requests(connection: Connection, selection: Selection) -> Iterator[tuple[str, str]]:
    """Sessions and their requests, session by session. Some are read at a time, so that the database never sorts more
    than theirs."""
    asking = _of(selection, sessions, sessions.c.session).where(sessions.c.requests > 0).order_by(sessions.c.session)
    for some in connection.execute(asking).scalars().partitions(AT_ONCE):
        found = connection.execute(
            select(events.c.session, events.c.document)
            # By the index of sessions, not by that of actions: the first has these sessions' events alone.
            .where(events.c.session.in_(some), scanned(events.c.action) == _REQUEST)
            .order_by(events.c.session)
            .execution_options(yield_per=1000)
        )
        yield from ((session, document) for session, document in found)


def session_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `sessions`."""
    logins = (
        select(
            credentials.c.session,
            func.sum(credentials.c.times).label("times"),
            func.sum(credentials.c.succeeded).label("succeeded"),
        )
        .group_by(credentials.c.session)
        .subquery()
    )
    found = connection.execute(
        _of(
            rules.selection,
            sessions.outerjoin(logins, logins.c.session == sessions.c.session),
            *sessions.c,
            func.coalesce(logins.c.times, 0).label("logins"),
            func.coalesce(logins.c.succeeded, 0).label("logins_accepted"),
        ).order_by(sessions.c.first, sessions.c.session)
    )
    for row in found.mappings():
        yield {
            "session": _session(rules, row["session"]),
            "sensor": rules.pseudonyms.of("observer", row["sensor"]),
            "visitor": rules.pseudonyms.visitor(row["address"]),
            "network": rules.pseudonyms.network(row["address"]) if rules.networks else "",
            "actor": rules.pseudonyms.of("actor", row["actor"] or ""),
            "start": rules.times.moment(row["first"]),
            "duration": rules.times.duration(row["last"] - row["first"]),
            "category": row["category"],
            "operator": row["operator"],
            "country": _known(rules.origins, row["country"]),
            "asn": row["asn"] if _known(rules.origins, _autonomous(row["asn"])) else None,
            "client": rules.texts(scrubbed(row["tool"])),
            "protocols": " ".join(sorted({door.partition(":")[0] for door in strings(row["doors"])})),
            "depth": row["depth"],
            "interaction": bool(row["interaction"]),
            "severity": row["severity"],
            **{name: int(row[name]) for name in _COUNTS},
        }


_COUNTS = (
    *("events", "connections", "associations", "rejected", "requests", "matches", "objects_sent"),
    *("objects_received", "logins", "logins_accepted", "bytes_in", "bytes_out"),
)


def technique_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `techniques`."""
    table = schema.techniques
    for row in _sorted(connection, rules, table, table.c.rule):
        yield {
            "session": _session(rules, row.session),
            "rule": row.rule if _SHIPPED.match(row.rule) else "own",
            "severity": row.severity,
            "attack": " ".join(found for found in strings(row.attack) if _ATTACK.match(found)),
            "times": row.times,
        }


def title_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `ae_titles`."""
    table = schema.ae_titles
    for row in _sorted(connection, rules, table, table.c.called, table.c.calling):
        yield {
            "session": _session(rules, row.session),
            "called": rules.texts(scrubbed(row.called)),
            "calling": rules.texts(scrubbed(row.calling)),
            "times": row.accepted + row.rejected,
        }


def client_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `clients`."""
    for row in _sorted(connection, rules, clients, clients.c.kind, clients.c.value):
        if row.kind not in _KINDS:
            continue
        if row.kind == "user-agent":
            value = rules.texts(scrubbed(row.value))
        else:
            value = row.value if _HEX.match(row.value) else OURS
        yield {"session": _session(rules, row.session), "kind": row.kind, "value": value, "times": row.times}


def path_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `paths`."""
    at, counted = "", dict[tuple[str, str], int]()
    for session, document in _requests(connection, rules.selection):
        if session != at:
            yield from _paths(rules, at, counted)
            at, counted = session, {}
        method, path = _path(document)
        key = method, rules.paths(path)
        if key in counted or len(counted) < MAX_PATHS:
            counted[key] = counted.get(key, 0) + 1
    yield from _paths(rules, at, counted)


def _paths(rules: Rules, session: str, counted: dict[tuple[str, str], int]) -> Iterator[Row]:
    for (method, path), times in sorted(counted.items()):
        yield {"session": _session(rules, session), "method": method, "path": path, "times": times}


def file_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `files`."""
    source = _joined(captures).outerjoin(files, files.c.sha256 == captures.c.sha256)
    found = connection.execute(
        _of(
            rules.selection,
            source,
            captures.c.session,
            captures.c.sha256,
            captures.c.door,
            files.c.size,
            files.c.severity,
            files.c.report,
        ).order_by(captures.c.session, captures.c.event)
    )
    for row in found:
        yield {
            "session": _session(rules, row.session),
            "file": rules.pseudonyms.of("file", row.sha256),
            "door": row.door if row.door in ("dicom", "web", "body") else "",
            "size": row.size or 0,
            "severity": row.severity or 0,
            "findings": " ".join(_findings(row.report or "{}")),
        }


def lure_rows(connection: Connection, rules: Rules) -> Iterator[Row]:
    """The table `lures`."""
    table = schema.lures
    found = connection.execute(
        _of(rules.selection, _joined(table), table.c.session, table.c.action, func.count())
        .group_by(table.c.session, table.c.action)
        .order_by(table.c.session, table.c.action)
    )
    for session, action, times in found:
        yield {
            "session": _session(rules, session),
            "action": action if action in ("taken", "hit", "reused") else "",
            "times": times,
        }


def _sorted(connection: Connection, rules: Rules, table: Any, *order: ColumnElement[Any]) -> Any:
    return connection.execute(_of(rules.selection, _joined(table), *table.c).order_by(table.c.session, *order))


def _session(rules: Rules, session: str) -> str:
    return rules.pseudonyms.of("session", session)


def _autonomous(number: int | None) -> str:
    return "" if number is None else f"AS{number}"


def _known(allowed: Allowed, text: str) -> str:
    given = allowed(text)
    return "" if given == OURS else given


def _path(document: str) -> tuple[str, str]:
    """Method and path of a request."""
    try:
        event = _decode(document)
    except (msgspec.MsgspecError, ValueError):
        return "", ""
    method = text_at(event, "http.request.method")
    path = text_at(event, "url.path") or text_at(event, "url.original")
    return (method if _METHOD.match(method) else ""), path_of(path)


def _findings(report: str) -> list[str]:
    try:
        found = json.loads(report).get("findings") or []
    except (ValueError, AttributeError):
        return []
    names = {str(finding.get("id")) for finding in found if isinstance(finding, dict)}
    return sorted(name for name in names if _FINDING.match(name))
