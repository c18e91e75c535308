"""The vault: captured objects, budgets, and what happens at their limits."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dicomhawk.evidence import vault as v
from dicomhawk.evidence.events import VaultDropped
from dicomhawk.evidence.objects import BATCH, RESERVE, ObjectStore
from dicomhawk.evidence.transcript import read_connection
from dicomhawk.settings import Vault

MIB = 1 << 20
SOURCE, DESTINATION = ("198.51.100.7", 41822), ("203.0.113.10", 11112)
HEAD = b"\0" * 128 + b"DICM" + b"meta"


def store(tmp_path: Path, writer: str = "w0", budget: int = 100 * MIB, largest: int = 100 * MIB) -> ObjectStore:
    return ObjectStore(tmp_path, writer, budget, largest)


def files(tmp_path: Path) -> list[str]:
    return sorted(
        path.relative_to(tmp_path).as_posix() for path in (tmp_path / "objects").rglob("*") if path.is_file()
    )


def test_an_object_is_kept_under_its_hash(tmp_path: Path) -> None:
    objects = store(tmp_path)
    sink = objects.open(HEAD, 3)
    sink.write(memoryview(b"data"))
    sink.write(b" set")
    captured = sink.finish()
    content = HEAD + b"data set"
    digest = hashlib.sha256(content).hexdigest()
    assert captured == (3, digest, len(content), objects.path(digest), f"objects/{digest[:2]}/{digest}", True, None)
    assert objects.path(digest).read_bytes() == content
    assert objects.path(digest).stat().st_mode & 0o777 == 0o600
    assert files(tmp_path) == [captured.name]
    assert objects.budget.used == len(content)


def test_the_same_object_is_kept_once(tmp_path: Path) -> None:
    objects, other = store(tmp_path, "w0"), store(tmp_path, "w1")
    first, second = objects.open(HEAD), other.open(HEAD)
    one, two = first.finish(), second.finish()
    assert (one.new, two.new) == (True, False)
    assert one.path == two.path
    assert objects.budget.used == other.budget.used == len(HEAD)
    assert len(files(tmp_path)) == 1


def test_what_is_thrown_away_leaves_nothing(tmp_path: Path) -> None:
    objects = store(tmp_path)
    sink = objects.open(HEAD)
    sink.write(b"x" * 3 * MIB)
    sink.abort()
    sink.abort()
    assert files(tmp_path) == []
    assert objects.budget.used == 0


def test_an_object_that_is_too_large_is_known_by_its_hash(tmp_path: Path) -> None:
    objects = store(tmp_path, largest=1000)
    sink = objects.open(HEAD)
    for _ in range(10):
        sink.write(b"x" * 500)
        assert objects.budget.used <= RESERVE
    captured = sink.finish()
    assert captured.path is None
    assert captured.limit == "object_mib"
    assert (captured.size, captured.sha256) == (
        len(HEAD) + 5000,
        hashlib.sha256(HEAD + b"x" * 5000).hexdigest(),
    )
    assert files(tmp_path) == []
    assert objects.budget.used == 0


def test_new_objects_never_push_out_old_ones(tmp_path: Path) -> None:
    objects = store(tmp_path, budget=3 * MIB)
    captured = []
    for number in range(5):
        sink = objects.open(HEAD)
        sink.write(bytes([number]) * MIB)
        captured.append(sink.finish())
    assert [one.limit for one in captured] == [None, None, "objects_mib", "objects_mib", "objects_mib"]
    assert files(tmp_path) == sorted(one.name for one in captured if one.name)
    small = objects.open(HEAD).finish()  # what fits is kept still
    assert small.new
    again = objects.open(HEAD)
    again.write(b"\0" * MIB)
    assert again.finish().path == captured[0].path
    assert objects.budget.used == sum(
        path.stat().st_size for path in (tmp_path / "objects").rglob("*") if path.is_file()
    )


def test_uploads_at_the_same_time_share_the_budget(tmp_path: Path) -> None:
    objects, other = store(tmp_path, "w0", budget=4 * MIB), store(tmp_path, "w1", budget=4 * MIB)
    sinks = [objects.open(HEAD), other.open(HEAD), objects.open(HEAD)]
    for step in range(3):
        for number, sink in enumerate(sinks):
            sink.write(bytes([step, number]) * (MIB // 2))
            assert objects.budget.used <= 4 * MIB
    captured = [sink.finish() for sink in sinks]
    assert sum(one.new for one in captured) == 1
    assert objects.budget.used == sum(one.size for one in captured if one.new)


def test_a_full_disk_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = store(tmp_path)
    sink = objects.open(HEAD)

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        sink.write(b"x" * BATCH)
    sink.write(b"y")
    captured = sink.finish()
    assert captured.limit == "disk"
    assert captured.sha256 == hashlib.sha256(HEAD + b"x" * BATCH + b"y").hexdigest()
    assert files(tmp_path) == []
    assert objects.budget.used == 0


def test_leftovers_of_a_killed_worker_go_at_its_next_start(tmp_path: Path) -> None:
    store(tmp_path, "w0").open(HEAD)
    store(tmp_path, "w1").open(HEAD)
    assert len(files(tmp_path)) == 2
    store(tmp_path, "w0")
    assert files(tmp_path) == ["objects/incoming/w1.1"]


def test_the_start_of_the_sensor_clears_and_counts(tmp_path: Path) -> None:
    objects = store(tmp_path)
    kept = objects.open(HEAD).finish()
    objects.open(HEAD).write(b"x" * BATCH)
    assert objects.budget.used == len(HEAD) + RESERVE
    v.prepare(tmp_path, Vault())
    assert files(tmp_path) == [kept.name]
    assert objects.budget.used == len(HEAD)


UPLOADER = """
import os, sys
from pathlib import Path
from dicomhawk.evidence.objects import ObjectStore
objects = ObjectStore(Path(sys.argv[1]), "w0", 1 << 30, 1 << 30)
number = 0
while True:
    number += 1
    sink = objects.open(b"head")
    sink.write(b"%d" % number * 1000)
    captured = sink.finish()
    print(captured.sha256, flush=True)
"""


def test_kill_9_leaves_no_half_object(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", UPLOADER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    v.prepare(tmp_path, Vault())
    objects = store(tmp_path)
    assert all(objects.path(digest).exists() for digest in acknowledged)
    for name in files(tmp_path):
        path = tmp_path / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert objects.budget.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path))


def test_the_oldest_transcripts_go_first(tmp_path: Path) -> None:
    vault = v.VaultWriter(tmp_path, "w0", Vault(transcripts_mib=1))
    where = []
    for number in range(40):
        transcript = vault.transcript(f"C{number}", SOURCE, DESTINATION)
        where.append((transcript.segment, transcript.offset))
        transcript.received(random.randbytes(50_000))
        transcript.close("closed")
        vault.flush()
        assert sum(path.stat().st_size for path in vault.transcripts_dir.glob("*.dht")) <= MIB
    dropped = [notice for notice in vault.take_notices() if isinstance(notice, VaultDropped)]
    names = [name for notice in dropped for name in notice.segments]
    assert names == sorted({name for name, _ in where})[: len(names)]
    assert len(names) > 10
    assert all(notice.bytes > 50_000 for notice in dropped)
    assert vault.take_notices() == []
    for number, (name, offset) in enumerate(where):
        if name not in names:
            assert len(list(read_connection(vault.transcripts_dir, name, offset, f"C{number}"))) == 3


def test_a_segment_that_another_worker_writes_is_left_alone(tmp_path: Path) -> None:
    settings = Vault(transcripts_mib=1)
    idle = v.VaultWriter(tmp_path, "idle", settings)
    kept = idle.transcript("C", SOURCE, DESTINATION)
    idle.flush()
    os.utime(idle.transcripts_dir / kept.segment, (1, 1))
    busy = v.VaultWriter(tmp_path, "busy", settings)
    for number in range(40):
        busy.transcript(f"C{number}", SOURCE, DESTINATION).received(bytes(50_000))
        busy.flush()
    assert len(list(read_connection(idle.transcripts_dir, kept.segment, kept.offset, "C"))) == 1


def test_segments_in_which_nothing_was_written_are_cleared_away(tmp_path: Path) -> None:
    for _ in range(5):
        v.VaultWriter(tmp_path, "w0", Vault()).close()
    vault = v.VaultWriter(tmp_path, "w0", Vault())
    assert len(list(vault.transcripts_dir.glob("*.dht"))) == 1
    assert vault.take_notices() == []


def test_a_segment_is_never_taken_for_idle_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers start together: one makes room between the moments in which the other makes its file and locks it."""
    flock, other = fcntl.flock, list[v.VaultWriter]()

    def locked(file: int, how: int) -> None:
        if how == fcntl.LOCK_SH and not other:
            monkeypatch.setattr(fcntl, "flock", flock)
            other.append(v.VaultWriter(tmp_path, "w1", Vault()))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", locked)
    vault = v.VaultWriter(tmp_path, "w0", Vault())
    assert other
    for writer in (vault, *other):
        transcript = writer.transcript("C", SOURCE, DESTINATION)
        writer.flush()
        assert len(list(read_connection(vault.transcripts_dir, transcript.segment, transcript.offset, "C"))) == 1


def test_a_segment_that_is_begun_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is idle when it is looked at, and locked when it would be removed."""
    vault = v.VaultWriter(tmp_path, "w0", Vault())
    monkeypatch.setattr(v, "_state", lambda path: (0, 0, False))
    v.VaultWriter(tmp_path, "w1", Vault())
    assert len(list(vault.transcripts_dir.glob("*.dht"))) == 2


def test_uploads_in_any_pieces_have_their_own_hash(tmp_path: Path) -> None:
    """The hasher works for all uploads of a worker at once; each keeps its order."""
    objects = store(tmp_path, budget=64 * MIB)
    contents = [os.urandom(size) for size in (0, 1, BATCH - 1, BATCH, 3 * BATCH + 17, MIB)]
    sinks = [objects.open(HEAD) for _ in contents]
    for at in range(0, MIB, 9_999):
        for sink, content in zip(sinks, contents, strict=True):
            if at < len(content):
                sink.write(memoryview(content)[at : at + 9_999])
    for sink, content in zip(sinks, contents, strict=True):
        captured = sink.finish()
        assert captured.sha256 == hashlib.sha256(HEAD + content).hexdigest()
        assert captured.path is not None
        assert captured.path.read_bytes() == HEAD + content
    objects.close()
