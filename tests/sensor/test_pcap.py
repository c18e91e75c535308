"""Sessions of real clients as captures, dissected by tshark: all DICOM, nothing malformed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from tests.sensor.oracle import Hospital
from tests.support import Ran, Sensor, at, dicomhawk, run_tool

EACH_STUDY = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName", "-k", "StudyDescription")


@pytest.fixture
def visited(template: Path, tmp_path: Path, tool: Callable[[str], str]) -> Iterator[Sensor]:
    """A sensor that DCMTK's clients have visited: echo, find, get, move, store."""
    for name in ("tshark", "echoscu", "findscu", "getscu", "movescu", "storescu"):
        tool(name)
    data = Path(shutil.copytree(template, tmp_path / "data"))
    with Sensor(data) as sensor:
        small = min(Hospital(data).studies(), key=lambda study: study["n_instances"])
        key = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={small['study_uid']}")
        where = (sensor.host, sensor.port)
        run_tool("echoscu", *where)
        run_tool("findscu", *EACH_STUDY, *where)
        run_tool("getscu", "-S", *key, "-od", tmp_path, *where)
        run_tool("movescu", "-S", "-aem", "NOWHERE", *key, *where, status=None)
        run_tool("storescu", *where, get_testdata_file("CT_small.dcm", download=False))
        sensor.wait_events("connection.close", 5)
        yield sensor


def tshark(capture: Path, port: int, *arguments: str) -> Ran:
    return run_tool("tshark", "-r", capture, "-d", f"tcp.port=={port},dicom", *arguments)


def lines(ran: Ran) -> list[str]:
    return [line for line in ran.output.splitlines() if line and "Running as user" not in line]


def test_every_service_is_dissected(visited: Sensor, tmp_path: Path) -> None:
    sessions = {event["session"] for event in visited.events(event__action="connection.close")}
    assert len(sessions) == 1
    capture = tmp_path / "visit.pcap"
    exported = dicomhawk("export", "pcap", sessions.pop(), "-o", capture, "--data", visited.data)
    assert exported.returncode == 0, exported.stderr
    assert not lines(tshark(capture, visited.port, "-Y", "_ws.malformed || tcp.analysis.flags"))
    said = tshark(capture, visited.port, "-Y", "dicom").output
    for command in ("C-ECHO-RQ", "C-FIND-RQ", "C-GET-RQ", "C-MOVE-RQ", "C-STORE-RQ", "A-RELEASE"):
        assert command in said, command
    ends = {at(event, "event.action"): event for event in visited.events()}
    images = at(ends["dicom.c-get.end"], "dicom.suboperations.completed")
    assert images
    # One for each image that was fetched, and the one that was stored.
    assert said.count("C-STORE-RQ ID=") == images + 1
