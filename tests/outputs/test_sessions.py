"""Sessions as operators see them: summaries and sentences from events that a recorder wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomhawk.evidence import ecs, journal
from dicomhawk.evidence import events as ev
from dicomhawk.evidence.recorder import Recorder
from dicomhawk.outputs import narrative
from dicomhawk.outputs.summary import AmbiguousSession, connections, events_of, summaries
from dicomhawk.settings import Settings

ONE, TWO, DOOR = ("198.51.100.7", 41822), ("198.51.100.8", 41823), ("203.0.113.10", 11112)
HOSTILE = "\x1b[2J\r\n\u202e\x9b31m[red]"


@pytest.fixture
def happened(tmp_path: Path) -> list[dict[str, Any]]:
    """A visitor that queries, fetches and stores, and another that knocks with HTTP."""
    recorder = Recorder(Settings(data=tmp_path), "w0")
    record = recorder.open(ONE, DOOR)
    contexts = (ev.Context(id=1, abstract_syntax="1.2", transfer_syntaxes=("1",), result="accepted"),)
    record.emit(
        ev.Association(
            calling="FINDSCU", called="ANY-SCP", contexts=contexts, username=HOSTILE, implementation_uid="1.2"
        )
    )
    record.emit(
        ev.CFind(message_id=1, level="STUDY", keys={"00100010": "A*", "0040A730.00080100": "x", "odd": HOSTILE})
    )
    record.emit(ev.CFindEnd(message_id=1, status=0, matches=12), 18_400_000)
    record.emit(ev.CMove(message_id=2, level="STUDY", destination="WS1"))
    record.emit(ev.CMoveEnd(message_id=2, status=0xA801))
    record.emit(ev.CGet(message_id=3, level="SERIES"))
    record.emit(ev.CGetEnd(message_id=3, status=0xB000, completed=7, failed=1, bytes=3 << 20))
    sink = record.open_object(b"head")
    record.emit(ev.CStore(message_id=4, status=0, sop_instance="1.2.3", bytes=4))
    record.object_stored(sink.finish())
    record.received(b"x" * 2000)
    other = recorder.open(TWO, DOOR)
    other.emit(ev.ProtocolUnknown(guess="http", first_bytes="47", text="GET / HTTP/1.1"))
    other.close("peer-reset")
    record.emit(ev.Release())
    record.close("peer-fin")
    recorder.emit(ev.WorkerStart(pid=1, worker="w0"))
    recorder.flush()
    return list(journal.read(tmp_path / "journal"))


def test_a_summary(happened: list[dict[str, Any]]) -> None:
    one, two = summaries(happened)
    assert (one.address, one.connections, one.associations, one.calling) == (ONE[0], 1, 1, ["FINDSCU"])
    assert one.commands == {"c-find": 1, "c-move": 1, "c-get": 1, "c-store": 1}
    assert (one.matches, one.objects_sent, one.objects_received, one.credentials) == (12, 7, 1, 1)
    assert (one.bytes_in, one.bytes_out) == (2000, 0)
    assert one.first <= one.last
    assert two.protocols == ["http"]
    assert narrative.doings(two) == "http"
    assert narrative.doings(one) == (
        "c-find 1, c-move 1, c-get 1, c-store 1, 12 matches, 7 objects fetched, 1 objects stored, credentials 1"
    )


def test_a_session_is_found_by_part_of_its_identifier(happened: list[dict[str, Any]]) -> None:
    one, two = summaries(happened)
    for part in (one.session, one.session[-6:]):
        summary, events = events_of(happened, part)
        assert summary == one
        assert {event["session"] for event in events} == {one.session}
    with pytest.raises(AmbiguousSession, match="2 sessions"):
        events_of(happened, one.session[:4])
    with pytest.raises(AmbiguousSession, match="no session"):
        events_of(happened, "nothing")
    assert two.session != one.session


def test_connections_know_their_transcripts(happened: list[dict[str, Any]]) -> None:
    first, second = connections(happened)
    assert first.segment == second.segment
    assert first.offset < second.offset
    assert abs(first.us - second.us) < 60_000_000


def test_every_event_is_a_sentence(happened: list[dict[str, Any]]) -> None:
    told = {event["event"]["action"]: narrative.sentence(event) for event in happened}
    assert told["dicom.c-find"] == (
        "C-FIND STUDY PatientName=A* ContentSequence.CodeValue=x odd=\\x1b[2J\\r\\n\\u202e\\x9b31m[red]"
    )
    assert told["dicom.c-find.end"] == "C-FIND ended with 0x0000 after 18.4 ms: 12 matches"
    assert told["dicom.c-move"] == "C-MOVE STUDY to WS1"
    assert told["dicom.c-move.end"] == "C-MOVE ended with 0xA801: nothing"
    assert told["dicom.c-get.end"] == "C-GET ended with 0xB000: 7 completed, 1 failed, 3.0 MiB"
    assert told["dicom.c-store"] == "C-STORE 1.2.3 (4 B) answered 0x0000"
    assert told["protocol.unknown"] == "not DICOM but http: GET / HTTP/1.1"
    assert told["dicom.association"].startswith(
        "association FINDSCU -> ANY-SCP, 1.2, 1 of 1 contexts accepted, username="
    )
    for event in happened:
        assert narrative.line(event).isprintable()


def test_every_type_of_event_has_a_sentence() -> None:
    assert {kind.kind.action for kind in ecs.catalogue()} == set(narrative._SENTENCES)
    for action in narrative._SENTENCES:
        assert narrative.sentence({"event": {"action": action}}).isprintable()


def test_rejections_and_errors() -> None:
    reject = {"result": 1, "source": 1, "reason": 7}
    event = {"event": {"action": "dicom.association.reject"}, "dicom": {"reject": reject, "ae": {"calling": "A"}}}
    assert narrative.sentence(event) == "association A -> ?, ?, rejected with 1/1/7"
    trace = {"event": {"action": "sensor.error"}, "error": {"stack_trace": "Traceback\n  x\nValueError: y\n"}}
    assert narrative.sentence(trace) == "error in the sensor: ValueError: y"


@pytest.mark.parametrize(("number", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")])
def test_sizes(number: int, shown: str) -> None:
    assert narrative.size(number) == shown


@pytest.mark.parametrize(("ns", "shown"), [(900, "1 us"), (1_500_000, "1.5 ms"), (61_000_000_000, "61.0 s")])
def test_durations(ns: int, shown: str) -> None:
    assert narrative.duration(ns) == shown
