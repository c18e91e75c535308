"""Any path, method and body comes to an answer of the product's, and to nothing else."""

from __future__ import annotations

import base64
import random

import pytest

from tests.sensor.web.orthanc.client import Client
from tests.support import Sensor

PIECES = (
    *(
        "patients",
        "studies",
        "series",
        "instances",
        "tools",
        "modalities",
        "peers",
        "jobs",
        "changes",
        "app",
        "plugins",
    ),
    *("webdav", "web-viewer", "frames", "content", "attachments", "metadata", "dicom", "find", "lookup", "0", "1024"),
    *(
        "..",
        ".",
        "",
        "%2e%2e",
        "%00",
        "%ff%fe",
        "%E2%82%AC",
        "a'b",
        "<script>",
        "{{7*7}}",
        "x" * 300,
        "file",
        "archive",
    ),
    *(
        "preview",
        "tags",
        "statistics",
        "expand",
        "0010-0010",
        "create-archive",
        "echo",
        "store",
        "plugins",
        "archive",
    ),
)
QUERIES = ("", "?", "?expand", "?since=1", "?since=-5&limit=-5", "?since=99999999999999999999&limit=1", "?a=%00&&=")
BODIES = (
    *(None, b"", b"{}", b"[]", b"null", b"{", b"\xff" * 40, b'{"Level":"Study","Query":{"PatientName":"*"}}'),
    *(b'{"Level":"Study","Query":{"PatientName":"' + b"*?" * 300 + b'"}}', b'["x",1,2]', b"[" * 5000),
    *(b'{"Resources":["x"],"Level":"Series"}', b"\0" * 128 + b"DICM" + b"\x02\0" * 200),
)
METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "MKCOL")
FAILURES = {b'"Internal error"', b'"Unknown DICOM tag"', b'"Error in the network protocol"', b'"Not implemented yet"'}
"""What the product, too, calls a failure of its own."""


@pytest.mark.parametrize("seed", range(2))
def test_any_request_has_an_answer(orthanc: Sensor, seed: int) -> None:
    source = random.Random(seed)
    client = Client(orthanc.web_port)
    known = client.get("/studies?since=0&limit=1") + client.get("/instances?since=0&limit=1")
    for _ in range(100):
        path = "/" + "/".join(source.choice((*PIECES, *known)) for _ in range(source.randint(0, 5)))
        method = source.choice(METHODS)
        body = source.choice(BODIES) if method in ("POST", "PUT", "MKCOL") else None
        answer = client.ask(method, path + source.choice(QUERIES), body)
        if answer.status == 500:
            assert any(failure in answer.body for failure in FAILURES), (method, path, body, answer)
        assert b"Traceback" not in answer.body
        assert b"root:" not in answer.body
    orthanc.check()


@pytest.mark.parametrize(
    "path",
    [
        "/app/../../../../etc/passwd",
        "/app/%2e%2e/%2e%2e/etc/passwd",
        "/app/..%2f..%2fetc/passwd",
        "/app//etc/passwd",
        "/app/images/../../service.py",
        "/instances/../../etc/passwd/file",
        "/app/nothing.html%00.png/../../x",
    ],
)
def test_no_path_leads_out(client: Client, path: str) -> None:
    assert client.ask("GET", path).status == 404


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "' OR 1=1 --", "{{7*7}}", "%s%n", "../x"])
def test_nothing_is_put_into_words_or_statements(client: Client, value: str) -> None:
    for key in ("PatientName", "PatientID", "StudyDescription", "AccessionNumber"):
        answer = client.ask("POST", "/tools/find", {"Level": "Study", "Query": {key: value}})
        assert (answer.status, answer.body) == (200, b"[]")
    if "*" not in value:
        assert client.post("/tools/lookup", value) == []
    client.ask("PUT", "/peers/x", [f"http://{value}/"])
    answer = client.ask("GET", "/peers?expand")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic ", "Basic ???", "basic b3J0aGFuYzpvcnRoYW5j", "Bearer x", "Basic " + "A" * 9000, "\xff", ""],
)
def test_credentials_that_are_none(orthanc: Sensor, authorization: str) -> None:
    client = Client(orthanc.web_port, user=None)
    answer = client.ask("GET", "/system", Authorization=authorization)
    assert answer.status in (400, 401)


def test_a_password_with_anything_in_it(orthanc: Sensor) -> None:
    pair = base64.b64encode(b"orthanc:\xff\0'\"<>").decode()
    assert Client(orthanc.web_port, user=None).ask("GET", "/", Authorization=f"Basic {pair}").status == 401
    orthanc.check()
