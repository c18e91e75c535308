"""A portal over a small hospital, asked without a wire."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from dicomhawk.evidence.recorder import Recorder
from dicomhawk.persona.model import library
from dicomhawk.sensor.holdings import Holdings, prepare
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.portal.site import Portal, portal
from dicomhawk.settings import Settings, load
from tests.sensor.web.portal.browser import Browser

Visit = Callable[[], Browser]
_VISITORS = count(1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.late = 0.0

    def __call__(self) -> float:
        return time.time() + self.late


def backing_of(settings: Settings, clock: Callable[[], float], *, writer: str = "one") -> Backing:
    """What stands behind a portal in one worker."""
    assert settings.deployment is not None
    prepare(settings)
    persona = library.load(settings.persona)
    return Backing(
        settings=settings,
        deployment=settings.deployment,
        persona=persona,
        holdings=Holdings(settings, settings.deployment, persona, clock),
        recorder=Recorder(settings, writer),
        clock=clock,
    )


@pytest.fixture(scope="session")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """For all tests: each visitor has an address of its own, and changes nothing for the others."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("portal") / "data"))
    backing = backing_of(load(data=data, environment={}), time.time)
    yield backing
    backing.holdings.close()
    backing.recorder.close()


@pytest.fixture(scope="session")
def site(shared: Backing) -> Portal:
    """The shared portal."""
    return portal(shared)


@pytest.fixture
def visit(shared: Backing, site: Portal) -> Visit:
    """``visit()`` is a browser of somebody who has never been here."""

    def made() -> Browser:
        return Browser.of(site, shared, f"198.51.{next(_VISITORS) // 250}.{next(_VISITORS) % 250}")

    return made
