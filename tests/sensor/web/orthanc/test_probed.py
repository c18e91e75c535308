"""Answers of the real Orthanc 1.10.1 to requests that its clients don't make, and strangers do."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import pytest

from dicomhawk.sensor.web.orthanc.jsoncpp import JsonError, parsed
from dicomhawk.sensor.web.orthanc.routing import normalized
from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor

UNKNOWN = "0" * 8 + "-00000000" * 4


@pytest.fixture(scope="module")
def visitor(orthanc: Sensor) -> Client:
    """A visitor whose requests change nothing."""
    return Client(orthanc.web_port)


@pytest.fixture(scope="module")
def own(visitor: Client) -> dict[str, str]:
    """Ids of an object that the visitor stored: an image in grey with a name of odd length."""
    dataset = secondary_capture(PatientName="Odd^N", PatientID="Probed-1", SeriesInstanceUID="1.2.276.0.99.5")
    answer = visitor.post("/instances", part10(dataset))
    assert isinstance(answer, dict)
    return answer


def told(visitor: Client, method: str, path: str, body: object = None, **fields: str) -> tuple[int, int, str]:
    """Status, Orthanc's number of the error and its details."""
    answer = visitor.ask(method, path, body, **fields)
    document: dict[str, Any] = answer.json if answer.body.startswith(b"{\n\t") else {}
    return answer.status, document.get("OrthancStatus", 0), document.get("Details", "")


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "/modalities/x", 405, "GET,PUT,DELETE"),
        ("POST", "/queries/x", 405, "GET,DELETE"),
        ("PUT", "/queries/x/answers/0/retrieve", 405, "POST"),
        ("DELETE", "/queries/x", 200, ""),
        ("DELETE", "/jobs/x/cancel", 405, "GET,POST"),
        ("GET", "/storage-commitment/x/remove", 405, "POST"),
        ("PUT", "/dicom-web/studies", 405, "GET,POST"),
        ("POST", "/dicom-web/servers/x", 405, "GET,PUT,DELETE"),
        ("DELETE", "/wado", 405, "GET"),
        ("HEAD", "/dicom-web/studies", 404, ""),
        ("OPTIONS", "/dicom-web/studies", 404, ""),
        ("PATCH", "/wado", 400, ""),
        ("POST", "/instances/x/content", 404, ""),
        ("REPORT", "/system", 400, ""),
        ("CONNECT", "/nothing", 400, ""),
        ("DELETE", "/webdav/x", 403, ""),
        ("OPTIONS", "/webdav/", 200, "GET, PUT, DELETE, OPTIONS, PROPFIND, HEAD, LOCK, UNLOCK, PROPPATCH, MKCOL"),
    ],
)
def test_methods(visitor: Client, method: str, path: str, status: int, allowed: str) -> None:
    answer = visitor.ask(method, path)
    assert (answer.status, answer.headers.get("Allow", "")) == (status, allowed)
    assert "Content-Type" not in answer.headers or status == 200


def test_a_method_can_be_meant(visitor: Client) -> None:
    assert visitor.ask("GET", "/system", X_HTTP_Method_Override="DELETE").status == 405
    assert visitor.ask("GET", "/system?_method=put").status == 405
    assert visitor.ask("GET", "/system?_method=post").status == 400


def test_answers_in_xml(visitor: Client, own: dict[str, str]) -> None:
    answer = visitor.ask("GET", "/jobs", Accept="application/xml;q=0.9")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert answer.body == b'<?xml version="1.0" encoding="utf-8"?>\n<root />\n'
    text = visitor.ask("GET", f"/patients/{own['ParentPatient']}", Accept="application/xml").body.decode()
    assert f"  <Studies>\n    <item>{own['ParentStudy']}</item>\n  </Studies>\n" in text
    assert "    <PatientName>Odd^N</PatientName>\n" in text
    for accept in ("text/html,application/xml;q=0.9", "application/xml;application/json", "*/*"):
        assert visitor.ask("GET", "/jobs", Accept=accept).body == b"[]"


def test_backslashes_are_slashes(visitor: Client) -> None:
    assert normalized("\\app\\..\\system\\") == "/system/"
    assert visitor.ask("GET", "/\\system").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", f"/studies/{UNKNOWN}/series", None, (404, 17, "")),
        ("GET", f"/instances/{UNKNOWN}/module", None, (404, 17, "")),
        ("GET", f"/patients/{UNKNOWN}", None, (404, 0, "")),
        ("GET", f"/patients/{UNKNOWN}/protected", None, (400, 3, "")),
        ("GET", "/jobs/x/cancel", None, (404, 7, "Job has no such output: cancel")),
        ("GET", "/modalities/x/configuration", None, (404, 7, "No modality with symbolic name: x")),
        ("POST", "/modalities/x/echo", "x", (400, 15, "Cannot parse the JSON body")),
        ("POST", "/modalities/x/query", {}, (400, 15, "The JSON body must contain field Level")),
        ("POST", "/modalities/x/query", {"Level": "Foo"}, (400, 3, "")),
        ("POST", "/modalities/x/find-series", {"PatientID": "abc"}, (400, 0, "")),
        (
            "POST",
            "/modalities/x/move",
            {},
            (400, 15, "Must provide a JSON body containing fields Resources and Level"),
        ),
        ("POST", "/modalities/x/store", {}, (400, 15, 'Missing field in JSON: "Resources"')),
        ("POST", "/modalities/x/store", ["y"], (400, 15, "This string is not a valid Orthanc identifier: y")),
        ("PUT", "/modalities/m", ["A", "b", "c"], (400, 15, "")),
        (
            "PUT",
            "/modalities/m",
            {"AET": "A", "Host": "b", "Port": 1, "AllowEcho": "x"},
            (400, 15, "Boolean value expected in field: AllowEcho"),
        ),
        ("PUT", "/peers/p", {}, (400, 15, "Empty URL")),
        ("PUT", "/peers/p", ["ftp://x"], (400, 15, "Bad URL: ftp://x")),
        ("GET", "/dicom-web/servers/x", None, (404, 7, "Inexistent server: x")),
        ("GET", "/dicom-web/studies/1.2", None, (404, 7, "Accessing an inexistent study with WADO-RS: 1.2")),
        ("GET", "/dicom-web/studies/1.2/thumbnail", None, (404, 17, "")),
        ("GET", "/dicom-web/studies?limit=x", None, (400, 15, "")),
        ("POST", "/dicom-web/studies", "", (415, 3000, "")),
        ("GET", "/wado/", None, (404, 17, "")),
        ("GET", f"/instances/{UNKNOWN}/preview", None, (404, 0, "")),
        ("POST", f"/studies/{UNKNOWN}/anonymize", "", (400, 15, "")),
        ("POST", "/studies/x/split", {}, (404, 17, "Cannot split unknown study x")),
        ("POST", "/tools/create-archive", "", (400, 15, "Expected a list of resources to archive in the body")),
        ("POST", "/tools/bulk-content", "", (400, 8, "The body must contain a JSON object")),
        (
            "POST",
            "/tools/create-dicom",
            {"Tags": {"PatientName": 1}},
            (400, 5, "Bad Parameter type for tag 0010,0010"),
        ),
        ("POST", "/tools/create-dicom", {"Tags": {}, "Parent": "x"}, (400, 2024, "")),
        ("POST", "/tools/find", {"Level": "Study", "Query": {"": "x"}}, (500, 27, "")),
        (
            "POST",
            "/tools/find",
            {"Level": "Study", "Query": {"StudyDate": "2020*"}},
            (400, 3, "Wildcards are not allowed on tag 0008,0020"),
        ),
        (
            "POST",
            "/tools/find",
            {"Level": "Series", "Query": {"SeriesNumber": "?"}},
            (400, 3, "Wildcards are not allowed on tag 0020,0011"),
        ),
        ("PROPFIND", "/webdav/", None, (500, 9, "WebDAV PROPFIND without depth")),
        ("PUT", "/tools/accepted-transfer-syntaxes", {}, (400, 15, "")),
    ],
)
def test_words(visitor: Client, method: str, path: str, body: object, expected: tuple[int, int, str]) -> None:
    assert told(visitor, method, path, body) == expected


@pytest.mark.parametrize(
    ("operation", "options", "expected"),
    [
        ("modify", {"Replace": []}, (400, 8, "")),
        ("modify", {"Force": "x"}, (400, 15, 'Member "Force" should be a Boolean value')),
        (
            "anonymize",
            {"Replace": {"PatientID": "x"}},
            (400, 8, 'Marking tag "PatientID" as to be replaced requires the "Force" option to be set to true'),
        ),
        (
            "modify",
            {"Remove": ["StudyInstanceUID"]},
            (400, 8, 'Marking tag "StudyInstanceUID" as to be removed requires the "Force" option to be set to true'),
        ),
        ("modify", {"Transcode": "nope"}, (400, 15, "Unknown transfer syntax UID: nope")),
        (
            "anonymize",
            {"DicomVersion": "2030"},
            (400, 3, "Unknown specific version of the DICOM standard: 2030"),
        ),
        ("split", {"Series": "x"}, (400, 15, "List of strings expected in field: Series")),
        ("split", {"Series": []}, (400, 8, 'Both the "Series" and the "Instances" fields are missing')),
        ("archive", {"Transcode": "nope"}, (400, 3, "Unknown transfer syntax: nope")),
        ("archive", {"Synchronous": "x"}, (400, 15, "Boolean value expected in field: Synchronous")),
    ],
)
def test_options_of_studies(
    visitor: Client, own: dict[str, str], operation: str, options: object, expected: tuple[int, int, str]
) -> None:
    assert told(visitor, "POST", f"/studies/{own['ParentStudy']}/{operation}", options) == expected


def test_values_are_as_they_are_in_the_file(visitor: Client, own: dict[str, str]) -> None:
    path = f"/instances/{own['ID']}/content"
    assert visitor.ask("GET", f"{path}/PatientName").body == b"Odd^N "
    assert visitor.ask("GET", f"{path}/Rows").body == b"\x04\0"
    assert visitor.ask("GET", f"{path}/PatientName/0").status == 404


def test_pictures(visitor: Client, own: dict[str, str]) -> None:
    path = f"/instances/{own['ID']}"
    assert visitor.ask("GET", f"{path}/preview?quality=101").status == 415
    assert visitor.ask("GET", f"{path}/rendered?window-center=a").status == 404
    bright = visitor.ask("GET", f"{path}/rendered?window-center=0&window-width=2")
    assert bright.status == 200
    assert bright.body != visitor.ask("GET", f"{path}/rendered").body
    assert told(visitor, "GET", f"{path}/frames/9/raw") == (400, 3, "")
    assert b"'shape': (4,4,1)" in visitor.ask("GET", f"{path}/frames/0/numpy").body
    colour = secondary_capture(SamplesPerPixel=3, PhotometricInterpretation="RGB", PixelData=bytes(48))
    colour.PlanarConfiguration = 0
    stored = visitor.post("/instances", part10(colour))["ID"]
    assert visitor.ask("GET", f"/instances/{stored}/image-uint8").status == 415
    assert visitor.ask("GET", f"/instances/{stored}/numpy").body.startswith(b"\x93NUMPY\x01\0v\0{'descr': '<u1'")
    report = secondary_capture(Modality="SR")
    for name in ("PixelData", "Rows", "Columns", "BitsAllocated"):
        delattr(report, name)
    path = f"/instances/{visitor.post('/instances', part10(report))['ID']}"
    answer = visitor.ask("GET", f"{path}/preview?returnUnsupportedImage")
    assert (answer.status, answer.headers["Location"]) == (301, "../../app/images/unsupported.png")
    listed = visitor.get(f"/dicom-web/instances?SOPInstanceUID={report.SOPInstanceUID}")[0]
    assert {"00280010", "00280100"}.isdisjoint(listed)


def test_main_tags_in_other_forms(visitor: Client, own: dict[str, str]) -> None:
    short = visitor.get(f"/patients/{own['ParentPatient']}?short")["MainDicomTags"]
    assert short["0010,0020"] == "Probed-1"
    full = visitor.get(f"/patients/{own['ParentPatient']}?full")["MainDicomTags"]
    assert full["0010,0020"] == {"Name": "PatientID", "Type": "String", "Value": "Probed-1"}


def test_metadata_have_no_memory_of_revisions(visitor: Client, own: dict[str, str]) -> None:
    path = f"/instances/{own['ID']}/metadata/1024"
    tags = [visitor.ask("PUT", path, "a").headers["ETag"][:3], visitor.ask("PUT", path, "a").headers["ETag"][:3]]
    assert tags == ['"0-', '"1-']
    tag = visitor.ask("GET", path).headers["ETag"]
    assert tag == '"0-0cc175b9c0f1b6a831c399e269772661"'
    assert told(visitor, "PUT", path, "b", If_Match='"0-x"')[:2] == (409, 43)
    assert visitor.ask("PUT", path, "b", If_Match=tag).status == 200
    assert visitor.ask("DELETE", path).status == 200
    assert told(visitor, "DELETE", path) == (404, 17, "")
    assert visitor.ask("GET", f"/instances/{own['ID']}/metadata/1").body == b"1"


def test_lookup_looks_at_no_case(visitor: Client, own: dict[str, str]) -> None:
    assert visitor.post("/tools/lookup", " probed-1\n")[0]["ID"] == own["ParentPatient"]


def test_a_form_with_files_is_stored(orthanc: Sensor) -> None:
    client = Client(orthanc.web_port)
    first, second = secondary_capture(), secondary_capture()
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + data + b"\r\n"
        for data in (part10(first), b"no DICOM", part10(second))
    )
    kind = "multipart/form-data; boundary=B"
    answer = client.ask("POST", "/instances", body + b"--B--\r\n", Content_Type=kind)
    assert (answer.status, answer.body) == (200, b"")
    assert "Content-Type" not in answer.headers
    for dataset in (first, second):
        assert len(client.post("/tools/lookup", dataset.SOPInstanceUID)) == 1


def test_a_file_needs_no_preamble(orthanc: Sensor) -> None:
    client, dataset = Client(orthanc.web_port), secondary_capture()
    stored = client.post("/instances", part10(dataset)[132:])
    assert (
        client.ask("GET", f"/instances/{stored['ID']}/content/PatientID").body.strip() == dataset.PatientID.encode()
    )


def test_an_archive_of_nothing_is_none(visitor: Client) -> None:
    empty = b"PK\x05\x06" + bytes(18)
    assert told(visitor, "POST", "/instances", empty)[2] == "Cannot open ZIP archive from memory buffer"


def test_archives_tell_who_made_them(visitor: Client, own: dict[str, str]) -> None:
    content = visitor.ask("GET", f"/studies/{own['ParentStudy']}/archive").body
    assert zipfile.ZipFile(io.BytesIO(content)).comment == b"Created by Orthanc"


def test_a_length_of_a_body_is_a_number(visitor: Client) -> None:
    for text in ("1x", "1, 1", "9" * 19):
        assert visitor.ask("POST", "/tools/lookup", b"x", Content_Length=text).status == 411


def test_servers_of_the_plugin(orthanc: Sensor) -> None:
    client, other = Client(orthanc.web_port), Client(orthanc.web_port)
    assert client.ask("PUT", "/dicom-web/servers/s", {"Url": "http://x/dw"}).body == b"{}"
    assert client.get("/dicom-web/servers") == ["s"]
    assert client.get("/dicom-web/servers?expand")["s"]["Url"] == "http://x/dw/"
    assert other.get("/dicom-web/servers") == []
    assert told(client, "POST", "/dicom-web/servers/s/qido", {"Uri": "/studies"})[:2] == (500, 9)
    assert told(client, "POST", "/dicom-web/servers/s/stow", {"Resources": []})[:2] == (500, 1)
    assert client.ask("DELETE", "/dicom-web/servers/s").status == 200
    assert told(client, "DELETE", "/dicom-web/servers/s") == (400, 3, "Unknown DICOMweb server: s")


def test_searches_of_the_plugin_repeat_what_is_above(visitor: Client, own: dict[str, str]) -> None:
    study = visitor.get(f"/studies/{own['ParentStudy']}")["MainDicomTags"]["StudyInstanceUID"]
    inside = visitor.get(f"/dicom-web/studies/{study}/series?includefield=all")
    assert inside[0]["00100020"]["Value"] == ["Probed-1"]
    assert {"00080061", "00201206", "00400244"}.isdisjoint(inside[0])
    assert inside[0]["00201209"]["Value"] == [1]
    # Where the query names the study, its attributes aren't repeated.
    named = visitor.get(f"/dicom-web/series?StudyInstanceUID={study}")
    assert named == [{tag: value for tag, value in inside[0].items() if tag[:4] != "0010" and tag in named[0]}]
    assert named[0]["0020000D"]["Value"] == [study]
    instance = visitor.get(f"/dicom-web/studies/{study}/instances")[0]
    assert {"00080061", "00201209", "00280008"}.isdisjoint(instance)
    assert visitor.get("/dicom-web/studies/1.2.276.0.99.7/series") == []


def test_an_instance_by_its_uid_alone(visitor: Client, own: dict[str, str]) -> None:
    uid = visitor.get(f"/instances/{own['ID']}")["MainDicomTags"]["SOPInstanceUID"]
    path = f"/wado?requestType=WADO&objectUID={uid}"
    picture = visitor.ask("GET", path)
    assert (picture.headers["Content-Type"], picture.body[:3]) == ("image/png", b"\xff\xd8\xff")
    assert visitor.ask("GET", f"{path}&contentType=application/dicom").body[128:132] == b"DICM"
    assert (
        told(visitor, "GET", f"{path}&contentType=text/html")[2] == 'WADO-URI: Unsupported content type: "text/html"'
    )
    assert told(visitor, "GET", f"/wado?requestType=WADO&objectUID={uid}9") == (404, 17, "")
    assert Client(visitor.port).ask("GET", path).status == 404


@pytest.mark.parametrize("accept", ["text/html", "application/dicom", "multipart/related; type=x"])
def test_what_the_plugin_can_not_make(visitor: Client, accept: str) -> None:
    status, number, words = told(visitor, "GET", "/dicom-web/studies/1.2", Accept=accept)
    assert (status, number) == (400, 8)
    assert words.startswith("This WADO-RS plugin")
    assert accept in words


def test_what_comes_of_an_upload_that_is_none(visitor: Client) -> None:
    kind = 'multipart/related; type="application/dicom"; boundary=B'
    body = b"--B\r\nContent-Type: application/dicom\r\n\r\njunk\r\n--B--\r\n"
    answer = visitor.ask("POST", "/dicom-web/studies", body, Content_Type=kind)
    assert answer.status == 400
    assert answer.json["00081198"] == answer.json["00081199"] == {"vr": "SQ"}


def test_accepted_syntaxes_are_those_that_were_put(orthanc: Sensor) -> None:
    client = Client(orthanc.web_port)
    path = "/tools/accepted-transfer-syntaxes"
    assert client.ask("PUT", path, ["1.2.840.10008.1.2.4.9*"]).json == client.get(path)
    assert len(client.get(path)) == 6
    assert len(Client(orthanc.web_port).get(path)) > 30


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":1} x', {"a": 1}),
        (b'/* c */ {"a": "/*x*/,}", } // x', {"a": "/*x*/,}"}),
        (b"\xef\xbb\xbf[1, 2,]", [1, 2]),
    ],
)
def test_json_is_read_as_leniently(text: bytes, value: object) -> None:
    assert parsed(text) == value


@pytest.mark.parametrize("text", [b"{'a':1}", b'{"a":NaN}', b"[1 2]", b"", b'{"a":'])
def test_json_that_is_none(text: bytes) -> None:
    with pytest.raises(JsonError):
        parsed(text)


@pytest.mark.parametrize("text", [b"/* " * 90_000, b"[" + b"," * 250_000, b'{"a":' + b",/* " * 60_000])
def test_lenient_reading_takes_no_time(text: bytes) -> None:
    began = time.process_time()
    with pytest.raises(JsonError):
        parsed(text)
    assert time.process_time() - began < 1
