"""A client that nobody here wrote."""

from __future__ import annotations

import io
import zipfile

import pydicom
import pytest

from tests.sensor.web.orthanc.client import PASSWORD, USER, part10, secondary_capture
from tests.support import TOOL_SECONDS, Sensor

pyorthanc = pytest.importorskip("pyorthanc")


@pytest.fixture
def remote(orthanc: Sensor) -> object:
    return pyorthanc.Orthanc(
        f"http://127.0.0.1:{orthanc.web_port}", username=USER, password=PASSWORD, timeout=TOOL_SECONDS
    )


def test_it_walks_through_the_archive(remote: pyorthanc.Orthanc) -> None:
    assert remote.get_system()["Version"] == "1.10.1"
    patient = pyorthanc.Patient(remote.get_patients()[0], remote)
    assert patient.patient_id
    study = patient.studies[0]
    assert study.patient_identifier == patient.id_
    series = min(study.series, key=lambda each: len(each.instances))
    instance = series.instances[0]
    dataset = pydicom.dcmread(io.BytesIO(instance.get_dicom_file_content()))
    assert dataset.PatientID == patient.patient_id
    assert dataset.SeriesInstanceUID == series.uid
    assert instance.simplified_tags["SOPInstanceUID"] == dataset.SOPInstanceUID
    with zipfile.ZipFile(io.BytesIO(series.get_zip())) as archive:
        assert len(archive.namelist()) == len(series.instances)


def test_it_searches(remote: pyorthanc.Orthanc) -> None:
    wanted = pyorthanc.Study(remote.get_studies()[3], remote)
    found = pyorthanc.find_studies(remote, {"StudyInstanceUID": wanted.uid})
    assert [study.id_ for study in found] == [wanted.id_]


def test_it_stores_and_deletes(remote: pyorthanc.Orthanc) -> None:
    stored = remote.post_instances(part10(secondary_capture()))
    assert stored["Status"] == "Success"
    assert remote.get_instances_id(stored["ID"])["ID"] == stored["ID"]
    remote.delete_patients_id(stored["ParentPatient"])
    assert stored["ID"] not in remote.get_instances()
