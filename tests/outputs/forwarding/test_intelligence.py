"""MISP and STIX: right by their formats' rules, and the same for the same findings."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import stix2

from dicomhawk.outputs.forwarding.base import Permanent, Record, Temporary
from dicomhawk.outputs.forwarding.formats.stix import bundle

from .findings import SHA256, add_alert, add_session, database, told
from .http import Answer, HttpServer, Request
from .test_brokers import made, send


@pytest.fixture
def findings(tmp_path: Path) -> list[Record]:
    """Sessions of two days, and an alert."""
    engine = database(tmp_path / "findings.sqlite")
    add_session(engine, 1)
    add_session(engine, 2, category="Shodan", operator="shodan", severity=2)
    add_session(engine, 90_000)
    add_alert(engine, 1)
    of_sessions, of_alerts = told(engine)
    return [*of_sessions, *of_alerts]


def check_event(event: dict[str, Any]) -> None:
    """What MISP's core format asks of an event."""
    inner = event["Event"]
    UUID(inner["uuid"])
    UUID(inner["Orgc"]["uuid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", inner["date"])
    assert inner["threat_level_id"] in "1234"
    assert inner["analysis"] in "012"
    every = [*inner["Attribute"], *(one for item in inner["Object"] for one in item["Attribute"])]
    assert len({one["uuid"] for one in every}) == len(every)
    for one in every:
        UUID(one["uuid"])
        assert isinstance(one["to_ids"], bool)
        assert one["value"]
        assert one["value"].isprintable()
        assert one["timestamp"].isdecimal()
        assert one["type"] in ("ip-src", "port", "text", "datetime", "sha256", "size-in-bytes")
        assert one["category"] in ("Network activity", "Other", "Payload delivery")
    for item in inner["Object"]:
        assert item["name"] in ("network-connection", "credential", "file")
        assert item["Attribute"]


def test_a_feed_folder_is_one_that_misp_can_take(tmp_path: Path, findings: list[Record]) -> None:
    folder = tmp_path / "feed"
    send(made("misp-feed", folder=folder), findings[:2], findings)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest) == 2
    values: dict[str, set[str]] = {}
    for name, entry in manifest.items():
        event = json.loads((folder / f"{name}.json").read_text())
        check_event(event)
        assert entry["info"] == event["Event"]["info"]
        assert entry["Orgc"] == event["Event"]["Orgc"]
        tags = {tag["name"] for tag in entry["Tag"]}
        assert "tlp:amber" in tags
        assert 'misp-galaxy:mitre-attack-pattern="Data from Information Repositories - T1213"' in tags
        assert 'misp-galaxy:mitre-attack-pattern="Vulnerability Scanning - T1595.002"' in tags
        every = [one for item in event["Event"]["Object"] for one in item["Attribute"]] + event["Event"]["Attribute"]
        values[name] = {hashlib.md5(one["value"].encode()).hexdigest() for one in every}
    with (folder / "hashes.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    for name in manifest:
        assert {digest for digest, of in rows if of == name} == values[name]


def test_a_feed_told_twice_is_the_same_feed(tmp_path: Path, findings: list[Record]) -> None:
    for name, batches in (("one", [findings]), ("two", [findings[:1], findings, findings[1:], findings])):
        send(made("misp-feed", folder=tmp_path / name), *batches)
    for path in (tmp_path / "one").iterdir():
        one, two = path.read_text(), (tmp_path / "two" / path.name).read_text()
        if path.suffix == ".json":
            assert _sorted(json.loads(one)) == _sorted(json.loads(two)), path
        else:
            assert sorted(one.splitlines()) == sorted(two.splitlines())


def test_a_feed_that_grew_is_newer(tmp_path: Path, findings: list[Record]) -> None:
    folder = tmp_path / "feed"
    early, late, *_ = findings

    def told_at() -> int:
        (entry,) = json.loads((folder / "manifest.json").read_text()).values()
        return int(entry["timestamp"])

    send(made("misp-feed", folder=folder), [late])
    before = told_at()
    send(made("misp-feed", folder=folder), [early])
    grown = told_at()
    assert grown > before, "whoever has the event already wouldn't take what came later"
    send(made("misp-feed", folder=folder), [early, late])
    assert told_at() == grown


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=json.dumps)
    return value


def test_a_scanner_of_everybody_is_no_indicator(tmp_path: Path, findings: list[Record]) -> None:
    send(made("misp-feed", folder=tmp_path / "feed"), findings)
    found = {}
    for path in (tmp_path / "feed").glob("*-*.json"):
        for item in json.loads(path.read_text())["Event"]["Object"]:
            for one in item["Attribute"]:
                if one["type"] in ("ip-src", "sha256"):
                    found[one["value"]] = one["to_ids"]
    assert found == {"203.0.113.1": True, "203.0.113.2": False, "203.0.113.0": True, SHA256: True}


class MispServer:
    """The part of MISP's REST API that is used: events are added once, and then edited."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers["authorization"] != "k" * 40:
            return 403, {"name": "Authentication failed.", "message": "Authentication failed.", "url": request.target}
        assert request.headers["accept"] == "application/json"
        call, _, name = request.target.removeprefix("/events/").partition("/")
        if request.method == "HEAD":
            assert call == "view"
            return (200 if name in self.events else 404), b""
        assert request.method == "POST"
        event = request.json
        inner = event["Event"]
        if call == "add":
            if inner["uuid"] in self.events:
                return 403, {"saved": False, "errors": "Event already exists"}
            check_event(event)
            self.events[inner["uuid"]] = {item["uuid"]: item for item in inner["Object"]}
        else:
            assert (call, name) == ("edit", inner["uuid"])
            assert "timestamp" not in inner, "an edit that isn't newer is refused"
            self.events[name] |= {item["uuid"]: item for item in inner["Object"]}
        assert inner["published"] is False
        assert inner["distribution"] == "0"
        return 200, {"Event": {"id": "7", "uuid": inner["uuid"]}}


def test_misp_has_each_session_once(findings: list[Record]) -> None:
    misp = MispServer()
    with HttpServer(misp) as server:
        send(made("misp", url=server.url, key="k" * 40), findings[:1], findings, findings[1:])
    assert len(misp.events) == 2
    kinds = [item["name"] for event in misp.events.values() for item in event.values()]
    assert (kinds.count("network-connection"), kinds.count("credential"), kinds.count("file")) == (6, 6, 3)


def test_misp_says_what_is_wrong(findings: list[Record]) -> None:
    with HttpServer(MispServer()) as server, pytest.raises(Temporary):
        send(made("misp", url=server.url, key="wrong"), findings)
    with (
        HttpServer(
            lambda r: (404, b"") if r.method == "HEAD" else (403, {"saved": False, "errors": {"x": 1}})
        ) as server,
        pytest.raises(Permanent, match="can't save"),
    ):
        send(made("misp", url=server.url, key="k" * 40), findings[:1])
    with HttpServer(lambda r: (200, b"<html>proxy")) as server, pytest.raises(Temporary, match="none of MISP"):
        send(made("misp", url=server.url, key="k" * 40), findings[:1])


def test_bundles_are_valid_stix(findings: list[Record]) -> None:
    for one in findings:
        text = json.dumps(bundle(one, "amber+strict"))
        parsed = stix2.parse(text, allow_custom=False)
        assert json.loads(parsed.serialize())["id"] == json.loads(text)["id"]
        kinds = [item["type"] for item in parsed.objects]
        if one.kind == "sessions":
            assert {"observed-data", "ipv4-addr", "network-traffic", "user-account", "file", "indicator"} <= set(
                kinds
            )
            assert {
                "extension-definition",
                "attack-pattern",
                "sighting",
                "identity",
                "relationship",
                "marking-definition",
            } <= set(kinds)
            (data,) = (item for item in parsed.objects if item["type"] == "observed-data")
            assert {item["id"] for item in parsed.objects} >= set(data["object_refs"])
        else:
            assert "note" in kinds


def test_an_object_that_two_sessions_tell_of_was_made_once(findings: list[Record]) -> None:
    made_at: dict[str, set[str]] = {}
    for one in findings[:2]:
        for item in bundle(one, "green")["objects"]:
            if "created" in item:
                made_at.setdefault(item["id"], set()).add(item["created"])
                assert item.get("modified", item["created"]) >= item["created"]
    shared = [name for name, moments in made_at.items() if name.startswith("indicator--")]
    assert len(shared) == 1
    assert all(len(moments) == 1 for moments in made_at.values())


def test_observables_have_the_identifiers_that_the_standard_gives_them(findings: list[Record]) -> None:
    classes = {
        "ipv4-addr": stix2.v21.IPv4Address,
        "network-traffic": stix2.v21.NetworkTraffic,
        "user-account": stix2.v21.UserAccount,
        "file": stix2.v21.File,
    }
    seen = set()
    for made_ in bundle(findings[0], "green")["objects"]:
        kind = classes.get(made_["type"])
        if kind is not None:
            seen.add(made_["type"])
            theirs = kind(**{name: value for name, value in made_.items() if name != "id"})
            assert theirs["id"] == made_["id"], made_["type"]
    assert seen == set(classes)


def test_the_same_session_is_the_same_file(tmp_path: Path, findings: list[Record]) -> None:
    output = made("stix", folder=tmp_path / "stix", what=["sessions", "alerts"])
    send(output, findings, findings[:2])
    paths = sorted((tmp_path / "stix").iterdir())
    assert [path.name for path in paths] == sorted(
        f"{one.document['@timestamp'][:10]}.{one.id}.json" for one in findings
    )
    before = [path.read_bytes() for path in paths]
    send(output, findings)
    assert [path.read_bytes() for path in paths] == before
