"""DICOMweb as Orthanc's plug-in has it."""

from __future__ import annotations

import json

from tests.sensor.web.orthanc.client import Client


def test_studies_are_laid_out_as_the_plugin_does(client: Client) -> None:
    answer = client.ask("GET", "/dicom-web/studies?limit=2", Accept="application/dicom+json")
    assert answer.headers["Content-Type"] == "application/dicom+json"
    text = answer.body.decode()
    assert text.startswith('[{\n\t"00080005" : \n\t{\n\t\t"Value" : \n\t\t[\n\t\t\t"')
    assert text.endswith("\n}\n]")
    assert "\n}\n,{\n" in text
    for study in json.loads(text):
        assert "00080056" not in study
        assert study["00081190"]["Value"][0].startswith("http://localhost/dicom-web/studies/")


def test_it_holds_what_the_api_has(client: Client) -> None:
    study = client.get("/studies?expand&since=7&limit=1")[0]
    tags = study["MainDicomTags"]
    found = client.get(f"/dicom-web/studies?StudyInstanceUID={tags['StudyInstanceUID']}")
    assert [each["0020000D"]["Value"] for each in found] == [[tags["StudyInstanceUID"]]]
    assert found[0]["00100020"]["Value"] == [study["PatientMainDicomTags"]["PatientID"]]


def test_errors_are_orthancs(client: Client) -> None:
    for method, path, status, code in (
        ("GET", "/dicom-web", 404, 17),
        ("GET", "/dicom-web/nothing", 404, 17),
        ("GET", "/wado", 404, 17),
        ("POST", "/dicom-web/studies", 415, 3000),
    ):
        answer = client.ask(method, path, b"" if method == "POST" else None)
        assert (answer.status, answer.json["OrthancStatus"], answer.json["Uri"]) == (status, code, path)
    assert client.ask("GET", "/dicom-web/servers").body == b"[]\n"
