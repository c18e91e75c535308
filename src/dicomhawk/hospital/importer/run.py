"""The import of a folder: look at all files, then take over study after study."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dicomhawk.hospital.archive import CATALOGUE
from dicomhawk.hospital.catalogue import Catalogue, CatalogueError, CatalogueWriter
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.importer.clean import Cleaner
from dicomhawk.hospital.importer.identity import FalsePatient, Identities, TruePatient
from dicomhawk.hospital.importer.keys import Keys
from dicomhawk.hospital.importer.reading import DISK_FULL, Opened, Unreadable, opened
from dicomhawk.hospital.importer.records import Reader
from dicomhawk.hospital.importer.report import ImportReport, Refusal
from dicomhawk.hospital.importer.risks import why_refused
from dicomhawk.hospital.importer.scan import UIDS, Scan, Seen, scan_folder, true_patient
from dicomhawk.hospital.importer.store import Leak, relative_path, write_cleaned, write_verbatim
from dicomhawk.hospital.importer.uids import UidMap
from dicomhawk.hospital.importer.values import text
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from dicomhawk.settings import Deployment

MAX_ATTEMPTS = 100
"""Patient IDs drawn for one patient before the hospital counts as full."""

MAX_FORBIDDEN = 64
"""Replaced UIDs of one object that are searched for in what is written."""

_DISTINCTIVE = 16  # characters from which on a UID can't be part of something else by chance
_LONG_ID = 6  # likewise, of a Patient ID that stands alone
_INFO = "imported patient "

Progress = Callable[[str, int, int], None]
"""Called with what is being done ("looking" or "importing"), how many files are done, and of how many
(0: unknown)."""


class SourceError(Exception):
    """There is nothing to import; the message is one sentence for the operator."""


class _Refused(Exception):
    """This file is not imported; the message says why."""


def import_folder(
    source: Path,
    data: Path,
    deployment: Deployment,
    *,
    verbatim: bool = False,
    now: float,
    progress: Progress | None = None,
) -> ImportReport:
    """Import the DICOM files below `source` into the hospital below the folder `data`.

    Every patient gets a false identity that follows from `deployment`; with `verbatim`, files are copied and
    nothing is changed. `now` (POSIX seconds) is when the new rows become visible. An import may be repeated, and
    continued after it was interrupted. Raises `SourceError` and `CatalogueError`; what is wrong with single
    files is in the report.
    """
    if not source.exists():
        raise SourceError(f"{source} does not exist.")
    report = ImportReport()
    tell = progress or (lambda what, done, total: None)
    looked_at = 0

    def looked() -> None:
        nonlocal looked_at
        looked_at += 1
        tell("looking", looked_at, 0)

    try:
        with closing(scan_folder(source, data, report, looked)) as scan:
            total = looked_at - report.skipped - len(report.refused)
            folders = (source if source.is_dir() else source.parent, data)
            with CatalogueWriter(data / CATALOGUE) as writer, Catalogue(data / CATALOGUE) as catalogue:
                importer = _Importer(folders, deployment, report, writer, catalogue, verbatim=verbatim, now=now)
                importer.run(scan, lambda done: tell("importing", done, total))
    except OSError as error:
        if error.errno in DISK_FULL:
            raise SourceError("The disk is full: when there is room again, the same command goes on.") from None
        raise
    return report


@dataclass(slots=True)
class _Study:
    """The study that is being taken over; keys are None until there is a row."""

    patient_id: str
    patient: _Patient
    study_key: int | None
    series_keys: dict[str, int]


@dataclass(slots=True)
class _Patient:
    """A patient of the import: the false identity, unless the import is verbatim."""

    handle: str
    identity: FalsePatient | None
    patient_key: int | None


class _Importer:
    def __init__(
        self,
        folders: tuple[Path, Path],
        deployment: Deployment,
        report: ImportReport,
        writer: CatalogueWriter,
        catalogue: Catalogue,
        *,
        verbatim: bool,
        now: float,
    ) -> None:
        self._source, self._data = folders
        self._report = report
        self._writer = writer
        self._catalogue = catalogue
        self._verbatim = verbatim
        self._now = now
        keys = Keys(deployment.seed)
        self._identities = Identities(keys, deployment)
        self._uids = UidMap(keys, deployment.uid_root)
        self._writer_uid = self._uids.made("implementation class", "")
        self._patients: dict[str, _Patient] = {}

    def run(self, scan: Scan, done: Callable[[int], None]) -> None:
        count = 0
        for study_uid in scan.studies():
            study: _Study | None = None
            for seen in scan.objects(study_uid):
                try:
                    study = self._take_over(seen, study)
                except (_Refused, Unreadable) as error:
                    self._report.refused.append(Refusal(seen.path, str(error)))
                except OSError as error:
                    if error.errno in DISK_FULL:  # what comes next would fit no better
                        raise
                    reason = f"it can't be copied: {error.strerror or error}"
                    self._report.refused.append(Refusal(seen.path, reason))
                count += 1
                done(count)
            self._writer.commit()

    def _take_over(self, seen: Seen, study: _Study | None) -> _Study | None:
        """Take over one object of `study`; the study, which this opens if it is None."""
        sop_uid = self._mapped(seen.sop_uid)
        target = self._data / relative_path(sop_uid)
        instance_key = self._writer.key_of(Instance, sop_uid)
        if instance_key is not None and self._is_whole(instance_key, target):
            self._report.already_there += 1
            return study
        with opened(self._source / seen.path) as file:
            self._check(seen, file)
            true = true_patient(file.dataset)
            study = study or self._open(seen, true)
            if true.patient_id and true.patient_id != study.patient_id:
                raise _Refused("its study is another patient's")
            series_key = self._series_key(seen, study)
            if self._verbatim:
                dataset = file.dataset
                size = write_verbatim(target, self._source / seen.path, file, sop_uid, self._writer_uid)
            else:
                dataset, size = self._write_cleaned(target, file, study, true, sop_uid)
        if instance_key is None:
            self._add_rows(Reader.of(dataset, self._now), study, series_key, file.layout.transfer_syntax, size)
        self._report.imported += 1
        return study

    def _mapped(self, uid: str) -> str:
        return uid if self._verbatim else self._uids(uid)

    def _is_whole(self, instance_key: int, target: Path) -> bool:
        """Whether an instance of the catalogue needs no file, or has it as it was written."""
        row = self._catalogue.instance(instance_key)
        if row is None or row.path is None:
            return True  # added a moment ago, or rendered
        try:
            return target.stat().st_size == row.size
        except OSError:
            return False

    def _check(self, seen: Seen, file: Opened) -> None:
        """Refuse what the second, complete look at the file finds. Raises `_Refused`."""
        found = [text(file.dataset, keyword) for keyword in UIDS[1:]]
        if found != [seen.sop_uid, seen.study_uid, seen.series_uid]:
            raise _Refused("its UIDs are contradictory")
        if not self._verbatim:
            reason = why_refused(file.dataset, file.layout.transfer_syntax, file.file, file.pixels)
            if reason:
                raise _Refused(reason)

    def _open(self, seen: Seen, true: TruePatient) -> _Study:
        identity = true.identity if true.known else f"study\\{seen.study_uid}"
        patient = self._patient(f"verbatim\\{identity}" if self._verbatim else identity, true)
        study_key = self._writer.key_of(Study, self._mapped(seen.study_uid))
        row = None if study_key is None else self._catalogue.study(study_key)
        if row is not None and row.patient_key != patient.patient_key:
            raise _Refused("its study is another patient's")
        return _Study(true.patient_id, patient, study_key, {})

    def _patient(self, identity: str, true: TruePatient) -> _Patient:
        """The patient with this identity, from an earlier study or import, or a new one."""
        secret = self._identities.handle(identity)
        handle = secret.hex()[:32]
        if handle in self._patients:
            return self._patients[handle]
        known = self._catalogue.info(_INFO + handle)
        row = None if known is None else self._catalogue.patient(int(known))
        shift = self._identities.shift(secret)
        if row is not None:
            false = FalsePatient(row.patient_id, row.name, row.birth_date, row.sex, shift)
            patient = _Patient(handle, false, row.patient_key)
        else:
            patient = _Patient(handle, None if self._verbatim else self._new_identity(secret, true), None)
        self._patients[handle] = patient
        return patient

    def _new_identity(self, secret: bytes, true: TruePatient) -> FalsePatient:
        for attempt in range(MAX_ATTEMPTS):
            false = self._identities.patient(secret, true, attempt)
            if self._writer.key_of(Patient, false.patient_id) is None:
                return false
        raise CatalogueError("The hospital has no Patient ID left to give out.")

    def _series_key(self, seen: Seen, study: _Study) -> int | None:
        """The key of the object's series if it has a row. Raises `_Refused` if that is in another study."""
        series_uid = self._mapped(seen.series_uid)
        if series_uid in study.series_keys:
            return study.series_keys[series_uid]
        key = self._writer.key_of(Series, series_uid)
        row = None if key is None else self._catalogue.series(key)
        if key is not None and (row is None or row.study_key != study.study_key):
            raise _Refused("its series is in another study")
        return key

    def _write_cleaned(
        self, target: Path, file: Opened, study: _Study, true: TruePatient, sop_uid: str
    ) -> tuple[DataSet, int]:
        assert study.patient.identity is not None
        cleaner = Cleaner(study.patient.identity, self._identities, self._uids, file.dataset)
        dataset = cleaner.cleaned()
        forbidden = sorted(uid for uid in cleaner.replaced if len(uid) >= _DISTINCTIVE)[:MAX_FORBIDDEN]
        forbidden += [true.patient_id] if len(true.patient_id) >= _LONG_ID else []
        forbidden += [true.name] if "^" in true.name.strip("^") else []
        if true.patient_id == study.patient.identity.patient_id or true.name == study.patient.identity.name:
            raise _Refused("the false identity drawn for its patient is the true one")
        try:
            return dataset, write_cleaned(target, file, dataset, sop_uid, self._writer_uid, forbidden)
        except Leak:
            raise _Refused("something of its patient's identity would be left in it") from None

    def _add_rows(
        self, reader: Reader, study: _Study, series_key: int | None, transfer_syntax: str, size: int
    ) -> None:
        writer, report, patient = self._writer, self._report, study.patient
        if patient.patient_key is None:
            patient.patient_key = writer.next_key(Patient)
            writer.add(reader.patient(patient.patient_key))
            writer.set_info(_INFO + patient.handle, str(patient.patient_key))
            report.patients += 1
        if study.study_key is None:
            study.study_key = writer.next_key(Study)
            writer.add(reader.study(study.study_key, patient.patient_key))
            report.studies += 1
        if series_key is None:
            series_key = writer.next_key(Series)
            writer.add(reader.series(series_key, study.study_key))
            report.series += 1
        study.series_keys[reader.text("SeriesInstanceUID")] = series_key
        path = relative_path(reader.text("SOPInstanceUID"))
        instance_key = writer.next_key(Instance)
        writer.add(reader.instance(instance_key, series_key, transfer_syntax=transfer_syntax, path=path, size=size))
