"""nmap finds a DICOM server where we are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import Sensor, run_tool


def test_dicom_ping_finds_it(sensor: Sensor, tool: Callable[[str], str]) -> None:
    tool("nmap")
    ran = run_tool("nmap", "-Pn", "-n", "-p", sensor.port, "--script", "+dicom-ping", sensor.host, status=None)
    if "failed to initialize the script engine" in ran.output:
        pytest.skip("this nmap has no dicom-ping")
    assert "dicom-ping" in ran.output
    assert "DICOM Service Provider discovered" in ran.output
    association = sensor.wait_event("dicom.association", dicom__ae__calling="ECHOSCU", dicom__pdu__length=205)
    assert association["dicom"]["ae"]["called"] == "ANY-SCP"
