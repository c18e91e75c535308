"""What the tests of realism need: the folder with the battery of probes, and the tools that play it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import find_tool

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
PROBES = Path(os.environ.get("PROBES") or ROOT.parent / "shared" / "probes").resolve()
"""Not part of the project; ``PROBES`` in the environment names another folder."""
MEASURED = ("orthanc", "dcmqrscp")
"""Personas that were recorded from a product that can be installed."""


def require_probes() -> Path:
    """The folder with the battery; skips the test, and says why, where there is none."""
    if not (PROBES / "dicomprobe.py").exists():
        pytest.skip(f"{PROBES} has no battery of probes")
    find_tool("storescu")
    return PROBES


def require_product(persona: str) -> None:
    """Skip the test, and say why, where the product behind a persona is not installed."""
    from realism_servers import PRODUCTS, installed

    if not installed(persona):
        pytest.skip(f"{PRODUCTS[persona][1]} is not installed; `make packages` installs what the tests use")


class Played(NamedTuple):
    """One run of the gate."""

    status: int
    output: str
    differing: dict[str, list[str]]
    """By probe: its differences in words."""
    by_group: Counter[str]
    """Probes that differ."""

    def said(self, *groups: str) -> str:
        """The differences of these groups (none: of all), for a message."""
        return "\n".join(line for line in self.output.splitlines() if line.startswith(("DIFFERENT", " ")))[-8000:]


def play(persona: str, folder: Path, *arguments: object, timeout: float = 600) -> Played:
    """Run the gate. Its status may be 0 or 1."""
    report = folder / "differences.json"
    command = [sys.executable, str(TOOLS / "realism.py"), persona, "--probes", str(PROBES), "--json", str(report)]
    command += map(str, arguments)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
    )
    assert done.returncode in (0, 1), done.stdout[-4000:]
    probes = [probe for probe in json.loads(report.read_text()) if probe["differences"]]
    differing = {probe["id"]: [words for _, words in probe["differences"]] for probe in probes}
    return Played(done.returncode, done.stdout, differing, Counter(probe["group"] for probe in probes))
