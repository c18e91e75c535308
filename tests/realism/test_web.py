"""A quick part of the gate of realism on the web."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.realism.support import TOOLS, require_probes
from tests.support import TOOL_SECONDS

COMMAND = (sys.executable, str(TOOLS / "realism_web.py"))
PROBES = ("open.studies-expand", "open.find-bad", "open.changes", "auth.right", "auth.wrong", "open.app-traversal")
COUNT = re.compile(r"(\d+) probes, (\d+) differ")


def test_answers_are_those_of_the_product() -> None:
    probes = require_probes()
    if not (probes / "httpprobe.py").exists():
        pytest.skip(f"{probes} has no battery for HTTP")
    command = [*COMMAND, "--probes", str(probes), "--only", ",".join(PROBES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = COUNT.fullmatch(done.stdout.splitlines()[-1])
    assert count is not None
    assert (int(count[1]), int(count[2])) == (len(PROBES), 0), done.stdout


def test_what_can_not_be_played() -> None:
    done = subprocess.run(
        [*COMMAND, "--probes", "/nonexistent"], capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
    )
    assert done.returncode == 2
    assert "has no httpprobe.py" in done.stderr
