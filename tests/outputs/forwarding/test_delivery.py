"""From the journal into a queue and on to a receiver: nothing lost, nothing twice but what a receiver can tell."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.outputs.forwarding import pump as pump_module
from dicomhawk.outputs.forwarding.base import Batch, Permanent, Temporary
from dicomhawk.outputs.forwarding.pump import Pump, pause
from dicomhawk.outputs.forwarding.queue import Queue
from dicomhawk.outputs.forwarding.status import read_status

from .support import Receiver, event, pump_of, record, settings_with, write_journal

FILE = {"type": "file", "name": "out", "path": "out.ndjson"}


def identifiers(events: list[dict]) -> list[str]:
    return [one["event"]["id"] for one in events]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "pause", lambda failures, asked: 0.0)
    monkeypatch.setattr(pump_module, "POLL_SECONDS", 0.005)


def drain(pump: Pump, tries: int = 50) -> None:
    async def work() -> None:
        for _ in range(tries):
            await pump.drain()

    asyncio.run(work())


def test_all_events_arrive_in_order_once(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE | {"batch": 7})
    events = [event(n) for n in range(100)]
    write_journal(settings.journal_dir, events[:60])
    write_journal(settings.journal_dir, events[60:], "2026-12-01.w0.0001.ndjson")
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    drain(pump, 3)
    assert receiver.got == identifiers(events)
    assert max(receiver.batches) == 7
    assert (queue.count, queue.bytes, queue.marks["sent"]) == (0, 0, 100)


def test_it_goes_on_where_it_was_after_any_death(tmp_path: Path) -> None:
    """A new pump on the same files, over and over, killed before or after the receiver had the batch."""
    settings = settings_with(tmp_path, FILE | {"batch": 3})
    events = [event(n) for n in range(40)]
    write_journal(settings.journal_dir, events)
    receiver = Receiver()

    class Killed(BaseException):
        pass

    for life in itertools.count():
        deaths = {"before": 2 + life % 3, "after": 3 + life % 2}

        def judge(batch: Batch, deaths: dict[str, int] = deaths) -> None:
            deaths["before"] -= 1
            if not deaths["before"]:
                raise Killed

        receiver.judge = judge
        pump, queue = pump_of(settings, receiver)
        done = queue.done

        def dying(*given: object, deaths: dict[str, int] = deaths, done: object = done) -> None:
            deaths["after"] -= 1
            if not deaths["after"]:
                raise Killed
            done(*given)  # type: ignore[operator]

        queue.done = dying  # type: ignore[method-assign,assignment]
        try:
            drain(pump, 1)
            break
        except Killed:
            queue.close()
        assert life < 200
    assert set(receiver.got) == set(identifiers(events))
    assert list(dict.fromkeys(receiver.got)) == identifiers(events), "in order, doubles aside"


def test_a_line_that_is_being_written_waits_and_one_that_never_ends_is_passed_over(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE)
    path = write_journal(settings.journal_dir, [event(1)])
    line = json.dumps(event(2)).encode()
    with path.open("ab") as file:
        file.write(b'no event\n{"event":{"id":"x"},"deep":' + b"[" * 9999 + b"\n" + line[:50])
    receiver = Receiver()
    pump, _ = pump_of(settings, receiver)
    drain(pump, 2)
    assert len(receiver.got) == 1
    with path.open("ab") as file:
        file.write(line[50:] + b"\n")
    drain(pump, 2)
    assert receiver.got == identifiers([event(1), event(2)])
    with path.open("ab") as file:
        file.write(line[:50])
    write_journal(settings.journal_dir, [event(3)], "2026-12-01.w0.0002.ndjson")
    drain(pump, 2)
    assert receiver.got == identifiers([event(n) for n in (1, 2, 3)])


def test_only_what_was_asked_for(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path, FILE | {"severity": "medium", "actions": ["dicom.", "lure.taken"]}, FILE | {"name": "all"}
    )
    events = [
        event(1, action="dicom.c-echo", severity=20),
        event(2, action="dicom.c-find", severity=40),
        event(3, action="lure.taken", severity=90),
        event(4, action="lure.taken.more", severity=90),
        event(5, action="http.request", severity=40),
    ]
    write_journal(settings.journal_dir, events)
    some, every = Receiver(), Receiver()
    drain(pump_of(settings, some)[0], 2)
    drain(pump_of(settings, every, 1)[0], 2)
    assert some.got == identifiers(events[1:3])
    assert every.got == identifiers(events)


def test_without_history_only_what_happens_from_now_on(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE | {"history": False})
    write_journal(settings.journal_dir, [event(1), event(2)])
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    drain(pump, 1)
    queue.close()
    write_journal(settings.journal_dir, [event(3)])
    drain(pump_of(settings, receiver)[0], 2)
    assert receiver.got == identifiers([event(3)])


def test_what_waits_for_a_receiver_that_is_away_arrives_later(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(n) for n in range(50)])
    away = [True]

    def judge(batch: Batch) -> None:
        if away[0]:
            raise Temporary("it is away")

    receiver = Receiver(judge)
    pump, _ = pump_of(settings, receiver)
    drain(pump, 3)
    status = pump.status()
    assert (status.state, status.queued, status.sent, status.last_error) == ("failing", 50, 0, "it is away")
    assert read_status(settings, status.updated_at)[0].failures == status.failures
    away.clear()
    away.append(False)
    drain(pump, 2)
    status = pump.status()
    assert (status.state, status.queued, status.sent, status.dropped) == ("working", 0, 50, 0)


def test_of_too_much_the_oldest_is_dropped_and_counted(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(n) for n in range(1000)])
    away = [True]

    def judge(batch: Batch) -> None:
        if away[0]:
            raise Temporary("it is away")

    receiver = Receiver(judge)
    limit = 100_000
    pump, queue = pump_of(settings, receiver, limit=limit)
    drain(pump, 5)
    assert 0 < queue.bytes <= limit
    assert queue.count + queue.marks["dropped"] == 1000
    assert (tmp_path / "outputs/out/queue.sqlite").stat().st_size < 3_000_000
    away[0] = False
    drain(pump, 3)
    assert receiver.got == identifiers([event(n) for n in range(1000)])[-len(receiver.got) :]
    assert pump.status().dropped == 1000 - len(receiver.got)


def test_what_a_receiver_refuses_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE | {"batch": 10})
    events = [event(n) for n in range(25)]
    write_journal(settings.journal_dir, events)
    bad = set(identifiers([events[3], events[14]]))

    def judge(batch: Batch) -> None:
        if any(one.id in bad for one in batch):
            raise Permanent("it doesn't like it")

    receiver = Receiver(judge)
    pump, _ = pump_of(settings, receiver)
    drain(pump)
    assert receiver.got == [name for name in identifiers(events) if name not in bad]
    assert (pump.status().refused, pump.status().sent) == (2, 23)


def test_a_disk_that_is_full_makes_it_wait_and_send_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(1)])
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    done, full = queue.done, [True]

    def refuse(*given: Any) -> None:
        if full[0]:
            raise sqlite3.OperationalError("database or disk is full")
        done(*given)

    monkeypatch.setattr(queue, "done", refuse)
    monkeypatch.setattr(pump_module, "pause", lambda failures, asked: 0.05)

    async def work() -> None:
        task = asyncio.create_task(pump.run())
        while len(receiver.got) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        assert pump.status().failures >= 2
        assert "disk is full" in pump.status().last_error
        full[0] = False
        while queue.count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        pump.end()
        await task

    asyncio.run(work())
    assert set(receiver.got) == {event(1)["event"]["id"]}
    assert (pump.status().state, pump.status().sent) == ("working", 1)


def test_a_refusal_of_nothing_that_was_sent_ends_too(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(n) for n in range(5)])

    def judge(batch: Batch) -> None:
        raise Permanent("what is this?", refused=["something else"])

    pump, queue = pump_of(settings, Receiver(judge))
    drain(pump, 10)
    assert (pump.status().refused, queue.count) == (5, 0)


def test_what_a_receiver_says_is_shown_without_its_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(1)])

    def judge(batch: Batch) -> None:
        raise Temporary("\x1b]0;owned\x07\n" + "x" * 10_000)

    pump, _ = pump_of(settings, Receiver(judge))
    drain(pump, 1)
    assert pump.status().last_error.isprintable()
    assert len(pump.status().last_error) < 600
    assert "\x1b" not in capsys.readouterr().err


def test_what_was_taken_of_a_batch_is_not_sent_again(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, FILE)
    events = [event(n) for n in range(10)]
    write_journal(settings.journal_dir, events)
    names = identifiers(events)
    seen: list[list[str]] = []

    def judge(batch: Batch) -> None:
        seen.append([one.id for one in batch])
        if len(seen) == 1:
            raise Temporary("too much", taken=names[:4], refused=[names[7]])

    pump, _ = pump_of(settings, Receiver(judge))
    drain(pump)
    assert seen == [names, [name for name in names[4:] if name != names[7]]]


def test_an_unexpected_error_of_an_output_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_with(tmp_path, FILE)
    write_journal(settings.journal_dir, [event(1)])
    errors = iter([ValueError("a bug"), RuntimeError("another")])

    def judge(batch: Batch) -> None:
        for error in errors:
            raise error

    receiver = Receiver(judge)
    pump, _ = pump_of(settings, receiver)
    drain(pump)
    assert receiver.got == identifiers([event(1)])
    assert "a bug" in capsys.readouterr().err


def test_a_damaged_queue_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"this is no database" * 100)
    queue = Queue(path, 100_000)
    queue.put([record()])
    assert queue.count == 1
    assert path.with_suffix(".damaged").exists()


def test_pauses_grow_and_differ() -> None:
    assert 0.5 <= pause(1, None) <= 1.0
    assert 4.0 <= pause(4, None) <= 8.0
    assert 150.0 <= pause(50, None) <= 300.0
    assert pause(1, 90.0) == 90.0
    assert pause(1, 1e9) <= 1200.0
    assert len({pause(5, None) for _ in range(20)}) > 1
