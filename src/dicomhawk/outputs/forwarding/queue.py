"""What waits for a receiver, and how far the sources were read: one file, so that both change at once.

Whatever is killed at whatever moment: a record is in the queue if and only if its source's place is behind it, and it
is in the queue until the receiver has it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .base import Record

_TABLES = """
CREATE TABLE IF NOT EXISTS queue (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, severity INTEGER NOT NULL,
  line BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS queue_alerts ON queue (seq) WHERE kind = 'alerts';
CREATE TABLE IF NOT EXISTS places (segment TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS given (
  kind TEXT NOT NULL, id TEXT NOT NULL, moment INTEGER NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_IN_TURN = ("kind = 'alerts'", "kind <> 'alerts'")
"""Alerts go first, and are dropped last: a flood of events neither delays them nor pushes them out."""
_OVERHEAD = 100
"""Bytes of a record beside its line, about."""
_DROP_AT_ONCE = 500


class Waiting:
    """A record in the queue."""

    __slots__ = ("record", "seq")

    def __init__(self, seq: int, record: Record) -> None:
        self.seq = seq
        self.record = record


class Queue:
    """A queue on disk. All methods may be called from any thread, one at a time."""

    def __init__(self, path: Path, limit: int) -> None:
        """`limit`: bytes of records that may wait."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._limit = limit
        try:
            self._database = self._open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            path.replace(path.with_suffix(".damaged"))
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._database = self._open(path)
        row = self._database.execute("SELECT count(*), coalesce(sum(length(line)), 0) FROM queue").fetchone()
        self.count: int = row[0]
        """Records that wait."""
        self.bytes: int = row[1] + _OVERHEAD * row[0]
        """Their size."""
        self.marks: dict[str, int] = dict(self._database.execute("SELECT name, value FROM marks"))
        """Whatever is counted: ``sent``, ``refused``, ``dropped`` (records), and the sources' marks."""
        self.places: dict[str, int] = dict(self._database.execute("SELECT segment, offset FROM places"))
        """How far each segment of the journal was read."""
        self._given: dict[str, set[str]] = {}
        for kind, identifier in self._database.execute("SELECT kind, id FROM given"):
            self._given.setdefault(kind, set()).add(identifier)

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_TABLES)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def put(
        self,
        records: Iterable[Record],
        *,
        places: Mapping[str, int] | None = None,
        marks: Mapping[str, int] | None = None,
        given: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        """Take in `records`, and how far their sources were read. Of what is too much, alerts are dropped last.

        `given`: kind, identifier and moment of rows that aren't to be given again.
        """
        rows = [(record.kind, record.id, record.severity, record.line) for record in records]
        count, size = self.count + len(rows), self.bytes + sum(len(row[3]) + _OVERHEAD for row in rows)
        changed = dict(marks or {})
        with self._transaction() as database:
            database.executemany("INSERT INTO queue (kind, id, severity, line) VALUES (?, ?, ?, ?)", rows)
            database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", (places or {}).items())
            database.executemany("INSERT OR REPLACE INTO given VALUES (?, ?, ?)", given)
            while size > self._limit and count:
                dropped, freed = self._drop(database, size - self._limit)
                count, size = count - dropped, size - freed
                changed["dropped"] = changed.get("dropped", self.marks.get("dropped", 0)) + dropped
            database.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", changed.items())
        self.count, self.bytes = count, size
        self.marks.update(changed)
        self.places.update(places or {})
        for kind, identifier, _ in given:
            self._given.setdefault(kind, set()).add(identifier)

    def first(self, limit: int, size: int) -> list[Waiting]:
        """The oldest records, alerts first, at most `limit` of them and about `size` bytes, but one at least."""
        found: list[Waiting] = []
        for condition in _IN_TURN:
            rows = self._database.execute(
                f"SELECT seq, kind, id, severity, line FROM queue WHERE {condition} ORDER BY seq LIMIT ?",  # noqa: S608
                (limit - len(found),),
            )
            for seq, kind, identifier, severity, line in rows:
                size -= len(line)
                if found and size < 0:
                    return found
                found.append(Waiting(seq, Record(kind, identifier, severity, line)))
        return found

    def done(self, taken: Collection[Waiting], refused: Collection[Waiting] = ()) -> None:
        """These needn't wait any longer: the receiver took them, or never will."""
        gone = sorted([*taken, *refused], key=lambda one: one.seq)
        marks = {
            "sent": self.marks.get("sent", 0) + len(taken),
            "refused": self.marks.get("refused", 0) + len(refused),
        }
        if taken:
            marks["last_sent"] = time.time_ns() // 1000
        with self._transaction() as database:
            if gone and gone[-1].seq - gone[0].seq + 1 == len(gone):
                database.execute("DELETE FROM queue WHERE seq BETWEEN ? AND ?", (gone[0].seq, gone[-1].seq))
            else:
                database.executemany("DELETE FROM queue WHERE seq = ?", [(one.seq,) for one in gone])
            database.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", marks.items())
        self.marks.update(marks)
        self.count -= len(gone)
        self.bytes -= sum(len(one.record.line) + _OVERHEAD for one in gone)

    def given(self, kind: str) -> Collection[str]:
        """Identifiers of the rows of `kind` that were given."""
        return self._given.get(kind, frozenset())

    def forget(self, kind: str, before: int, segments: Collection[str]) -> None:
        """Forget what was given of `kind` before that moment, and places in segments that are no more."""
        gone = [(name,) for name in self.places if name not in segments]
        with self._transaction() as database:
            old = database.execute("SELECT id FROM given WHERE kind = ? AND moment < ?", (kind, before)).fetchall()
            database.execute("DELETE FROM given WHERE kind = ? AND moment < ?", (kind, before))
            database.executemany("DELETE FROM places WHERE segment = ?", gone)
        for (name,) in gone:
            del self.places[name]
        self._given.get(kind, set()).difference_update(name for (name,) in old)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # SQLite ends it itself where the disk is full
                self._database.execute("ROLLBACK")
            raise

    @staticmethod
    def _drop(database: sqlite3.Connection, excess: int) -> tuple[int, int]:
        """Drop the oldest records until `excess` bytes are free, some at a time: their number and size."""
        for condition in reversed(_IN_TURN):
            last, count, freed = 0, 0, 0
            for seq, length in database.execute(
                f"SELECT seq, length(line) FROM queue WHERE {condition} ORDER BY seq LIMIT ?",  # noqa: S608
                (_DROP_AT_ONCE,),
            ):
                last, count, freed = seq, count + 1, freed + length + _OVERHEAD
                if freed >= excess:
                    break
            if count:
                break
        database.execute(f"DELETE FROM queue WHERE seq <= ? AND {condition}", (last,))  # noqa: S608
        return count, freed
