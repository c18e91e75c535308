"""The hospital as one visitor sees it, where what it stored makes a difference.

An overlay is a temporary catalogue with the visitor's uploads and, if these belong to patients of the hospital,
with everything about these patients. A query asks the hospital's catalogue for all other patients and the
overlay for these, so that counts and matches are right without the two ever being joined.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from dicomhawk.hospital import schema
from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.heads import Described
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study
from dicomhawk.hospital.schema import INSERTS, TABLES, Row

CACHE_KIB: Final = 1024
"""Page cache of an overlay; what goes beyond is in a temporary file."""

# What the rows must have and an object may lack.
_PATIENT_DEFAULTS: Final = {"patient_id": "", "issuer": None, "name": "", "birth_date": "", "sex": ""}
_STUDY_DEFAULTS: Final = dict.fromkeys(
    ("study_uid", "study_date", "study_time", "accession_number", "study_id", "referring_physician", "description"),
    "",
)
_SERIES_DEFAULTS: Final = {"series_uid": "", "modality": "", "series_number": None, "description": None}

_CLOSURE: Final[tuple[tuple[type[Row], str], ...]] = (
    (Patient, "patient_key = ?1"),
    (Study, "patient_key = ?1"),
    (Series, "study_key IN (SELECT study_key FROM study WHERE patient_key = ?1)"),
    (
        Instance,
        "series_key IN (SELECT series_key FROM series JOIN study USING (study_key) WHERE patient_key = ?1)",
    ),
)

_ABOVE: Final = (
    ("instance", "series", "study_key"),
    ("series", "study", "patient_key"),
    ("study", "patient", "patient_key"),
)


class Overlay:
    """The uploads given to `extend` over `catalogue`.

    `connection` has the shape of a catalogue; rows from uploads have negative keys, and those of instances are
    the negated keys of the uploads. `patients`: keys of the patients of `catalogue` that are complete here.
    `newest`: the largest key of an upload seen.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.patients: set[int] = set()
        self.newest = 0
        self._catalogue = catalogue
        self._version = catalogue.data_version()
        self._next_key = -1
        for pragma in (f"cache_size = -{CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF"):
            self.connection.execute(f"PRAGMA {pragma}")
        for statement in schema.statements(unique=False):
            self.connection.execute(statement)
        self._copy(Device, "1")

    def is_of(self, catalogue: Catalogue) -> bool:
        """Whether this is over `catalogue` as it is now."""
        return catalogue is self._catalogue and catalogue.data_version() == self._version

    def extend(self, uploads: Iterable[tuple[Any, ...]]) -> None:
        """Take in uploads: key, SOP Instance and Class UID, transfer syntax, path, size, description (JSON)."""
        self.connection.execute("BEGIN")
        try:
            for key, sop_uid, sop_class_uid, transfer_syntax_uid, path, size, description in uploads:
                described = msgspec.json.decode(description, type=Described)
                series_key = self._series(described)
                emptied = self._remove(sop_uid)
                fields: dict[str, Any] = described[Level.IMAGE.name] | {
                    "instance_key": -key,
                    "series_key": series_key,
                    "sop_uid": sop_uid,
                    "sop_class_uid": sop_class_uid,
                    "transfer_syntax_uid": transfer_syntax_uid,
                    "path": path,
                    "size": size,
                }
                self._insert(Instance(**({"instance_number": None} | fields)))
                if emptied is not None:
                    self._prune(emptied)
                self.newest = key
        finally:
            self.connection.execute("COMMIT")

    def _series(self, described: Described) -> int:
        """Key of the series that an upload belongs to."""
        study_key = self._study(described)
        fields: dict[str, Any] = _SERIES_DEFAULTS | described[Level.SERIES.name]
        found = self.connection.execute(
            "SELECT series_key FROM series WHERE series_uid = ? AND study_key = ?", (fields["series_uid"], study_key)
        ).fetchone()
        if found is not None:
            return int(found[0])
        series = Series(series_key=self._new_key(), study_key=study_key, **fields)
        self._insert(series)
        return series.series_key

    def _study(self, described: Described) -> int:
        """Key of the study with the upload's UID, whosever it is; else of a new one."""
        fields: dict[str, Any] = _STUDY_DEFAULTS | described[Level.STUDY.name]
        found = self._known("study", "study_uid", fields["study_uid"])
        if found is not None:
            return found
        study = Study(study_key=self._new_key(), patient_key=self._patient(described), **fields)
        self._insert(study)
        return study.study_key

    def _patient(self, described: Described) -> int:
        """Key of the patient with the upload's Patient ID; else of a new one."""
        fields: dict[str, Any] = _PATIENT_DEFAULTS | described[Level.PATIENT.name]
        found = self._known("patient", "patient_id", fields["patient_id"])
        if found is not None:
            return found
        patient = Patient(patient_key=self._new_key(), **fields)
        self._insert(patient)
        return patient.patient_key

    def _known(self, table: str, column: str, value: str) -> int | None:
        """Primary key of the row with this value, here or in the hospital; its patient is complete then."""
        sql = f"SELECT {table}_key, patient_key FROM {table} WHERE {column} = ? ORDER BY 1 LIMIT 1"  # noqa: S608
        found = self.connection.execute(sql, (value,)).fetchone()
        if found is None and value:
            found = self._catalogue.connection.execute(sql, (value,)).fetchone()
            if found is not None:
                self._take_in(found[1])
        return found[0] if found is not None else None

    def _take_in(self, patient_key: int) -> None:
        if patient_key not in self.patients:
            self.patients.add(patient_key)
            for row_class, where in _CLOSURE:
                self._copy(row_class, where, patient_key)

    def _copy(self, row_class: type[Row], where: str, *values: int) -> None:
        table = TABLES[row_class]
        rows = self._catalogue.connection.execute(f"SELECT * FROM {table} WHERE {where}", values)  # noqa: S608
        marks = ", ".join("?" * len(rows.description))
        self.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names of ours

    def _insert(self, row: Row) -> None:
        insert, values = INSERTS[type(row)]
        self.connection.execute(insert, values(row))

    def _remove(self, sop_uid: str) -> int | None:
        """Take out the instance with this UID; the key of the series that it was in."""
        execute = self.connection.execute
        found = execute("SELECT instance_key, series_key FROM instance WHERE sop_uid = ?", (sop_uid,)).fetchone()
        if found is None:
            return None
        execute("DELETE FROM instance WHERE instance_key = ?", found[:1])
        return int(found[1])

    def _prune(self, key: int) -> None:
        """Take out the series with this key if it is empty, and what is empty without it."""
        execute = self.connection.execute
        for child, parent, above in _ABOVE:
            if execute(f"SELECT 1 FROM {child} WHERE {parent}_key = ? LIMIT 1", (key,)).fetchone():  # noqa: S608
                return
            (above_key,) = execute(f"SELECT {above} FROM {parent} WHERE {parent}_key = ?", (key,)).fetchone()  # noqa: S608
            execute(f"DELETE FROM {parent} WHERE {parent}_key = ?", (key,))  # noqa: S608 - names of ours
            key = above_key

    def _new_key(self) -> int:
        self._next_key -= 1
        return self._next_key
