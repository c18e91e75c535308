"""DICOMweb and strangers: whatever they ask, the answer is one of the standard's, and never an error of ours."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.dicomweb import mounted
from dicomhawk.sensor.web.dicomweb.media import MAX_TYPES, parse
from dicomhawk.sensor.web.message import Request, Response, Site
from tests.sensor.web.bench import Bench
from tests.tells import assert_no_tell

STATUSES = {200, 202, 204, 206, 400, 404, 405, 406, 409, 415}


def site(backing: Backing) -> Site:
    async def nothing(request: Request) -> Response:
        return Response(404, [], b"")

    return mounted(backing, nothing)


@pytest.fixture(scope="module")
def bench(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("hostile") / "data"))
    made = Bench(data, "plain", site)
    yield made
    made.close()


@pytest.fixture(scope="module")
def known(bench: Bench) -> tuple[str, str, str]:
    """UIDs of a report, which needs no rendering."""
    model = json.loads(bench.ask("/dicom-web/instances?Modality=SR&limit=1").body)[0]
    study, series, instance = (model[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    return study, series, instance


ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "' OR 1=1 --",
            "../../../../etc/passwd",
            "{{7*7}}",
            "<script>alert(1)</script>",
            "%00",
            "*" * 50,
            "?" * 300,
            "\\" * 200,
            "1.2.840.10008.5.1.4.1.1.2",
            "20200101-",
            "-1",
            "9" * 400,
            "\r\nSet-Cookie: a=b",
            "\ud7ff\U0010ffff",
        ]
    ),
)
WORDS = st.sampled_from(
    [
        "studies",
        "series",
        "instances",
        "metadata",
        "frames",
        "1",
        "1,2",
        "0",
        "bulkdata",
        "7FE00010",
        "00081140",
        "rendered",
        "thumbnail",
        "pixeldata",
        "STUDY",
        "SERIES",
        "UID",
        ".",
        "..",
        "%2e",
    ]
)
PARAMETERS = [
    "limit",
    "offset",
    "includefield",
    "fuzzymatching",
    "accept",
    "PatientName",
    "00100020",
    "StudyDate",
    "ModalitiesInStudy",
    "StudyInstanceUID",
    "00400275.00400009",
    "00400275",
    "viewport",
    "window",
    "quality",
    "requestType",
    "studyUID",
    "objectUID",
    "contentType",
    "rows",
    "columns",
    "windowCenter",
    "windowWidth",
    "frameNumber",
    "region",
    "imageQuality",
    "transferSyntax",
    "charset",
    "00280010",
    "00201208",
]
NAMES = st.one_of(st.sampled_from(PARAMETERS), st.text(max_size=12))
VALUES = st.one_of(
    ODD,
    st.sampled_from(
        [
            "1",
            "0",
            "100",
            "all",
            "true",
            "WADO",
            "UID",
            "STUDY",
            "CT",
            "application/dicom",
            "image/png",
            "1,2,3,4,5,6",
            "0.1,0.1,1,1",
        ]
    ),
)
ACCEPTS = st.one_of(
    st.sampled_from(
        [
            "*/*",
            "application/dicom+json",
            'multipart/related; type="application/dicom+xml"',
            'multipart/related; type="application/dicom"; transfer-syntax=*',
            "multipart/related; type=application/octet-stream",
            "image/png;q=0.5, image/jpeg;q=x",
            "application/dicom",
            "text/html",
        ]
    ),
    st.text(max_size=60),
)


@given(
    st.lists(st.one_of(WORDS, ODD), max_size=9),
    st.lists(st.tuples(NAMES, VALUES), max_size=6),
    ACCEPTS,
    st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"]),
    st.sampled_from(["/dicom-web/", "/dicom-web", "/wado", "/wado/"]),
)
@settings(max_examples=250, deadline=None)
def test_every_path_and_parameter_has_an_answer(
    bench: Bench,
    known: tuple[str, str, str],
    words: list[str],
    query: list[tuple[str, str]],
    accept: str,
    method: str,
    prefix: str,
) -> None:
    def real(word: str) -> str:
        return {"STUDY": known[0], "SERIES": known[1], "UID": known[2]}.get(word, word)

    target = prefix + "/".join(quote(real(word), safe=".,") for word in words)
    if query:
        target += "?" + "&".join(f"{quote(name)}={quote(real(value))}" for name, value in query)
    answer = bench.ask(target, method, [("Accept", accept)])
    assert answer.status in STATUSES
    for _, value in answer.headers:
        assert "\r" not in value and "\n" not in value
    assert not answer.kind.startswith("text/html")


@given(
    st.lists(
        st.sampled_from(["studies", "STUDY", "series", "SERIES", "instances", "UID", "metadata", "frames", "1"]),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_paths_that_nearly_are_ones(bench: Bench, known: tuple[str, str, str], words: list[str]) -> None:
    real = {"STUDY": known[0], "SERIES": known[1], "UID": known[2]}
    answer = bench.ask("/dicom-web/" + "/".join(real.get(word, word) for word in words))
    assert answer.status in STATUSES


@given(st.binary(max_size=3000), st.sampled_from(["b", "x y", '"']), st.booleans())
@settings(max_examples=100, deadline=None)
def test_whatever_is_stored(bench: Bench, noise: bytes, boundary: str, framed: bool) -> None:
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + noise + b"\r\n--b--" if framed else noise
    kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    answer = bench.ask("/dicom-web/studies", "POST", [("Content-Type", kind)], [body[:7], body[7:]])
    assert answer.status in {400, 409, 415}


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_objects_with_odd_bytes_are_kept_and_come_back(bench: Bench, data: st.DataObject) -> None:
    sample = Path(pydicom.data.get_testdata_file("CT_small.dcm")).read_bytes()[:6000]
    content = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 10))):
        content[data.draw(st.integers(340, len(content) - 1))] = data.draw(st.integers(0, 255))
    body = b"--b\r\n\r\n" + bytes(content) + b"\r\n--b--"
    visitor = f"192.0.2.{data.draw(st.integers(10, 12))}"
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    answer = bench.ask("/dicom-web/studies", "POST", [("Content-Type", kind)], [body], visitor)
    assert answer.status in {200, 202, 409}
    for item in json.loads(answer.body).get("00081199", {}).get("Value", []):
        url = item.get("00081190", {}).get("Value", [""])[0].partition("8080")[2]
        for what in ("", "/metadata", "/bulkdata/7FE00010", "/frames/1", "/rendered"):
            if url:
                assert bench.ask(url + what, visitor=visitor).status in {200, 400, 404, 406}
    assert bench.ask("/dicom-web/instances?includefield=all&limit=5", visitor=visitor).status in {200, 204}


def test_uploads_with_payloads_in_all_texts_come_back_as_data(bench: Bench) -> None:
    payload = "<script>alert('x')</script>{{7*7}}' OR 1=1--"
    sample = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    sample.PatientName, sample.StudyDescription, sample.PatientID = payload, payload, "PAYLOAD"
    sample.SpecificCharacterSet = "ISO_IR 192"
    out = io.BytesIO()
    sample.save_as(out)
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    body = b"--b\r\n\r\n" + out.getvalue() + b"\r\n--b--"
    visitor = "192.0.2.77"
    assert bench.ask("/dicom-web/studies", "POST", [("Content-Type", kind)], [body], visitor).status == 200
    (model,) = json.loads(
        bench.ask("/dicom-web/studies?PatientID=PAYLOAD&includefield=StudyDescription", visitor=visitor).body
    )
    assert model["00081030"]["Value"] == [payload]
    assert bench.ask("/dicom-web/studies?PatientID=PAYLOAD", visitor=visitor).kind == "application/dicom+json"


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_accept_is_read(text: str) -> None:
    for each in parse(text):
        assert "/" in each.name and 0 <= each.quality <= 1


def test_a_long_accept_is_read_in_no_time() -> None:
    assert len(parse("a/b;c=d," * 100_000)) <= MAX_TYPES
    assert len(parse(";" * 100_000 + "," + '"' * 100_000)) == 0


def test_nothing_tells_what_it_is(bench: Bench, known: tuple[str, str, str]) -> None:
    for target in (
        "/dicom-web",
        "/dicom-web/studies?x=1",
        "/dicom-web/studies?limit=3",
        "/dicom-web/studies/1.2/metadata",
    ):
        answer = bench.ask(target)
        assert_no_tell(answer.body + repr(list(answer.headers)).encode())
