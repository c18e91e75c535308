"""First look at a folder: which files are DICOM objects, and of which study each is.

The findings go to a temporary database on disk, so that a folder may have any number of files.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomhawk.hospital.charset import of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.importer.identity import TruePatient
from dicomhawk.hospital.importer.reading import Unreadable, look, looks_like_dicom, opened, regular_file
from dicomhawk.hospital.importer.report import ImportReport, Refusal
from dicomhawk.hospital.importer.risks import why_unfit
from dicomhawk.hospital.importer.uids import is_uid
from dicomhawk.hospital.importer.values import number, tag_of, text

MAX_PATH_DEPTH = 64
"""Folders within folders that are looked into."""

_AFTER_IDENTITY = 0x00200014
UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the first look found in a file."""

    path: str  # relative to the folder
    study_uid: str
    series_uid: str
    sop_uid: str


class Scan:
    """The objects of a folder, by study. Close it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # "" is a file that vanishes when closed
        self._database.execute(
            "CREATE TABLE object (path BLOB, study TEXT, series TEXT, sop TEXT, series_number, instance_number)"
        )

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, seen: Seen, series_number: int | None, instance_number: int | None) -> None:
        """Remember an object."""
        values = (os.fsencode(seen.path), seen.study_uid, seen.series_uid, seen.sop_uid)
        self._database.execute(
            "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?)", (*values, series_number, instance_number)
        )

    def studies(self) -> Iterator[str]:
        """The Study Instance UIDs, in the order in which they were found."""
        self._database.execute("CREATE INDEX IF NOT EXISTS by_study ON object (study)")
        found = self._database.execute("SELECT study FROM object GROUP BY study ORDER BY min(rowid)")
        yield from (row[0] for row in found)

    def objects(self, study_uid: str) -> Iterator[Seen]:
        """The objects of a study, by series and number."""
        found = self._database.execute(
            "SELECT path, study, series, sop FROM object WHERE study = ?"
            " ORDER BY series_number, series, instance_number, rowid",
            (study_uid,),
        )
        yield from (Seen(os.fsdecode(path), *uids) for path, *uids in found)


def scan_folder(source: Path, without: Path, report: ImportReport, looked_at: Callable[[], None]) -> Scan:
    """Look at each file of the folder `source`, but for those of the folder `without`.

    What is no DICOM object is counted in `report`, what is a broken one refused there.
    """
    scan = Scan()
    try:
        for path in walk(source, without, report):
            _look_at(path, str(path.relative_to(source)) if path != source else path.name, scan, report)
            looked_at()
    except BaseException:
        scan.close()
        raise
    return scan


def walk(source: Path, without: Path, report: ImportReport) -> Iterator[Path]:
    """The regular files below `source`, in the order of their names; `source` itself if it is a file.

    Links to folders aren't followed, and links to files only to those below `source`.
    """
    if source.is_file():
        yield source
        return
    root = source.resolve()
    without = without.resolve()
    pending = [source]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            shown = str(folder.relative_to(source))
            report.refused.append(Refusal(shown, f"the folder can't be listed: {error.strerror}"))
            continue
        folders = []
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if path.resolve() != without and len(path.parts) - len(source.parts) <= MAX_PATH_DEPTH:
                        folders.append(path)
                elif _inside(entry, path, root) and stat.S_ISREG(path.stat().st_mode):
                    yield path
            except OSError:
                continue
        pending += reversed(folders)


def _inside(entry: os.DirEntry[str], path: Path, root: Path) -> bool:
    return not entry.is_symlink() or path.resolve().is_relative_to(root)


def true_patient(dataset: DataSet) -> TruePatient:
    """Who an object says that its patient is."""
    charset = of_data_set(dataset)
    patient_id, issuer, name, birth_date, sex = (
        (text(dataset, keyword, charset) or "").strip()
        for keyword in ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex")
    )
    return TruePatient(patient_id, issuer, name, birth_date, sex.upper())


def _look_at(path: Path, shown: str, scan: Scan, report: ImportReport) -> None:
    try:
        with regular_file(path) as file:
            if not looks_like_dicom(file.read(132)):
                report.skipped += 1
                return
        _, dataset = look(path, stop_at=_AFTER_IDENTITY)
        if _is_directory(dataset):
            report.skipped += 1
            return
        if any(not text(dataset, keyword) for keyword in UIDS):
            with opened(path) as whole:
                dataset = whole.dataset
    except Unreadable as error:
        report.refused.append(Refusal(shown, str(error)))
        return
    reason = why_unfit(dataset)
    uids = [text(dataset, keyword) or "" for keyword in UIDS]
    if reason is None and not all(map(is_uid, uids)):
        reason = "one of its UIDs is not a UID"
    if reason:
        report.refused.append(Refusal(shown, reason))
        return
    _, sop_uid, study_uid, series_uid = uids
    numbers = (number(dataset, tag_of(keyword)) for keyword in ("SeriesNumber", "InstanceNumber"))
    scan.add(Seen(shown, study_uid, series_uid, sop_uid), *numbers)


def _is_directory(dataset: DataSet) -> bool:
    """A DICOMDIR has its class in the file meta information only, and its records in group 0004."""
    return any(tag >> 16 == 0x0004 for tag in dataset)
