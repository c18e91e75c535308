"""From a visitor's bytes to the console's pages: sensor, analyst and console as they are."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import dpkt
import pytest
from PIL import Image
from starlette.testclient import TestClient

from dicomhawk.console.access import Access
from dicomhawk.console.app import create_app
from dicomhawk.settings import load
from tests.console.conftest import BASE, SECRET
from tests.console.visiting import XSS, visited
from tests.support import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data = visited(tmp_path_factory.mktemp("visit") / "data", studies=20)
    app = create_app(load(data=data, environment={}), Access((SECRET,)))
    with TestClient(app, base_url=BASE) as client:
        client.post("/sign-in", data={"secret": SECRET})
        yield client


@pytest.fixture(scope="module")
def session(client: TestClient) -> str:
    found = set(re.findall(r'href="(/sessions/[^"?/]+)"', client.get("/sessions").text))
    assert len(found) == 1
    return found.pop()


def test_the_session_is_told(client: TestClient, session: str) -> None:
    text = client.get(session).text
    assert "interaction" in text
    assert "PatientName" in text
    assert XSS not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "INTRUDER" in text
    assert "&lt;b&gt;AE&lt;/b&gt;" in text
    assert '<span class="esc">' not in re.sub(r"<td.*?</td>", "", text, flags=re.S)


def test_what_was_downloaded_is_seen(client: TestClient, session: str) -> None:
    text = client.get(f"{session}/fetched").text
    pictures = re.findall(r'<img src="(/images/[^"]+)"', text)
    assert pictures

    def images() -> list[bytes]:
        # Reports are no images; and on a machine with much else to do an image may not be rendered in time.
        answers = [client.get(address) for address in pictures]
        return [answer.content for answer in answers if answer.headers["content-type"] == "image/jpeg"]

    for image in wait_until(images, "pictures", 150):
        with Image.open(io.BytesIO(image)) as picture:
            assert max(picture.size) == 176
            low, high = picture.convert("L").getextrema()
            assert isinstance(low, int) and isinstance(high, int)
            assert high - low > 60


def test_what_was_left_is_shown_as_the_sandbox_made_it(client: TestClient) -> None:
    (sha256,) = set(re.findall(r'href="/files/([0-9a-f]{64})"', client.get("/files").text))
    text = client.get(f"/files/{sha256}").text
    assert "text.xss" in text
    assert XSS not in text
    response = client.get(f"/previews/{sha256}.png")
    assert response.headers["content-type"] == "image/png"
    for address in re.findall(r'(?:href|src)="([^"]+)"', text):
        answer = client.get(address)
        assert not answer.content.startswith(b"\x00" * 128 + b"DICM"), address


def test_transcripts_have_every_connection(client: TestClient, session: str) -> None:
    kinds: list[str] = []
    text = client.get(session).text
    addresses = re.findall(rf'href="({session}/transcript/[^"]+)"', text)
    assert len(addresses) >= 5
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200
        assert XSS not in page.text
        kinds += re.findall(r"<strong>([^<]+)</strong>", page.text)
    assert {"opened", "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "P-DATA-TF", "A-RELEASE-RQ", "bytes", "stored"} <= set(
        kinds
    )


def test_it_can_be_taken_away(client: TestClient, session: str) -> None:
    capture = client.get(f"{session}/session.pcap")
    assert capture.headers["content-disposition"].startswith("attachment")
    assert len(list(dpkt.pcap.Reader(io.BytesIO(capture.content)))) > 20
    bundle = client.get(f"{session}/bundle.zip")
    assert bundle.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        assert any(name.endswith(".pcap") for name in archive.namelist())
    assert client.get("/sessions/none/bundle.zip").status_code == 404
    assert client.get("/sessions/none/session.pcap").status_code == 404


def test_the_hospital_is_shown(client: TestClient) -> None:
    text = client.get("/hospital").text
    assert "Ashcombe General Hospital" in text
    assert text.count("<tr>") > 20


def test_health_knows_how_far_the_analyst_is(client: TestClient) -> None:
    text = client.get("/health").text
    assert ".ndjson" in text
    assert re.search(r"Analyst is behind by</dt><dd>0 B", text)
    for name in ("journal", "transcripts", "captured objects", "findings"):
        assert name in text


def test_an_alert_has_its_lines_and_says_what_to_do_next(client: TestClient) -> None:
    text = client.get("/alerts").text
    assert '<span class="esc">\\n</span>' not in text
    assert "\nWho: 127.0.0.1\n" in text
    assert re.search(r"<b>Next:</b> [A-Z][a-z]+ ", text)
    assert not re.search(r"told with [a-z-]+:", text)


def test_a_captured_file_is_one_step_from_the_timeline(client: TestClient, session: str) -> None:
    text = client.get(f"{session}/timeline?action=file.captured").text
    assert re.search(r'<a href="/files/[0-9a-f]{64}">The file</a>', text)


def test_the_list_of_sessions_has_the_whole_verdict(client: TestClient, session: str) -> None:
    verdict = re.search(r'<p class="sentence">(.*?)</p>', client.get(session).text, re.S)
    assert verdict is not None
    assert len(verdict[1]) > 160
    assert f">{verdict[1]}</td>" in client.get("/sessions").text
