"""Where records come from: the journal, and the tables of findings. What was read is on record in the queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from ...analyst.database.schema import alerts, sessions
from ...analyst.database.store import open_database
from ...evidence.places import ends, pieces
from ...evidence.spool import segments
from ...settings import Settings, SettingsError
from ...settings.outputs import Output as OutputSettings
from ...settings.words import SEVERITIES
from .base import Record
from .queue import Queue
from .records import alert_records, session_records

WINDOW_US = 2 * 86_400 * 1_000_000
"""Sessions aren't concluded in the order of their last moments; by how much they may be late."""
FINDINGS_SECONDS = 2.0
"""How often the database is looked at when it had nothing new: it has to look at all sessions of two days."""
WINDOW_ALERTS = 10_000
"""Alerts of so many before the last one may become due later."""
_BEGUN_EVENTS, _BEGUN_FINDINGS = "begun.events", "begun.findings"
"""Marks: where the output begins is decided."""
ROWS = 500
"""Of findings that are read at once."""


class _Inner(msgspec.Struct):
    id: str
    action: str = ""
    severity: int = 0


class _Head(msgspec.Struct):
    event: _Inner


_head = msgspec.json.Decoder(_Head).decode


class Trouble(Exception):
    """A source can't be read now; the message is for the operator."""


class Findings:
    """The database of findings, opened when it is there. One for all outputs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
        self._inode = 0
        self._lock = threading.Lock()

    def engine(self) -> Engine | None:
        """The database; None as long as nobody made it. Raises `Trouble`."""
        with self._lock:
            if self._file is not None:
                try:
                    inode = self._file.stat().st_ino
                except FileNotFoundError:
                    inode = 0
                if inode != self._inode:  # somebody removed it, to have it made anew
                    self.close()
                    self._inode = inode
                if not inode:
                    return None
            if self._engine is None:
                try:
                    self._engine = open_database(self._url, read_only=True)
                except SettingsError as error:
                    raise Trouble(str(error)) from None
            return self._engine

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


class Sources:
    """What one output is to get, in its queue."""

    def __init__(self, settings: Settings, output: OutputSettings, queue: Queue, findings: Findings) -> None:
        self._journal = settings.journal_dir
        self._what = output.what
        self._least = SEVERITIES.index(output.severity)
        self._actions = frozenset(action for action in output.actions if not action.endswith("."))
        self._prefixes = tuple(action for action in output.actions if action.endswith("."))
        self._queue = queue
        self._findings = findings
        self._history = output.history
        self._look_again = 0.0
        if "events" in output.what and _BEGUN_EVENTS not in queue.marks:
            places = {} if output.history else ends(self._journal)
            queue.put((), places=places, marks={_BEGUN_EVENTS: 1})

    def take(self) -> bool:
        """Read a piece of what is new into the queue; whether there was something. Raises `Trouble`."""
        found = "events" in self._what and self._events()
        try:
            if self._what != ("events",) and time.monotonic() >= self._look_again:
                engine = self._findings.engine()
                self._begin(engine)
                if engine is not None and "alerts" in self._what:
                    found = self._alerts(engine) or found
                if engine is not None and "sessions" in self._what:
                    found = self._sessions(engine) or found
                if not found:
                    self._look_again = time.monotonic() + FINDINGS_SECONDS
        except SQLAlchemyError as error:
            raise Trouble(f"the findings can't be read ({type(error).__name__})") from None
        return found

    def tidy(self) -> None:
        """To be called now and then: forget what nobody needs any longer."""
        there = {path.name for _, _, _, path in segments(self._journal, ".ndjson")}
        self._queue.forget("sessions", self._queue.marks.get("sessions", 0) - WINDOW_US, there)
        self._queue.forget("alerts", self._queue.marks.get("alerts", 0) - WINDOW_ALERTS, there)

    def _begin(self, engine: Engine | None) -> None:
        """Where there are findings already, pass them over if only new ones are wanted."""
        if _BEGUN_FINDINGS in self._queue.marks:
            return
        marks = {_BEGUN_FINDINGS: 1}
        given: list[tuple[str, str, int]] = []
        if engine is not None and not self._history:
            with engine.connect() as connection:
                told = select(alerts.c.seq, alerts.c.key).where(alerts.c.state != "held")
                given += [("alerts", key, number) for number, key in connection.execute(told)]
                over = select(sessions.c.last, sessions.c.session).where(sessions.c.ended.is_(True))
                given += [("sessions", name, last) for last, name in connection.execute(over)]
            for kind in ("alerts", "sessions"):
                marks[kind] = max((moment for of, _, moment in given if of == kind), default=0)
        self._queue.put((), marks=marks, given=given)

    def _events(self) -> bool:
        piece = next(pieces(self._journal, self._queue.places), None)
        if piece is None:
            return False
        self._queue.put(self._wanted(piece.lines), places={piece.segment: piece.end})
        return True

    def _wanted(self, lines: list[bytes]) -> Iterator[Record]:
        for line in lines:
            try:
                inner = _head(line).event
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue  # not whole: whoever wrote it was killed
            severity = max(0, min(inner.severity // 20, 4))
            if severity < self._least:
                continue
            if (self._actions or self._prefixes) and not (
                inner.action in self._actions or inner.action.startswith(self._prefixes)
            ):
                continue
            yield Record("events", inner.id, severity, line)

    def _alerts(self, engine: Engine) -> bool:
        mark = self._queue.marks.get("alerts", 0)
        given = self._queue.given("alerts")
        query = (
            select(alerts)
            .where(alerts.c.state == "due", alerts.c.seq > mark - WINDOW_ALERTS)
            .order_by(alerts.c.seq)
            .execution_options(yield_per=ROWS)
        )
        with engine.connect() as connection:
            new = list(islice((row for row in connection.execute(query) if row.key not in given), ROWS))
            records = alert_records(connection, [row for row in new if row.severity >= self._least])
        if not new:
            return False
        self._queue.put(
            records,
            marks={"alerts": max(mark, *(row.seq for row in new))},
            given=[("alerts", row.key, row.seq) for row in new],
        )
        return True

    def _sessions(self, engine: Engine) -> bool:
        mark = self._queue.marks.get("sessions", 0)
        given = self._queue.given("sessions")
        over = (
            select(sessions.c.session)
            .where(sessions.c.ended.is_(True), sessions.c.stale.is_(False), sessions.c.last >= mark - WINDOW_US)
            .order_by(sessions.c.last, sessions.c.session)
            .execution_options(yield_per=ROWS)
        )
        with engine.connect() as connection:
            names = list(islice((name for name in connection.execute(over).scalars() if name not in given), ROWS))
            if not names:
                return False
            query = (
                select(sessions).where(sessions.c.session.in_(names)).order_by(sessions.c.last, sessions.c.session)
            )
            new = connection.execute(query).all()
            records = session_records(connection, [row for row in new if row.severity >= self._least])
        self._queue.put(
            records,
            marks={"sessions": max(mark, *(row.last for row in new))},
            given=[("sessions", row.session, row.last) for row in new],
        )
        return True
