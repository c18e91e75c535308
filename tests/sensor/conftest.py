"""A hospital, a sensor that serves it, and visitors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.support import Sensor, dicomhawk
from tests.tells import assert_no_tell

STUDIES = 300
DEPLOYMENT = """\
[deployment]
seed = "5ee0d1c0a7b94e6f8a31f2d4c6b80917"
hospital = "Ashcombe General Hospital"
locale = "en_GB"
ae_title = "ASHPACS"
uid_root = "1.2.826.0.1.3680043.9.511.20417"
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a deployment that is always the same, and its hospital. Nobody serves it: copy it."""
    data = tmp_path_factory.mktemp("template") / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    built = dicomhawk("hospital", "build", "--data", data, "--studies", STUDIES)
    assert built.returncode == 0, built.stderr
    return data


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own."""
    return Path(shutil.copytree(template, tmp_path / "data"))


@pytest.fixture
def start(data: Path) -> Callable[..., Sensor]:
    """``with start(workers=1) as sensor`` is a sensor of the test's own."""

    def make(**how: Any) -> Sensor:
        return Sensor(how.pop("data", data), **how)

    return make


@pytest.fixture(scope="session")
def sensor(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """One sensor with two workers, for all tests that leave nothing behind that another could see."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("sensor") / "data"))
    with Sensor(data) as running:
        yield running


@pytest.fixture
def visitor(sensor: Sensor) -> Iterator[Visitor]:
    """A visitor of the shared sensor with an address of its own; what the sensor sent to it is checked at the end."""
    with Visitor(sensor) as proxy:
        yield proxy
    for passed in proxy.connections:
        assert_no_tell(passed.received)


@pytest.fixture
def hospital(sensor: Sensor) -> Hospital:
    """What the shared sensor's hospital holds."""
    return Hospital(sensor.data)
