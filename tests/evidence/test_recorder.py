"""The recorder: what the sensor does with a connection, as the journal and the vault tell it afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.evidence import ecs, journal
from dicomhawk.evidence import events as ev
from dicomhawk.evidence.recorder import REMEMBERED, SYNC_US, Recorder
from dicomhawk.evidence.session import GAP_US
from dicomhawk.evidence.spool import MAX_HELD
from dicomhawk.evidence.transcript import Reference, read_connection
from dicomhawk.settings import Settings, Vault

VISITOR, OTHER, DOOR = ("198.51.100.7", 41822), ("2001:db8::7", 1024), ("203.0.113.10", 11112)
START = 1_728_043_200 * 10**9


class Clock:
    """Nanoseconds; stands still unless told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def forward(self, us: int) -> None:
        self.now += us * 1000


class Sensor:
    """A recorder with its clock and its folder."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.settings = Settings(data=data, sensor_name="eu-1", **settings)
        self.recorder = self.again("w0")

    def again(self, writer: str) -> Recorder:
        return Recorder(self.settings, writer, clock=self.clock, monotonic=lambda: self.clock.now / 1e9)

    def events(self) -> list[dict[str, Any]]:
        return list(journal.read(self.settings.journal_dir))

    def actions(self) -> list[str]:
        return [event["event"]["action"] for event in self.events()]


@pytest.fixture
def sensor(tmp_path: Path) -> Sensor:
    return Sensor(tmp_path)


def test_the_life_of_a_connection(sensor: Sensor) -> None:
    recorder = sensor.recorder
    record = recorder.open(VISITOR, DOOR)
    record.received(b"request")
    record.emit(ev.Association(calling="ECHOSCU", called="ANY-SCP"))
    record.sent(b"answer!!")
    record.emit(ev.CEcho(message_id=1))
    sensor.clock.forward(2500)
    record.close("peer-fin", pdus_in=1, pdus_out=1)
    assert sensor.events() == []
    recorder.flush()
    events = sensor.events()
    assert [event["event"]["action"] for event in events] == [
        "session.start",
        "connection.open",
        "dicom.association",
        "dicom.c-echo",
        "connection.close",
    ]
    assert {event["session"] for event in events} == {record.session}
    assert {event["observer"]["name"] for event in events} == {"eu-1"}
    of_connection = events[1:]
    assert {event["honeypot"]["connection"] for event in of_connection} == {record.connection}
    assert [event["event"]["sequence"] for event in of_connection] == [1, 2, 3, 4]
    close = of_connection[-1]
    assert close["event"]["duration"] == 2_500_000
    assert close["source"] == {"bytes": 7, "ip": "198.51.100.7", "port": 41822}
    assert close["destination"] == {"bytes": 8, "ip": "203.0.113.10", "port": 11112}
    assert close["network"]["type"] == "ipv4"
    assert close["network"]["protocol"] == "dicom"
    assert close["dicom"]["ae"] == {"calling": "ECHOSCU", "called": "ANY-SCP"}
    assert "ae" not in of_connection[0].get("dicom", {})
    where = close["honeypot"]["transcript"]
    folder = recorder.vault.transcripts_dir
    records = list(read_connection(folder, where["segment"], where["offset"], record.connection))
    assert [type(r).__name__ for r in records] == ["Opened", "Received", "Sent", "Ended"]


def test_events_that_were_prepared_are_the_same(sensor: Sensor) -> None:
    recorder = sensor.recorder
    event = ev.Association(calling="A", called="B", max_pdu=16384)
    prepared, following = recorder.prepare(event), ecs.following(event)
    record = recorder.open(OTHER, ("2001:db8::10", 104))
    record.emit(event, 5)
    record.emit_encoded(prepared, 5)
    record.follow(following)
    record.emit(ev.Release())
    recorder.flush()
    *_, one, other, release = sensor.events()
    for each in (one, other):
        del each["event"]["id"], each["event"]["sequence"]
    one["dicom"], other["dicom"] = dict(sorted(one["dicom"].items())), dict(sorted(other["dicom"].items()))
    assert one["dicom"]["max_pdu"] == 16384
    assert {**one, "dicom": 0} == {**other, "dicom": 0}
    assert release["dicom"] == {"release": {"by": "peer"}, "ae": {"calling": "A", "called": "B"}}
    assert release["network"]["type"] == "ipv6"


def test_what_is_remembered_is_bounded_and_right(sensor: Sensor) -> None:
    recorder = sensor.recorder
    for number in range(3 * REMEMBERED):
        assert recorder.prepare(ev.CEcho(message_id=number)) == ecs.encode(ev.CEcho(message_id=number))
        assert len(recorder._prepared) <= REMEMBERED


def test_a_duration_since(sensor: Sensor) -> None:
    record = sensor.recorder.open(VISITOR, DOOR)
    since = sensor.clock.now / 1e9
    sensor.clock.forward(1500)
    record.emit(ev.CEcho(message_id=1), since=since)
    sensor.recorder.flush()
    assert sensor.events()[-1]["event"]["duration"] == pytest.approx(1_500_000, abs=1000)


def test_a_connection_belongs_to_one_session_in_all_workers(sensor: Sensor) -> None:
    other = sensor.again("w1")
    one = sensor.recorder.open(VISITOR, DOOR)
    two = other.open(VISITOR, DOOR)
    three = other.open(OTHER, DOOR)
    assert one.session == two.session != three.session
    sensor.recorder.flush()
    other.flush()
    assert sorted(sensor.actions()) == ["connection.open"] * 3 + ["session.start"] * 2


def test_a_session_lasts_as_long_as_a_connection_is_open(sensor: Sensor) -> None:
    recorder = sensor.recorder
    record = recorder.open(VISITOR, DOOR)
    for _ in range(4):
        sensor.clock.forward(GAP_US * 2 // 3)
        recorder.tick()
    assert "session.end" not in sensor.actions()
    record.close("closed")
    sensor.clock.forward(SYNC_US)
    recorder.tick()
    assert recorder.open(VISITOR, DOOR).session == record.session


def test_the_end_of_a_session(sensor: Sensor) -> None:
    recorder = sensor.recorder
    for _ in range(3):
        recorder.open(VISITOR, DOOR).close("peer-fin")
        sensor.clock.forward(1_000_000)
    recorder.tick()
    sensor.clock.forward(GAP_US + 1_000_001)
    recorder.tick()
    recorder.tick()
    *_, end = sensor.events()
    assert sensor.actions().count("session.end") == 1
    assert end["event"]["action"] == "session.end"
    assert end["event"]["start"] == "2024-10-04T12:00:00.000Z"
    assert end["event"]["end"] == "2024-10-04T12:00:02.000Z"
    assert end["event"]["duration"] == 2 * 10**9
    assert end["honeypot"]["connections"] == 3
    assert end["source"] == {"ip": VISITOR[0]}
    assert end["session"] == sensor.events()[0]["session"]
    again = recorder.open(VISITOR, DOOR)
    assert again.session > end["session"]
    again.close("closed")
    assert recorder._present[VISITOR[0]].open == 0
    sensor.clock.forward(2 * SYNC_US)
    recorder.tick()
    recorder.tick()
    assert recorder._present == {}


def test_sessions_are_counted_once_when_the_sensor_ends(sensor: Sensor) -> None:
    for _ in range(5):
        sensor.recorder.open(VISITOR, DOOR).close("peer-fin")
    sensor.recorder.close()
    later = sensor.again("w0")
    sensor.clock.forward(2 * GAP_US)
    later.tick()
    assert sensor.events()[-1]["honeypot"]["connections"] == 5


def test_an_object(sensor: Sensor) -> None:
    recorder = sensor.recorder
    record = recorder.open(VISITOR, DOOR)
    sink = record.open_object(b"head")
    sink.write(b"data")
    record.received_object(sink.ordinal, 0, 4)
    captured = sink.finish()
    record.object_stored(captured, sop_class="1.2", sop_instance="1.2.3")
    record.sent_object(Reference("captured", captured.sha256, "1.2.840.10008.1.2"), 0, 4)
    recorder.flush()
    event = sensor.events()[-1]
    assert event["event"]["action"] == "file.captured"
    assert event["file"] == {
        "hash": {"sha256": captured.sha256},
        "size": 8,
        "mime_type": "application/dicom",
        "name": f"objects/{captured.sha256[:2]}/{captured.sha256}",
    }
    assert event["related"]["hash"] == [captured.sha256]
    assert event["honeypot"]["capture"] == {"new": True, "complete": True}
    assert (record.bytes_in, record.bytes_out) == (4, 4)
    assert record.open_object(b"").ordinal == 2


def test_an_object_that_is_not_kept_is_told_of(tmp_path: Path) -> None:
    sensor = Sensor(tmp_path, vault=Vault(object_mib=1))
    record = sensor.recorder.open(VISITOR, DOOR)
    sink = record.open_object(b"head")
    sink.write(bytes(2 << 20))
    captured = sink.finish()
    record.object_stored(captured, complete=False)
    sensor.recorder.flush()
    stored, limit = sensor.events()[-2:]
    assert "name" not in stored["file"]
    assert stored["honeypot"]["capture"] == {"new": False, "complete": False}
    assert limit["event"]["action"] == "vault.limit"
    assert limit["honeypot"]["limit"] == "object_mib"
    assert limit["file"]["hash"]["sha256"] == captured.sha256


def test_passwords_as_the_settings_say(tmp_path: Path) -> None:
    sensor = Sensor(tmp_path, vault=Vault(passwords=False))
    record = sensor.recorder.open(VISITOR, DOOR)
    record.emit(ev.Association(calling="A", called="B", username="root", password="hunter2", token="eyJ"))
    sensor.recorder.flush()
    credential = sensor.events()[-1]["honeypot"]["credential"]
    assert set(credential) == {"username", "password_sha256", "token_sha256"}


def test_a_full_disk_stops_nobody_and_is_told_of(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = sensor.recorder
    record = recorder.open(VISITOR, DOOR)

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for number in range(MAX_HELD // 500):
            record.received(bytes(500))
            record.emit(ev.CEcho(message_id=number))
            recorder.flush()
        recorder.tick()
    recorder.flush()
    recorder.tick()
    recorder.tick()
    told = [event for event in sensor.events() if event["event"]["action"] in ("journal.gap", "vault.limit")]
    assert sorted(event["event"]["action"] for event in told) == ["journal.gap", "vault.limit"]
    gap = next(event for event in told if event["event"]["action"] == "journal.gap")
    assert gap["event"]["reason"] == "No space left on device"
    assert gap["honeypot"]["lost"]["events"] > 1000


def test_the_sensor_says_things_of_itself(sensor: Sensor) -> None:
    sensor.recorder.emit(ev.SensorStart(pid=1, workers=2, doors=("dicom:11112",), persona="plain"))
    sensor.recorder.flush()
    (event,) = sensor.events()
    assert event["honeypot"] == {"workers": 2, "doors": ["dicom:11112"], "persona": "plain"}
    assert "session" not in event
    assert event["observer"]["type"] == "honeypot"
