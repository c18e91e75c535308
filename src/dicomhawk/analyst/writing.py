"""From events to findings, in the database: the sessions that are stale are analysed anew, each as a whole."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from ..evidence.documents import Document
from .analysis import Findings, Knowledge, Signals, analyse
from .clients import clients_of
from .database.schema import BY_SESSION, clients, events, files, lookups, origins, sessions
from .database.store import clean, put, store, stored
from .flood import Flood
from .origin import HostName
from .tables import Row

MAX_EVENTS = 40_000
"""Events of one session that are looked at together; see `flood`."""
EVENTS_AT_ONCE = 10_000
"""Events of several sessions that are in memory together."""
AT_ONCE = 5000
"""Rows of a long answer that are fetched together."""
CHUNK = 400
"""Values asked for in one statement."""
MAX_SIGNALS = 200
"""User agents or fingerprints of one visitor that are looked at."""
REVERSE_DNS = "reverse-dns"
"""Name under which the names of addresses are in the table `lookups`."""

NOT_ANALYSED = "This session could not be analysed: an error of the analyst's."

Consider = Callable[[Connection, Sequence[str]], None]
"""Called with the sessions whose findings were just written, in the same transaction."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_KNOWLEDGE = "knowledge"


class Cost(NamedTuple):
    """What the analysis of one session took."""

    session: str
    seconds: float


class _Stale(NamedTuple):
    session: str
    address: str
    is_new: bool
    events: int


class Writer:
    """Writes findings. One at a time for one database."""

    def __init__(self, engine: Engine, knowledge: Knowledge, consider: Consider) -> None:
        self._engine = engine
        self._knowledge = knowledge
        self._consider = consider

    def renew(self) -> bool:
        """Mark every session as stale if findings were made with other rules or origins; whether it was so."""
        version = self._knowledge.version
        with self._engine.begin() as connection:
            if stored(connection, _KNOWLEDGE) == version:
                return False
            connection.execute(update(sessions).values(stale=True))
            store(connection, _KNOWLEDGE, version)
            return True

    def stale(self, limit: int, without: Sequence[str] = ()) -> list[str]:
        """Sessions that are to be analysed, those that were quiet longest first."""
        wanted = select(sessions.c.session).where(sessions.c.stale).order_by(sessions.c.last, sessions.c.session)
        if without:
            wanted = wanted.where(sessions.c.session.not_in(without))
        with self._engine.connect() as connection:
            return list(connection.execute(wanted.limit(limit)).scalars())

    def analyse(self, names: Sequence[str]) -> list[Cost]:
        """Analyse these sessions and write what is found.

        A session that can't be analysed, which is an error of ours, doesn't keep the others waiting. Raises
        OperationalError or InterfaceError if the database can't be used.
        """
        try:
            return self._together(names)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(names) > 1:
                return [cost for name in names for cost in self.analyse([name])]
            traceback.print_exc()
            return [self._give_up(names[0])]

    def _give_up(self, name: str) -> Cost:
        failed = {"stale": False, "verdict": NOT_ANALYSED}
        with self._engine.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.session == name).values(failed))
        return Cost(name, 0.0)

    def _together(self, names: Sequence[str]) -> list[Cost]:
        costs: list[Cost] = []
        with self._engine.begin() as connection:
            for group in _groups(_described(connection, names)):
                began = time.perf_counter()
                self._group(connection, group)
                seconds = (time.perf_counter() - began) / max(1, sum(each.events for each in group))
                costs += [Cost(each.session, seconds * each.events) for each in group]
            self._consider(connection, names)
        return costs

    def _group(self, connection: Connection, group: Sequence[_Stale]) -> None:
        flood: Flood | None = None
        if len(group) == 1 and group[0].events > MAX_EVENTS:
            flood = Flood(partial(_in_turn, connection, group[0].session))
            of_session = {group[0].session: flood.sample}
        else:
            of_session = _events(connection, [each.session for each in group])
        signals = _signals(connection, sorted({each.address for each in group}))
        used = {name: clients_of(happened) for name, happened in of_session.items()}
        for each in group:
            if each.session in used:
                signals[each.address] = signals[each.address].with_clients(used[each.session][0])
        examined = _examinations(connection, [event for happened in of_session.values() for event in happened])
        found = {
            each.session: analyse(
                of_session[each.session], used[each.session], examined, signals[each.address], self._knowledge, flood
            )
            for each in group
            if each.session in of_session
        }
        _write(connection, found, [each.session for each in group if not each.is_new])
        _write_origins(connection, found)


def _described(connection: Connection, names: Sequence[str]) -> list[_Stale]:
    found: list[_Stale] = []
    for some in _chunks(names):
        numbers = select(events.c.session, func.count()).where(events.c.session.in_(some)).group_by(events.c.session)
        counted = {session: number for session, number in connection.execute(numbers)}  # noqa: C416
        rows = connection.execute(
            select(sessions.c.session, sessions.c.address, sessions.c.events == 0).where(sessions.c.session.in_(some))
        )
        found += [_Stale(session, address, new, counted.get(session, 0)) for session, address, new in rows]
    order = {name: at for at, name in enumerate(names)}
    return sorted(found, key=lambda each: order[each.session])


def _groups(stale: Sequence[_Stale]) -> Iterator[list[_Stale]]:
    group: list[_Stale] = []
    size = 0
    for each in stale:
        if group and (size + each.events > EVENTS_AT_ONCE or len(group) >= CHUNK):
            yield group
            group, size = [], 0
        group.append(each)
        size += each.events
    if group:
        yield group


def _events(connection: Connection, names: Sequence[str]) -> dict[str, list[Document]]:
    in_order = (
        select(events.c.session, events.c.document)
        .where(events.c.session.in_(names))
        .order_by(events.c.session, events.c.moment, events.c.id)
    )
    return {
        session: [event for _, document in rows if (event := _document(document)) is not None]
        for session, rows in groupby(connection.execute(in_order), key=itemgetter(0))
    }


def _in_turn(connection: Connection, name: str) -> Iterator[Document]:
    """The events of one session, however many."""
    in_order = select(events.c.document).where(events.c.session == name).order_by(events.c.moment, events.c.id)
    rows = connection.execute(in_order.execution_options(yield_per=AT_ONCE)).scalars()
    return (event for document in rows if (event := _document(document)) is not None)


def _document(text: str) -> Document | None:
    """The event; None for one of a journal from elsewhere that can't be understood as a whole."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _examinations(connection: Connection, happened: Sequence[Document]) -> dict[str, dict[str, Any]]:
    hashes = {
        str(event.get("file", {}).get("hash", {}).get("sha256"))
        for event in happened
        if event["event"]["action"] == "file.captured"
    }
    found: dict[str, dict[str, Any]] = {}
    for some in _chunks(sorted(hashes)):
        # Of one that is to be examined again holds what is known of it: it may be gone by now.
        examined = files.c.sha256.in_(some) & (files.c.examined.is_not(None) | (files.c.type != ""))
        rows = connection.execute(select(files.c.sha256, files.c.report).where(examined))
        found.update((sha256, json.loads(report)) for sha256, report in rows)
    return found


def _signals(connection: Connection, addresses: Sequence[str]) -> dict[str, Signals]:
    seen: dict[tuple[str, str], list[str]] = {}
    names: dict[str, frozenset[HostName]] = {}
    for some in _chunks(addresses):
        of_visitors = (
            select(sessions.c.address, clients.c.kind, clients.c.value)
            .join(clients, clients.c.session == sessions.c.session)
            .where(sessions.c.address.in_(some), clients.c.kind.in_(("user-agent", "dfp")))
            .distinct()
            .order_by(sessions.c.address, clients.c.kind, clients.c.value)
        )
        for address, kind, value in connection.execute(of_visitors):
            seen.setdefault((address, kind), []).append(value)
        looked_up = select(lookups.c.subject, lookups.c.answer).where(
            lookups.c.provider == REVERSE_DNS, lookups.c.subject.in_(some)
        )
        for address, answer in connection.execute(looked_up):
            told = json.loads(answer).get("names", [])
            names[address] = frozenset(HostName(name["name"], name["confirmed"]) for name in told)
    return {
        address: Signals(
            names.get(address, frozenset()),
            frozenset(seen.get((address, "user-agent"), [])[:MAX_SIGNALS]),
            frozenset(seen.get((address, "dfp"), [])[:MAX_SIGNALS]),
        )
        for address in addresses
    }


def _write(connection: Connection, found: dict[str, Findings], old: Sequence[str]) -> None:
    """The findings of sessions, of which the `old` ones had some."""
    if not found:
        return
    rows = [
        {f"of_{column}": clean(value) for column, value in findings.session.items()} | {"of_session": name}
        for name, findings in found.items()
    ]
    values: Row = {column[3:]: bindparam(column) for column in rows[0] if column != "of_session"}
    connection.execute(update(sessions).where(sessions.c.session == bindparam("of_session")).values(values), rows)
    for table in BY_SESSION:
        if old:
            connection.execute(delete(table).where(table.c.session.in_(old)))
        filled = [
            {"session": name, **{column: clean(value) for column, value in row.items()}}
            for name, findings in found.items()
            for row in findings.by_table.get(table.name, [])
        ]
        if filled:
            connection.execute(insert(table), filled)
    put(connection, files, [row for findings in found.values() for row in findings.files], keep=True)


def _write_origins(connection: Connection, found: dict[str, Findings]) -> None:
    """What is known of visitors. Where it changes, the visitor's other sessions are of another origin, too."""
    by_address = {findings.origin["address"]: findings.origin for findings in found.values()}
    known = {
        row["address"]: dict(row)
        for row in connection.execute(select(origins).where(origins.c.address.in_(list(by_address)))).mappings()
    }
    new = [
        row
        for address, row in by_address.items()
        if known.get(address) != {column: clean(value) for column, value in row.items()}
    ]
    put(connection, origins, new)
    changed = [row["address"] for row in new if row["address"] in known]
    if changed:
        others = sessions.c.address.in_(changed) & sessions.c.session.not_in(list(found))
        connection.execute(update(sessions).where(others).values(stale=True))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
