"""What was handed out to whom: one bounded SQLite file, written by all workers and read by the callback receiver.

A token says by itself which session took which lure; here is what more is known of it, and of the values (UIDs,
patient IDs, credentials) that visitors were told, so that one that comes back from elsewhere is noticed. Nothing here
raises because of the disk: a sensor that can't write its ledger goes on, and its tokens name their sessions still.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

MAX_MINTED: Final = 200_000
"""Tokens remembered, the oldest go first; some 60 MB."""
MAX_TOLD: Final = 1_000_000
"""Values remembered that visitors were told, each for each of them, the oldest go first; some 60 MB."""
MAX_IMPORTED: Final = 5_000_000
"""Lines of an imported ledger: more than any sensor's has."""
TRIM_EVERY: Final = 500
"""Writes of a process between two looks at the ledger's size."""
PATIENCE: Final = 0.25
"""Seconds that a worker waits while others write; then it goes on without."""
MAX_WHAT: Final = 400
"""Characters kept of what a token was put into."""

_Rows = Sequence[tuple[object, ...]]
_TABLES = """
CREATE TABLE IF NOT EXISTS minted (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, lure TEXT NOT NULL, kind TEXT NOT NULL,
    session TEXT NOT NULL, connection TEXT NOT NULL, address TEXT NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS visitor (
    visitor INTEGER PRIMARY KEY, address TEXT NOT NULL, session TEXT NOT NULL, UNIQUE (address, session));
CREATE TABLE IF NOT EXISTS told (
    number INTEGER PRIMARY KEY, value INTEGER NOT NULL, visitor INTEGER NOT NULL, at INTEGER NOT NULL,
    UNIQUE (value, visitor));
"""


class Taker(NamedTuple):
    """Who takes something: a visitor, on one of its connections."""

    address: str
    session: str
    connection: str


class Minted(NamedTuple):
    """A token, and what is known of it. Moments are microseconds since the epoch."""

    token: str
    """`tokens.canonical`."""
    lure: str
    kind: str
    session: str
    connection: str
    address: str
    at: int
    what: str
    """What it was put into: a path, an instance's UID."""


class Told(NamedTuple):
    """Who was the first to be told a value."""

    address: str
    session: str
    at: int


class Ledger:
    """The ledger at `path`, as one process sees it. Open it after a fork, not before.

    `key` hides in it what visitors were told.
    """

    def __init__(
        self, path: Path, key: bytes = b"", *, max_minted: int = MAX_MINTED, max_told: int = MAX_TOLD
    ) -> None:
        self._key = hmac.digest(key, b"values of the ledger", "sha256")
        self._bounds = (
            ("minted", "number", max_minted),
            ("told", "number", max_told),
            ("visitor", "visitor", max_told),
        )
        self._writes = 0
        self.lost = 0
        """What could not be written."""
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            # What a killed process wrote stays; what a power failure takes with it is a few downloads.
            self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + _TABLES)
        except (OSError, sqlite3.Error):
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, minted: Iterable[Minted]) -> None:
        """Remember tokens."""
        rows: _Rows = [one._replace(what=one.what[:MAX_WHAT]) for one in minted]
        sql = (
            "INSERT OR IGNORE INTO minted (token, lure, kind, session, connection, address, at, what) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._write([(sql, rows)], len(rows))

    def get(self, token: str) -> Minted | None:
        """What is known of a token (in its canonical form)."""
        sql = "SELECT token, lure, kind, session, connection, address, at, what FROM minted WHERE token = ?"
        found = self._read(sql, (token,))
        return Minted._make(found[0]) if found else None

    def minted(self) -> Iterator[Minted]:
        """All tokens, the oldest first."""
        last = -1
        sql = (
            "SELECT number, token, lure, kind, session, connection, address, at, what FROM minted "
            "WHERE number > ? ORDER BY number LIMIT 1000"
        )
        while rows := self._read(sql, (last,)):
            last = rows[-1][0]
            yield from (Minted._make(row[1:]) for row in rows)

    def tell(self, taker: Taker, values: Iterable[str], at: int) -> None:
        """Remember that `taker` was told `values`; each with what it is, as in ``uid 1.2.3``."""
        digests = {self._digest(value) for value in values}
        self._write(
            [
                ("INSERT OR IGNORE INTO visitor (address, session) VALUES (?, ?)", [taker[:2]]),
                (
                    "INSERT OR IGNORE INTO told (value, visitor, at) SELECT ?, visitor, ? FROM visitor "
                    "WHERE address = ? AND session = ?",
                    [(digest, at, *taker[:2]) for digest in digests],
                ),
            ],
            len(digests),
        )

    def teller(self, value: str, address: str) -> Told | None:
        """The first who was told `value`, if `address` itself never was."""
        digest = self._digest(value)
        told = "FROM told JOIN visitor USING (visitor) WHERE value = ?"
        if self._read(f"SELECT 1 {told} AND address = ? LIMIT 1", (digest, address)):
            return None
        rows = self._read(f"SELECT address, session, at {told} ORDER BY number LIMIT 1", (digest,))
        return Told._make(rows[0]) if rows else None

    def _digest(self, value: str) -> int:
        digest = hmac.digest(self._key, value.encode("utf-8", "backslashreplace"), "sha256")
        return int.from_bytes(digest[:8], "big", signed=True)

    def _write(self, statements: Sequence[tuple[str, _Rows]], number: int) -> None:
        if self._connection is None:
            self.lost += number
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for sql, rows in statements:
                    self._connection.executemany(sql, rows)
                self._writes += number
                if self._writes >= TRIM_EVERY:
                    self._writes = 0
                    self._trim(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error:
            self.lost += number

    def _trim(self, connection: sqlite3.Connection) -> None:
        for table, key, rows in self._bounds:
            sql = f"DELETE FROM {table} WHERE {key} <= (SELECT max({key}) FROM {table}) - ?"  # noqa: S608 - ours
            connection.execute(sql, (rows,))

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error:
            return []
