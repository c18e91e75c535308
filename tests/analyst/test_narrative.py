"""Events as sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst import narrative
from dicomhawk.evidence import ecs

from .visits import two_visits


@pytest.fixture
def happened(tmp_path: Path) -> list[dict[str, Any]]:
    return two_visits(tmp_path)


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


def test_a_worklist_has_no_level() -> None:
    asked = {"context": {"abstract_syntax": narrative.WORKLIST}, "query": {"keys": {"00100010": "A*"}}}
    told = narrative.sentence({"event": {"action": "dicom.c-find"}, "dicom": asked})
    assert told == "C-FIND worklist PatientName=A*"
