"""What a visitor deleted by the REST API is gone on every door, for that visitor and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless
from pynetdicom import build_context

from tests.sensor.scu import CT, STUDY_FIND, STUDY_GET, Received, associate, find, get, keys
from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor

CLASSES = (CT, *(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("7", "11.1", "88.11", "88.22", "88.33", "88.67")))
COMPRESSED = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)


def _dimse(sensor: Sensor, client: Client, study: str) -> tuple[list[Dataset], list[str], list[str]]:
    """A study's answer to C-FIND, its series, and the objects that C-GET sends."""
    received = Received()
    known = next(iter(client.get("/modalities?expand").values()))["AET"]
    with associate(
        sensor.address,
        [STUDY_FIND, STUDY_GET, *CLASSES, *(build_context(CT, syntax) for syntax in COMPRESSED)],
        ip=client.address,
        title=known,
        scp=CLASSES,
        handlers=[received.handler],
    ) as association:
        of_study = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study)
        asked = Dataset(of_study)
        asked.NumberOfStudyRelatedInstances = None
        studies, _ = find(association, asked)
        asked = keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID="")
        series, _ = find(association, asked)
        get(association, of_study)
    return studies, sorted(str(each.SeriesInstanceUID) for each in series), sorted(received.objects)


def _qido(client: Client, path: str) -> list[dict[str, Any]]:
    return client.ask("GET", f"/dicom-web/{path}", Accept="application/dicom+json").json  # type: ignore[no-any-return]


def _study(client: Client) -> dict[str, Any]:
    """A small study of CT with several series, of a patient who has another."""
    for each in client.get("/studies?expand"):
        series = [client.get(f"/series/{name}") for name in each["Series"]]
        sizes = [len(one["Instances"]) for one in series if one["MainDicomTags"].get("Modality") == "CT"]
        if sizes and len(series) > 1 and sum(sizes) < 80:
            return each | {"all": series}  # type: ignore[no-any-return]
    pytest.fail("no such study")


def test_a_study_is_gone_on_every_door(orthanc: Sensor, client: Client) -> None:
    other = Client(orthanc.web_port)
    study = _study(client)
    uid = study["MainDicomTags"]["StudyInstanceUID"]
    before = _dimse(orthanc, client, uid)
    assert all(before)
    assert _qido(client, f"studies?StudyInstanceUID={uid}")
    assert client.ask("DELETE", f"/studies/{study['ID']}").status == 200
    assert _dimse(orthanc, client, uid) == ([], [], [])
    assert _qido(client, f"studies?StudyInstanceUID={uid}") == []
    assert client.ask("GET", f"/dicom-web/studies/{uid}").status == 404
    assert client.ask("GET", f"/studies/{study['ID']}").status == 404
    assert _dimse(orthanc, other, uid) == before
    assert len(_qido(other, f"studies?StudyInstanceUID={uid}")) == 1


def test_parts_of_a_study_are_gone_on_every_door(orthanc: Sensor, client: Client) -> None:
    study = _study(client)
    uid = study["MainDicomTags"]["StudyInstanceUID"]
    studies, series, images = _dimse(orthanc, client, uid)
    kept = next(each for each in study["all"] if each["MainDicomTags"]["Modality"] == "CT")
    lost = next(each for each in study["all"] if each is not kept)
    assert client.ask("DELETE", f"/series/{lost['ID']}").status == 200
    image = client.get(f"/instances/{kept['Instances'][0]}")["MainDicomTags"]["SOPInstanceUID"]
    single = len(kept["Instances"]) == 1
    if not single:
        assert client.ask("DELETE", f"/instances/{kept['Instances'][0]}").status == 200
    after, found, sent = _dimse(orthanc, client, uid)
    lost_uid = lost["MainDicomTags"]["SeriesInstanceUID"]
    assert found == [each for each in series if each != lost_uid]
    number = int(studies[0].NumberOfStudyRelatedInstances) - len(lost["Instances"]) - (not single)
    assert int(after[0].NumberOfStudyRelatedInstances) == number
    of_study = _qido(client, f"studies?StudyInstanceUID={uid}&includefield=00201208")
    assert of_study[0]["00201208"]["Value"] == [number]
    assert len(_qido(client, f"studies/{uid}/instances")) == number
    assert len(client.get(f"/studies/{study['ID']}/instances")) == number
    assert set(sent) <= set(images)
    assert single or image not in sent


def test_an_upload_is_gone_and_comes_back_by_any_door(orthanc: Sensor, client: Client) -> None:
    dataset = secondary_capture()
    content = part10(dataset)
    uid = str(dataset.StudyInstanceUID)
    for _ in range(2):
        stored = client.post("/instances", content)
        assert stored["Status"] == "Success"
        assert len(_dimse(orthanc, client, uid)[0]) == 1
        assert client.ask("DELETE", f"/studies/{stored['ParentStudy']}").status == 200
        assert _dimse(orthanc, client, uid)[0] == []
        assert _qido(client, f"studies?StudyInstanceUID={uid}") == []
    with associate(orthanc.address, [dataset.SOPClassUID], ip=client.address) as association:
        assert association.send_c_store(dataset).Status == 0
    assert client.get(stored["Path"])["ID"] == stored["ID"]
    assert len(_dimse(orthanc, client, uid)[0]) == 1
