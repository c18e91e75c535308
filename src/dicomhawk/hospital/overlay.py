"""Where a visitor's uploads and the hospital know the same patient or study, or it deleted some of the hospital's.

Such patients are put together in a temporary catalogue: everything that the hospital has of them and the visitor
didn't delete, and what the visitor stored for them. A query asks it for these patients, and the hospital's
catalogue and the file of uploads for all others, so that counts and matches are right without the two ever being
joined.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from dicomhawk.hospital import deletions, schema
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study
from dicomhawk.hospital.schema import TABLES, Row

UPLOAD_KEYS: Final = 1 << 40
"""Added to the keys of uploads' rows in an overlay: more than any key of a hospital's rows."""

CACHE_KIB: Final = 4096
"""Page cache of an overlay; what goes beyond is in a temporary file."""

_OF_HOSPITAL: Final[tuple[tuple[type[Row], str], ...]] = (
    (Patient, "patient_key = ?1"),
    (Study, "patient_key = ?1"),
    (Series, "study_key IN (SELECT study_key FROM study WHERE patient_key = ?1)"),
    (Instance, "series_key IN (SELECT series_key FROM series JOIN study USING (study_key) WHERE patient_key = ?1)"),
)

_CLASSES: Final[tuple[type[Row], ...]] = (Patient, Study, Series, Instance)
_COLUMNS: Final = {row_class: schema.all_columns(row_class) for row_class in _CLASSES}
_UIDS: Final = ("study_uid", "series_uid", "sop_uid")
_UPLOADED: Final = (
    "SELECT "  # noqa: S608 - names of ours
    + ", ".join(f'{TABLES[row_class]}."{name}"' for row_class in _CLASSES for name in _COLUMNS[row_class])
    + " FROM instance JOIN series USING (series_key) JOIN study USING (study_key) JOIN patient USING (patient_key)"
    " WHERE instance.visitor = :visitor AND instance.instance_key > :after"
    " AND patient_key IN (SELECT value FROM json_each(:patients)) ORDER BY instance_key"
)


class Overlay:
    """The uploads of `visitor` in the file behind `uploads` over `catalogue`.

    `patients`: keys of the hospital's patients that are put together here, `touched`: those of the uploads'.
    `connection` is the temporary catalogue; None as long as there are no such patients. Its rows from uploads
    have their keys there plus `UPLOAD_KEYS`.
    """

    def __init__(self, catalogue: Catalogue, uploads: sqlite3.Connection, visitor: str, replaced: int) -> None:
        self.connection: sqlite3.Connection | None = None
        self.patients: set[int] = set()
        self.touched: set[int] = set()
        self.replaced = replaced
        self._catalogue = catalogue
        self._uploads = uploads
        self._visitor = visitor
        self._version = catalogue.data_version()
        self._seen = {Patient: 0, Study: 0}
        self._newest = 0
        self._deleted = 0
        self._keys: dict[tuple[type[Row], int], int] = {}

    def is_of(self, catalogue: Catalogue) -> bool:
        """Whether this is over `catalogue` as it is now."""
        return catalogue is self._catalogue and catalogue.data_version() == self._version

    def extend(self, newest: int) -> None:
        """Take in deletions, and uploads up to the one with key `newest`. Raises `sqlite3.Error`."""
        for deletion in deletions.after(self._uploads, self._visitor, self._deleted):
            self._leave_out(deletion.ids)
            self._deleted = deletion.key
        if newest == self._newest:
            return
        touched_now = self._touched_by_new_rows() - self.touched
        if self.connection is None and touched_now:
            self.connection = self._create()
        if self.touched:
            self._merge(self.touched, self._newest)
        if touched_now:
            self._merge(touched_now, 0)
        self.touched |= touched_now
        self._newest = newest

    def _touched_by_new_rows(self) -> set[int]:
        """Keys of uploaded patients that the hospital knows, or has a study of, going by rows not seen before."""
        touched: set[int] = set()
        for row_class, column in ((Patient, "patient_id"), (Study, "study_uid")):
            table = TABLES[row_class]
            rows = self._uploads.execute(
                f"SELECT {table}_key, patient_key, {column} FROM {table} "  # noqa: S608 - names of ours
                f"WHERE visitor = ? AND {table}_key > ? ORDER BY 1",
                (self._visitor, self._seen[row_class]),
            ).fetchall()
            for key, patient_key, value in rows:
                if value and self._in_hospital(row_class, column, value) is not None:
                    touched.add(patient_key)
                self._seen[row_class] = key
        return touched

    def _in_hospital(self, row_class: type[Row], column: str, value: str) -> tuple[int, int] | None:
        """Keys of the hospital's row with this value and of its patient."""
        table = TABLES[row_class]
        found: tuple[int, int] | None = self._catalogue.connection.execute(
            f"SELECT {table}_key, patient_key FROM {table} WHERE {column} = ? LIMIT 1",  # noqa: S608 - names of ours
            (value,),
        ).fetchone()
        return found

    def _leave_out(self, ids: tuple[str, ...]) -> None:
        """Leave out what the hospital has under these identifiers."""
        sql = "SELECT patient_key FROM patient WHERE patient_id = ?"
        for (key,) in self._catalogue.connection.execute(sql, ids[:1]).fetchall():
            if key not in self.patients and len(ids) == 1:
                self.patients.add(key)
                continue
            if self.connection is None:
                self.connection = self._create()
            self._complete(self.connection, key)
            self._remove(self.connection, key, ids[1:])

    def _remove(self, connection: sqlite3.Connection, patient_key: int, uids: tuple[str, ...]) -> None:
        terms = "".join(f" AND {column} = ?" for column, _ in zip(_UIDS, uids, strict=False))
        found = connection.execute(
            "SELECT instance_key, series_key FROM study JOIN series USING (study_key) "  # noqa: S608 - names of ours
            f"JOIN instance USING (series_key) WHERE patient_key = ? AND instance_key < ?{terms}",
            (patient_key, UPLOAD_KEYS, *uids),
        ).fetchall()
        connection.executemany("DELETE FROM instance WHERE instance_key = ?", [row[:1] for row in found])
        for series_key in {row[1] for row in found}:
            schema.prune(connection, series_key)

    def _create(self) -> sqlite3.Connection:
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        schema.create(connection, schema.Kind.OVERLAY)
        self._copy(connection, Device, "1")
        return connection

    def _merge(self, patients: set[int], after: int) -> None:
        """Put in the uploads of these uploaded patients with keys greater than `after`."""
        connection = self.connection
        assert connection is not None
        parameters = {"visitor": self._visitor, "after": after, "patients": json.dumps(list(patients))}
        connection.execute("BEGIN")
        try:
            for row in self._uploads.execute(_UPLOADED, parameters).fetchall():
                self._put(connection, _divided(row))
        finally:
            connection.execute("COMMIT")

    def _put(self, connection: sqlite3.Connection, rows: dict[type[Row], dict[str, Any]]) -> None:
        instance = rows[Instance]
        series_key = self._key(connection, Series, rows)
        connection.execute("DELETE FROM instance WHERE sop_uid = ?", (instance["sop_uid"],))
        self._insert(connection, Instance, instance | {"series_key": series_key})

    def _key(
        self, connection: sqlite3.Connection, row_class: type[Row], rows: dict[type[Row], dict[str, Any]]
    ) -> int:
        """The key here of an uploaded series, study or patient: the hospital's, if it has that, or a new row's."""
        row = rows[row_class]
        identity = (row_class, row[f"{TABLES[row_class]}_key"])
        found = self._keys.get(identity)
        if found is None:
            if row_class is Series:
                found = self._series_key(connection, rows)
            elif row_class is Study:
                found = self._known(connection, Study, "study_uid", row["study_uid"])
                if found is None:
                    patient_key = self._key(connection, Patient, rows)
                    found = self._insert(connection, Study, row | {"patient_key": patient_key})
            else:
                found = self._known(connection, Patient, "patient_id", row["patient_id"])
                if found is None:
                    found = self._insert(connection, Patient, row)
            self._keys[identity] = found
        return found

    def _series_key(self, connection: sqlite3.Connection, rows: dict[type[Row], dict[str, Any]]) -> int:
        study_key = self._key(connection, Study, rows)
        found = connection.execute(
            "SELECT series_key FROM series WHERE study_key = ? AND series_uid = ?",
            (study_key, rows[Series]["series_uid"]),
        ).fetchone()
        return found[0] if found else self._insert(connection, Series, rows[Series] | {"study_key": study_key})

    def _known(self, connection: sqlite3.Connection, row_class: type[Row], column: str, value: str) -> int | None:
        """Key of the hospital's row with this value, if it isn't deleted; its patient is complete here, then."""
        found = self._in_hospital(row_class, column, value) if value else None
        if found is None:
            return None
        key, patient_key = found
        self._complete(connection, patient_key)
        table = TABLES[row_class]
        there = connection.execute(f"SELECT 1 FROM {table} WHERE {table}_key = ?", (key,))  # noqa: S608 - names of ours
        return key if there.fetchone() else None

    def _complete(self, connection: sqlite3.Connection, patient_key: int) -> None:
        if patient_key not in self.patients:
            self.patients.add(patient_key)
            for other, where in _OF_HOSPITAL:
                self._copy(connection, other, where, patient_key)

    def _copy(self, connection: sqlite3.Connection, row_class: type[Row], where: str, *values: int) -> None:
        table = TABLES[row_class]
        names = ", ".join(f'"{name}"' for name in schema.all_columns(row_class))
        rows = self._catalogue.connection.execute(f"SELECT {names} FROM {table} WHERE {where}", values)  # noqa: S608
        connection.executemany(schema.OVERLAY_INSERTS[row_class], rows)

    def _insert(self, connection: sqlite3.Connection, row_class: type[Row], row: dict[str, Any]) -> int:
        first, *others = row.values()
        key: int = first + UPLOAD_KEYS
        connection.execute(schema.OVERLAY_INSERTS[row_class], (key, *others))
        return key


def _divided(row: tuple[Any, ...]) -> dict[type[Row], dict[str, Any]]:
    """A row of `_UPLOADED` by class and column."""
    values = iter(row)
    return {row_class: {name: next(values) for name in names} for row_class, names in _COLUMNS.items()}
