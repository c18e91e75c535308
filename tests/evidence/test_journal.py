"""The journal: nothing that was flushed is lost, and no accident stops reader or writer."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.evidence import journal as j
from dicomhawk.evidence.spool import MAX_HELD
from dicomhawk.evidence.stamps import rfc3339

DAY_NS = 86_400 * 10**9
NOON = 20_000 * DAY_NS + DAY_NS // 2  # 2024-10-04T12:00:00Z


class Clock:
    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def line(number: int, now: int = NOON, padding: int = 0) -> bytes:
    event = {"@timestamp": rfc3339(now // 1000), "event": {"id": f"{number:026d}"}, "x": "p" * padding}
    return json.dumps(event).encode() + b"\n"


def numbers(events: Any) -> list[int]:
    return [int(event["event"]["id"]) for event in events]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_line_is_there_once_it_is_flushed_and_not_before(tmp_path: Path) -> None:
    journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
    journal.append(line(1), NOON)
    assert numbers(j.read(tmp_path)) == []
    journal.flush()
    assert numbers(j.read(tmp_path)) == [1]
    assert names(tmp_path) == ["2024-10-04.w0.0001.ndjson"]
    assert (tmp_path / names(tmp_path)[0]).stat().st_mode & 0o777 == 0o600


def test_a_flush_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
    written = []
    monkeypatch.setattr(os, "write", lambda _fd, data: written.append(bytes(data)) or len(data))
    for number in range(3):
        journal.append(line(number), NOON)
    journal.flush()
    journal.flush()
    assert written == [line(0) + line(1) + line(2)]


def test_files_are_rotated_by_size(tmp_path: Path) -> None:
    journal = j.Journal(tmp_path, "w0", 1000, Clock())
    for number in range(10):
        journal.append(line(number, padding=300), NOON)
        journal.flush()
    journal.close()
    assert len(names(tmp_path)) == 4
    assert all(path.stat().st_size < 1500 for path in tmp_path.iterdir())
    assert numbers(j.read(tmp_path)) == list(range(10))


def test_files_are_rotated_at_midnight(tmp_path: Path) -> None:
    clock = Clock()
    journal = j.Journal(tmp_path, "w0", 1 << 20, clock)
    for number in range(3):
        journal.append(line(number, clock.now), clock.now)
        journal.flush()
        clock.now += DAY_NS
    journal.close()
    assert names(tmp_path) == [f"2024-10-0{day}.w0.0001.ndjson" for day in (4, 5, 6)]
    assert numbers(j.read(tmp_path)) == [0, 1, 2]


def test_a_new_run_continues_the_file_of_the_day(tmp_path: Path) -> None:
    for number in range(2):
        journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
        journal.append(line(number), NOON)
        journal.close()
    assert names(tmp_path) == ["2024-10-04.w0.0001.ndjson"]
    assert numbers(j.read(tmp_path)) == [0, 1]


@pytest.mark.parametrize("torn", [line(1)[:-1], line(1)[:20], b"\0\0\0", b"{}\n{}"])
def test_a_torn_line_stays_and_is_skipped(tmp_path: Path, torn: bytes) -> None:
    first = tmp_path / "2024-10-04.w0.0001.ndjson"
    first.write_bytes(line(0) + torn)
    journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
    journal.append(line(2), NOON)
    journal.close()
    assert first.read_bytes() == line(0) + torn
    reader = j.read(tmp_path)
    assert numbers(reader) == [0, 2]
    assert reader.torn == 1 + torn.count(b"\n")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"[]\n",
        b"1\n",
        b"\xff\n",
        b'{"@timestamp":1}\n',
        b'{"@timestamp":"x"}\n',
        b'{"event":{"id":"x"}}\n',
        b'{"x":' + b"[" * 9999 + b"\n",
    ],
)
def test_rubbish_in_a_file_is_skipped(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "2024-10-04.w0.0001.ndjson").write_bytes(line(0) + rubbish + line(1))
    reader = j.read(tmp_path)
    assert numbers(reader) == [0, 1]
    assert reader.torn == 1


def test_writers_are_merged_in_the_order_of_time(tmp_path: Path) -> None:
    clock = Clock()
    journals = [j.Journal(tmp_path, f"w{number}", 800, clock) for number in range(3)]
    for number in range(60):
        clock.now += 1_000_000
        journals[number * 7 % 3].append(line(number, clock.now, 100), clock.now)
        journals[number * 7 % 3].flush()
    assert numbers(j.read(tmp_path)) == list(range(60))
    since = rfc3339((NOON + 30_000_000) // 1000)
    assert numbers(j.read(tmp_path, since=since)) == list(range(29, 60))


def test_since_passes_over_files_of_earlier_days(tmp_path: Path) -> None:
    (tmp_path / "2024-10-02.w0.0001.ndjson").write_bytes(b"torn")
    (tmp_path / "2024-10-04.w0.0001.ndjson").write_bytes(line(1))
    reader = j.read(tmp_path, since="2024-10-04T00:00:00.000Z")
    assert numbers(reader) == [1]
    assert reader.torn == 0


def test_following_gives_what_comes_over_rotations_and_new_writers(tmp_path: Path) -> None:
    clock = Clock()
    journal = j.Journal(tmp_path, "w0", 300, clock)
    journal.append(line(0), NOON)
    journal.flush()
    steps = iter(range(1, 5))

    def more() -> bool:
        step = next(steps, None)
        if step is None:
            return False
        if step == 3:
            with (tmp_path / "2024-10-04.w1.0001.ndjson").open("ab") as file:
                file.write(line(100))
        journal.append(line(step, padding=200), NOON)
        journal.flush()
        return True

    followed = numbers(j.follow(tmp_path, since=rfc3339(NOON // 1000), wait=more))
    assert followed[:3] == [0, 1, 2]
    assert sorted(followed) == [0, 1, 2, 3, 4, 100]


def test_following_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "2024-10-04.w0.0001.ndjson"
    pieces = iter([line(1)[:30], line(1)[30:] + line(2)])
    path.write_bytes(b"")

    def more() -> bool:
        piece = next(pieces, None)
        if piece is not None:
            with path.open("ab") as file:
                file.write(piece)
        return piece is not None

    assert numbers(j.follow(tmp_path, since=rfc3339(NOON // 1000), wait=more)) == [1, 2]


def test_following_begins_with_now(tmp_path: Path) -> None:
    (tmp_path / "2024-10-04.w0.0001.ndjson").write_bytes(line(1))
    assert numbers(j.follow(tmp_path, wait=lambda: False)) == []


def refuse(monkeypatch: pytest.MonkeyPatch, accept: int = 0) -> None:
    """Let the disk be full, after `accept` more bytes."""
    real = os.write
    room = [accept]

    def write(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(room[0], len(data))
        room[0] -= taken
        return real(fd, bytes(data[:taken]))

    monkeypatch.setattr(os, "write", write)


@pytest.mark.parametrize("accept", [0, 1, len(line(0)) - 1, len(line(0)), len(line(0)) + 5])
def test_a_disk_that_is_full_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accept: int
) -> None:
    journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
    with monkeypatch.context() as patch:
        refuse(patch, accept)
        for number in range(5):
            journal.append(line(number), NOON)
            journal.flush()
        assert journal.failing
    journal.append(line(5), NOON)
    journal.flush()
    assert not journal.failing
    assert journal.take_losses() is None
    reader = j.read(tmp_path)
    assert numbers(reader) == list(range(6))
    assert reader.torn == 0


def test_a_disk_that_stays_full_costs_bounded_memory_and_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = j.Journal(tmp_path, "w0", 1 << 20, Clock())
    count = 3 * MAX_HELD // 1000
    with monkeypatch.context() as patch:
        refuse(patch, 500)
        for number in range(count):
            journal.append(line(number, padding=1000), NOON)
            journal.flush()
            assert journal.position(NOON)[1] < MAX_HELD + 10_000
        assert journal.take_losses() is None
    journal.append(line(count), NOON)
    journal.flush()
    losses = journal.take_losses()
    assert losses is not None
    lost, reason = losses
    assert reason == "No space left on device"
    reader = j.read(tmp_path)
    found = numbers(reader)
    assert lost + len(found) == count + 1
    assert found == sorted(found)
    assert found[-1] == count
    assert reader.torn == 1
    assert journal.take_losses() is None


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = j.Journal(folder, "w0", 300, Clock())
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    for number in range(5):
        journal.append(line(number, padding=200), NOON)
        journal.flush()
    assert journal.failing
    folder.mkdir()
    journal.append(line(5), NOON)
    journal.flush()
    assert numbers(j.read(folder))[-1] == 5


WRITER = """
import sys, time
from pathlib import Path
from dicomhawk.evidence.journal import Journal
journal = Journal(Path(sys.argv[1]), "w0", 20_000)
number = int(sys.argv[2])
while True:
    number += 1
    journal.append(b'{"@timestamp":"2024-10-04T12:00:00.000Z","event":{"id":"%026d"}}\\n' % number, time.time_ns())
    journal.flush()
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged = 0
    for delay in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(acknowledged)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(100 + 37 * delay)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        last = int([line for line in said if line.endswith("\n")][-1])
        found = numbers(j.read(tmp_path))
        # Events that were written but not yet acknowledged may be there too.
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= last > acknowledged
        acknowledged = len(found)
    assert len(names(tmp_path)) > 1
