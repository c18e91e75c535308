"""Imports that change nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomhawk.hospital.rows import Instance, Patient, Study
from tests.hospital.importer_samples import BUNDLED, SYNTAXES, bundled, catalogue, ct, files, run, save


@pytest.mark.parametrize("name", [*BUNDLED, "SC_rgb_jpeg_dcmd.dcm", "test-SR.dcm", "image_dfl.dcm"])
def test_a_file_is_copied_byte_for_byte(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(bundled(name), tmp_path / "in")
    report = run(tmp_path / "in", tmp_path / "data", verbatim=True)
    assert (report.imported, report.refused) == (1, [])
    (path,) = files(tmp_path / "data")
    true = bundled(name).read_bytes()
    assert path.read_bytes() == true or (true[128:132] != b"DICM" and path.read_bytes().endswith(true))
    with catalogue(tmp_path / "data") as found:
        row, patient, study = found.instance(1), found.patient(1), found.study(1)
    image = pydicom.dcmread(path)
    assert row is not None and patient is not None and study is not None
    assert (row.sop_uid, row.sop_class_uid) == (image.SOPInstanceUID, image.SOPClassUID)
    assert row.transfer_syntax_uid == image.file_meta.TransferSyntaxUID
    assert patient.name == str(image.get("PatientName", "")) and patient.patient_id == image.get("PatientID", "")
    assert study.study_uid == image.StudyInstanceUID and study.study_date == image.get("StudyDate", "")
    assert study.accession_number == image.get("AccessionNumber", "")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, SYNTAXES[2]])
@pytest.mark.parametrize("prefix", [0, 4])
def test_a_file_without_header_gets_one_before_its_own_bytes(tmp_path: Path, syntax: str, prefix: int) -> None:
    whole = save(ct(), tmp_path / "whole.dcm", syntax).read_bytes()
    dataset = whole[144 + int.from_bytes(whole[140:144], "little") :]
    (tmp_path / "in").mkdir()
    (tmp_path / "in/bare").write_bytes(b"DICM"[:prefix] + dataset)
    report = run(tmp_path / "in", tmp_path / "data", verbatim=True)
    assert (report.imported, report.refused) == (1, [])
    (path,) = files(tmp_path / "data")
    assert path.read_bytes().endswith(dataset)
    image = pydicom.dcmread(path)
    assert image.file_meta.TransferSyntaxUID == syntax and image.PatientName == "Quendelbaum^Roswitha"
    assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
    assert "ImplementationVersionName" not in image.file_meta
    with catalogue(tmp_path / "data") as found:
        row = found.instance(1)
    assert row is not None and row.size == path.stat().st_size and row.transfer_syntax_uid == syntax


def test_nothing_is_refused_for_what_it_shows(tmp_path: Path) -> None:
    save(ct(BurnedInAnnotation="YES"), tmp_path / "in/a.dcm")
    assert run(tmp_path / "in", tmp_path / "data", verbatim=True).imported == 1


def test_it_may_be_repeated_and_patients_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    save(ct(study=1), tmp_path / "in/a.dcm")
    save(ct(study=2, PatientName="Quendelbaum^R."), tmp_path / "in/b.dcm")
    save(ct(study=3, PatientID="ANOTHER"), tmp_path / "in/c.dcm")
    assert run(tmp_path / "in", tmp_path / "data", verbatim=True).imported == 3
    again = run(tmp_path / "in", tmp_path / "data", verbatim=True)
    assert (again.imported, again.already_there) == (0, 3)
    with catalogue(tmp_path / "data") as found:
        assert [found.count(kind) for kind in (Patient, Study, Instance)] == [2, 3, 3]
