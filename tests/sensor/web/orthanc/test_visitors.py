"""What a visitor changes is changed for that visitor, recorded, and for nobody else."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import urljoin

import pytest

from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor


@pytest.fixture
def other(orthanc: Sensor) -> Client:
    return Client(orthanc.web_port)


def test_without_credentials_nothing_is_shown(orthanc: Sensor) -> None:
    for client in (Client(orthanc.web_port, user=None), Client(orthanc.web_port, password="wrong")):
        for path in ("/", "/system", "/nothing", "/app/explorer.html", "/dicom-web/studies", "/webdav/"):
            answer = client.ask("GET", path)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="Orthanc Secure Area"'
            assert answer.body == b""
    found = orthanc.wait_event("http.login", source__ip=client.address, event__outcome="failure")
    assert found["honeypot"]["credential"] == {"username": "orthanc", "password": "wrong"}


def test_who_signs_in_is_on_record(client: Client, orthanc: Sensor) -> None:
    client.get("/system")
    found = orthanc.wait_event("http.login", source__ip=client.address)
    assert found["event"]["outcome"] == "success"


def test_a_deleted_study_is_gone_for_its_visitor(client: Client, other: Client, orthanc: Sensor) -> None:
    study = next(each for each in client.get("/studies?expand&since=0&limit=40") if len(each["Series"]) > 1)
    before = client.get("/statistics")
    path = f"/studies/{study['ID']}"
    instances = len(client.get(f"{path}/instances"))
    remaining = client.ask("DELETE", path)
    assert remaining.status == 200
    assert client.ask("GET", path).status == 404
    assert client.ask("DELETE", path).status == 404
    assert study["ID"] not in client.get("/studies")
    assert study["ID"] not in client.post("/tools/find", {"Level": "Study", "Query": {}})
    for series in study["Series"]:
        assert client.ask("GET", f"/series/{series}").status == 404
    after = client.get("/statistics")
    assert before["CountStudies"] - after["CountStudies"] == 1
    assert before["CountSeries"] - after["CountSeries"] == len(study["Series"])
    assert before["CountInstances"] - after["CountInstances"] == instances
    assert other.get(path) == study
    found = orthanc.wait_event("web.change", source__ip=client.address)
    assert found["honeypot"]["web"]["call"] == "delete"
    assert found["honeypot"]["web"]["target"] == path


def test_what_is_empty_goes_with_its_last_child(client: Client) -> None:
    patients = client.get("/patients?expand&since=0&limit=40")
    patient = next(each for each in patients if len(each["Studies"]) == 1)
    study = client.get(f"/studies/{patient['Studies'][0]}")
    for series in study["Series"][1:]:
        ancestor = client.ask("DELETE", f"/series/{series}").json["RemainingAncestor"]
        assert ancestor == {"ID": study["ID"], "Path": f"/studies/{study['ID']}", "Type": "Study"}
    assert client.ask("DELETE", f"/series/{study['Series'][0]}").json == {"RemainingAncestor": None}
    assert client.ask("GET", f"/patients/{patient['ID']}").status == 404


def test_an_upload_is_its_visitors(client: Client, other: Client, orthanc: Sensor) -> None:
    dataset = secondary_capture()
    content = part10(dataset)
    stored = client.post("/instances", content)
    assert stored["Status"] == "Success"
    assert client.post("/instances", content)["Status"] == "AlreadyStored"
    assert client.ask("GET", f"{stored['Path']}/file").body == content
    assert client.get(f"{stored['Path']}/simplified-tags")["PatientName"] == "Visitor^Own"
    assert client.get(f"{stored['Path']}/metadata?expand")["Origin"] == "RestApi"
    assert stored["ID"] == client.get("/instances")[-1]
    assert client.post("/tools/lookup", dataset.PatientID)[0]["ID"] == stored["ParentPatient"]
    changes = client.get(f"/changes?since={client.get('/changes?last')['Last'] - 4}")["Changes"]
    assert [change["ChangeType"] for change in changes] == ["NewInstance", "NewSeries", "NewStudy", "NewPatient"]
    assert changes[0]["ID"] == stored["ID"]
    for path in (stored["Path"], f"{stored['Path']}/file", f"/patients/{stored['ParentPatient']}"):
        assert other.ask("GET", path).status == 404
    assert stored["ID"] not in other.get("/instances")
    assert other.post("/tools/lookup", dataset.PatientID) == []
    found = orthanc.wait_event("web.store", source__ip=client.address)
    assert (
        found["dicom"]["sop_instance"]["uid"] == dataset.SOPInstanceUID if "sop_instance" in found["dicom"] else True
    )


def test_what_was_deleted_can_be_stored_again(client: Client) -> None:
    content = part10(secondary_capture())
    first = client.post("/instances", content)
    for _ in range(2):
        assert client.ask("DELETE", first["Path"]).json == {"RemainingAncestor": None}
        assert client.ask("GET", first["Path"]).status == 404
        assert client.post("/instances", content)["Status"] == "Success"
        assert client.get(first["Path"])["ID"] == first["ID"]


def test_archives_are_unpacked(client: Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.dcm", part10(secondary_capture()))
        archive.writestr("readme.txt", "no object")
        archive.writestr("../../two.dcm", part10(secondary_capture()))
    assert [each["Status"] for each in client.post("/instances", buffer.getvalue())] == ["Success", "Success"]


@pytest.mark.parametrize(
    ("content", "details"),
    [
        (b"", "Received an empty DICOM file"),
        (b"this is not DICOM", "Cannot parse an invalid DICOM file (size: 17 bytes)"),
        (b"PK\x03\x04garbage", "Cannot open ZIP archive from memory buffer"),
    ],
)
def test_what_is_no_file_is_refused(client: Client, content: bytes, details: str) -> None:
    answer = client.ask("POST", "/instances", content)
    assert answer.status == 400
    assert answer.json["Details"] == details


def test_what_lacks_identifiers_is_refused(client: Client) -> None:
    dataset = secondary_capture()
    del dataset.StudyInstanceUID
    answer = client.ask("POST", "/instances", part10(dataset))
    assert (answer.status, answer.json["Message"]) == (404, "Inexistent tag")


def test_modalities_and_peers_are_the_visitors_own(client: Client, other: Client, orthanc: Sensor) -> None:
    configured = client.get("/modalities")
    assert configured
    assert client.ask("PUT", "/modalities/evil", ["EVIL", "192.0.2.1", 104]).status == 200
    assert client.get("/modalities/evil/configuration")["Host"] == "192.0.2.1"
    assert client.ask("DELETE", f"/modalities/{configured[0]}").status == 200
    assert set(client.get("/modalities")) == {*configured[1:], "evil"}
    assert other.get("/modalities") == configured
    assert client.ask("PUT", "/peers/evil", ["http://192.0.2.1:8042/", "u", "p"]).status == 200
    assert client.get("/peers/evil/configuration")["Password"] is None
    assert other.get("/peers") == []
    for path in ("/modalities/evil/echo", "/peers/evil/store", "/modalities/evil/store"):
        body = "{}" if path.endswith("echo") else client.get("/instances?since=0&limit=1")[0]
        answer = client.ask("POST", path, body)
        assert (answer.status, answer.json["OrthancStatus"]) == (500, 9)
    found = orthanc.wait_event("web.change", source__ip=client.address, honeypot__web__call="put modalities")
    assert "192.0.2.1" in found["honeypot"]["web"]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "call"),
    [
        ("POST", "/tools/execute-script", "os.execute('id')", 403, "execute-script"),
        ("POST", "/tools/reset", "", 200, "reset"),
        ("POST", "/tools/shutdown", "", 200, "shutdown"),
        ("PUT", "/tools/log-level", "verbose", 200, "put log-level"),
        ("POST", "/tools/dicom-echo", '{"AET":"X","Host":"192.0.2.9","Port":104}', 500, "dicom-echo"),
        ("POST", "/tools/create-dicom", '{"Tags":{"PatientName":"A"}}', 200, "create-dicom"),
        ("DELETE", "/changes", None, 200, "delete changes"),
    ],
)
def test_dangerous_calls_are_answered_and_recorded(
    client: Client, other: Client, orthanc: Sensor, method: str, path: str, body: str | None, status: int, call: str
) -> None:
    before = other.get("/statistics"), other.ask("GET", "/tools/log-level").body
    assert client.ask(method, path, body).status == status
    found = orthanc.wait_event("web.change", source__ip=client.address, honeypot__web__call=call)
    assert found["event"]["kind"] in ("event", "alert")
    assert other.get("/statistics")["CountPatients"] == before[0]["CountPatients"]
    assert other.ask("GET", "/tools/log-level").body == before[1]
    assert client.get("/system")["Version"] == "1.10.1"


def test_jobs_are_the_visitors_own(client: Client, other: Client) -> None:
    study = client.get("/studies?since=0&limit=1")[0]
    job = client.post(f"/studies/{study}/anonymize", {"Asynchronous": True})
    described = client.get(job["Path"])
    assert described["Type"] == "ResourceModification"
    assert described["State"] in ("Running", "Success")
    assert job["ID"] in client.get("/jobs")
    assert other.get("/jobs") == []
    assert other.ask("GET", job["Path"]).status == 404


def test_own_metadata(client: Client, other: Client) -> None:
    path = f"/studies/{client.get('/studies?since=0&limit=1')[0]}/metadata"
    assert client.ask("PUT", f"{path}/1024", "hello").headers["ETag"].startswith('"0-')
    assert client.ask("PUT", f"{path}/1024", "more").headers["ETag"].startswith('"1-')
    assert client.ask("GET", f"{path}/1024").body == b"more"
    assert other.ask("GET", f"{path}/1024").status == 404
    assert client.ask("PUT", f"{path}/LastUpdate", "x").status == 403


def test_what_plugins_say_of_themselves_is_there(client: Client) -> None:
    for name in client.get("/plugins"):
        if name == "explorer.js":
            continue
        described = client.get(f"/plugins/{name}")
        assert described["ID"] == name
        if "RootUri" in described:
            answer = client.ask("GET", urljoin("/app/explorer.html", described["RootUri"]))
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/html"
    assert client.ask("GET", "/plugins/nothing").status == 404
    assert client.get("/dicom-web/info") == {"DicomWebRoot": "/dicom-web/", "OrthancApiRoot": "./../"}
    assert client.ask("GET", "/dicom-web/app/libs/nothing").json["Message"] == "Accessing an inexistent item"
    assert client.ask("GET", "/app/dicomweb.html").status == 404
