"""One examiner for all tests of a module."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst.payload import Examiner
from dicomhawk.settings import Settings
from dicomhawk.settings.analysis import Analyst

Examine = Callable[[bytes], dict[str, Any]]
UNHURRIED = Analyst(examination_seconds=100)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder without a hospital."""
    return tmp_path_factory.mktemp("payload")


@pytest.fixture(scope="module")
def examiner(data: Path) -> Iterator[Examiner]:
    """An examiner with a deadline that a busy machine keeps too."""
    made = Examiner(Settings(data=data, analyst=UNHURRIED))
    yield made
    made.close()


@pytest.fixture(scope="module")
def examine(examiner: Examiner, data: Path) -> Examine:
    """The report on a content."""

    def of(content: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(content).hexdigest()
        path = data / sha256
        path.write_bytes(content)
        return examiner.examine(sha256, path)

    return of


def severities(report: dict[str, Any]) -> dict[str, int]:
    """Findings by their id."""
    found: dict[str, int] = {}
    for each in report["findings"]:
        found[each["id"]] = max(found.get(each["id"], 0), each["severity"])
    return found
