"""From events to findings, in the database: the sessions that are stale are analysed anew, each as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from ..evidence.documents import Document
from .analysis import Findings, Knowledge, Signals, analyse
from .database.schema import BY_SESSION, clients, events, files, lookups, origins, sessions
from .database.store import clean, put, store, stored
from .origin import HostName
from .tables import Row

MAX_EVENTS = 100_000
"""Events of one session that are looked at: a flood's first hundred thousand tell what it is."""
CHUNK = 400
"""Hashes or identifiers asked for in one statement."""
SIGNALS = 200
"""User agents and fingerprints of one visitor that are looked at."""
REVERSE_DNS = "reverse-dns"
"""Name under which the names of addresses are in the table `lookups`."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_RULES = "findings"

Consider = Callable[[Connection, Sequence[str]], None]
"""Called with the sessions whose findings were just written, in the same transaction."""


class Cost(NamedTuple):
    """What the analysis of one session took."""

    session: str
    seconds: float


class Writer:
    """Writes findings. One at a time for one database."""

    def __init__(self, engine: Engine, knowledge: Knowledge, consider: Consider | None = None) -> None:
        self._engine = engine
        self._knowledge = knowledge
        self._consider = consider

    def renew(self) -> bool:
        """Mark every session as stale if findings were made with other rules or origins; whether it was so."""
        version = self._knowledge.version
        with self._engine.begin() as connection:
            if stored(connection, _RULES) == version:
                return False
            connection.execute(update(sessions).values(stale=True))
            store(connection, _RULES, version)
            return True

    def stale(self, limit: int, without: Sequence[str] = ()) -> list[str]:
        """Sessions that are to be analysed, those that were quiet longest first."""
        wanted = select(sessions.c.session).where(sessions.c.stale).order_by(sessions.c.last, sessions.c.session)
        if without:
            wanted = wanted.where(sessions.c.session.not_in(without))
        with self._engine.connect() as connection:
            return list(connection.execute(wanted.limit(limit)).scalars())

    def analyse(self, names: Sequence[str]) -> list[Cost]:
        """Analyse these sessions and write what is found, in one transaction."""
        costs = []
        with self._engine.begin() as connection:
            for name in names:
                began = time.perf_counter()
                self._one(connection, name)
                costs.append(Cost(name, time.perf_counter() - began))
            if self._consider is not None:
                self._consider(connection, names)
        return costs

    def _one(self, connection: Connection, name: str) -> None:
        of_session = _events(connection, name)
        if not of_session:
            connection.execute(update(sessions).where(sessions.c.session == name).values(stale=False))
            return
        address = connection.execute(select(sessions.c.address).where(sessions.c.session == name)).scalar() or ""
        found = analyse(
            of_session, _examinations(connection, of_session), self._knowledge, _signals(connection, address)
        )
        _write(connection, name, found)
        _origin(connection, name, found.origin)


def _events(connection: Connection, session: str) -> list[Document]:
    in_order = select(events.c.document).where(events.c.session == session).order_by(events.c.moment, events.c.id)
    return [_decode(document) for document in connection.execute(in_order.limit(MAX_EVENTS)).scalars()]


def _examinations(connection: Connection, of_session: Sequence[Document]) -> dict[str, dict[str, Any]]:
    hashes = {
        str(event.get("file", {}).get("hash", {}).get("sha256"))
        for event in of_session
        if event["event"]["action"] == "file.captured"
    }
    found: dict[str, dict[str, Any]] = {}
    wanted = sorted(hashes)
    for start in range(0, len(wanted), CHUNK):
        some = select(files.c.sha256, files.c.report).where(
            files.c.sha256.in_(wanted[start : start + CHUNK]), files.c.examined.is_not(None)
        )
        found.update((sha256, json.loads(report)) for sha256, report in connection.execute(some))
    return found


def _signals(connection: Connection, address: str) -> Signals:
    of_visitor = (
        select(clients.c.kind, clients.c.value)
        .join(sessions, sessions.c.session == clients.c.session)
        .where(sessions.c.address == address, clients.c.kind.in_(("user-agent", "dfp")))
        .distinct()
        .order_by(clients.c.kind, clients.c.value)
        .limit(SIGNALS)
    )
    known = list(connection.execute(of_visitor))
    looked_up = connection.execute(
        select(lookups.c.answer).where(lookups.c.provider == REVERSE_DNS, lookups.c.subject == address)
    ).scalar()
    names = json.loads(looked_up).get("names", []) if looked_up else []
    return Signals(
        frozenset(HostName(name["name"], name["confirmed"]) for name in names),
        frozenset(value for kind, value in known if kind == "user-agent"),
        frozenset(value for kind, value in known if kind == "dfp"),
    )


def _write(connection: Connection, name: str, found: Findings) -> None:
    values = {column: clean(value) for column, value in found.session.items() if column != "session"}
    connection.execute(update(sessions).where(sessions.c.session == name).values(values))
    for table in BY_SESSION:
        connection.execute(delete(table).where(table.c.session == name))
        rows: list[Row] = found.by_table.get(table.name, [])
        if rows:
            filled = [{"session": name, **{k: clean(v) for k, v in row.items()}} for row in rows]
            connection.execute(insert(table), filled)
    put(connection, files, found.files, keep=True)


def _origin(connection: Connection, name: str, row: Row) -> None:
    """What is known of the visitor. Where it changes, the visitor's other sessions are of another origin too."""
    known = connection.execute(select(origins).where(origins.c.address == row["address"])).mappings().first()
    if known is not None and dict(known) == {column: clean(value) for column, value in row.items()}:
        return
    put(connection, origins, [row])
    if known is not None:
        others = (sessions.c.address == row["address"]) & (sessions.c.session != name)
        connection.execute(update(sessions).where(others).values(stale=True))
