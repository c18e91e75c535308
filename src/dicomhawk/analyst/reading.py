"""From the journal into the database: each event once, whatever is killed when.

How far each segment was read is written in the transaction that writes its events, and an event whose identifier is
there already is passed over. Events of one session come from several segments in any order: nothing is concluded
here, the session is marked as stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, select

from ..evidence.documents import Document, moment
from ..evidence.journal import SUFFIX, lines_from
from ..evidence.spool import segments
from .database.schema import events, places, sessions
from .database.store import put

BATCH_LINES = 5000
"""Lines in one transaction: large enough that its cost doesn't matter, small enough for memory."""
BATCH_BYTES = 1 << 24
"""And bytes, since a line may be long."""
SERIOUS = 60
"""Severity of an event from which on its session is looked at before others."""
_NAME_LENGTH = 200
_END_OF_TIME = moment("9999-12-31T00:00:00Z")
"""What is later, some time zone has in a year that there isn't."""


class _Inner(msgspec.Struct):
    id: str
    action: str
    severity: int = 0


class _Observer(msgspec.Struct):
    name: str = ""


class _Honeypot(msgspec.Struct):
    connection: str | None = None


class _Source(msgspec.Struct):
    ip: str = ""


class _Event(msgspec.Struct):
    """What the tables need to know of an event."""

    timestamp: str = msgspec.field(name="@timestamp")
    event: _Inner
    session: str | None = None
    observer: _Observer = msgspec.field(default_factory=_Observer)
    honeypot: _Honeypot = msgspec.field(default_factory=_Honeypot)
    source: _Source = msgspec.field(default_factory=_Source)


_decode = msgspec.json.Decoder(_Event).decode


class Progress(NamedTuple):
    """What one call of `read` did."""

    events: int
    """Events that are new."""
    torn: int
    """Lines that weren't whole, or no events."""
    more: bool
    """Whether there is more to be read."""
    serious: frozenset[str] = frozenset()
    """Sessions of which there is something serious in what was read."""


class Journal:
    """A journal, as it is read."""

    def __init__(self, folder: Path, source: str | None = None) -> None:
        """`source`: by what name its place is kept; by default its folder's."""
        self.folder = folder
        self.source = source or str(folder.absolute())

    def read(self, engine: Engine) -> Progress:
        """Read the next lines into the database."""
        with engine.begin() as connection:
            known = self._known(connection)
            found = segments(self.folder, SUFFIX)
            newest = {writer: path.name for _, writer, _, path in found}
            rows, read, lines, size, more = [], [], 0, 0, False
            for _, writer, _, path in found:
                start, torn = known.get(path.name, (0, 0))
                if _size(path) <= start:
                    continue
                if lines >= BATCH_LINES or size >= BATCH_BYTES:
                    more = True
                    break
                offset = start
                for line in lines_from(path, start, settled=newest[writer] != path.name):
                    row = _row(line)
                    rows += [row] if row is not None else []
                    torn += row is None
                    lines, size, offset = lines + 1, size + len(line), offset + len(line)
                    if lines >= BATCH_LINES or size >= BATCH_BYTES:
                        more = True
                        break
                if offset > start:
                    read.append({"source": self.source, "segment": path.name, "offset": offset, "torn": torn})
            new = _insert(connection, rows)
            put(connection, places, read)
        serious = frozenset(str(row["session"]) for row in rows if row["session"] and _is_serious(row["severity"]))
        return Progress(new, lines - len(rows), more, serious)

    def behind(self, engine: Engine) -> int:
        """Bytes that are to be read yet."""
        known = self.place(engine)
        return sum(max(0, _size(path) - known.get(path.name, 0)) for _, _, _, path in segments(self.folder, SUFFIX))

    def place(self, engine: Engine) -> dict[str, int]:
        """Bytes of each segment, by its file's name, that are in the database."""
        with engine.connect() as connection:
            return {name: offset for name, (offset, _) in self._known(connection).items()}

    def _known(self, connection: Connection) -> dict[str, tuple[int, int]]:
        """Bytes read and torn lines of each segment."""
        of_this = select(places.c.segment, places.c.offset, places.c.torn).where(places.c.source == self.source)
        return {name: (offset, torn) for name, offset, torn in connection.execute(of_this)}


def add(engine: Engine, documents: Iterable[Document]) -> int:
    """Put events that were in no journal of ours into the database; the number of those that are new."""
    new = 0
    batch: list[dict[str, object]] = []
    for document in documents:
        row = _row(msgspec.json.encode(document))
        if row is None:
            continue
        batch.append(row)
        if len(batch) >= BATCH_LINES:
            new, batch = new + _add(engine, batch), []
    return new + _add(engine, batch)


def _add(engine: Engine, rows: list[dict[str, object]]) -> int:
    with engine.begin() as connection:
        return _insert(connection, rows)


def _insert(connection: Connection, rows: list[dict[str, object]]) -> int:
    if not rows:
        return 0
    new = put(connection, events, [{n: v for n, v in row.items() if n != "address"} for row in rows], keep=True)
    touched: dict[object, dict[str, object]] = {}
    for row in rows:
        if row["session"] is None:
            continue
        moment = row["moment"]
        touched.setdefault(
            row["session"],
            {
                "session": row["session"],
                "sensor": row["sensor"],
                "address": row["address"],
                "first": moment,
                "last": moment,
                "stale": True,
            },
        )
    if touched:
        put(connection, sessions, list(touched.values()), keep=True)
        connection.execute(
            sessions.update()
            .where(sessions.c.session.in_(list(touched)), sessions.c.stale.is_(False))
            .values(stale=True)
        )
    return new


def _row(line: bytes) -> dict[str, object] | None:
    """The columns of an event; None if the line isn't one."""
    try:
        event = _decode(line)
        at = moment(event.timestamp)
        if not 0 <= at < _END_OF_TIME:
            return None
        document = line.rstrip(b"\n").decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return {
        "id": event.event.id[:_NAME_LENGTH],
        "moment": at,
        "sensor": event.observer.name[:_NAME_LENGTH],
        "session": event.session and event.session[:_NAME_LENGTH],
        "connection": event.honeypot.connection and event.honeypot.connection[:_NAME_LENGTH],
        "action": event.event.action[:_NAME_LENGTH],
        "severity": max(0, min(event.event.severity, 100)),
        "document": document,
        "address": event.source.ip[:_NAME_LENGTH],
    }


def _is_serious(severity: object) -> bool:
    return isinstance(severity, int) and severity >= SERIOUS


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
