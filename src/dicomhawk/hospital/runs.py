"""The instances of one series, which differ in number, UID and moment only, as one record and one statement.

Most rows of a catalogue are such instances. SQLite makes them four times as fast as they could be made here and
handed over.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields

_TABLE = "run_number"
_FIRST_NUMBERS = 1024

_MOMENT = "(:began + CAST(n * :step AS INTEGER))"
_INSERT = f"""
INSERT INTO instance SELECT :instance_key + n, :series_key, :uid_stem || printf(:uid_format, :uid_first + n),
  :sop_class_uid, :transfer_syntax_uid, 1 + n,
  CASE WHEN {_MOMENT} < 86400000 THEN :day ELSE :next_day END,
  printf(:time_format, {_MOMENT} / 3600000 % 24, {_MOMENT} / 60000 % 60, {_MOMENT} / 1000 % 60, {_MOMENT} % 1000),
  :rows, :columns, :bits_allocated, :frames, NULL, NULL, :visible_from
FROM temp.{_TABLE} WHERE n < :count
"""  # noqa: S608 - names of ours
_WHOLE_SECONDS, _WITH_FRACTION = "%02d%02d%02d", "%02d%02d%02d.%03d000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`count` instances of a series, numbered from 1, with keys from `instance_key` on.

    The UID of the nth, from 0, is `uid_stem` and `uid_first` + n, with zeros in front up to `uid_width` digits.
    Content Time begins at `began` (ms after midnight of `day`, which may be more than a day) and grows by `step`
    (ms) each.
    """

    instance_key: int
    series_key: int
    count: int
    uid_stem: str
    uid_first: int
    uid_width: int
    sop_class_uid: str
    transfer_syntax_uid: str
    day: str  # DA
    next_day: str
    began: int
    step: float
    fraction: bool  # of a second, in Content Time
    rows: int | None
    columns: int | None
    bits_allocated: int | None
    frames: int | None
    visible_from: float


_FIELDS = tuple(field.name for field in fields(Run))


class Runs:
    """Adds runs to the table ``instance`` of a database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers = 0  # in the connection's table of numbers, from 0 on

    def add(self, run: Run) -> None:
        """Add the rows of `run`. Raises `sqlite3.Error`."""
        if self._numbers < run.count:
            self._prepare(run.count)
        parameters = {name: getattr(run, name) for name in _FIELDS}
        parameters["uid_format"] = f"%0{run.uid_width}d" if run.uid_width else "%d"
        parameters["time_format"] = _WITH_FRACTION if run.fraction else _WHOLE_SECONDS
        self._connection.execute(_INSERT, parameters)

    def _prepare(self, count: int) -> None:
        self._connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {_TABLE} (n INTEGER PRIMARY KEY)")
        numbers = range(self._numbers, max(count, _FIRST_NUMBERS))
        self._connection.executemany(f"INSERT INTO temp.{_TABLE} VALUES (?)", ((n,) for n in numbers))  # noqa: S608
        self._numbers = numbers.stop
