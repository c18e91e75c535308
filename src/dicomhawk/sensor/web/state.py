"""What visitors changed on the web: JSON documents by visitor and key, which only that visitor ever meets again.

One SQLite file in WAL mode, written by all workers. Everything in it came from strangers and is bounded: for each
visitor, who is told that there is no room, and in all, where those make room who have been away longest.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias

from ...settings import Settings

Json: TypeAlias = Any
"""What `json` makes of a text: objects, arrays, text, numbers, truth values and None."""

PATIENCE: Final = 1.0
"""Seconds that a worker waits while others write; one write takes a fraction of a millisecond."""
OPENING_PATIENCE: Final = 5.0
"""Seconds for which a file is tried to be opened that other workers begin at the same moment."""
LONGEST_KEY: Final = 512
"""Characters of a key: the longest names are paths with two UIDs."""
_VERSION: Final = 1

_TABLES: Final = (
    "CREATE TABLE visitor (visitor TEXT PRIMARY KEY, documents INTEGER NOT NULL, bytes INTEGER NOT NULL, "
    "written REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX visitor_by_written ON visitor (written)",
    "CREATE TABLE document (visitor TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
    "PRIMARY KEY (visitor, key)) WITHOUT ROWID",
    "CREATE TABLE total (documents INTEGER NOT NULL, bytes INTEGER NOT NULL)",
    "INSERT INTO total VALUES (0, 0)",
)


class StateError(Exception):
    """The file can't be opened, read or written."""


class StateFull(StateError):
    """There is no room for the document: the visitor has changed as much as it may."""


class Limits(NamedTuple):
    """How much is kept; bytes are those of keys and of documents as JSON."""

    documents: int = 4096
    """Of one visitor: nobody does more by hand; a script that changes something each second does so for an hour."""
    bytes: int = 1 << 20
    """Of one visitor."""
    all_documents: int = 1_000_000
    """Of all visitors."""
    all_bytes: int = 256 << 20
    """Of all visitors: some hundred that do their worst, or a hundred thousand with a session each."""


USUAL: Final = Limits()


def path_of(settings: Settings) -> Path:
    """Where the sensor keeps the file."""
    return settings.data / "visitors.sqlite"


class State:
    """The documents in the file at `path`, which is made if absent. Open it after a fork, not before.

    `clock` gives POSIX seconds. Methods raise `StateError` and nothing else, and may be called from any thread.
    """

    def __init__(self, path: Path | str, limits: Limits = USUAL, *, clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.RLock()
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            self._create()
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"{path} can't be opened: {error}.") from None

    def close(self) -> None:
        """Close the file. What was put into it is safe without it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, visitor: str, key: str, default: Json = None) -> Json:
        """The document of `visitor` under `key`."""
        found = self._rows("SELECT value FROM document WHERE visitor = ? AND key = ?", visitor, key)
        return json.loads(found[0][0]) if found else default

    def items(self, visitor: str, prefix: str = "") -> dict[str, Json]:
        """All documents of `visitor` whose keys begin with `prefix`, in the order of their keys."""
        sql = "SELECT key, value FROM document WHERE visitor = ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key"
        found = self._rows(sql, visitor, prefix, len(prefix), prefix)
        return {key: json.loads(value) for key, value in found}

    def keys(self, visitor: str, prefix: str = "") -> list[str]:
        """Keys of `visitor` that begin with `prefix`, in order."""
        sql = "SELECT key FROM document WHERE visitor = ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key"
        return [key for (key,) in self._rows(sql, visitor, prefix, len(prefix), prefix)]

    def put(self, visitor: str, key: str, value: Json) -> None:
        """Keep a document, in the place of the one that was there. Raises `StateFull`."""
        self.update(visitor, key, lambda _: value)

    def delete(self, visitor: str, key: str) -> bool:
        """Forget a document; whether it was there."""
        return self.update(visitor, key, lambda _: None) is not None

    def update(self, visitor: str, key: str, change: Callable[[Json], Json]) -> Json:
        """Put what `change` makes of the document (None: there is none, or is to be none), with no other writer in
        between; what was there before. Raises `StateFull`, and what `change` raises."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    before = self._change(visitor, key, change)
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, UnicodeError) as error:
                raise StateError(f"A visitor's change can't be kept: {error}.") from error
        return before

    def _change(self, visitor: str, key: str, change: Callable[[Json], Json]) -> Json:
        execute = self._connection.execute
        found = execute("SELECT value FROM document WHERE visitor = ? AND key = ?", (visitor, key)).fetchone()
        before = None if found is None else json.loads(found[0])
        after = change(before)
        documents = (after is not None) - (found is not None)
        size = -_size(key, found[0]) if found is not None else 0
        if after is None:
            if found is not None:
                execute("DELETE FROM document WHERE visitor = ? AND key = ?", (visitor, key))
        else:
            text = _text(after)
            size += _size(key, text)
            self._admit(visitor, key, documents, size)
            execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (visitor, key, text))
        if documents or size:
            self._account(visitor, documents, size)
        return before

    def _admit(self, visitor: str, key: str, documents: int, size: int) -> None:
        sql = "SELECT documents, bytes FROM visitor WHERE visitor = ?"
        found = self._connection.execute(sql, (visitor,)).fetchone()
        has, of_size = found or (0, 0)
        limits = self._limits
        if len(key) > LONGEST_KEY or has + documents > limits.documents or of_size + size > limits.bytes:
            raise StateFull("The visitor has changed as much as it may.")

    def _account(self, visitor: str, documents: int, size: int) -> None:
        execute = self._connection.execute
        execute(
            "INSERT INTO visitor VALUES (?1, ?2, ?3, ?4) ON CONFLICT (visitor) DO UPDATE SET "
            "documents = documents + ?2, bytes = bytes + ?3, written = ?4",
            (visitor, documents, size, self._clock()),
        )
        execute("UPDATE total SET documents = documents + ?, bytes = bytes + ?", (documents, size))
        limits = self._limits
        while True:
            has, of_size = execute("SELECT documents, bytes FROM total").fetchone()
            if has <= limits.all_documents and of_size <= limits.all_bytes:
                return
            oldest = execute(
                "SELECT visitor, documents, bytes FROM visitor WHERE visitor <> ? ORDER BY written LIMIT 1",
                (visitor,),
            ).fetchone()
            if oldest is None:
                return
            execute("DELETE FROM document WHERE visitor = ?", oldest[:1])
            execute("DELETE FROM visitor WHERE visitor = ?", oldest[:1])
            execute("UPDATE total SET documents = documents - ?, bytes = bytes - ?", oldest[1:])

    def _rows(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except (sqlite3.Error, UnicodeError) as error:
                raise StateError(f"A visitor's changes can't be read: {error}.") from error

    def _create(self) -> None:
        execute = self._connection.execute
        until = time.monotonic() + OPENING_PATIENCE
        while True:  # changing to WAL does not wait for others who do the same
            try:
                execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        execute("PRAGMA synchronous = NORMAL")
        execute("BEGIN IMMEDIATE")
        try:
            (version,) = execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _TABLES:
                    execute(statement)
                execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise sqlite3.DatabaseError(f"version {version}, not {_VERSION}")
            execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise


def _text(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"A visitor's change can't be written as JSON: {error}.") from error


def _size(key: str, text: str) -> int:
    return len(key.encode("utf-8", "surrogatepass")) + len(text)
