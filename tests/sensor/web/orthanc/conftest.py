"""A sensor with Orthanc's face, and visitors of it."""

from __future__ import annotations

import pytest

from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.orthanc.client import Client
from tests.support import Sensor


@pytest.fixture(scope="session")
def orthanc(web_sensor: WebSensor) -> Sensor:
    """The sensor; a visitor's changes are seen by nobody else."""
    return web_sensor("orthanc")


@pytest.fixture
def client(orthanc: Sensor) -> Client:
    """A visitor that nobody has met before."""
    return Client(orthanc.web_port)
