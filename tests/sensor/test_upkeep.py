"""A sensor that runs for weeks: its hospital goes on, and a hospital that can't go on doesn't end it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.hospital import generate as generating
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.generate import CATALOGUE, generate
from dicomhawk.hospital.rows import Study
from dicomhawk.sensor import upkeep
from dicomhawk.settings import Deployment, Settings
from tests.support import Journal, at, clean_environment, matching, wait_until

DEPLOYMENT = Deployment(
    seed="5" * 32, hospital="Sygehus", locale="da_DK", ae_title="PACS", uid_root="1.2.826.0.1.3680043.10.7"
)
DAY = 86400.0
NOW = 1_772_600_000.0
SERVE = """
import sys
from pathlib import Path
from dicomhawk.sensor import supervisor, upkeep
from dicomhawk.settings import Deployment, Settings
upkeep.EVERY_SECONDS = 0.2
deployment = Deployment(seed="5" * 32, hospital="Sygehus", locale="da_DK", ae_title="PACS", uid_root="1.2.3")
settings = Settings(data=Path(sys.argv[1]), deployment=deployment, host="127.0.0.1", workers=1, dicom={"ports": (0,)})
sys.exit(supervisor.serve(settings))
"""


class Keeper:
    """An `Upkeep` whose clock and waiting are told, and what it emitted."""

    def __init__(self, data: Path) -> None:
        self.clock, self.waited = NOW, 0.0
        self.events: list[Any] = []
        self.upkeep = upkeep.Upkeep(
            Settings(data=data, deployment=DEPLOYMENT),
            DEPLOYMENT,
            self.events.append,
            clock=lambda: self.clock,
            monotonic=lambda: self.waited,
        )

    def wait(self, days: float) -> None:
        self.clock += days * DAY
        self.waited += days * DAY

    def look_after(self) -> bool:
        """Look after the hospital until the process that this began has ended; whether it began one."""
        self.upkeep.look_after()
        began = bool(self.upkeep._pid)

        def ended() -> bool:
            self.upkeep.look_after()
            return not self.upkeep._pid

        wait_until(ended, "end of the process", 600)  # it has the lowest priority
        return began


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    generate(tmp_path, DEPLOYMENT, 20, now=NOW)
    keeper = Keeper(tmp_path)
    yield keeper
    keeper.upkeep.stop()


def studies(data: Path) -> int:
    with Catalogue(data / CATALOGUE) as catalogue:
        return catalogue.count(Study)


def test_further_days_are_made_when_few_are_left(keeper: Keeper, tmp_path: Path) -> None:
    before = studies(tmp_path)
    assert not keeper.look_after()
    keeper.wait(1)
    assert keeper.look_after()  # weeks are left
    assert (keeper.events, studies(tmp_path)) == ([], before)
    keeper.wait(29)
    assert keeper.look_after()
    assert [event.outcome for event in keeper.events] == ["success"]
    assert studies(tmp_path) > before
    assert not keeper.look_after()


def test_readers_see_the_new_days(keeper: Keeper, tmp_path: Path) -> None:
    with Catalogue(tmp_path / CATALOGUE) as catalogue:
        version, before = catalogue.data_version(), catalogue.count(Study)
        keeper.wait(30)
        keeper.look_after()
        assert catalogue.data_version() != version
        assert catalogue.count(Study) > before


def test_a_failure_is_told_and_tried_again(keeper: Keeper, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    shutil.move(tmp_path / CATALOGUE, kept)
    keeper.wait(30)
    assert keeper.look_after()
    (failure,) = keeper.events
    assert failure.outcome == "failure"
    assert failure.reason.startswith("The hospital can't be continued: ")
    assert failure.reason in capfd.readouterr().err
    assert not keeper.look_after()
    shutil.move(kept, tmp_path / CATALOGUE)
    keeper.wait(1)
    assert keeper.look_after()
    assert [event.outcome for event in keeper.events] == ["failure", "success"]


def asleep(*_: object, **__: object) -> bool:
    time.sleep(60)
    return True


def broken(*_: object, **__: object) -> bool:
    raise RuntimeError("nobody foresaw this")


def test_an_error_that_nobody_foresaw_stays_in_the_process(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "extend", broken)
    keeper.wait(1)
    assert keeper.look_after()
    assert "RuntimeError: nobody foresaw this" in keeper.events[0].reason


@pytest.mark.parametrize("how", ["killed", "late"])
def test_a_process_that_ends_without_a_word_is_a_failure(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(generating, "extend", asleep)
    keeper.wait(1)
    keeper.upkeep.look_after()
    pid = keeper.upkeep._pid
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == 19, "low priority")
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    else:
        keeper.wait(0.1)
    assert keeper.look_after()
    assert [event.reason for event in keeper.events] == [
        "The hospital can't be continued: its process ended with -9."
    ]


def test_it_ends_with_the_sensor(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "extend", asleep)
    keeper.wait(1)
    keeper.upkeep.look_after()
    pid = keeper.upkeep._pid
    keeper.upkeep.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def serving(data: Path, check: Callable[[Journal], None]) -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(data)], env=clean_environment())
    try:
        check(Journal(data / "journal"))
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_a_sensor_looks_after_its_hospital(tmp_path: Path) -> None:
    generate(tmp_path, DEPLOYMENT, 20, now=time.time() - 40 * DAY)
    before = studies(tmp_path)

    def check(journal: Journal) -> None:
        made = wait_until(lambda: list(matching(journal.events(), event__action="hospital.extend")), "event", 600)
        assert at(made[0], "event.outcome") == "success"
        assert studies(tmp_path) > before

    serving(tmp_path, check)


def test_a_sensor_survives_its_hospital(tmp_path: Path) -> None:
    generate(tmp_path, DEPLOYMENT, 20, now=time.time())

    def check(journal: Journal) -> None:
        wait_until(lambda: list(matching(journal.events(), event__action="sensor.start")), "start", 30)
        (tmp_path / CATALOGUE).rename(tmp_path / "elsewhere")
        failures = {"event__action": "hospital.extend"}
        wait_until(lambda: len(list(matching(journal.events(), **failures))) > 1, "two failures", 600)
        assert not list(matching(journal.events(), event__action="worker.exit"))

    serving(tmp_path, check)
