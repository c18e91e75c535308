"""Sessions as operators see them: summaries of events that a recorder wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomhawk.outputs.summary import AmbiguousSession, connections, doings, events_of, summaries
from tests.analyst.visits import ONE, two_visits


@pytest.fixture
def happened(tmp_path: Path) -> list[dict[str, Any]]:
    return two_visits(tmp_path)


def test_a_summary(happened: list[dict[str, Any]]) -> None:
    one, two = summaries(happened)
    assert (one.address, one.connections, one.associations, one.calling) == (ONE[0], 1, 1, ["FINDSCU"])
    assert one.commands == {"c-find": 1, "c-move": 1, "c-get": 1, "c-store": 1}
    assert (one.matches, one.objects_sent, one.objects_received, one.credentials) == (12, 7, 1, 1)
    assert (one.bytes_in, one.bytes_out) == (2000, 0)
    assert one.first <= one.last
    assert two.protocols == ["http"]
    assert doings(two) == "http"
    assert doings(one) == (
        "c-find 1, c-move 1, c-get 1, c-store 1, 12 matches, 7 objects fetched, 1 objects stored, credentials 1"
    )


def test_a_body_that_is_kept_is_no_object_that_was_stored(happened: list[dict[str, Any]]) -> None:
    """As what was typed into a form."""
    (captured,) = (event for event in happened if event["event"]["action"] == "file.captured")
    one, _ = summaries([*happened, captured])
    assert one.objects_received == 1


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
