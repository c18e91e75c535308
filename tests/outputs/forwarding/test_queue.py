"""What waits for a receiver that is away: alerts are neither delayed nor pushed out by a flood of events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.outputs.forwarding.base import Record
from dicomhawk.outputs.forwarding.queue import Queue

LINE = b"x" * 900
ROOM = 20


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "queue.sqlite", ROOM * 1000)
    yield made
    made.close()


def events(first: int, number: int) -> list[Record]:
    return [Record("events", f"E{each}", 0, LINE) for each in range(first, first + number)]


def alert(name: str) -> Record:
    return Record("alerts", name, 3, LINE)


def test_alerts_go_first_and_then_all_in_order(queue: Queue) -> None:
    queue.put([*events(0, 3), alert("A1"), *events(3, 3), alert("A2")])
    waiting = queue.first(4, 1 << 20)
    assert [one.record.id for one in waiting] == ["A1", "A2", "E0", "E1"]
    assert [one.record.id for one in queue.first(10, 3000)] == ["A1", "A2", "E0"]
    assert [one.record.id for one in queue.first(1, 1)] == ["A1"]
    queue.done(waiting)
    assert [one.record.id for one in queue.first(10, 1 << 20)] == ["E2", "E3", "E4", "E5"]
    assert (queue.count, queue.bytes) == (4, 4000)


def test_a_flood_of_events_pushes_no_alert_out(queue: Queue) -> None:
    queue.put([alert("A1")])
    for first in range(0, 100, 10):
        queue.put(events(first, 10))
    left = [one.record.id for one in queue.first(100, 1 << 20)]
    assert left == ["A1", *(f"E{number}" for number in range(81, 100))]
    assert queue.marks["dropped"] == 81
    assert (queue.count, queue.bytes) == (ROOM, ROOM * 1000)


def test_of_alerts_alone_the_oldest_are_dropped(queue: Queue) -> None:
    queue.put([*events(0, 5), *(alert(f"A{number}") for number in range(ROOM + 5))])
    assert [one.record.id for one in queue.first(100, 1 << 20)] == [f"A{number}" for number in range(5, ROOM + 5)]
    assert queue.marks["dropped"] == 10


def test_a_disk_that_is_full_is_said_to_be_full(queue: Queue) -> None:
    (pages,) = queue._database.execute("PRAGMA page_count").fetchone()
    queue._database.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        queue.put(events(0, ROOM), places={"segment": 7})
    queue._database.execute("PRAGMA max_page_count = 10000")
    assert (queue.count, queue.places) == (0, {})
    queue.put(events(0, 2))
    assert [one.record.id for one in queue.first(10, 1 << 20)] == ["E0", "E1"]
