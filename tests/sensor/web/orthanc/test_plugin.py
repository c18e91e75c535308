"""What Orthanc's plug-in for DICOMweb says, measured on version 1.7: in which order and framing."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
from typing import Any

import pytest

from tests.sensor.web.orthanc.client import ROOT, Client, part10, secondary_capture
from tests.support import Sensor

STUDY = f"{ROOT}81"
SERIES = f"{STUDY}.1"
BASE = f"/dicom-web/studies/{STUDY}"
INSTANCE = f"{BASE}/series/{SERIES}/instances/{SERIES}.1"
BOUNDARY = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{9}")


@pytest.fixture(scope="module")
def owner(orthanc: Sensor) -> Client:
    """A visitor with a study of two series: a frame in grey, and one of three frames; and another study."""
    client = Client(orthanc.web_port)
    for series, more in (
        (1, {"StudyComments": "said", "RescaleIntercept": "-2", "RescaleSlope": "3"}),
        (2, {"NumberOfFrames": "3", "PixelData": bytes(range(48))}),
    ):
        common = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.{series}", "PatientID": "PLUG-1"}
        uid = {"SOPInstanceUID": f"{STUDY}.{series}.1", "PatientName": "Plug\u00dc^In=\u5c71"}
        dataset = secondary_capture(SpecificCharacterSet="ISO_IR 192", **common, **uid, **more)
        block = dataset.private_block(0x0009, "MAKER", create=True)
        block.add_new(1, "LO", f"private {series}")
        client.post("/instances", part10(dataset))
    client.post("/instances", part10(secondary_capture(PatientID="PLUG-2", StudyInstanceUID=f"{ROOT}82")))
    return client


def parts_of(client: Client, path: str, **fields: str) -> tuple[dict[str, str], list[tuple[list[str], bytes]]]:
    """The fields of an answer in parts, and of each part its lines and its content."""
    answer = client.ask("GET", path, **fields)
    assert answer.status == 200, answer
    boundary = answer.headers["Content-Type"].rsplit("boundary=", 1)[1]
    assert BOUNDARY.fullmatch(boundary)
    *parts, last = answer.body.split(f"--{boundary}".encode())[1:]
    assert last == b"--\r\n"
    found = []
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append((head.decode().split("\r\n"), content.removesuffix(b"\r\n")))
    return answer.headers, found


def test_one_part_is_sent_with_its_length_and_more_until_the_end(owner: Client) -> None:
    headers, parts = parts_of(owner, INSTANCE)
    assert headers["Connection"] == "keep-alive"
    assert int(headers["Content-Length"]) > len(parts[0][1])
    length = len(parts[0][1])
    assert parts[0][0] == ["Content-Type: application/dicom", f"Content-Length: {length}", "MIME-Version: 1.0"]
    headers, parts = parts_of(owner, BASE)
    assert len(parts) == 2
    assert headers["Connection"] == "close"
    assert {"Content-Length", "Keep-Alive", "Transfer-Encoding"}.isdisjoint(headers)


def test_frames_say_where_they_are(owner: Client) -> None:
    path = f"{BASE}/series/{STUDY}.2/instances/{STUDY}.2.1/frames"
    kind = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    headers, parts = parts_of(owner, f"{path}/3,1")
    assert headers["Content-Type"].startswith(f'multipart/related; type="{kind}"; boundary=')
    assert [content for _, content in parts] == [bytes(range(32, 48)), bytes(range(16))]
    location = f"Content-Location: http://localhost{path}/3"
    assert parts[0][0] == [location, f"Content-Type: {kind}", "Content-Length: 16", "MIME-Version: 1.0"]
    # Of all frames it misses the first, and what it takes for the last isn't there.
    answer = owner.ask("GET", path)
    assert answer.status == 200
    assert bytes(range(32, 48)) in answer.body
    assert bytes(range(16)) not in answer.body
    assert not answer.body.endswith(b"--\r\n")


@pytest.mark.parametrize(
    ("path", "accept", "status", "number", "details"),
    [
        (f"{INSTANCE}/frames/0", "*/*", 400, 3, "Invalid frame number (must be > 0): 0"),
        (f"{INSTANCE}/frames/2", "*/*", 400, 3, ""),
        (f"{INSTANCE}/frames/a", "*/*", 400, 15, ""),
        (f"{INSTANCE}/frames/1", "image/png", 400, 3, "expecting 'Accept: multipart/related' HTTP header"),
        (f"{INSTANCE}/frames/1", 'multipart/related; type="image/jp2"', 500, 1, ""),
        (
            f"{INSTANCE}/frames/1",
            "multipart/related; type=x/y",
            400,
            8,
            'DICOMweb RetrieveFrames: Transfer syntax "" is incompatible with media type "x/y"',
        ),
        (f"{BASE}/series/1.2", "*/*", 404, 7, "Accessing an inexistent series with WADO-RS: 1.2"),
        (f"/dicom-web/studies/1.2/series/{SERIES}", "*/*", 404, 7, f"No series {SERIES} in study 1.2"),
        (
            f"{BASE}/series/1.2/instances/{SERIES}.1",
            "*/*",
            404,
            7,
            f"Instance {SERIES}.1 is not both in study {STUDY} and in series 1.2",
        ),
        (
            f"{INSTANCE}/metadata",
            "multipart/related",
            400,
            8,
            'Missing "type" in multipart/related accept type (multipart/related)',
        ),
        (
            INSTANCE,
            "multipart/related; type=application/dicom; transfer-syntax=1.2.3",
            400,
            8,
            "Unsupported transfer syntax in WADO-RS: 1.2.3",
        ),
        (f"{INSTANCE}/rendered", "image/png, image/jpeg", 400, 3, ""),
        (
            f"{INSTANCE}/rendered?quality=101",
            "*/*",
            400,
            3,
            'The value of "quality" in WADO-RS Retrieve Rendered Transaction must be between 1 and 100, found: 101',
        ),
        (
            f"{INSTANCE}/rendered?window=1,2",
            "*/*",
            400,
            3,
            'The number arguments to "window" in WADO-RS Retrieve Rendered Transaction must be 3',
        ),
        (f"{INSTANCE}/bulk/foo", "*/*", 500, 27, ""),
        (f"{INSTANCE}/bulk/99999999", "*/*", 404, 7, ""),
        (f"{INSTANCE}/bulkdata/7fe00010", "*/*", 404, 17, ""),
        (
            "/dicom-web/studies?fuzzymatching=1",
            "*/*",
            400,
            8,
            "Not a proper value for fuzzy matching (true or false): 1",
        ),
        ("/dicom-web/studies?limit=-1", "*/*", 500, 1, ""),
    ],
)
def test_what_it_can_not_do(owner: Client, path: str, accept: str, status: int, number: int, details: str) -> None:
    answer = owner.ask("GET", path, Accept=accept)
    document: dict[str, Any] = answer.json
    assert (answer.status, document["OrthancStatus"], document.get("Details", "")) == (status, number, details)


def ids_of(client: Client, query: str) -> list[str]:
    """Study UIDs of a search."""
    return [each["0020000D"]["Value"][0] for each in client.get(f"/dicom-web/studies?{query}")]


def test_studies_come_in_the_order_of_their_ids(owner: Client) -> None:
    listed = owner.post("/tools/find", {"Level": "Study", "Query": {}})
    uids = [owner.get(f"/studies/{each}")["MainDicomTags"]["StudyInstanceUID"] for each in listed[:3]]
    assert ids_of(owner, "limit=3") == uids


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientID=plug-1", [STUDY]),
        ("0010,0020=PLUG-1", [STUDY]),
        ("PatientID=PLUG-1&PatientID=PLUG-9", []),
        ("PatientID=PLUG%2D1", []),
        (f"StudyInstanceUID={STUDY}%2C1.2", [STUDY]),
        ("PatientID=PLUG-1&foo=bar&includefield=foo", [STUDY]),
        ("PatientID=PLUG-1&Modality=OT", []),
        ("PatientID=PLUG-1&ModalitiesInStudy=OT,CT", [STUDY]),
    ],
)
def test_searches(owner: Client, query: str, found: list[str]) -> None:
    assert ids_of(owner, query) == found


def test_matches_are_told_in_latin_1(owner: Client) -> None:
    (study,) = owner.get("/dicom-web/studies?PatientID=PLUG-1&includefield=RETIRED_StudyComments")
    assert study["00080005"]["Value"] == ["ISO_IR 100"]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Plug\u00dc^In"}]
    assert "00324000" not in study  # the series that came last has none
    assert study["00201208"]["Value"] == [2]


def test_searches_in_xml(owner: Client) -> None:
    _, parts = parts_of(owner, "/dicom-web/studies?PatientID=PLUG-1", Accept="application/xml")
    assert parts[0][0][0] == "Content-Type: application/dicom+xml"
    text = parts[0][1].decode()
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/')
    assert '  <DicomAttribute tag="00080050" vr="SH" keyword="AccessionNumber" />\n' not in text
    assert (
        '  <DicomAttribute tag="00100020" vr="LO" keyword="PatientID">\n    <Value number="1">PLUG-1</Value>\n'
        in text
    )
    assert parts_of(owner, "/dicom-web/studies?PatientID=NOBODY", Accept="text/xml")[1] == []


def test_all_binary_values_are_elsewhere(owner: Client) -> None:
    (metadata,) = owner.get(f"{INSTANCE}/metadata")
    assert metadata["7FE00010"]["BulkDataURI"] == f"http://localhost{INSTANCE}/bulk/7fe00010"
    assert parts_of(owner, f"{INSTANCE}/bulk/7fe00010")[1][0][1] == bytes(range(16))
    assert parts_of(owner, f"{INSTANCE}/bulk/00100020")[1][0][1] == b"PLUG-1"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"Rows": "4"}, 2),
        ({"Rows": "5"}, 0),
        ({"0009,1001": "PRIVATE 2"}, 1),
        ({"SpecificCharacterSet": "ISO_IR 192"}, 2),
        ({"ReferencedStudySequence": "x"}, 0),
        ({"RETIRED_StudyComments": "said"}, 1),
        ({"TransferSyntaxUID": "1.2.840.10008.1.2.1"}, 0),
    ],
)
def test_finding_by_what_is_not_indexed(owner: Client, query: dict[str, str], found: int) -> None:
    body = {"Level": "Series", "Query": query | {"PatientID": "PLUG-1"}}
    assert len(owner.post("/tools/find", body)) == found


def test_samples_as_arrays(owner: Client) -> None:
    (grey,) = owner.post("/tools/lookup", f"{STUDY}.1.1")
    answer = owner.ask("GET", f"{grey['Path']}/numpy")
    head, _, data = answer.body[10:].partition(b"\n")
    assert head.rstrip() == b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4,4,1), }"
    assert struct.unpack("<16f", data) == tuple(value * 3.0 - 2 for value in range(16))
    assert owner.ask("GET", f"{grey['Path']}/numpy?rescale=0").body.endswith(b"\n" + bytes(range(16)))
    (loop,) = owner.post("/tools/lookup", f"{STUDY}.2")
    whole = owner.ask("GET", f"{loop['Path']}/numpy")
    assert b"'shape': (3, 4,4,1), }" in whole.body[:128]
    assert len(whole.body) == 128 + 48 * 4
    assert owner.ask("GET", f"{loop['Path']}/numpy?rescale=x").json["OrthancStatus"] == 3
    assert owner.ask("GET", f"{loop['Path']}/numpy?compress=1").body[:2] == b"PK"


def test_names_of_what_is_retired(owner: Client) -> None:
    (grey,) = owner.post("/tools/lookup", f"{STUDY}.1.1")
    assert owner.get(f"{grey['Path']}/simplified-tags")["RETIRED_StudyComments"] == "said"
    answer = owner.ask("GET", f"{grey['Path']}/tags?ignore-length=foo")
    assert (answer.status, json.loads(answer.body)["OrthancStatus"]) == (500, 27)


def test_arguments_are_not_decoded(owner: Client) -> None:
    assert owner.ask("GET", "/tools/generate-uid?level=%73tudy").status == 404
    assert owner.ask("GET", "/tools/generate-uid?level=study").status == 200


FORM = "multipart/form-data; boundary=x"
RELATED = 'multipart/related; type="application/dicom"; boundary=b'


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/nothing", b"x", FORM, 200),
        ("/dicom-web/studies", b"x", FORM, 200),
        ("/dicom-web/studies", b"", RELATED, 200),
        ("/dicom-web/studies", b"--b\r\nContent-Type: application/dicom\r\n\r\nx", RELATED, 200),
        ("/dicom-web/studies", b"--b--\r\n", "multipart/related; boundary=b", 415),
    ],
)
def test_bodies_in_parts(owner: Client, path: str, body: bytes, kind: str, status: int) -> None:
    answer = owner.ask("POST", path, body, Content_Type=kind)
    assert answer.status == status
    if kind == FORM:
        assert (answer.body, answer.headers.get("Content-Type")) == (b"", None)
    elif status == 200:
        assert answer.json == {
            "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
            "00081198": {"vr": "SQ"},
            "00081199": {"vr": "SQ"},
        }


@pytest.mark.parametrize(
    ("path", "size", "kind"),
    [
        ("/app/libs/jquery.min.js", 105844, "application/javascript"),
        ("/app/libs/slimbox2/nextlabel.gif", 354, "image/gif"),
        ("/app/explorer.html", 31203, "text/html"),
        ("/app/explorer.css", 1615, "text/css"),
        ("/dicom-web/app/client/app.js", 10994, "application/javascript"),
        ("/dicom-web/app/libs/fonts/fontawesome-webfont.woff", 98024, "application/x-font-woff"),
        ("/dicom-web/app/libs/css/bootstrap.min.css.map", 185460, "application/octet-stream"),
    ],
)
def test_files_are_there_as_long_as_its_own(owner: Client, path: str, size: int, kind: str) -> None:
    answer = owner.ask("GET", path)
    assert (answer.status, answer.headers["Content-Type"], len(answer.body)) == (200, kind, size)


@pytest.mark.parametrize(
    ("path", "body", "status", "number", "details"),
    [
        ("studies/{}/modify", {"PrivateCreator": 3}, 400, 15, "String value expected in field: PrivateCreator"),
        ("studies/{}/modify", {"Synchronous": "x"}, 400, 15, "Boolean value expected in field: Synchronous"),
        (
            "studies/{}/modify",
            {"Replace": {"PatientName": 3}},
            400,
            5,
            "Bad Parameter type for tag 0010,0010",
        ),
        (
            f"studies/{'0' * 8}{'-00000000' * 4}/modify",
            {"Remove": ["PatientID"]},
            400,
            8,
            'Marking tag "PatientID" as to be removed requires the "Force" option to be set to true',
        ),
        ("studies/{}/split", [], 500, -1, "An unhandled exception was generated inside the HTTP server"),
        ("studies/{}/merge", [], 400, 15, "List of strings expected in field: Resources"),
        ("studies/{}/archive", {"Priority": "x"}, 400, 15, "Integer value expected in field: Priority"),
        (
            "tools/find",
            {"Level": "Study", "Query": {}, "CaseSensitive": 1},
            400,
            8,
            'Field "CaseSensitive" should be a Boolean',
        ),
    ],
)
def test_options_that_are_none(
    owner: Client, path: str, body: object, status: int, number: int, details: str
) -> None:
    (study,) = owner.post("/tools/lookup", STUDY)
    answer = owner.ask("POST", f"/{path.format(study['ID'])}", body)
    document: dict[str, Any] = answer.json
    assert (answer.status, document["OrthancStatus"], document.get("Details", "")) == (status, number, details)


def test_a_study_is_not_split_from_what_is_not_in_it(owner: Client) -> None:
    (study,) = owner.post("/tools/lookup", f"{ROOT}82")
    (series,) = owner.post("/tools/lookup", SERIES)
    answer = owner.ask("POST", f"{study['Path']}/split", {"Series": [series["ID"]]})
    assert answer.json["Details"] == f"This series does not belong to the study to be split: {series['ID']}"
    assert owner.ask("GET", series["Path"]).status == 200


def test_a_space_behind_credentials_is_a_part_of_them(orthanc: Sensor) -> None:
    client = Client(orthanc.web_port)
    assert client.ask("GET", "/system").status == 200
    head = f"GET /system HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']} \r\n\r\n"
    with socket.create_connection(("127.0.0.1", orthanc.web_port), 5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 401 ")


def test_the_conformance_statement_is_as_old_as_its_own(owner: Client) -> None:
    statement = owner.ask("GET", "/tools/dicom-conformance").body
    assert hashlib.sha1(statement).hexdigest()[:16] == "ecc288de9ff404c0"


def test_the_archive_as_folders(owner: Client) -> None:
    def names(path: str) -> list[str]:
        answer = owner.ask("PROPFIND", f"/webdav/{path}/", Depth="1")
        assert answer.status == 207, path
        return re.findall(r"<D:displayname>(.*)</D:displayname>", answer.body.decode())[1:]

    assert names(f"by-uids/{STUDY}") == ["study.json", SERIES, f"{STUDY}.2"]
    assert names(f"by-uids/{STUDY}/{SERIES}") == ["series.json", f"{SERIES}.1.dcm"]
    assert owner.ask("GET", f"/webdav/by-uids/{STUDY}/{SERIES}/{SERIES}.1.dcm").body[128:132] == b"DICM"
    about = owner.ask("GET", f"/webdav/by-uids/{STUDY}/study.json")
    assert about.headers["Last-Modified"] == "not-a-date-timeZ"
    assert about.json["MainDicomTags"]["StudyInstanceUID"] == STUDY
    assert about.body.count(b"\r\n") == about.body.count(b"\n")
    (patient,) = (each for each in names("by-patients") if each.startswith("PLUG-1"))
    assert patient == "PLUG-1 - Plug^In="
    place = "by-patients/PLUG-1%20-%20Plug%5EIn%3D"
    assert names(place) == ["-"]
    (grey,) = owner.post("/tools/lookup", f"{SERIES}.1")
    assert f"{grey['ID']}.dcm" in names(f"{place}/-/OT%20-")
    assert names(f"by-uids/{STUDY}9") == []
    assert SERIES not in Client(owner.port).ask("PROPFIND", f"/webdav/by-uids/{STUDY}/", Depth="1").body.decode()
    assert owner.ask("PROPFIND", "/webdav/by-studies/nothing/", Depth="1").status == 404
