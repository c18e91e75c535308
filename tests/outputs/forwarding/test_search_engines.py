"""Elasticsearch and Splunk, against stand-ins that are strict about the published contracts."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.outputs.forwarding.base import Permanent, Temporary
from dicomhawk.settings import SettingsError

from .http import Answer, HttpServer, Request
from .support import record
from .test_brokers import made, send


class Bulk:
    """The bulk API: ``create`` of documents in one data stream, of which each ``_id`` is there once."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.order: list[str] = []
        self.refuse: dict[str, int] = {}

    def __call__(self, request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        assert (request.method, path) == ("POST", "/_bulk")
        assert query.startswith("filter_path=errors,items.")
        assert request.headers["content-type"] == "application/x-ndjson"
        if request.headers.get("authorization") != "ApiKey c2VjcmV0":
            return 401, {"error": {"type": "security_exception"}, "status": 401}
        assert request.body.endswith(b"\n")
        lines = request.body[:-1].split(b"\n")
        assert len(lines) % 2 == 0
        items = []
        for action, source in zip(lines[::2], lines[1::2], strict=True):
            ((verb, meta),) = json.loads(action).items()
            assert verb == "create"
            assert set(meta) == {"_index", "_id"}
            assert meta["_index"] == "logs-dicomhawk-default"
            document = json.loads(source)
            assert "@timestamp" in document
            status = self.refuse.get(meta["_id"], 409 if meta["_id"] in self.documents else 201)
            item: dict[str, Any] = {"_id": meta["_id"], "status": status}
            if status == 201:
                self.documents[meta["_id"]] = document
                self.order.append(meta["_id"])
            else:
                item["error"] = {"type": "some_exception", "reason": "because"}
            items.append({verb: item})
        return 200, {"errors": any(i["create"]["status"] >= 300 for i in items), "items": items}


def elasticsearch(server: HttpServer, key: str = "c2VjcmV0") -> Any:
    return made("elasticsearch", url=server.url, api_key=key)


def test_bulk_documents_are_there_once_whatever_comes_twice() -> None:
    bulk = Bulk()
    batch = [record(n) for n in range(50)]
    with HttpServer(bulk) as server:
        send(elasticsearch(server), batch[:30], batch, batch[10:])
    assert bulk.order == [one.id for one in batch]
    assert bulk.documents[batch[7].id] == batch[7].document


def test_bulk_tells_what_is_refused_from_what_is_to_wait() -> None:
    bulk = Bulk()
    batch = [record(n) for n in range(5)]
    bulk.refuse = {batch[1].id: 400}
    with HttpServer(bulk) as server:
        with pytest.raises(Permanent, match="400") as refused:
            send(elasticsearch(server), batch)
        assert refused.value.refused == {batch[1].id}
        assert len(refused.value.taken) == 4
        bulk.refuse = {batch[1].id: 400, batch[3].id: 429}
        with pytest.raises(Temporary, match="429") as later:
            send(elasticsearch(server), batch)
        assert (later.value.refused, len(later.value.taken)) == ({batch[1].id}, 3)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"", Temporary),
        (503, b"<html>bad gateway", Temporary),
        (302, b"", Temporary),
        (200, b"<html>login", Temporary),
        (200, b'{"errors":true,"items":[]}', Temporary),
        (413, b"", Permanent),
        (400, b'{"error":"x"}', Permanent),
    ],
)
def test_whatever_answers_instead_loses_nothing(status: int, body: bytes, error: type[Exception]) -> None:
    with HttpServer(lambda request: (status, body)) as server, pytest.raises(error) as caught:
        send(elasticsearch(server), [record(1), record(2)])
    assert not caught.value.taken
    assert not caught.value.refused


def test_the_password_goes_to_the_server_only(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    bulk = Bulk()
    with HttpServer(bulk) as server:
        output = made("elasticsearch", url=server.url, username="pot", password={"file": str(secret)})
        with pytest.raises(Temporary) as caught:
            send(output, [record()])
        assert base64.b64decode(server.got[0].headers["authorization"].split()[1]) == b"pot:hunter2"
    assert "hunter2" not in str(caught.value) + output.where
    with pytest.raises(SettingsError):
        made("elasticsearch", url="http://x", username="pot", password={"file": str(tmp_path / "none")})


def test_a_server_that_asks_for_time_is_given_it() -> None:
    with HttpServer(lambda request: (429, b"", {"Retry-After": "17"})) as server, pytest.raises(Temporary) as caught:
        send(elasticsearch(server), [record()])
    assert caught.value.after == 17.0


class Collector:
    """Splunk's event collector."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.wrong = -1

    def __call__(self, request: Request) -> Answer:
        assert (request.method, request.target) == ("POST", "/services/collector/event")
        if request.headers.get("authorization") != "Splunk 12345678-1234-1234-1234-123456789012":
            return 403, {"text": "Invalid token", "code": 4}
        text, found = request.body.decode(), []
        while text:
            event, end = json.JSONDecoder().raw_decode(text)
            found.append(event)
            text = text[end:]
        if self.wrong >= 0:
            return 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": self.wrong}
        self.events += found
        return 200, {"text": "Success", "code": 0}


TOKEN = "12345678-1234-1234-1234-123456789012"


def test_splunk_gets_events_with_their_moment() -> None:
    collector = Collector()
    batch = [record(n) for n in range(20)]
    with HttpServer(collector) as server:
        send(made("splunk", url=server.url, token=TOKEN, index="pots"), batch)
    assert [one["event"] for one in collector.events] == [one.document for one in batch]
    first = collector.events[3]
    assert (first["host"], first["source"], first["sourcetype"]) == ("ward-7", "dicomhawk", "dicomhawk:json")
    assert (first["time"], first["index"]) == ("1796000000.003", "pots")


def test_splunk_says_what_is_wrong_with_whom() -> None:
    collector = Collector()
    batch = [record(n) for n in range(3)]
    with HttpServer(collector) as server:
        with pytest.raises(Temporary, match="code 4"):
            send(made("splunk", url=server.url, token="wrong"), batch)
        collector.wrong = 1
        with pytest.raises(Permanent) as caught:
            send(made("splunk", url=server.url, token=TOKEN), batch)
    assert caught.value.refused == {batch[1].id}
    for code in (9, 7):
        with (
            HttpServer(lambda request, code=code: (400, {"text": "no", "code": code})) as server,
            pytest.raises(Temporary),
        ):
            send(made("splunk", url=server.url, token=TOKEN), batch)
