"""nmap can't tell a measured persona from the product: its version detection and its DICOM scripts print the same."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.realism.support import MEASURED, require_probes, require_product
from tests.sensor.test_nmap import require_script
from tests.support import find_tool

# The plus: on any port, not only on those that are usual for DICOM.
SCANS = {
    "-sV": ("-sV",),
    "dicom-ping": ("--script", "+dicom-ping"),
    "dicom-brute": ("--script", "+dicom-brute"),
}
CHANGING = (
    r"^Starting Nmap .*$",
    r"\(\d+(\.\d+)?s latency\)",
    r"in \d+(\.\d+)? seconds?(, average tps: .*)?",
    r"%I=\d+%D=[^%]*%Time=[^%]*%",
)
"""Moments and durations."""
SECONDS = 60
"""nmap takes some 20 s for the real ones; it never ends where it meets answers that it can't explain."""
SERVICES = Path("/usr/share/nmap/nmap-services")


@pytest.fixture(scope="module", params=MEASURED)
def ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of the persona and of its product."""
    from realism_servers import Ours, real

    probes = require_probes()
    require_product(request.param)
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("nmap")
        ours = stack.enter_context(Ours(request.param, folder / "ours", port=unnamed_port()))
        other = stack.enter_context(real(request.param, probes, unnamed_port()))
        yield ours.port, other


def unnamed_port() -> int:
    """A free port that nmap has no name for: it would print another for each port."""
    from realism_servers import free_port

    named = SERVICES.read_text("utf-8", "replace") if SERVICES.exists() else ""
    return next(port for port in iter(free_port, None) if f"\t{port}/tcp\t" not in named)


def normalised(said: str, port: int) -> str:
    """Without port and times."""
    for pattern in CHANGING:
        said = re.sub(pattern, "", said, flags=re.MULTILINE)
    return re.sub(rf"\b{port}\b", "PORT", said)


@pytest.mark.parametrize(
    "scan", [pytest.param(scan, marks=pytest.mark.soak) if scan == "-sV" else scan for scan in SCANS]
)
def test_same_output(scan: str, ports: tuple[int, int]) -> None:
    require_script()
    running = []
    for port in ports:
        command = [find_tool("nmap"), "-Pn", "-n", "-sT", "-p", str(port), *SCANS[scan], "127.0.0.1"]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    said = []
    try:
        for each, port in zip(running, ports, strict=True):
            try:
                said.append(normalised(each.communicate(timeout=SECONDS)[0], port))
            except subprocess.TimeoutExpired:
                pytest.fail(
                    f"nmap has not ended after {SECONDS} s on {'our' if port == ports[0] else 'the other'} port"
                )
    finally:
        for each in running:
            each.kill()
            each.communicate()
    assert "PORT/tcp open" in said[0]
    assert said[0] == said[1]
