"""What anonymization, modification and the like make can be fetched by whoever asked, on every door."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest

from dicomhawk.sensor.web.orthanc import deriving
from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor


def _small(client: Client) -> dict[str, Any]:
    """A study of few instances."""
    for each in client.get("/studies?expand"):
        number = client.get(f"/studies/{each['ID']}/statistics")["CountInstances"]
        if number <= 6 and len(each["Series"]) > 1:
            return each  # type: ignore[no-any-return]
    pytest.fail("no small study")


def _light(client: Client) -> str:
    """A patient of few instances."""
    for name in client.get("/patients"):
        if client.get(f"/patients/{name}/statistics")["CountInstances"] <= 6:
            return name  # type: ignore[no-any-return]
    pytest.fail("no patient with few images")


def _file(client: Client, path: str) -> pydicom.Dataset:
    answer = client.ask("GET", f"{path}/file")
    assert answer.status == 200
    return pydicom.dcmread(io.BytesIO(answer.body))


def _objects(client: Client, path: str) -> list[pydicom.Dataset]:
    return [_file(client, f"/instances/{each['ID']}") for each in client.get(f"{path}/instances")]


@pytest.mark.parametrize("level", ["series", "studies", "patients"])
def test_what_is_anonymized_can_be_fetched(orthanc: Sensor, client: Client, level: str) -> None:
    study = _small(client)
    name = {"series": study["Series"][0], "studies": study["ID"], "patients": _light(client)}[level]
    before = _objects(client, f"/{level}/{name}")
    made = client.post(f"/{level}/{name}/anonymize", {"Keep": ["SeriesDescription"]})
    assert made["IsAnonymization"] is True
    after = _objects(client, made["Path"])
    assert len(after) == made["InstancesCount"] == len(before)
    assert {each.PatientIdentityRemoved for each in after} == {"YES"}
    assert len({each.PatientID for each in after}) == 1
    assert str(after[0].PatientName).startswith("Anonymized")
    for tag in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert not {each[tag].value for each in after} & {each[tag].value for each in before}
        assert len({each[tag].value for each in after}) == len({each[tag].value for each in before})
    assert {each.SOPInstanceUID for each in after} == {each.file_meta.MediaStorageSOPInstanceUID for each in after}
    assert not any("InstitutionName" in each or "StudyDescription" in each for each in after)
    assert sorted(each.get("SeriesDescription", "") for each in after) == sorted(
        each.get("SeriesDescription", "") for each in before
    )
    pixels = [sorted(each.PixelData for each in some if "PixelData" in each) for some in (before, after)]
    assert pixels[0] == pixels[1]
    found = client.ask("GET", f"/dicom-web/studies?StudyInstanceUID={after[0].StudyInstanceUID}")
    assert found.json[0]["0020000D"]["Value"] == [after[0].StudyInstanceUID]
    assert Client(orthanc.web_port).ask("GET", made["Path"]).status == 404


def test_what_is_modified_can_be_fetched(client: Client) -> None:
    study = _small(client)
    path = f"/studies/{study['ID']}"
    before = _objects(client, path)
    made = client.post(f"{path}/modify", {"Replace": {"StudyDescription": "Changed"}, "Remove": ["0008,0050"]})
    assert made["PatientID"] == study["ParentPatient"]
    after = _objects(client, made["Path"])
    assert {each.StudyDescription for each in after} == {"Changed"}
    assert not any("AccessionNumber" in each for each in after)
    assert {each.PatientID for each in after} == {each.PatientID for each in before}
    assert client.get(made["Path"])["MainDicomTags"]["StudyDescription"] == "Changed"
    first = client.get(f"{made['Path']}/instances")[0]["ID"]
    assert client.get(f"/instances/{first}/metadata?expand")["ModifiedFrom"] in {
        each["ID"] for each in client.get(f"{path}/instances")
    }
    assert len(_objects(client, path)) == len(before)


def test_an_instance_is_sent_back(client: Client) -> None:
    name = client.get(f"/series/{_small(client)['Series'][0]}")["Instances"][0]
    before = _file(client, f"/instances/{name}")
    for operation in ("modify", "anonymize"):
        answer = client.ask("POST", f"/instances/{name}/{operation}", {"Replace": {"PatientName": "Some^Body"}})
        assert answer.headers["Content-Type"] == "application/dicom"
        after = pydicom.dcmread(io.BytesIO(answer.body))
        assert after.PatientName == "Some^Body"
        assert after.SOPInstanceUID != before.SOPInstanceUID
        assert (after.StudyInstanceUID == before.StudyInstanceUID) == (operation == "modify")


@pytest.mark.parametrize(
    ("level", "options", "status", "details"),
    [
        ("patients", {}, 400, "When modifying a patient, her PatientID is required to be modified"),
        (
            "studies",
            {"Replace": {"PatientID": "Z"}, "Force": True},
            400,
            "When modifying a study, the parent PatientID",
        ),
        (
            "series",
            {"Keep": ["SOPInstanceUID"]},
            400,
            'Marking tag "SOPInstanceUID" as to be kept requires the "Force"',
        ),
        ("studies", {"Replace": {"Nonsense": "Z"}}, 500, ""),
    ],
)
def test_what_cannot_be_modified(
    client: Client, level: str, options: dict[str, Any], status: int, details: str
) -> None:
    name = client.get(f"/{level}?since=0&limit=1")[0]
    answer = client.ask("POST", f"/{level}/{name}/modify", options)
    assert answer.status == status
    assert answer.json.get("Details", "").startswith(details)


def test_what_is_too_much_is_not_claimed(client: Client) -> None:
    for each in client.get("/patients"):
        if client.get(f"/patients/{each}/statistics")["CountInstances"] > deriving.MOST:
            break
    else:
        pytest.fail("no patient with many images")
    answer = client.ask("POST", f"/patients/{each}/anonymize", {})
    assert answer.status == 507
    job = client.post(f"/patients/{each}/anonymize", {"Asynchronous": True})
    described = client.get(job["Path"])
    assert described["State"] in ("Running", "Failure")
    assert "ID" not in described["Content"]


def test_what_is_created_split_and_merged_can_be_fetched(client: Client) -> None:
    made = client.post("/tools/create-dicom", {"Tags": {"PatientName": "New^One", "Modality": "OT"}})
    found = client.get(f"{made['Path']}/simplified-tags")
    assert (found["PatientName"], found["Modality"]) == ("New^One", "OT")
    assert client.get(f"/patients/{made['ParentPatient']}")["Studies"] == [made["ParentStudy"]]
    child = client.post("/tools/create-dicom", {"Parent": made["ParentStudy"], "Tags": {"SeriesDescription": "X"}})
    assert child["ParentStudy"] == made["ParentStudy"]
    assert client.get(f"{child['Path']}/simplified-tags")["PatientName"] == "New^One"
    target = client.post(f"/studies/{made['ParentStudy']}/split", {"Series": [child["ParentSeries"]]})
    assert len(client.get(f"/studies/{target['TargetStudy']}")["Series"]) == 1
    assert client.get(f"/studies/{made['ParentStudy']}")["Series"] == [made["ParentSeries"]]
    client.post(f"/studies/{made['ParentStudy']}/merge", {"Resources": [target["TargetStudy"]]})
    assert len(client.get(f"/studies/{made['ParentStudy']}")["Series"]) == 2
    assert client.ask("GET", f"/studies/{target['TargetStudy']}").status == 404
    bulk = client.post("/tools/bulk-modify", {"Resources": [made["ParentStudy"]], "Replace": {"StudyID": "77"}})
    studies = [each for each in bulk["Resources"] if each["Type"] == "Study"]
    assert [client.get(each["Path"])["MainDicomTags"]["StudyID"] for each in studies] == ["77"]


def test_an_upload_can_be_anonymized(client: Client) -> None:
    stored = client.post("/instances", part10(secondary_capture()))
    made = client.post(f"/studies/{stored['ParentStudy']}/anonymize", {})
    assert _objects(client, made["Path"])[0].PatientIdentityRemoved == "YES"
