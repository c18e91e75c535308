"""Scripted intruders against a sensor that runs: its journal has what the samples say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dicomhawk.analyst.techniques import Rules
from tests.analyst.intruders import ORDINARY, PASSES, SCANNERS, TRIGGERS
from tests.analyst.stage import Stage

RULES = Rules.load()
QUICK = ("D06", "D17", "D33")
TOOLS = {"D05": "getscu"} | {name: "nmap" for name in SCANNERS if name.startswith("nmap")}
LONG = frozenset({"nmap-versions", "nmap-versions-orthanc"})
"""Minutes, in which nothing happens."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path_factory.mktemp("stage"), stack)


def tools_of(name: str) -> None:
    tool = TOOLS.get(name)
    if tool is not None and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed; `make packages` installs what the tests use")


def triggered(stage: Stage, name: str, triggers: bool) -> set[str]:
    part = (TRIGGERS if triggers else PASSES)[name]
    events = stage.play(part)
    origin = ["tor"] if name == "D38" else []
    return {match.rule for match in RULES.match(events, stage.files(part, events), origin)}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(each, marks=pytest.mark.soak) for each in TRIGGERS)])
@pytest.mark.timeout(300)
def test_who_does_it_is_seen(stage: Stage, name: str) -> None:
    tools_of(name)
    assert name in triggered(stage, name, True)


@pytest.mark.soak
@pytest.mark.parametrize("name", PASSES)
@pytest.mark.timeout(300)
def test_who_does_not_is_not(stage: Stage, name: str) -> None:
    tools_of(name)
    assert name not in triggered(stage, name, False)


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in (*SCANNERS, *ORDINARY) if name not in LONG])
@pytest.mark.timeout(300)
def test_noise_and_work_are_nothing(stage: Stage, name: str) -> None:
    tools_of(name)
    events = stage.play((SCANNERS | ORDINARY)[name])
    assert max((match.severity for match in RULES.match(events, {})), default=0) <= 1
