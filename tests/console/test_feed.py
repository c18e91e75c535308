"""The live feed: what comes is sent once, and after a break it goes on where it was."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from dicomhawk.analyst.database import schema
from tests.console.browsing import SECRET, browsing, serving, until
from tests.console.filling import NOW, add, fill


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fill(tmp_path, 300)
    return tmp_path


def _come(data: Path, first: int, number: int, severity: int = 50) -> None:
    rows = [
        {
            "seq": seq, "id": f"come{seq}", "moment": NOW, "sensor": "hawk", "session": None, "connection": None,
            "action": "dicom.c-echo", "severity": severity,
            "document": json.dumps({"event": {"action": "dicom.c-echo"}, "dicom": {"status": f"{seq}"}}),
        }
        for seq in range(first, first + number)
    ]  # fmt: skip
    add(data / "findings.sqlite", schema.events, rows)


class _Stream:
    """A reader of server-sent events."""

    def __init__(self, origin: str, query: str, last: str = "") -> None:
        at = urlsplit(origin)
        self._line = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
        body = urlencode({"secret": SECRET})
        self._line.request("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self._line.getresponse()
        answer.read()
        headers = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
        if last:
            headers["Last-Event-ID"] = last
        self._line.request("GET", f"/feed/stream?{query}", headers=headers)
        self._answer = self._line.getresponse()
        assert self._answer.status == 200
        assert self._answer.headers["content-type"].startswith("text/event-stream")

    def __iter__(self) -> Iterator[dict[str, str]]:
        message: dict[str, str] = {}
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                message[name] = value
            elif "data" in message:
                yield message
                message = {}

    def close(self) -> None:
        self._line.close()


def test_events_come_once_and_go_on_after_a_break(data: Path) -> None:
    with serving(data) as origin:
        stream = _Stream(origin, "after=100000")
        _come(data, 100_001, 3)
        found = list(islice(stream, 3))
        assert [message["id"] for message in found] == ["100001", "100002", "100003"]
        assert "C-ECHO answered 100001" in json.loads(found[0]["data"])["html"]
        stream.close()
        _come(data, 100_004, 2)
        again = _Stream(origin, "after=100000", last="100003")
        found = list(islice(again, 2))
        assert [message["id"] for message in found] == ["100004", "100005"]
        again.close()


def test_of_very_many_the_last_are_sent(data: Path) -> None:
    with serving(data) as origin:
        _come(data, 100_001, 500)
        stream = _Stream(origin, "after=100000")
        skipped = next(iter(stream))
        assert skipped["event"] == "skipped"
        assert json.loads(skipped["data"])["number"] == 400
        found = list(islice(stream, 100))
        assert [message["id"] for message in found] == [str(seq) for seq in range(100_401, 100_501)]
        stream.close()


def test_only_what_is_serious_enough(data: Path) -> None:
    with serving(data) as origin:
        stream = _Stream(origin, "after=100000&least=60")
        _come(data, 100_001, 2, severity=10)
        _come(data, 100_003, 1, severity=90)
        assert next(iter(stream))["id"] == "100003"
        stream.close()


@pytest.mark.timeout(200)
def test_the_page_can_be_paused_and_goes_on(data: Path) -> None:
    with serving(data) as origin, browsing(origin) as page:
        page.goto(f"{origin}/feed")
        until(page, "document.getElementById('state').textContent === 'Live.'")
        _come(data, 100_001, 2)
        page.wait_for_selector("#feed li[data-seq='100002']")
        assert page.locator("#feed li").first.get_attribute("data-seq") == "100002"
        pause = page.locator("#pause")
        pause.press("Space")
        assert pause.get_attribute("aria-pressed") == "true"
        _come(data, 100_003, 2)
        page.wait_for_timeout(2500)
        assert page.locator("#feed li[data-seq='100003']").count() == 0
        page.locator("#announce").check()
        pause.press("Space")
        page.wait_for_selector("#feed li[data-seq='100004']")
        assert page.locator("#feed li[data-seq='100003']").count() == 1
        until(page, "document.getElementById('live').textContent.includes('new events. The last: dicom.c-echo')")
        assert not page.wrongs
