"""The catalogue's tables: one for each class of `rows`, with a column for each of its fields."""

from __future__ import annotations

import sqlite3
import typing
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from operator import attrgetter
from typing import Any

from dicomhawk.hospital.digests import place
from dicomhawk.hospital.names import folded_groups
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study

Row = Device | Patient | Study | Series | Instance | ScheduledStep

SCHEMA_VERSION = 2
"""``PRAGMA user_version`` of a catalogue of this shape."""

TABLES: dict[type[Row], str] = {
    Device: "device",
    Patient: "patient",
    Study: "study",
    Series: "series",
    Instance: "instance",
    ScheduledStep: "scheduled_step",
}

NATURAL_KEYS: dict[type[Row], str] = {
    Device: "ae_title",
    Patient: "patient_id",
    Study: "study_uid",
    Series: "series_uid",
    Instance: "sop_uid",
    ScheduledStep: "step_id",
}
"""The column by which the world outside knows a row."""

NAME_COLUMNS = ("name_alphabetic", "name_ideographic", "name_phonetic")
"""Columns of ``patient`` beside its fields: the folded component groups of the name; NULL where empty."""

_SQL_TYPES = {int: "INTEGER", str: "TEXT", float: "REAL"}

PLACE = "place"
"""Column of a catalogue's patients, studies and series: their place in the order of digests."""

_IDS = {
    Patient: "?2",
    Study: "(SELECT p.patient_id FROM patient p WHERE p.patient_key = ?2) || '|' || ?3",
    Series: "(SELECT p.patient_id || '|' || t.study_uid FROM study t JOIN patient p ON p.patient_key = t.patient_key "
    "WHERE t.study_key = ?2) || '|' || ?3",
}
"""Identifiers from the patient down, by the parameters of the statement that adds a row."""

# What is asked for in the order of digests has its place in the indexes that narrow, too: the rows of a day or a
# family name are put in that order without being looked at.
_OF_CATALOGUE = (
    "CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE UNIQUE INDEX study_by_uid ON study (study_uid)",
    "CREATE UNIQUE INDEX series_by_uid ON series (series_uid)",
    "CREATE UNIQUE INDEX instance_by_uid ON instance (sop_uid)",
    "CREATE INDEX patient_by_place ON patient (place)",
    "CREATE INDEX patient_by_id ON patient (patient_id, place)",
    "CREATE INDEX patient_by_birth_date ON patient (birth_date, place)",
    "CREATE INDEX patient_by_name_alphabetic ON patient (name_alphabetic, place)",
    "CREATE INDEX study_by_place ON study (place)",
    "CREATE INDEX study_by_patient ON study (patient_key, visible_from, place)",
    "CREATE INDEX study_by_date ON study (study_date, place)",
    "CREATE INDEX study_by_accession_number ON study (accession_number, place)",
    "CREATE INDEX study_by_study_id ON study (study_id, place)",
    "CREATE INDEX study_by_visible_from ON study (visible_from)",
    "CREATE INDEX series_by_place ON series (place)",
    "CREATE INDEX series_by_study ON series (study_key, visible_from, modality, place)",
    "CREATE INDEX device_by_ae_title ON device (ae_title)",
    "CREATE INDEX step_by_patient ON scheduled_step (patient_key)",
    "CREATE INDEX step_by_start_date ON scheduled_step (start_date)",
    "CREATE INDEX step_by_station ON scheduled_step (station_ae, start_date)",
    "CREATE INDEX step_by_accession_number ON scheduled_step (accession_number)",
    "CREATE INDEX step_by_study ON scheduled_step (study_uid)",
)

_OF_ALL = (
    "CREATE INDEX patient_by_name_ideographic ON patient (name_ideographic) WHERE name_ideographic IS NOT NULL",
    "CREATE INDEX patient_by_name_phonetic ON patient (name_phonetic) WHERE name_phonetic IS NOT NULL",
    # The moment of visibility is in the indexes by parent so that counting never touches the table.
    "CREATE INDEX instance_by_series ON instance (series_key, visible_from, sop_class_uid)",
)

_OF_OTHERS = (
    "CREATE INDEX patient_by_name_alphabetic ON patient (name_alphabetic)",
    "CREATE INDEX study_by_patient ON study (patient_key, visible_from)",
    "CREATE INDEX series_by_study ON series (study_key, visible_from, modality)",
)
"""Of databases that aren't the hospital's, and have no places."""

_OF_OVERLAY = (
    *_OF_OTHERS,
    "CREATE INDEX patient_by_id ON patient (patient_id)",
    "CREATE INDEX study_by_uid ON study (study_uid)",
    "CREATE INDEX series_by_uid ON series (series_uid, study_key)",
    "CREATE INDEX instance_by_uid ON instance (sop_uid)",
)

_OF_UPLOADS = (
    *_OF_OTHERS,
    "CREATE TABLE visitor (visitor TEXT PRIMARY KEY, objects INTEGER NOT NULL, newest INTEGER NOT NULL, "
    "replaced INTEGER NOT NULL) WITHOUT ROWID",
    # In the order of keys, so that what is new is found; what narrows more comes before the visitor.
    "CREATE INDEX patient_by_visitor ON patient (visitor)",
    "CREATE INDEX study_by_visitor ON study (visitor)",
    "CREATE INDEX patient_by_id ON patient (patient_id, visitor)",
    "CREATE INDEX study_by_uid ON study (study_uid, visitor)",
    "CREATE INDEX series_by_uid ON series (series_uid, study_key)",
    "CREATE INDEX instance_by_uid ON instance (sop_uid, visitor)",
)

_DURABLE = (
    "PRAGMA journal_mode = WAL",
    # With WAL, NORMAL loses nothing when a process is killed; only a power cut can cost the last commits.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = 1",
)
_PASSING = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF")

_BULK = (*_PASSING, f"PRAGMA cache_size = -{64 * 1024}")

_PARENTS = (
    ("instance", "series", "study_key"),
    ("series", "study", "patient_key"),
    ("study", "patient", "patient_key"),
)


class Kind(Enum):
    """Databases with these tables."""

    CATALOGUE = "a catalogue"
    UPLOADS = "uploads"  # rows also have a column ``visitor``; a UID may be there for each, and more than once
    OVERLAY = "an overlay"  # temporary; with few indexes, and UIDs may be there several times


_VERSIONS = {Kind.CATALOGUE: SCHEMA_VERSION, Kind.UPLOADS: 1, Kind.OVERLAY: 1}
_STATEMENTS = {Kind.CATALOGUE: _OF_CATALOGUE, Kind.UPLOADS: _OF_UPLOADS, Kind.OVERLAY: _OF_OVERLAY}


def _statements(kind: Kind) -> list[str]:
    return [*_STATEMENTS[kind], *_OF_ALL]


def _is_index(statement: str) -> bool:
    return statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))


def columns(row_class: type[Row]) -> tuple[str, ...]:
    """Names of the columns that are fields of `row_class`, in their order; the first is the primary key."""
    return tuple(field.name for field in fields(row_class))


def all_columns(row_class: type[Row]) -> tuple[str, ...]:
    """`columns` and, of patients, those derived from the name."""
    return columns(row_class) + (NAME_COLUMNS if row_class is Patient else ())


def create(connection: sqlite3.Connection, kind: Kind, *, bulk: bool = False) -> None:
    """Set up `connection`, and make the tables if its database is empty. Raises `sqlite3.Error`.

    `bulk`: the database is new, nobody reads it yet, and if anything goes wrong it is thrown away. Call `finish`
    when all rows are in it.
    """
    for pragma in _BULK if bulk else _PASSING if kind is Kind.OVERLAY else _DURABLE:
        connection.execute(pragma)
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for row_class in TABLES:
            connection.execute(_create(row_class, kind))
        for statement in _statements(kind):
            if not (bulk and _is_index(statement)):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSIONS[kind]}")
    connection.execute("COMMIT")
    if version not in (0, _VERSIONS[kind]):
        raise sqlite3.DatabaseError(f"{kind.value} of version {version}, not {_VERSIONS[kind]}")
    if kind is Kind.CATALOGUE:
        connection.create_function(PLACE, 1, place, deterministic=True)


def finish(connection: sqlite3.Connection, kind: Kind) -> None:
    """Make the indexes of a database that was created in bulk; sorting is faster than inserting, and packs tighter.

    Raises `sqlite3.IntegrityError` if a value that must be there once is there twice.
    """
    for statement in filter(_is_index, _statements(kind)):
        connection.execute(statement)
    for pragma in _DURABLE:
        connection.execute(pragma)


def prune(connection: sqlite3.Connection, series_key: int) -> None:
    """Take out the series with this key if it has no instance, and what is empty without it."""
    key = series_key
    for child, parent, above in _PARENTS:
        # The names are ours.
        if connection.execute(f"SELECT 1 FROM {child} WHERE {parent}_key = ? LIMIT 1", (key,)).fetchone():  # noqa: S608
            return
        found = connection.execute(f"SELECT {above} FROM {parent} WHERE {parent}_key = ?", (key,)).fetchone()  # noqa: S608
        connection.execute(f"DELETE FROM {parent} WHERE {parent}_key = ?", (key,))  # noqa: S608
        if found is None:
            return
        key = found[0]


def _create(row_class: type[Row], kind: Kind) -> str:
    primary_keys = {columns(other)[0]: name for other, name in TABLES.items()}
    hints = typing.get_type_hints(row_class)
    definitions = []
    for number, name in enumerate(columns(row_class)):
        kinds = [kind for kind in typing.get_args(hints[name]) or (hints[name],) if kind is not type(None)]
        optional = type(None) in typing.get_args(hints[name])
        definition = f'"{name}" {_SQL_TYPES[kinds[0]]}{"" if optional else " NOT NULL"}'
        if number == 0:
            definition += " PRIMARY KEY"
        elif name in primary_keys:
            definition += f" REFERENCES {primary_keys[name]}"
        definitions.append(definition)
    if row_class is Patient:
        definitions += [f"{name} TEXT" for name in NAME_COLUMNS]
    if kind is Kind.UPLOADS:
        definitions.append("visitor TEXT")
    if kind is Kind.CATALOGUE and row_class in _IDS:
        definitions.append(f"{PLACE} INTEGER")
    return f"CREATE TABLE {TABLES[row_class]} ({', '.join(definitions)})"


def _values(row_class: type[Row]) -> Callable[[Any], tuple[Any, ...]]:
    of_fields: Callable[[Any], tuple[Any, ...]] = attrgetter(*columns(row_class))
    if row_class is not Patient:
        return of_fields
    return lambda row: (*of_fields(row), *(group or None for group in folded_groups(row.name)))


def _insert(
    row_class: type[Row], *more: str, computed: str | None = None
) -> tuple[str, Callable[[Any], tuple[Any, ...]]]:
    names = all_columns(row_class) + more
    marks = ["?"] * len(names)
    if computed is not None:
        names, marks = (*names, PLACE), [*marks, f"{PLACE}({computed})"]
    quoted = ", ".join(f'"{name}"' for name in names)
    sql = f"INSERT INTO {TABLES[row_class]} ({quoted}) VALUES ({', '.join(marks)})"  # noqa: S608 - names of ours
    return sql, _values(row_class)


INSERTS = {row_class: _insert(row_class, computed=_IDS.get(row_class)) for row_class in TABLES}
"""For each class, the statement that adds a row to a catalogue and the function from a row to its values."""

OVERLAY_INSERTS = {row_class: _insert(row_class)[0] for row_class in TABLES}
"""The statements for an overlay, with the values of `all_columns`."""

VISITOR_INSERTS = {row_class: _insert(row_class, "visitor") for row_class in TABLES}
"""The same as the first for uploads; the visitor is the last value of the statement, and not in the function's."""
