"""What visitors stored: each sees its own objects in the hospital, and nobody else's.

One SQLite file in WAL mode, written by all workers: a row for each object, with what its head says. Queries
look at it through an `Overlay`, which every process keeps for the visitors that it serves.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from enum import Enum
from pathlib import Path
from typing import Self

import msgspec

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.heads import MAX_UID, describe
from dicomhawk.hospital.overlay import Overlay

SCHEMA_VERSION = 1
"""``PRAGMA user_version`` of the file."""

PATIENCE = 5.0
"""Seconds that a worker waits while others write; one write takes a fraction of a millisecond."""

MAX_OBJECTS = 50_000
"""Objects of one visitor; then it sees a full archive. Each worker that it queries indexes all of them."""

MAX_OVERLAYS = 32
"""Visitors with objects that one process is ready for at once; each costs it up to some 2 MiB."""

_SCHEMA = (
    "CREATE TABLE visitor (visitor TEXT PRIMARY KEY, objects INTEGER NOT NULL, newest INTEGER NOT NULL) "
    "WITHOUT ROWID",
    # AUTOINCREMENT: a key is never given twice, so what is newer than a key is what was stored after it.
    "CREATE TABLE upload (upload_key INTEGER PRIMARY KEY AUTOINCREMENT, visitor TEXT NOT NULL, "
    "sop_uid TEXT NOT NULL, sop_class_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL, "
    "path TEXT NOT NULL, size INTEGER NOT NULL, stored_at REAL NOT NULL, description TEXT NOT NULL, "
    "UNIQUE (visitor, sop_uid))",
    "CREATE INDEX upload_by_visitor ON upload (visitor, upload_key)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class UploadsError(Exception):
    """The file of uploads can't be opened or written; the message is one sentence for the operator."""


class AddOutcome(Enum):
    """What became of an object."""

    NEW = "new"
    SAME = "same"  # the visitor had stored exactly this before
    REPLACED = "replaced"  # it takes the place of another one with its SOP Instance UID
    KEPT = "kept"  # another one with its SOP Instance UID is there, and stays
    FULL = "full"  # the visitor has stored as much as it may


class Uploads:
    """The uploads in the file at `path`, which is made if absent. Open it after a fork, not before.

    Raises `UploadsError`.
    """

    def __init__(self, path: Path | str) -> None:
        self._overlays: OrderedDict[str, Overlay] = OrderedDict()
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            self._create()
        except (OSError, sqlite3.Error) as error:
            raise UploadsError(f"{path} can't be opened: {error}.") from None

    def close(self) -> None:
        """Close the file. What was added is safe without it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        visitor: str,
        head: DataSet,
        *,
        sop_class_uid: str,
        sop_uid: str,
        transfer_syntax_uid: str,
        path: str,
        size: int,
        now: float,
        overwrite: bool = True,
    ) -> AddOutcome:
        """Remember an object that `visitor` stored at `now`; when this returns, it survives a killed process.

        `head` is the decoded first part of its data set. `path` says where the bytes are, relative to the
        caller's folder, and is the same for the same bytes. Of two objects with the same UID the last one
        counts, or without `overwrite` the first. Raises `UploadsError`.
        """
        sop_uid = sop_uid[:MAX_UID]
        description = msgspec.json.encode(describe(head)).decode()
        row = (visitor, sop_uid, sop_class_uid[:MAX_UID], transfer_syntax_uid[:MAX_UID], path, size, now, description)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                outcome = self._add(row, overwrite)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise UploadsError(f"An upload can't be remembered: {error}.") from error
        return outcome

    def overlay(self, visitor: str, catalogue: Catalogue) -> Overlay | None:
        """`catalogue` as it is for `visitor` where its uploads touch it; None if there are none.

        Raises `sqlite3.Error`.
        """
        found = self._connection.execute("SELECT newest FROM visitor WHERE visitor = ?", (visitor,)).fetchone()
        if found is None:
            return None
        overlay = self._overlays.get(visitor)
        if overlay is None or not overlay.is_of(catalogue):
            overlay = self._overlays[visitor] = Overlay(catalogue)
            while len(self._overlays) > MAX_OVERLAYS:
                self._overlays.popitem(last=False)
        self._overlays.move_to_end(visitor)
        if overlay.newest < found[0]:
            overlay.extend(
                self._connection.execute(
                    "SELECT upload_key, sop_uid, sop_class_uid, transfer_syntax_uid, path, size, description "
                    "FROM upload WHERE visitor = ? AND upload_key > ? ORDER BY upload_key",
                    (visitor, overlay.newest),
                ).fetchall()
            )
        return overlay

    def _create(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # With WAL, NORMAL loses nothing when a process is killed; only a power cut can cost the last commits.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("BEGIN IMMEDIATE")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        for statement in _SCHEMA if version == 0 else ():
            self._connection.execute(statement)
        self._connection.execute("COMMIT")
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"uploads of version {version}, not {SCHEMA_VERSION}")

    def _add(self, row: tuple[str | int | float, ...], overwrite: bool) -> AddOutcome:
        visitor, sop_uid, _, _, path, size = row[:6]
        execute = self._connection.execute
        outcome = AddOutcome.NEW
        there = execute(
            "SELECT path, size FROM upload WHERE visitor = ? AND sop_uid = ?", (visitor, sop_uid)
        ).fetchone()
        if there == (path, size):
            return AddOutcome.SAME
        if there is not None:
            if not overwrite:
                return AddOutcome.KEPT
            outcome = AddOutcome.REPLACED
            execute("DELETE FROM upload WHERE visitor = ? AND sop_uid = ?", (visitor, sop_uid))
        else:
            found = execute("SELECT objects FROM visitor WHERE visitor = ?", (visitor,)).fetchone()
            if found is not None and found[0] >= MAX_OBJECTS:
                return AddOutcome.FULL
        cursor = execute(
            "INSERT INTO upload (visitor, sop_uid, sop_class_uid, transfer_syntax_uid, path, size, stored_at, "
            "description) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        execute(
            "INSERT INTO visitor VALUES (?1, 1, ?2) ON CONFLICT DO UPDATE SET objects = objects + ?3, newest = ?2",
            (visitor, cursor.lastrowid, outcome is AddOutcome.NEW),
        )
        return outcome
