"""A small crowd, and slow clients: the same as `make soak` has, with nothing in it that depends on the time."""

from __future__ import annotations

import http.client
import resource
from collections.abc import Callable
from contextlib import closing

from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.load import Loris, dimse, run, small_studies, visits
from tests.support import Sensor, find_tool


def test_a_small_crowd_gets_all_that_it_asks_for(web_sensor: WebSensor) -> None:
    sensor = web_sensor("plain")
    studies = small_studies(sensor.data, ["US"], 1)
    with dimse(sensor, studies[0]) as told:
        account = run(sensor, visits(sensor.data, "plain", studies, 4), seconds=0, pause=(0, 0.2))
    assert not account.wrong, account.wrong[:5]
    assert len(account.every) > 4 * 10
    assert all(told.values()) and not any(any(statuses) for statuses in told.values()), told
    sensor.check()


def test_slow_clients_give_way_to_a_new_visitor(start: Callable[..., Sensor]) -> None:
    """Far more of them than the sensor has descriptors for."""
    slow, descriptors = 400, 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < slow + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    limited = (find_tool("prlimit"), f"--nofile={descriptors}:{descriptors}")
    with start(workers=1, web_ports=(0,), flags=("--persona", "plain"), wrapper=limited) as sensor:
        with Loris(sensor.web_port, slow) as loris:
            for _ in range(5):
                connection = http.client.HTTPConnection("127.0.0.1", sensor.web_port, 60, ("127.8.0.1", 0))
                with closing(connection):
                    connection.request("GET", "/dicom-web/studies?limit=1")
                    answer = connection.getresponse()
                    assert answer.status == 200 and answer.read()
        assert 0 < loris.alive < slow
