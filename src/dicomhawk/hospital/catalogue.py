"""The catalogue: the hospital's index, which every query and every retrieval asks.

One SQLite file in WAL mode. One process at a time writes it (`CatalogueWriter`); any number of processes read
it meanwhile (`Catalogue`), each with a connection that it opened itself.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from dicomhawk.hospital import schema
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study
from dicomhawk.hospital.runs import Run, Runs
from dicomhawk.hospital.schema import INSERTS, NATURAL_KEYS, SCHEMA_VERSION, TABLES, Row

WRITER_PATIENCE = 30.0
"""Seconds that a second writer waits for the first one to finish."""

READ_CACHE_KIB = 16 * 1024
"""Page cache of a reader: the indexes of some thousand studies, and bounded for a million."""

R = TypeVar("R", Device, Patient, Study, Series, Instance, ScheduledStep)


class CatalogueError(Exception):
    """The catalogue can't be opened or written; the message is one sentence for the operator."""


class CatalogueWriter:
    """Adds rows to the catalogue at `path`, which is made if absent.

    A context manager: what was added is committed at the end, or taken back if an exception leaves the block.
    Parents come before children. Raises `CatalogueError` for a row that contradicts the catalogue (a UID that
    is there already, a parent that is not) and for a file that is not a catalogue of this version.

    `bulk`: for a new file with very many rows, which nobody reads until it is closed, and which is of no use if
    the block is left with an exception. Contradictions are found when it is closed.
    """

    def __init__(self, path: Path | str, *, bulk: bool = False) -> None:
        path = Path(path)
        self._bulk = bulk
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=WRITER_PATIENCE, isolation_level=None)
            schema.create(self._connection, schema.Kind.CATALOGUE, bulk=bulk)
        except (OSError, sqlite3.Error) as error:
            raise CatalogueError(f"{path} can't be opened for writing: {error}.") from None
        self._next_keys: dict[type[Row], int] = {}
        self._runs = Runs(self._connection)
        self._begin()

    def add(self, row: Row) -> None:
        """Add one row."""
        insert, values = INSERTS[type(row)]
        try:
            self._connection.execute(insert, values(row))
        except sqlite3.Error as error:
            raise CatalogueError(f"{TABLES[type(row)]} {values(row)[0]} can't be added: {error}.") from None

    def add_all(self, rows: Iterable[Row]) -> None:
        """Add many rows, of any classes; much faster than one by one where neighbours are of one class."""
        for row_class, group in groupby(rows, type):
            insert, values = INSERTS[row_class]
            try:
                self._connection.executemany(insert, map(values, group))
            except sqlite3.Error as error:
                raise CatalogueError(f"Rows can't be added to {TABLES[row_class]}: {error}.") from None

    def add_run(self, run: Run) -> None:
        """Add the instances of a series."""
        try:
            self._runs.add(run)
        except sqlite3.Error as error:
            raise CatalogueError(f"The instances of series {run.series_key} can't be added: {error}.") from None

    def next_key(self, row_class: type[Row], count: int = 1) -> int:
        """A primary key for a new row, larger than all in the table and than all given out before.

        It is the first of `count` keys that are given out at once.
        """
        key = self._next_keys.get(row_class)
        if key is None:
            column = schema.columns(row_class)[0]
            (largest,) = self._connection.execute(
                f"SELECT max({column}) FROM {TABLES[row_class]}"  # noqa: S608 - names of ours
            ).fetchone()
            key = (largest or 0) + 1
        self._next_keys[row_class] = key + count
        return key

    def key_of(self, row_class: type[Row], natural_key: str) -> int | None:
        """The primary key of the row with this UID, Patient ID, AE title or step ID; None: there is none."""
        return _key_of(self._connection, row_class, natural_key)

    def set_info(self, key: str, value: str) -> None:
        """Remember a property of the whole hospital."""
        self._connection.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (key, value))

    def commit(self) -> None:
        """Let readers see what was added so far, and go on. Keys must be asked for anew after it."""
        self._connection.execute("COMMIT")
        self._begin()

    def close(self) -> None:
        """Commit and close; also refreshes the statistics by which queries are planned."""
        self._connection.execute("COMMIT")
        if self._bulk:
            try:
                schema.finish(self._connection, schema.Kind.CATALOGUE)
            except sqlite3.Error as error:
                self._connection.close()
                raise CatalogueError(f"The rows contradict each other: {error}.") from None
        self._connection.execute("PRAGMA analysis_limit = 1000")
        self._connection.execute("ANALYZE")
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            self._connection.close()

    def _begin(self) -> None:
        self._next_keys.clear()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._connection.close()
            raise CatalogueError(f"Another process is writing the catalogue: {error}.") from None


class Catalogue:
    """The catalogue at `path`, read-only.

    Open it in the process that uses it (after a fork, not before). Raises `CatalogueError` if the file is
    absent or is not a catalogue of this version. `connection` is for the modules of the hospital.
    """

    def __init__(self, path: Path | str) -> None:
        uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
        try:
            self.connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self.connection.execute("PRAGMA query_only = 1")
            self.connection.execute(f"PRAGMA cache_size = -{READ_CACHE_KIB}")
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise CatalogueError(f"{path} can't be read: {error}.") from None
        if version != SCHEMA_VERSION:
            self.connection.close()
            raise CatalogueError(
                f"{path} is a catalogue of version {version}, not {SCHEMA_VERSION}: move it away, make the hospital "
                "anew with `dicomhawk hospital build`, and import again what was imported."
            )

    def close(self) -> None:
        """Close the connection; queries still running end with an error."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def info(self, key: str) -> str | None:
        """A property of the whole hospital, as `CatalogueWriter.set_info` left it."""
        found = self.connection.execute("SELECT value FROM info WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def data_version(self) -> int:
        """A number that changes when another connection has changed the file."""
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def count(self, row_class: type[Row], *, now: float | None = None) -> int:
        """Number of rows of a class; with `now`, of those that are visible then."""
        sql = f"SELECT count(*) FROM {TABLES[row_class]}"  # noqa: S608 - a name of ours
        values: tuple[float, ...] = ()
        if now is not None and row_class is not Device:
            sql, values = sql + " WHERE visible_from <= ?", (now,)
        (number,) = self.connection.execute(sql, values).fetchone()
        return int(number)

    def key_of(self, row_class: type[Row], natural_key: str) -> int | None:
        """The primary key of the row with this UID, Patient ID, AE title or step ID; None: there is none."""
        return _key_of(self.connection, row_class, natural_key)

    def devices(self) -> list[Device]:
        """All devices, in the order of their keys."""
        return self._rows(Device, "1 ORDER BY device_key")

    def device_by_ae(self, ae_title: str) -> Device | None:
        """The device with this AE title (no padding; case counts)."""
        return self._row(Device, "ae_title", ae_title)

    def device(self, device_key: int) -> Device | None:
        """The device with this key."""
        return self._row(Device, "device_key", device_key)

    def patient(self, patient_key: int) -> Patient | None:
        """The patient with this key."""
        return self._row(Patient, "patient_key", patient_key)

    def study(self, study_key: int) -> Study | None:
        """The study with this key."""
        return self._row(Study, "study_key", study_key)

    def series(self, series_key: int) -> Series | None:
        """The series with this key."""
        return self._row(Series, "series_key", series_key)

    def instance(self, instance_key: int) -> Instance | None:
        """The instance with this key."""
        return self._row(Instance, "instance_key", instance_key)

    def instances(self, series_key: int) -> list[Instance]:
        """The instances of a series, visible or not yet, in the order of their numbers."""
        return self._rows(Instance, "series_key = ? ORDER BY instance_number, instance_key", series_key)

    def _row(self, row_class: type[R], column: str, value: int | str) -> R | None:
        return next(iter(self._rows(row_class, f"{column} = ? LIMIT 1", value)), None)

    def _rows(self, row_class: type[R], where: str, *values: int | str) -> list[R]:
        names = schema.columns(row_class)
        selected = ", ".join(f'"{name}"' for name in names)
        sql = f"SELECT {selected} FROM {TABLES[row_class]} WHERE {where}"  # noqa: S608 - names of ours
        rows = self.connection.execute(sql, values).fetchall()
        return [row_class(**dict(zip(names, row, strict=True))) for row in rows]


def _key_of(connection: sqlite3.Connection, row_class: type[Row], natural_key: str) -> int | None:
    found = connection.execute(
        f"SELECT {schema.columns(row_class)[0]} FROM {TABLES[row_class]} "  # noqa: S608 - names of ours
        f"WHERE {NATURAL_KEYS[row_class]} = ? LIMIT 1",
        (natural_key,),
    ).fetchone()
    return found[0] if found else None
