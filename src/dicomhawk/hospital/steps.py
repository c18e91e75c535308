"""Modality performed procedure steps that visitors report (PS3.4 annex F): each knows its own, and nobody else's.

They are in the file of uploads. What a visitor says of a step is evidence and kept elsewhere; here is only what later
commands, and the visitor's worklist, depend on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.uploads import Uploads, UploadsError

MAX_STEPS: Final = 1_000
"""Steps of one visitor; then it sees a full archive. A busy scanner makes 50 a day."""

MAX_STEPS_OF_ALL: Final = 100_000
"""Steps that are remembered; then the oldest is forgotten. Some 40 MB."""

MAX_SCHEDULED: Final = 16
"""Worklist entries that one step may name; it is nearly always one."""

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS performed_step (step_key INTEGER PRIMARY KEY AUTOINCREMENT, visitor TEXT NOT NULL, "
    "sop_uid TEXT NOT NULL, status TEXT NOT NULL, filled TEXT NOT NULL, scheduled TEXT NOT NULL, "
    "UNIQUE (visitor, sop_uid))"
)


class Scheduled(NamedTuple):
    """A worklist entry, as a step names it."""

    study_uid: str
    step_id: str


class Step(NamedTuple):
    """A performed procedure step. `filled`: paths of those attributes with a value that are asked for in the end."""

    sop_uid: str
    status: str
    filled: frozenset[str] = frozenset()
    scheduled: tuple[Scheduled, ...] = ()


class Added(Enum):
    """What became of a new step."""

    NEW = "new"
    DUPLICATE = "duplicate"  # the visitor has one with this UID
    FULL = "full"  # the visitor has as many as it may


class PerformedSteps:
    """The steps in the file of `uploads`. Raises `UploadsError`, as all of its methods."""

    def __init__(self, uploads: Uploads) -> None:
        self._connection = uploads.connection
        try:
            self._connection.execute(_TABLE)
        except sqlite3.Error as error:
            raise UploadsError(f"There can be no procedure steps: {error}.") from error

    def get(self, visitor: str, sop_uid: str) -> Step | None:
        """The step of `visitor` with this UID."""
        sql = "SELECT sop_uid, status, filled, scheduled FROM performed_step WHERE visitor = ? AND sop_uid = ?"
        found = self._execute(sql, visitor, sop_uid).fetchone()
        if found is None:
            return None
        uid, status, filled, scheduled = found
        return Step(
            uid, status, frozenset(json.loads(filled)), tuple(Scheduled(*each) for each in json.loads(scheduled))
        )

    def add(self, visitor: str, step: Step) -> Added:
        """Remember a new step of `visitor`; when this returns NEW, it survives a killed process."""
        (count,) = self._execute("SELECT count(*) FROM performed_step WHERE visitor = ?", visitor).fetchone()
        if count >= MAX_STEPS:
            return Added.FULL
        cursor = self._execute(
            "INSERT OR IGNORE INTO performed_step (visitor, sop_uid, status, filled, scheduled) "
            "VALUES (?, ?, ?, ?, ?)",
            visitor,
            step.sop_uid,
            step.status,
            json.dumps(sorted(step.filled)),
            json.dumps(step.scheduled),
        )
        if cursor.rowcount == 0:
            return Added.DUPLICATE
        self._execute("DELETE FROM performed_step WHERE step_key <= ?", (cursor.lastrowid or 0) - MAX_STEPS_OF_ALL)
        return Added.NEW

    def update(self, visitor: str, step: Step, before: str) -> bool:
        """Change status and filled attributes of a step; False if its status isn't `before` any more."""
        cursor = self._execute(
            "UPDATE performed_step SET status = ?, filled = ? WHERE visitor = ? AND sop_uid = ? AND status = ?",
            step.status,
            json.dumps(sorted(step.filled)),
            visitor,
            step.sop_uid,
            before,
        )
        return cursor.rowcount > 0

    def of_worklist(self, visitor: str) -> dict[Scheduled, str]:
        """The status of the last step of `visitor` for each worklist entry that one of its steps names."""
        rows = self._execute(
            "SELECT status, scheduled FROM performed_step WHERE visitor = ? AND scheduled <> '[]' ORDER BY step_key",
            visitor,
        )
        return {Scheduled(*each): status for status, scheduled in rows for each in json.loads(scheduled)}

    def _execute(self, sql: str, *values: str | int) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise UploadsError(f"A procedure step can't be remembered: {error}.") from error


def entries(catalogue: Catalogue, named: Iterable[Scheduled], *, now: float) -> tuple[Scheduled, ...]:
    """Those of the entries `named` that are in the worklist at `now` (POSIX time). Raises `sqlite3.Error`."""
    sql = (
        "SELECT 1 FROM scheduled_step WHERE study_uid = ? AND step_id = ? AND visible_from <= ? "
        "AND (visible_until IS NULL OR visible_until > ?)"
    )
    return tuple(
        each for each in dict.fromkeys(named) if catalogue.connection.execute(sql, (*each, now, now)).fetchone()
    )
