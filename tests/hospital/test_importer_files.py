"""What an import does with files: pixel data, rows of the catalogue, folders, repetition."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet
from pydicom.uid import ImplicitVRLittleEndian

from dicomhawk.hospital.importer.run import SourceError
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from tests.hospital.importer_samples import BUNDLED, NOW, SYNTAXES, bundled, catalogue, ct, files, only, run, save

# Pixels


@pytest.mark.parametrize("name", BUNDLED)
def test_pixel_data_is_copied_bit_for_bit(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(bundled(name), tmp_path / "in")
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.imported, report.refused) == (1, [])
    before, after = pydicom.dcmread(bundled(name), force=True), only(tmp_path / "data")
    assert after.file_meta.TransferSyntaxUID == before.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    if "PixelData" in before:
        assert bytes(after.PixelData) == bytes(before.PixelData)
        assert after["PixelData"].is_undefined_length == before["PixelData"].is_undefined_length
    for keyword in ("Rows", "Columns", "BitsStored", "PixelSpacing", "ImageOrientationPatient", "RescaleSlope"):
        assert after.get(keyword) == before.get(keyword)
    if "WaveformSequence" in before:
        assert after.WaveformSequence[0].WaveformData == before.WaveformSequence[0].WaveformData
    assert not any(e.tag.is_private or e.tag.group >> 8 in (0x50, 0x60) for e in after)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_uncompressed_syntax_stays_what_it_is(tmp_path: Path, syntax: str) -> None:
    path = save(ct(), tmp_path / "in/a.dcm", syntax)
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    image = only(tmp_path / "data")
    assert image.file_meta.TransferSyntaxUID == syntax
    assert image.PixelData == pydicom.dcmread(path).PixelData
    assert image.Rows == 4 and [float(x) for x in image.ImagePositionPatient] == [0, 0, 1]


# The catalogue


def test_the_rows_have_what_the_objects_have(tmp_path: Path) -> None:
    for number in (2, 1):
        save(ct(number), tmp_path / f"in/{number}.dcm")
    save(ct(1, series=2, SeriesDescription=None), tmp_path / "in/3.dcm")
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.patients, report.studies, report.series, report.imported) == (1, 1, 2, 3)
    with catalogue(tmp_path / "data") as found:
        patient, study, series = found.patient(1), found.study(1), found.series(1)
        assert patient is not None and study is not None and series is not None
        instances = found.instances(1)
        assert [i.instance_number for i in instances] == [1, 2]
        assert found.series(2).description is None  # type: ignore[union-attr]
        assert found.count(Instance, now=NOW - 1) == 0 and found.count(Instance, now=NOW) == 3
    path = tmp_path / "data" / str(instances[0].path)
    image = pydicom.dcmread(path)
    assert patient.name == image.PatientName and patient.patient_id == image.PatientID
    assert patient.birth_date == image.PatientBirthDate and patient.sex == "F"
    assert (study.study_uid, study.study_date) == (image.StudyInstanceUID, image.StudyDate)
    assert study.accession_number == image.AccessionNumber and study.description == "CT Thorax"
    assert study.referring_physician == image.ReferringPhysicianName and study.patient_age == image.PatientAge
    assert (series.modality, series.series_number, series.body_part) == ("CT", 1, "CHEST")
    assert series.laterality is None and series.manufacturer == "SIEMENS"
    assert instances[0].sop_uid == image.SOPInstanceUID == path.stem
    assert (instances[0].rows, instances[0].bits_allocated, instances[0].frames) == (4, 16, None)
    assert instances[0].size == path.stat().st_size


def test_a_second_import_adds_nothing_and_a_later_one_only_what_is_new(tmp_path: Path) -> None:
    for number in (1, 2):
        save(ct(number), tmp_path / f"in/{number}.dcm")
    assert run(tmp_path / "in", tmp_path / "data").imported == 2
    before = {path: path.stat().st_mtime_ns for path in files(tmp_path / "data")}
    again = run(tmp_path / "in", tmp_path / "data")
    assert (again.imported, again.already_there, again.patients) == (0, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in files(tmp_path / "data")} == before
    save(ct(3), tmp_path / "in/3.dcm")
    save(ct(1, series=2), tmp_path / "in/4.dcm")
    later = run(tmp_path / "in", tmp_path / "data")
    assert (later.imported, later.already_there, later.studies, later.series) == (2, 2, 0, 1)
    with catalogue(tmp_path / "data") as found:
        assert [found.count(kind) for kind in (Patient, Study, Series, Instance)] == [1, 1, 2, 4]


def test_an_import_that_was_interrupted_is_continued(tmp_path: Path) -> None:
    for study in (1, 2, 3):
        save(ct(study=study), tmp_path / f"in/{study}.dcm")

    class Killed(BaseException):
        pass

    def kill(what: str, done: int, total: int) -> None:
        if what == "importing" and done == 2:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "in", tmp_path / "data", progress=kill)
    with catalogue(tmp_path / "data") as found:
        assert found.count(Study) == 1  # each study is there as a whole or not at all
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.imported, report.already_there, report.refused) == (2, 1, [])
    with catalogue(tmp_path / "data") as found:
        assert [found.count(kind) for kind in (Patient, Study, Instance)] == [1, 3, 3]


def test_a_file_that_got_lost_is_written_again(tmp_path: Path) -> None:
    save(ct(), tmp_path / "in/a.dcm")
    run(tmp_path / "in", tmp_path / "data")
    (path,) = files(tmp_path / "data")
    content = path.read_bytes()
    path.write_bytes(content[:100])
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    assert path.read_bytes() == content


# Folders


def test_a_folder_with_dicomdir_and_without(tmp_path: Path) -> None:
    file_set = FileSet()
    for number in (1, 2):
        file_set.add(save(ct(number), tmp_path / f"loose/{number}.dcm"))
    file_set.write(tmp_path / "disc")
    assert (tmp_path / "disc/DICOMDIR").exists()
    report = run(tmp_path / "disc", tmp_path / "data")
    assert (report.imported, report.skipped, report.refused) == (2, 1, [])
    assert run(tmp_path / "loose", tmp_path / "data").already_there == 2


def test_a_single_file_can_be_imported_and_nothing_can_not(tmp_path: Path) -> None:
    path = save(ct(), tmp_path / "in/a.dcm")
    assert run(path, tmp_path / "data").imported == 1
    with pytest.raises(SourceError, match="nowhere"):
        run(tmp_path / "nowhere", tmp_path / "data")


def test_the_hospitals_own_files_are_not_imported_again(tmp_path: Path) -> None:
    save(ct(), tmp_path / "a.dcm")
    assert run(tmp_path, tmp_path / "data").imported == 1
    assert run(tmp_path, tmp_path / "data").seen == 1


def test_progress_is_told(tmp_path: Path) -> None:
    for number in (1, 2):
        save(ct(number), tmp_path / f"in/{number}.dcm")
    told: list[tuple[str, int, int]] = []
    run(tmp_path / "in", tmp_path / "data", progress=lambda *what: told.append(what))
    assert told == [("looking", 1, 0), ("looking", 2, 0), ("importing", 1, 2), ("importing", 2, 2)]
