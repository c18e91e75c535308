"""200 browsers while the DICOM door is busy, too: no error, and answers in time. 2,000 slow clients stop nobody."""

from __future__ import annotations

import http.client
import os
import resource
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.sensor.conftest import data, start, template  # noqa: F401 - fixtures
from tests.sensor.web.crowd import quantile
from tests.sensor.web.load import Cpu, Loris, dimse, looked_at, run, small_studies, visits
from tests.support import Sensor

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

BROWSERS = 200
SECONDS = float(os.environ.get("SECONDS", "30"))
PAUSE = (2.0, 6.0)
"""Seconds that somebody looks at a page."""
P99 = 0.5
"""Seconds."""
OTHERS = 0.2
"""Part of the machine that others may take; where they take more, times say nothing about us."""
SLOW = 2000
VISITS = 50


@pytest.mark.parametrize("persona", ["plain", "orthanc"])
def test_two_hundred_browsers(start: Callable[..., Sensor], persona: str) -> None:  # noqa: F811
    with start(workers=2, web_ports=(0,), flags=("--persona", persona)) as sensor:
        studies = small_studies(sensor.data, ["CT", "MR", "CR", "US"], 2)
        first = looked_at(sensor, persona, studies)
        print(f"\n{persona}, images that nobody has asked for before:", *first.lines(), sep="\n")
        with dimse(sensor, studies[0]) as told:
            cpu, began = Cpu(sensor), time.monotonic()
            account = run(sensor, visits(sensor.data, persona, studies, BROWSERS), seconds=SECONDS, pause=PAUSE)
            took, others = time.monotonic() - began, cpu.others()
        print(f"{persona}, {BROWSERS} browsers:", *account.lines(), sep="\n")
        print(f"{len(account.every) / took:.0f} requests/s, {account.connections} connections, others {others:.0%}")
        print("DIMSE:", {name: len(statuses) for name, statuses in told.items()})
    assert not account.wrong, (len(account.wrong), account.wrong[:5])
    assert all(told.values()) and not any(any(statuses) for statuses in told.values()), told
    late = quantile(account.every, 0.99)
    if others > OTHERS and late >= P99:
        pytest.skip(f"others took {others:.0%} of this machine: p99 of {late * 1000:.0f} ms says little")
    assert late < P99


@pytest.mark.parametrize("persona", ["plain", "orthanc"])
def test_two_thousand_slow_clients(start: Callable[..., Sensor], data: Path, persona: str) -> None:  # noqa: F811
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < SLOW + 500:
        pytest.skip(f"this system allows {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    path = "/dicom-web/studies?limit=1" if persona == "plain" else "/system"
    took = []
    with start(workers=2, web_ports=(0,), flags=("--persona", persona)) as sensor:
        with Loris(sensor.web_port, SLOW) as loris:
            for _ in range(VISITS):
                began = time.perf_counter()
                with closing(http.client.HTTPConnection("127.0.0.1", sensor.web_port, 30)) as connection:
                    connection.request("GET", path, headers={"Authorization": "Basic b3J0aGFuYzpvcnRoYW5j"})
                    answer = connection.getresponse()
                    assert answer.status == 200 and answer.read()
                took.append(time.perf_counter() - began)
        print(f"\n{persona}: {loris.alive} of {SLOW} slow clients left; a new one, ms:", end=" ")
        print(f"p50 {quantile(took, 0.5) * 1000:.0f} max {max(took) * 1000:.0f}")
