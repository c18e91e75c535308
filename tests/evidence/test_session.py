"""Sessions: one visitor, all workers, no gap over 30 minutes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from dicomhawk.evidence.session import GAP_US, Sessions

T0 = 1_700_000_000_000_000
MINUTE = 60_000_000


def test_connections_without_a_long_gap_are_one_session(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s")
    first = sessions.touch("198.51.100.1", T0)
    assert first.is_new
    assert first.ended is None
    now = T0
    for _ in range(5):
        now += GAP_US
        again = sessions.touch("198.51.100.1", now)
        assert (again.session, again.is_new) == (first.session, False)
    assert sessions.expired(now + GAP_US) == []
    (ended,) = sessions.expired(now + GAP_US + 1)
    assert ended == (first.session, "198.51.100.1", T0, now, 6)
    assert sessions.expired(now + 2 * GAP_US) == []


def test_a_gap_begins_another_session_and_ends_the_last(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s")
    first = sessions.touch("198.51.100.1", T0)
    second = sessions.touch("198.51.100.1", T0 + GAP_US + 1)
    assert second.is_new
    assert not second.evicted
    assert second.session > first.session
    assert second.ended == (first.session, "198.51.100.1", T0, T0, 1)
    assert sessions.expired(T0 + GAP_US + 2) == []


def test_visitors_have_sessions_of_their_own(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s")
    addresses = ["198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8::2", "::", "0.0.0.0"]
    assert len({sessions.touch(address, T0).session for address in addresses}) == len(addresses)
    assert sessions.touch("::ffff:198.51.100.1", T0).session == sessions.touch("198.51.100.1", T0).session
    assert sessions.touch("2001:db8::1%eth0", T0).session == sessions.touch("2001:db8::1", T0).session
    assert {session.address for session in sessions.expired(T0 + 2 * GAP_US)} == set(addresses)


def test_a_connection_that_stays_keeps_the_session(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s")
    first = sessions.touch("198.51.100.1", T0)
    for minutes in range(20, 100, 20):
        assert sessions.touch("198.51.100.1", T0 + minutes * MINUTE, connections=0).session == first.session
    (ended,) = sessions.expired(T0 + 200 * MINUTE)
    assert (ended.last, ended.connections) == (T0 + 80 * MINUTE, 1)


def test_a_clock_that_steps_back_does_no_harm(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s")
    first = sessions.touch("198.51.100.1", T0)
    assert sessions.touch("198.51.100.1", T0 - 10 * GAP_US).session == first.session
    assert sessions.expired(T0 - 10 * GAP_US) == []
    assert sessions.expired(T0 + GAP_US + 1)[0].last == T0


def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    first = Sessions(tmp_path / "s")
    session = first.touch("198.51.100.1", T0).session
    first.close()
    assert Sessions(tmp_path / "s").touch("198.51.100.1", T0 + 1).session == session


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000, b"DHSESS1\n\x07\0\0\0" + b"k" * 16])
def test_a_file_that_is_not_a_table_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    sessions = Sessions(tmp_path / "s")
    assert sessions.touch("198.51.100.1", T0).is_new
    assert not sessions.touch("198.51.100.1", T0).is_new


def test_a_slot_that_was_half_written_is_free(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s", buckets=1)
    sessions.touch("198.51.100.1", T0)
    data = bytearray((tmp_path / "s").read_bytes())
    at = data.index(b"\xff\xff\xc6\x33\x64\x01") + 20
    data[at] ^= 1
    (tmp_path / "s").write_bytes(data)
    broken = Sessions(tmp_path / "s", buckets=1)
    assert broken.expired(T0 + 2 * GAP_US) == []
    for number in range(1, 17):
        touched = broken.touch(f"198.51.100.{number}", T0)
        assert touched.is_new
        assert touched.ended is None


def test_a_full_table_lets_the_least_recent_go(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s", buckets=1)
    first = [sessions.touch(f"198.51.100.{number}", T0 + number).session for number in range(16)]
    touched = sessions.touch("198.51.100.99", T0 + 20)
    assert touched.evicted
    assert touched.ended is not None
    assert touched.ended.session == first[0]
    assert not sessions.touch("198.51.100.15", T0 + 21).is_new


def test_table_is_spread_over_its_buckets(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "s", buckets=64)
    evicted = sum(sessions.touch(f"10.0.{n // 256}.{n % 256}", T0).evicted for n in range(256))
    assert evicted == 0


def worker(path: Path, count: int, queue: multiprocessing.Queue[object]) -> None:
    sessions = Sessions(path)
    found = set()
    for number in range(count):
        touched = sessions.touch(f"198.51.100.{number % 50}", T0 + number)
        found.add((number % 50, touched.session))
    queue.put(found)


def test_workers_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[object] = context.Queue()
    processes = [context.Process(target=worker, args=(tmp_path / "s", 1000, queue)) for _ in range(4)]
    for process in processes:
        process.start()
    found: set[tuple[int, str]] = set()
    for _ in processes:
        found |= queue.get(timeout=30)  # type: ignore[arg-type]
    for process in processes:
        process.join()
    assert len(found) == 50
    ended = Sessions(tmp_path / "s").expired(T0 + 2 * GAP_US)
    assert sum(session.connections for session in ended) == 4000


def forever(path: Path) -> None:
    sessions = Sessions(path)
    number = 0
    while True:
        number += 1
        sessions.touch(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", T0)


def test_kill_9_of_a_worker_leaves_no_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        process = context.Process(target=forever, args=(tmp_path / "s",))
        process.start()
        time.sleep(0.02)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        sessions = Sessions(tmp_path / "s")
        assert sessions.touch("198.51.100.1", T0).session
        sessions.expired(T0)
        sessions.close()
