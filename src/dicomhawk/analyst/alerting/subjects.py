"""What is known of a session: all that alerts are made from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Table, bindparam, select

from ...evidence.documents import Document
from ..database.schema import (
    ae_titles,
    alerts,
    captures,
    credentials,
    events,
    files,
    lures,
    origins,
    sessions,
    techniques,
)
from ..depth import Depth, depth
from ..tables import BODY
from ..tally import Tally, count

MAX_EVENTS = 200_000
"""Of one session that are looked at for when it went how far."""
SCANNER = "scanner"
"""The origin's tag of whoever scans the internet for everybody to see."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_CHUNK = 500


class Step(NamedTuple):
    """A session's going further."""

    depth: Depth
    moment: int


@dataclass(frozen=True)
class Subject:
    """A session with its findings."""

    session: Row[Any]
    tags: frozenset[str]
    techniques: Sequence[Row[Any]]
    lures: Sequence[Row[Any]]
    captures: Sequence[Row[Any]]
    """With what the examination of the file says."""
    titles: Sequence[Row[Any]]
    credentials: Sequence[Row[Any]]
    alerts: Sequence[Row[Any]]
    """That there are of it."""
    documents: Callable[[], Iterable[Document]]
    """Its events, in order; read only where they are needed."""

    @cached_property
    def steps(self) -> Sequence[Step]:
        """When it went how far."""
        return steps(self.session, self.techniques, self.documents())

    @property
    def is_scanner(self) -> bool:
        """Whether its origin is an operator of scanners, and not only by its own word."""
        return SCANNER in self.tags and self.session.confidence in ("high", "medium")

    def depth_at(self, moment: int) -> Depth:
        """How far it had gone by then."""
        return max((step.depth for step in self.steps if step.moment <= moment), default=Depth.TOUCH)


class Wanted(NamedTuple):
    """Which sessions are looked at closely. `rank` and the severities are the least of any rule; None: of none."""

    rank: int | None
    technique: int | None
    techniques: frozenset[str]
    file: int | None
    lures: bool


def subjects(connection: Connection, names: Collection[str], wanted: Wanted) -> list[Subject]:
    """Those of the sessions `names` that may need an alert, or have one."""
    found: list[Subject] = []
    names = sorted(names)
    for start in range(0, len(names), _CHUNK):
        found += _some(connection, names[start : start + _CHUNK], wanted)
    return found


def _some(connection: Connection, names: list[str], wanted: Wanted) -> list[Subject]:
    rows = {row.session: row for row in connection.execute(select(sessions).where(sessions.c.session.in_(names)))}
    of_lures = _by_session(connection, lures, names)
    of_techniques = _by_session(connection, techniques, names)
    of_captures = _captures(connection, names)
    of_alerts: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(alerts).where(alerts.c.session.in_(names)).order_by(alerts.c.key)):
        of_alerts[row.session].append(row)
    close = [
        name
        for name, row in rows.items()
        if name in of_alerts
        or (wanted.rank is not None and row.rank >= wanted.rank)
        or (wanted.lures and of_lures[name])
        or any(_is_wanted(one, wanted) for one in of_techniques[name])
        or (wanted.file is not None and any(_is_bad(one, wanted.file) for one in of_captures[name]))
    ]
    if not close:
        return []
    of_titles = _by_session(connection, ae_titles, close)
    of_credentials = _by_session(connection, credentials, close)
    addresses = {rows[name].address for name in close}
    tags = {
        row.address: frozenset(_texts(row.tags))
        for row in connection.execute(
            select(origins.c.address, origins.c.tags).where(origins.c.address.in_(addresses))
        )
    }
    return [
        Subject(
            session=rows[name],
            tags=tags.get(rows[name].address, frozenset()),
            techniques=of_techniques[name],
            lures=of_lures[name],
            captures=of_captures[name],
            titles=of_titles[name],
            credentials=of_credentials[name],
            alerts=of_alerts[name],
            documents=partial(_documents, connection, name),
        )
        for name in close
    ]


def steps(session: Row[Any], met: Sequence[Row[Any]], documents: Iterable[Document]) -> list[Step]:
    """When a session went how far: its depth after each of its events. `met` are its techniques."""
    tally, reached = Tally(), Depth.TOUCH
    found = [Step(reached, session.first)]
    for event in documents:
        count(tally, event)
        moment = tally.last
        now = min(depth(tally, {one.rule for one in met if one.first <= moment}), Depth(session.rank))
        if now > reached:
            reached = now
            found.append(Step(reached, moment))
            if reached == session.rank:
                break
    if reached < session.rank:  # its events are no longer there
        found.append(Step(Depth(session.rank), session.first))
    return found


def _is_wanted(technique: Row[Any], wanted: Wanted) -> bool:
    bad = wanted.technique is not None and technique.severity >= wanted.technique
    return bad or technique.rule in wanted.techniques


_DOCUMENTS = (
    select(events.c.document)
    .where(events.c.session == bindparam("session"))
    .order_by(events.c.moment, events.c.id)
    .limit(MAX_EVENTS)
)


def _documents(connection: Connection, name: str) -> Iterable[Document]:
    return (_decode(document) for document in connection.execute(_DOCUMENTS, {"session": name}).scalars())


def _by_session(connection: Connection, table: Table, names: Collection[str]) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.session.in_(names)).order_by(*table.primary_key)):
        found[row.session].append(row)
    return found


def _is_bad(capture: Row[Any], severity: int) -> bool:
    return capture.door != BODY and (capture.severity or 0) >= severity


def _captures(connection: Connection, names: Collection[str]) -> dict[str, list[Row[Any]]]:
    query = (
        select(captures, files.c.severity, files.c.verdict, files.c.type, files.c.size)
        .outerjoin(files, files.c.sha256 == captures.c.sha256)
        .where(captures.c.session.in_(names))
        .order_by(captures.c.moment, captures.c.event)
    )
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.session].append(row)
    return found


def _texts(value: str) -> list[str]:
    try:
        found = json.loads(value)
    except ValueError:
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
