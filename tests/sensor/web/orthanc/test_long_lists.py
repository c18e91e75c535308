"""Calls that name many resources, or one of them many times, and what a visitor's objects claim to have."""

from __future__ import annotations

from tests.sensor.web.orthanc.client import Client, part10, secondary_capture


def test_an_archive_has_a_study_once_however_often_it_is_named(client: Client) -> None:
    study = client.get("/studies?since=0&limit=1")[0]
    number = client.get(f"/studies/{study}/statistics")["CountInstances"]
    job = client.post("/tools/create-archive", {"Resources": [study] * 500, "Asynchronous": True})
    assert client.get(job["Path"])["Content"]["InstancesCount"] == number


def test_content_of_many(client: Client) -> None:
    studies = client.get("/studies?since=0&limit=3")
    found = client.post("/tools/bulk-content", {"Resources": studies * 50})
    assert [each["ID"] for each in found] == studies


def test_all_changes(client: Client) -> None:
    found = client.get("/changes?limit=5000")
    assert [each["Seq"] for each in found["Changes"]] == list(range(1, 5001))
    assert (found["Done"], found["Last"]) == (False, 5000)
    first = client.ask("GET", "/changes?limit=1").body
    assert first.startswith(b'{\n   "Changes" : \n   [\n      {\n         "ChangeType" : "New')
    assert first.endswith(b'\n      }\n   ],\n   "Done" : false,\n   "Last" : 1\n}')


def test_frames_that_objects_claim_to_have(client: Client) -> None:
    one = secondary_capture(NumberOfFrames="99999")
    for _ in range(3):
        posted = client.post("/instances", part10(secondary_capture(
            NumberOfFrames="99999", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID,
            PatientID=one.PatientID,
        )))  # fmt: skip
    found = client.get(f"/series/{posted['ParentSeries']}/ordered-slices")
    assert len(found["Slices"]) == 100_000
