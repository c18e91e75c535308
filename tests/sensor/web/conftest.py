"""Sensors with web doors, each for one persona."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import Sensor

WebSensor = Callable[[str], Sensor]


@pytest.fixture(scope="session")
def web_sensor(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSensor]:
    """``web_sensor("orthanc")`` is a sensor with one worker and one web door (`Sensor.web_port`), for all tests that
    leave nothing behind that another could see; started when it is first asked for."""
    running: dict[str, Sensor] = {}
    with ExitStack() as stack:

        def of(persona: str) -> Sensor:
            if persona not in running:
                data = Path(shutil.copytree(template, tmp_path_factory.mktemp(f"web-{persona}") / "data"))
                sensor = Sensor(data, workers=1, web_ports=(0,), flags=("--persona", persona))
                running[persona] = stack.enter_context(sensor)
            return running[persona]

        yield of
