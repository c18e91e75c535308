"""The catalogue's tables: one for each class of `rows`, with a column for each of its fields."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from dicomhawk.hospital.names import folded_groups
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study

Row = Device | Patient | Study | Series | Instance | ScheduledStep

SCHEMA_VERSION = 1
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

_UNIQUE = (
    "study_by_uid ON study (study_uid)",
    "series_by_uid ON series (series_uid)",
    "instance_by_uid ON instance (sop_uid)",
)

_SQL_TYPES = {int: "INTEGER", str: "TEXT", float: "REAL"}

_INDEXES = (
    # The moment of visibility is in the indexes by parent so that counting never touches the table.
    "patient_by_id ON patient (patient_id)",
    "patient_by_name_alphabetic ON patient (name_alphabetic)",
    "patient_by_name_ideographic ON patient (name_ideographic) WHERE name_ideographic IS NOT NULL",
    "patient_by_name_phonetic ON patient (name_phonetic) WHERE name_phonetic IS NOT NULL",
    "patient_by_birth_date ON patient (birth_date)",
    "study_by_patient ON study (patient_key, visible_from)",
    "study_by_date ON study (study_date)",
    "study_by_accession_number ON study (accession_number)",
    "study_by_study_id ON study (study_id)",
    "study_by_visible_from ON study (visible_from)",
    "series_by_study ON series (study_key, visible_from, modality)",
    "instance_by_series ON instance (series_key, visible_from, sop_class_uid)",
    "device_by_ae_title ON device (ae_title)",
    "step_by_patient ON scheduled_step (patient_key)",
    "step_by_start_date ON scheduled_step (start_date)",
    "step_by_station ON scheduled_step (station_ae, start_date)",
    "step_by_accession_number ON scheduled_step (accession_number)",
    "step_by_study ON scheduled_step (study_uid)",
)


def columns(row_class: type[Row]) -> tuple[str, ...]:
    """Names of the columns that are fields of `row_class`, in their order; the first is the primary key."""
    return tuple(field.name for field in fields(row_class))


def statements(*, unique: bool = True) -> list[str]:
    """The SQL statements that make an empty catalogue; `unique`: in which a UID can be there only once."""
    made = ["CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"]
    made += [_create(row_class, table) for row_class, table in TABLES.items()]
    made += [f"CREATE {'UNIQUE ' if unique else ''}INDEX {index}" for index in _UNIQUE]
    made += [f"CREATE INDEX {index}" for index in _INDEXES]
    made.append(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return made


def _create(row_class: type[Row], table: str) -> str:
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
    return f"CREATE TABLE {table} ({', '.join(definitions)})"


def _insert(row_class: type[Row]) -> tuple[str, Callable[[Any], tuple[Any, ...]]]:
    names = columns(row_class)
    values: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
    if row_class is Patient:
        fields = values

        def values(row: Any) -> tuple[Any, ...]:
            return (*fields(row), *(group or None for group in folded_groups(row.name)))

        names += NAME_COLUMNS
    quoted = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {TABLES[row_class]} ({quoted}) VALUES ({marks})", values  # noqa: S608 - names of ours


INSERTS = {row_class: _insert(row_class) for row_class in TABLES}
"""For each class, the statement that adds a row and the function from a row to the statement's values."""
