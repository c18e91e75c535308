"""What is on record of a visit: exactly the events that happened, with everything that the visitor said."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from struct import pack

import pytest

from tests.sensor.dcmtk import find, get, store
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor, new_address, split_pdus
from tests.sensor.raw import (
    ABORT,
    ECHO_RQ,
    FIND_RQ,
    RELEASE_RQ,
    RQ,
    STORE_COMMAND,
    STORE_DATA,
    STORE_RQ,
    connect,
    item,
    pdu,
    receive_all,
    receive_pdu,
    reset,
    say,
)  # fmt: skip
from tests.sensor.test_dcmtk_store import sample
from tests.support import Event, Sensor, actions, at, run_tool

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OPENING = ["session.start", "connection.open"]


def of(sensor: Sensor, ip: str, last: str = "connection.close") -> list[Event]:
    """A visitor's events, once the last one is there."""
    sensor.wait_event(last, source__ip=ip)
    return sensor.events(source__ip=ip)


def only(events: list[Event], action: str) -> Event:
    """The one event with that action."""
    (event,) = [event for event in events if event["event"]["action"] == action]
    return event


# Whole visits


def test_an_echo(visitor: Visitor) -> None:
    before = datetime.now(UTC)
    run_tool("echoscu", "-aet", "  PINGER", "-aec", "ANY PACS", *visitor.address)
    events = visitor.visit()
    after = datetime.now(UTC)
    passed = visitor.connections[0]
    assert actions(events) == [
        *OPENING, "dicom.association", "dicom.c-echo", "dicom.release", "connection.close"
    ]  # fmt: skip

    for number, event in enumerate(events[1:], 1):
        assert event["event"]["sequence"] == number
        assert at(event, "source.port") == passed.port
        assert at(event, "destination.ip") == "127.0.0.1"
        assert at(event, "destination.port") == visitor.sensor.port
        assert at(event, "network.transport") == "tcp"
        assert at(event, "network.direction") == "inbound"
        assert at(event, "related.ip") == [visitor.ip, "127.0.0.1"]
    for event in events:
        assert STAMP.fullmatch(event["@timestamp"])
        moment = datetime.fromisoformat(event["@timestamp"])
        assert before.timestamp() - 0.002 <= moment.timestamp() <= after.timestamp() + 0.002
        assert at(event, "observer.type") == "honeypot"
        assert at(event, "ecs.version")
        assert event["event"]["kind"] == "event"
        assert event["event"]["dataset"] == f"honeypot.{event['event']['module']}"
    assert len({event["event"]["id"] for event in events}) == len(events)
    assert len({event["session"] for event in events}) == 1
    assert len({at(event, "honeypot.connection") for event in events[1:]}) == 1
    assert len({at(event, "network.community_id") for event in events[1:]}) == 1

    association, echo, _, close = events[2:]
    dicom = association["dicom"]
    assert dicom["ae"] == {"calling": "PINGER", "called": "ANY PACS"}
    assert dicom["implementation"]["version"].startswith("OFFIS_DCMTK_")
    assert dicom["implementation"]["class_uid"].startswith("1.2.276.0.7230010.3.0.3.")
    assert dicom["protocol_version"] == 1
    assert dicom["application_context"] == "1.2.840.10008.3.1.1.1"
    assert dicom["max_pdu"] == 16384
    assert dicom["pdu"]["length"] == len(passed.pdus(">")[0]) - 6
    assert dicom["contexts"] == [
        {
            "id": 1,
            "abstract_syntax": "1.2.840.10008.1.1",
            "transfer_syntaxes": ["1.2.840.10008.1.2"],
            "result": "accepted",
            "transfer_syntax": "1.2.840.10008.1.2",
        }
    ]
    assert "reserved" not in dicom
    assert "unknown_items" not in dicom
    assert at(association, "event.outcome") == "success"
    assert at(echo, "dicom.status") == "0x0000"
    assert at(echo, "dicom.command.message_id") == 1
    assert at(echo, "dicom.context.abstract_syntax") == "1.2.840.10008.1.1"
    assert at(echo, "dicom.ae.calling") == "PINGER"

    assert at(close, "event.reason") == "peer-fin"
    assert (at(close, "source.bytes"), at(close, "destination.bytes")) == (len(passed.sent), len(passed.received))
    assert at(close, "dicom.pdus") == {"received": 3, "sent": 3}
    assert 0 < at(close, "event.duration") < (after - before).total_seconds() * 1e9


def test_a_find(visitor: Visitor) -> None:
    matches = find(
        visitor, "-S", "QueryRetrieveLevel=STUDY", "PatientName=A*", "StudyDate=20200101-", "StudyInstanceUID"
    )
    events = visitor.visit()
    assert actions(events) == [
        *OPENING, "dicom.association", "dicom.c-find", "dicom.c-find.end", "dicom.release", "connection.close"
    ]  # fmt: skip
    query, end = only(events, "dicom.c-find"), only(events, "dicom.c-find.end")
    assert query["dicom"]["query"] == {
        "level": "STUDY",
        "keys": {"00080020": "20200101-", "00080052": "STUDY", "00100010": "A*", "0020000D": ""},
        "wildcard": True,
    }
    assert at(query, "dicom.command.priority") == 0
    assert at(query, "dicom.dataset.bytes") == len(visitor.connections[0].pdus(">")[2]) - 12
    assert at(end, "dicom.query.matches") == len(matches) > 0
    assert at(end, "dicom.status") == "0x0000"
    data_sets = [sent for sent in visitor.connections[0].pdus("<") if sent[0] == 4 and not sent[11] & 1]
    assert at(end, "dicom.dataset.bytes") == sum(len(sent) - 12 for sent in data_sets)
    assert at(end, "event.duration") > 0


def test_a_get(visitor: Visitor, hospital: Hospital, tmp_path: Path) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    instance = hospital.instances(series["series_key"])[0]
    keys = {
        "00080018": instance["sop_uid"],
        "00080052": "IMAGE",
        "0020000D": study["study_uid"],
        "0020000E": series["series_uid"],
    }
    got = get(visitor, tmp_path / "got", "-S", *(f"{tag[:4]},{tag[4:]}={value}" for tag, value in keys.items()))
    assert len(got.files) == 1
    events = visitor.visit()
    assert actions(events) == [
        *OPENING, "dicom.association", "dicom.c-get", "dicom.c-get.end", "dicom.release", "connection.close"
    ]  # fmt: skip
    association = only(events, "dicom.association")
    assert at(association, "dicom.pdu.length") > 16384
    assert [context["id"] for context in at(association, "dicom.contexts")][:3] == [1, 3, 5]
    assert len(at(association, "dicom.roles")) == len(at(association, "dicom.contexts")) - 1
    assert {(role["scu"], role["scp"]) for role in at(association, "dicom.roles")} == {(0, 1)}
    assert at(only(events, "dicom.c-get"), "dicom.query.keys") == keys
    end = only(events, "dicom.c-get.end")
    assert end["dicom"]["suboperations"] == {"remaining": 0, "completed": 1, "failed": 0, "warning": 0}
    assert 100_000 < at(end, "dicom.dataset.bytes") < got.files[0].stat().st_size
    close = events[-1]
    assert at(close, "destination.bytes") == len(visitor.connections[0].received)


def test_a_store(visitor: Visitor) -> None:
    path = sample("CT_small.dcm")
    store(visitor, path)
    events = visitor.visit()
    assert actions(events) == [
        *OPENING, "dicom.association", "dicom.c-store", "file.captured", "dicom.release", "connection.close"
    ]  # fmt: skip
    stored, captured = only(events, "dicom.c-store"), only(events, "file.captured")
    data = b"".join(pdv for pdv in visitor.connections[0].pdus(">") if pdv[0] == 4 and not pdv[11] & 1)
    assert at(stored, "dicom.dataset.bytes") <= len(data)
    assert at(stored, "dicom.sop.class_uid") == "1.2.840.10008.5.1.4.1.1.2"
    assert at(stored, "file.hash.sha256") == at(captured, "file.hash.sha256")
    assert at(stored, "related.hash") == [at(captured, "file.hash.sha256")]
    content = (visitor.sensor.data / "vault" / at(captured, "file.name")).read_bytes()
    assert hashlib.sha256(content).hexdigest() == at(captured, "file.hash.sha256")
    assert at(captured, "honeypot.capture.complete") is True


# What an A-ASSOCIATE-RQ can say


def odd_request() -> bytes:
    """The request of an echoscu with all that the standard does not know, or wants to be zero."""
    body = bytearray(RQ[6:])
    body[2:4] = b"\xca\xfe"
    body[36:68] = bytes(range(32))
    user = body.rindex(b"\x50\x00\x00\x3a")
    context = body.index(b"\x20\x00\x00\x2e")
    body[user + 3] += 4 + 3
    body += item(0x5F, b"odd")  # within the user information, which is last
    body[context + 3] += 4 + 2
    body[context + 4 + 0x2E : context + 4 + 0x2E] = item(0x41, b"ts")
    body += item(0x77, b"at the end")
    return b"\x01\x99" + pack(">I", len(body)) + bytes(body)


def test_everything_odd_in_a_request_is_on_record(sensor: Sensor) -> None:
    ip = new_address()
    accept, released = say(sensor, odd_request() + RELEASE_RQ, ip)
    assert (accept[0], released[0]) == (2, 6)
    dicom = only(of(sensor, ip), "dicom.association")["dicom"]
    assert {(each["type"], each["hex"]) for each in dicom["unknown_items"]} == {
        ("77H", b"at the end".hex()),
        ("5FH", b"odd".hex()),
        ("41H", b"ts".hex()),
    }
    reserved = {each["where"]: each["hex"] for each in dicom["reserved"]}
    assert reserved["2"] == "99"
    assert reserved["9-10"] == "cafe"
    assert reserved["43-74"] == bytes(range(32)).hex()


@pytest.mark.parametrize(
    ("change", "source", "cause"),
    [
        (lambda body: b"\0\2" + body[2:], 2, "version"),
        (lambda body: body.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.2"), 1, "application-context"),
    ],
    ids=["protocol version", "application context"],
)
def test_rejections(sensor: Sensor, change: Callable[[bytes], bytes], source: int, cause: str) -> None:
    ip = new_address()
    (answer,) = say(sensor, pdu(1, change(RQ[6:])), ip)
    assert answer == pdu(3, bytes((0, 1, source, 2)))
    events = of(sensor, ip)
    assert actions(events) == [*OPENING, "dicom.association.reject", "connection.close"]
    event = only(events, "dicom.association.reject")
    assert at(event, "dicom.reject") == {"cause": cause, "result": 1, "source": source, "reason": 2}
    assert at(event, "event.outcome") == "failure"
    assert at(event, "dicom.ae") == {"calling": "MOVER", "called": "GOLDEN"}


# How connections end


def test_a_peer_that_aborts(sensor: Sensor) -> None:
    ip = new_address()
    with connect(sensor, ip) as sock:
        sock.sendall(RQ)
        assert receive_pdu(sock)[0] == 2
        sock.sendall(bytes.fromhex("07000000000400000206"))
        assert receive_all(sock) == b""
    events = of(sensor, ip)
    assert actions(events) == [*OPENING, "dicom.association", "dicom.abort", "connection.close"]
    assert at(events[-2], "dicom.abort") == {"by": "peer", "source": 2, "reason": 6}


def test_a_peer_that_resets(sensor: Sensor) -> None:
    ip = new_address()
    with connect(sensor, ip) as sock:
        sock.sendall(RQ)
        assert receive_pdu(sock)[0] == 2
        reset(sock)
    events = of(sensor, ip)
    assert actions(events) == [*OPENING, "dicom.association", "connection.close"]
    assert at(events[-1], "event.reason") == "peer-reset"


def test_a_peer_that_goes_in_the_middle_of_a_pdu(sensor: Sensor) -> None:
    ip = new_address()
    assert [answer[0] for answer in say(sensor, RQ + ECHO_RQ[:50], ip)] == [2]
    events = of(sensor, ip)
    assert actions(events) == [*OPENING, "dicom.association", "connection.close"]
    assert at(events[-1], "event.reason") == "peer-fin"
    assert at(events[-1], "source.bytes") == len(RQ) + 50


def test_a_peer_that_goes_in_the_middle_of_an_object(sensor: Sensor) -> None:
    ip = new_address()
    # A fragment that isn't the last one.
    fragment = bytearray(STORE_DATA)
    fragment[11] = 0
    answers = say(sensor, STORE_RQ + STORE_COMMAND + bytes(fragment), ip)
    assert [answer[0] for answer in answers] == [2]
    captured = only(of(sensor, ip), "file.captured")
    assert at(captured, "honeypot.capture.complete") is False
    content = (sensor.data / "vault" / at(captured, "file.name")).read_bytes()
    assert content.endswith(STORE_DATA[12:])


@pytest.mark.parametrize(
    ("data", "quirk", "state"),
    [
        (RQ + RQ, "unexpected-pdu", "Sta6"),
        (RQ + b"\x42\0\0\0\0\4abcd", "unknown-pdu", "Sta6"),
        (RQ + ECHO_RQ.replace(b"\0\0\0\x46\1\3", b"\0\0\0\x46\5\3"), "pdv-context", "Sta6"),
        (ECHO_RQ, "unexpected-pdu", "Sta2"),
        (RELEASE_RQ, "unexpected-pdu", "Sta2"),
    ],
    ids=["two requests", "unknown type", "context that was not agreed on", "data first", "release first"],
)
def test_violations(sensor: Sensor, data: bytes, quirk: str, state: str) -> None:
    ip = new_address()
    answers = say(sensor, data, ip)
    assert answers[-1][0] == 7
    events = of(sensor, ip)
    assert actions(events)[-3:] == ["dicom.violation", "dicom.abort", "connection.close"]
    violation, abort, _ = events[-3:]
    assert (at(violation, "dicom.violation.quirk"), at(violation, "dicom.violation.state")) == (quirk, state)
    assert at(abort, "dicom.abort.by") == "sensor"
    assert answers[-1][8:] == bytes((at(abort, "dicom.abort.source"), at(abort, "dicom.abort.reason")))


IMPATIENT = """\
name = "impatient"
title = "Ends what takes long"

[wire]
max_pdu = 16384
artim = 0.6
partial_pdu = 0.6
idle = 0.9
"""


def test_timeouts(start: Callable[..., Sensor], tmp_path: Path) -> None:
    persona = tmp_path / "impatient.toml"
    persona.write_text(IMPATIENT)
    cases = {b"": (b"", 0.6), RQ[:40]: (b"", 0.6), RQ: (b"\x02\x07", 0.9), RQ + ECHO_RQ[:40]: (b"\x02\x07", 0.6)}

    def wait(case: tuple[str, bytes]) -> tuple[bytes, float]:
        ip, data = case
        with connect(sensor, ip) as sock:
            began = time.monotonic()
            sock.sendall(data)
            answers = receive_all(sock)
            return bytes(answer[0] for answer in split_pdus(answers)), time.monotonic() - began

    visits = [(new_address(), data) for data in cases]
    with start(workers=1, flags=("--persona", persona)) as sensor:
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(wait, visits))
        for (ip, data), (kinds, took) in zip(visits, results, strict=True):
            expected, seconds = cases[data]
            assert kinds == expected
            assert took >= seconds
            events = of(sensor, ip)
            assert at(events[-1], "event.reason") == "timeout"
            if kinds:
                assert at(events[-2], "dicom.abort.by") == "sensor"


def test_the_end_of_the_sensor(start: Callable[..., Sensor]) -> None:
    with start(workers=2) as sensor:
        with connect(sensor, "127.0.9.1") as idle, connect(sensor, "127.0.9.2") as associated:
            associated.sendall(FIND_RQ)
            assert receive_pdu(associated)[0] == 2
            sensor.wait_event("connection.open", source__ip="127.0.9.1")
            sensor.stop()
            assert receive_all(idle) == b""
            assert receive_all(associated)[:1] == ABORT[:1]
        events = sensor.events()
        assert {at(event, "event.reason") for event in events if "close" in event["event"]["action"]} == {"shutdown"}
        assert at(only(events, "sensor.stop"), "event.reason") == "SIGTERM"
        assert "worker.exit" not in actions(events)
