"""Performed procedure steps in the file of uploads: each visitor's own, within bounds, and through a restart."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dicomhawk.hospital import steps as module
from dicomhawk.hospital.steps import Added, PerformedSteps, Scheduled, Step
from dicomhawk.hospital.uploads import Uploads, UploadsError

ONE = Step("1.2.3", "IN PROGRESS", frozenset({"00400250"}), (Scheduled("1.2", "S1"),))


def test_a_step_survives_and_is_its_visitors(tmp_path: Path) -> None:
    path = tmp_path / "uploads.sqlite"
    with Uploads(path) as uploads:
        steps = PerformedSteps(uploads)
        assert steps.add("a", ONE) is Added.NEW
        assert steps.add("a", ONE) is Added.DUPLICATE
    with Uploads(path) as uploads:
        steps = PerformedSteps(uploads)
        assert steps.get("a", "1.2.3") == ONE
        assert steps.get("b", "1.2.3") is None
        assert steps.of_worklist("a") == {Scheduled("1.2", "S1"): "IN PROGRESS"}
        assert steps.of_worklist("b") == {}


def test_only_one_of_two_ends_a_step(tmp_path: Path) -> None:
    with Uploads(tmp_path / "uploads.sqlite") as uploads:
        steps = PerformedSteps(uploads)
        steps.add("a", ONE)
        ended = ONE._replace(status="COMPLETED")
        assert steps.update("a", ended, "IN PROGRESS")
        assert not steps.update("a", ended._replace(status="DISCONTINUED"), "IN PROGRESS")
        assert not steps.update("b", ended, "IN PROGRESS")
        assert steps.get("a", "1.2.3") == ended


def test_the_last_step_of_an_entry_counts(tmp_path: Path) -> None:
    with Uploads(tmp_path / "uploads.sqlite") as uploads:
        steps = PerformedSteps(uploads)
        steps.add("a", ONE._replace(status="DISCONTINUED"))
        steps.add("a", ONE._replace(sop_uid="1.2.4"))
        assert steps.of_worklist("a") == {Scheduled("1.2", "S1"): "IN PROGRESS"}


def test_a_visitor_may_have_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 3)
    with Uploads(tmp_path / "uploads.sqlite") as uploads:
        steps = PerformedSteps(uploads)
        outcomes = [steps.add("a", Step(f"1.{number}", "IN PROGRESS")) for number in range(5)]
        assert outcomes == [Added.NEW] * 3 + [Added.FULL] * 2
        assert steps.add("b", Step("1.1", "IN PROGRESS")) is Added.NEW


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STEPS_OF_ALL", 3)
    with Uploads(tmp_path / "uploads.sqlite") as uploads:
        steps = PerformedSteps(uploads)
        for number in range(5):
            steps.add(f"visitor {number}", ONE)
        assert [steps.get(f"visitor {number}", "1.2.3") is not None for number in range(5)] == [False] * 2 + [
            True
        ] * 3


def test_workers_may_begin_at_once(tmp_path: Path) -> None:
    path = tmp_path / "uploads.sqlite"
    Uploads(path).close()
    failures: list[Exception] = []

    def begin() -> None:
        try:
            with Uploads(path) as uploads:
                PerformedSteps(uploads)
        except UploadsError as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
