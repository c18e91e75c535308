"""nmap takes it for a DICOM server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import Sensor, at, find_tool, run_tool

SCRIPT = "dicom-ping"


def require_script() -> None:
    find_tool("nmap")
    if not any(
        Path(folder, f"{SCRIPT}.nse").exists()
        for folder in ("/usr/share/nmap/scripts", "/usr/local/share/nmap/scripts")
    ):
        pytest.skip(f"nmap is here, its script {SCRIPT} is not")


def test_dicom_ping(sensor: Sensor) -> None:
    require_script()
    # The plus: on any port, not only on those that are usual for DICOM.
    said = run_tool("nmap", "-Pn", "-n", "-sT", "-p", sensor.port, "--script", f"+{SCRIPT}", sensor.host).output
    assert f"{sensor.port}/tcp open" in said
    assert "DICOM Service Provider discovered" in said
    assert "Any AET is accepted" in said
    event = sensor.wait_event("dicom.association", dicom__ae__called="ANY-SCP", dicom__ae__calling="ECHOSCU")
    assert at(event, "dicom.implementation.version")
