"""What visitors stored: each sees its own objects in the hospital, and nobody else's.

One SQLite file in WAL mode, written by all workers, with the tables of a catalogue; a row also says whose it
is. A visitor's query asks the hospital's catalogue, this file for the visitor's rows and, where both know the
same patient or study, an `Overlay` of the two.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from dicomhawk.hospital import deletions, schema
from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.heads import MAX_UID, Described, describe
from dicomhawk.hospital.overlay import Overlay
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from dicomhawk.hospital.schema import TABLES, Row

PATIENCE: Final = 5.0
"""Seconds that a worker waits while others write; one write takes a fraction of a millisecond."""

MAX_OBJECTS: Final = 100_000
"""Objects of one visitor; then it sees a full archive. Some 100 MB of index, and years of a small hospital."""

MAX_OVERLAYS: Final = 64
"""Visitors with objects that one process is ready for at once; each may cost it some 4 MiB."""

# What the rows must have and an object may lack.
_PATIENT: Final = {"patient_id": "", "issuer": None, "name": "", "birth_date": "", "sex": ""}
_STUDY: Final = dict.fromkeys(
    ("study_uid", "study_date", "study_time", "accession_number", "study_id", "referring_physician", "description"),
    "",
)
_SERIES: Final = {"series_uid": "", "modality": "", "series_number": None, "description": None}
_INSTANCE: Final = {"instance_number": None}


Same: TypeAlias = Literal["uid", "path", "uid-in-known-study"]
"""Which objects are the same: those with one SOP Instance UID; those with the same identifiers from the patient down;
or those with one SOP Instance UID, unless the new one begins a study. But for the first, each patient has studies of
its own, whatever their UIDs."""


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

    Raises `UploadsError`. `connection` is for the modules of the hospital.
    """

    def __init__(self, path: Path | str) -> None:
        self._overlays: OrderedDict[str, Overlay] = OrderedDict()
        self._path = path
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            schema.create(self.connection, schema.Kind.UPLOADS)
            self.connection.execute(deletions.TABLE)
        except (OSError, sqlite3.Error) as error:
            raise UploadsError(f"{path} can't be opened: {error}.") from None

    def close(self) -> None:
        """Close the file. What was added is safe without it."""
        self.connection.close()

    def reader(self) -> sqlite3.Connection:
        """A connection for one query, closed with it. Raises `sqlite3.Error`.

        An answer that a visitor leaves unread would keep `connection` at the moment when it began, where it can
        neither see what was stored since nor, once another process has written, store anything.
        """
        return sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)

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
        same: Same = "uid",
    ) -> AddOutcome:
        """Remember an object that `visitor` stored at `now`; when this returns, it survives a killed process.

        `head` is the decoded first part of its data set. `path` says where the bytes are, relative to the
        caller's folder, and is the same for the same bytes. Of two objects that are the same (see `Same`) the last
        one counts, and takes the place of the other, or without `overwrite` the first. Raises `UploadsError`.
        """
        described = describe(head)
        described[Level.IMAGE.name] |= {
            "sop_uid": sop_uid[:MAX_UID],
            "sop_class_uid": sop_class_uid[:MAX_UID],
            "transfer_syntax_uid": transfer_syntax_uid[:MAX_UID],
            "path": path,
            "size": size,
        }
        with self._writing("An upload"):
            return self._add(visitor, described, now, overwrite, same)

    def delete(self, visitor: str, catalogue: Catalogue, ids: Sequence[str], uploaded: Sequence[int]) -> bool:
        """Let something be gone for `visitor`: what has these identifiers from the patient's down, and its own
        objects with the keys `uploaded`; False if it has deleted as much of the hospital's as it may. Raises
        `UploadsError`.
        """
        with self._writing("A deletion"):
            deletions.take_out(self.connection, visitor, uploaded)
            return deletions.note(self.connection, catalogue, visitor, ids)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise UploadsError(f"{what} can't be remembered: {error}.") from error

    def overlay(self, visitor: str, catalogue: Catalogue) -> Overlay | None:
        """Where the uploads of `visitor` touch `catalogue`; None if it has no uploads and deleted nothing.
        Raises `sqlite3.Error`."""
        found = self.connection.execute(
            "SELECT newest, replaced FROM visitor WHERE visitor = ?", (visitor,)
        ).fetchone()
        if found is None:
            return None
        newest, replaced = found
        overlay = self._overlays.get(visitor)
        if overlay is None or overlay.replaced != replaced or not overlay.is_of(catalogue):
            overlay = self._overlays[visitor] = Overlay(catalogue, self.connection, visitor, replaced)
            while len(self._overlays) > MAX_OVERLAYS:
                self._overlays.popitem(last=False)
        self._overlays.move_to_end(visitor)
        overlay.extend(newest)
        return overlay

    def _add(self, visitor: str, described: Described, now: float, overwrite: bool, same: Same) -> AddOutcome:
        execute = self.connection.execute
        image = described[Level.IMAGE.name]
        there = self._same(visitor, described, same)
        outcome = AddOutcome.NEW
        if there:
            if len(there) == 1 and there[0][2:] == (image["path"], image["size"]):
                return AddOutcome.SAME
            if not overwrite:
                return AddOutcome.KEPT
            outcome = AddOutcome.REPLACED
            self.connection.executemany("DELETE FROM instance WHERE instance_key = ?", [row[:1] for row in there])
        else:
            found = execute("SELECT objects FROM visitor WHERE visitor = ?", (visitor,)).fetchone()
            if found is not None and found[0] >= MAX_OBJECTS:
                return AddOutcome.FULL
        fields: dict[str, Any] = _INSTANCE | image
        series_key = self._series(visitor, described, now, same)
        row = Instance(instance_key=there[0][0] if there else 0, series_key=series_key, visible_from=now, **fields)
        newest = self._insert(row, visitor)
        for _, old_series, *_ in there:
            schema.prune(self.connection, old_series)
        execute(
            "INSERT INTO visitor VALUES (?1, 1, ?2, 0) ON CONFLICT DO UPDATE "
            "SET objects = objects + 1 - ?3, newest = max(newest, ?2), replaced = replaced + ?3",
            (visitor, newest, len(there)),
        )
        return outcome

    def _same(self, visitor: str, described: Described, same: Same) -> list[tuple[int, int, str, int]]:
        """Key, key of the series, path and size of the objects that one is the same as."""
        execute = self.connection.execute
        sop_uid = described[Level.IMAGE.name]["sop_uid"]
        study_uid = (_STUDY | described[Level.STUDY.name])["study_uid"]
        if (
            same == "uid-in-known-study"
            and self._key(Study, "visitor = ? AND study_uid = ?", visitor, study_uid) is None
        ):
            return []
        sql = "SELECT i.instance_key, i.series_key, i.path, i.size FROM instance i"
        if same != "path":
            where = "WHERE i.sop_uid = ? AND i.visitor = ? ORDER BY 1"
            return execute(f"{sql} {where}", (sop_uid, visitor)).fetchall()
        series_uid = (_SERIES | described[Level.SERIES.name])["series_uid"]
        patient_id = (_PATIENT | described[Level.PATIENT.name])["patient_id"]
        where = (
            "JOIN series e USING (series_key) JOIN study t USING (study_key) JOIN patient p USING (patient_key) "
            "WHERE i.sop_uid = ? AND i.visitor = ? AND e.series_uid = ? AND t.study_uid = ? AND p.patient_id = ?"
        )
        return execute(f"{sql} {where}", (sop_uid, visitor, series_uid, study_uid, patient_id)).fetchall()

    def _series(self, visitor: str, described: Described, now: float, same: Same) -> int:
        fields: dict[str, Any] = _SERIES | described[Level.SERIES.name]
        study_key = self._study(visitor, described, now, same)
        found = self._key(Series, "series_uid = ? AND study_key = ?", fields["series_uid"], study_key)
        if found is not None:
            return found
        return self._insert(Series(series_key=0, study_key=study_key, visible_from=now, **fields), visitor)

    def _study(self, visitor: str, described: Described, now: float, same: Same) -> int:
        fields: dict[str, Any] = _STUDY | described[Level.STUDY.name]
        if same == "uid":
            found = self._key(Study, "visitor = ? AND study_uid = ?", visitor, fields["study_uid"])
            if found is not None:
                return found
        patient_key = self._patient(visitor, described, now)
        if same != "uid":  # a study is one patient's
            found = self._key(Study, "study_uid = ? AND patient_key = ?", fields["study_uid"], patient_key)
            if found is not None:
                return found
        return self._insert(Study(study_key=0, patient_key=patient_key, visible_from=now, **fields), visitor)

    def _patient(self, visitor: str, described: Described, now: float) -> int:
        fields: dict[str, Any] = _PATIENT | described[Level.PATIENT.name]
        found = self._key(Patient, "visitor = ? AND patient_id = ?", visitor, fields["patient_id"])
        if found is not None:
            return found
        return self._insert(Patient(patient_key=0, visible_from=now, **fields), visitor)

    def _key(self, row_class: type[Row], where: str, *values: str | int) -> int | None:
        sql = f"SELECT {TABLES[row_class]}_key FROM {TABLES[row_class]} WHERE {where}"  # noqa: S608 - names of ours
        found = self.connection.execute(sql, values).fetchone()
        return found[0] if found is not None else None

    def _insert(self, row: Row, visitor: str) -> int:
        """Add `row`; its primary key."""
        insert, values = schema.VISITOR_INSERTS[type(row)]
        first, *others = values(row)
        key = self.connection.execute(insert, (first or None, *others, visitor)).lastrowid
        return key or 0
