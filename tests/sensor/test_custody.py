"""A running sensor closes its evidence for good."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.evidence import events as ev
from dicomhawk.evidence.verify import verify
from dicomhawk.sensor.custody import EVERY_SECONDS, KEEP_SECONDS, Custody
from dicomhawk.settings import Settings, load
from tests.evidence.tampering import DAY, Folder
from tests.support import Sensor, dicomhawk


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


class Kept:
    """A `Custody` whose waiting is told, and what it emitted."""

    def __init__(self, settings: Settings) -> None:
        self.now = 0.0
        self.events: list[Any] = []
        self.custody = Custody(settings, self.events.append, monotonic=lambda: self.now)

    def later(self, seconds: float) -> list[Any]:
        """What is emitted when so much time has gone."""
        self.now += seconds
        del self.events[:]
        self.custody.look_after()
        return self.events


def test_the_head_is_told_whenever_the_chain_has_grown(folder: Folder) -> None:
    kept = Kept(folder.settings)
    assert kept.later(0) == []
    folder.written(1)
    assert kept.later(1) == []
    (head,) = kept.later(EVERY_SECONDS)
    assert isinstance(head, ev.EvidenceHead)
    assert (head.entries, head.head) == (3, folder.verify().head)
    assert kept.later(EVERY_SECONDS) == []


def test_what_goes_is_told(folder: Folder) -> None:
    folder.clock.now -= 400 * DAY
    folder.written(2)
    folder.seal()
    settings = Settings(data=folder.data, retention={"journal_days": 30}, analyst={"enabled": False})
    kept = Kept(settings)
    removed, head = kept.later(0)
    assert (removed.what, removed.reason, len(removed.segments)) == ("journal", "age", 2)
    assert head.entries == 6
    assert kept.later(KEEP_SECONDS) == []


def test_a_chain_that_can_not_be_continued_is_told_once(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    folder.written(1)
    folder.seal()
    folder.chain.write_bytes(folder.chain.read_bytes() + b"x" * 100_000)
    folder.written(2)
    kept = Kept(folder.settings)
    (failure,) = kept.later(0)
    assert isinstance(failure, ev.EvidenceFailure)
    assert failure.reason in capfd.readouterr().err
    assert kept.later(EVERY_SECONDS) == []
    folder.chain.write_bytes(folder.chain.read_bytes().rstrip(b"x"))
    assert [type(event) for event in kept.later(EVERY_SECONDS)] == [ev.EvidenceHead]


def test_a_sensor_leaves_a_chain_that_holds(data: Path, start: Callable[..., Sensor]) -> None:
    with start(workers=1) as sensor:
        pass
    settings = load(data=data, environment={})
    verdict = verify(settings)
    assert (verdict.problems, verdict.open) == ([], [])
    assert verdict.segments >= 2
    segments = sorted((data / "journal").glob("*.ndjson"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o400 for path in segments)
    with start(workers=1) as sensor:
        head = sensor.wait_event("evidence.head")
        assert head["honeypot"]["chain"]["entries"] == verdict.entries
        assert head["honeypot"]["chain"]["head"] == verdict.head
        os.kill(sensor.workers[0], signal.SIGKILL)
        sensor.wait_event("worker.exit")
    again = verify(settings, heads=[])
    assert (again.problems, again.open) == ([], [])
    assert again.entries > verdict.entries
    assert set((data / "journal").glob("*.ndjson")) > set(segments)
    shown = dicomhawk("evidence", "verify", "--data", data, "--head", f"{verdict.entries}:{verdict.head}")
    assert (shown.returncode, shown.stdout.splitlines()[-1]) == (0, "no problem")
    told = dicomhawk("evidence", "head", "--data", data)
    assert told.stdout == f"{again.entries}:{again.head}\n"
    segments[0].chmod(0o600)
    segments[0].write_bytes(segments[0].read_bytes()[:-1])
    shown = dicomhawk("evidence", "verify", "--data", data)
    assert shown.returncode == 1
    assert f"PROBLEM: journal/{segments[0].name} was truncated" in shown.stdout


def test_a_key_that_can_not_be_used_is_one_sentence(data: Path) -> None:
    (data / "key.pem").touch(0o600)
    environment = {"DICOMHAWK_EVIDENCE__KEY": str(data / "key.pem")}
    ran = dicomhawk("sensor", "--data", data, environment=environment)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "no key of ed25519" in ran.stderr
