"""The gate itself: what it counts, what it refuses, and that it leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.realism.support import PROBES, TOOLS, play, require_probes
from tests.support import wait_until

COMMAND = (sys.executable, str(TOOLS / "realism.py"))
COUNT = re.compile(r"(\d+) probes, (\d+) differ")


def gate(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("orthanc", "--probes", "/nonexistent"), "/nonexistent has no dicomprobe.py"),
        (("nonesuch", "--probes", PROBES), "nonesuch"),
        (("plain", "--probes", PROBES), "no recorded answers for 'plain'"),
        (("orthanc", "--probes", PROBES, "--truth", "/nonexistent.json"), "/nonexistent.json is not there"),
    ],
)
def test_what_can_not_be_played(arguments: tuple[object, ...], says: str) -> None:
    require_probes()
    done = gate(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.soak
def test_it_counts_what_differs(tmp_path: Path) -> None:
    from realism import truth_of

    probes = require_probes()
    truth = tmp_path / "truth.json"
    mine = tmp_path / "mine.json"
    only = ("--only", "empty")
    played = play("plain", tmp_path, "--truth", truth_of("orthanc", probes), *only, "--out", mine)
    assert COUNT.fullmatch(played.output.splitlines()[-1])
    # Ours compared with ours is alike, until one byte of what was recorded is another.
    truth.write_text(mine.read_text())
    assert play("plain", tmp_path, "--truth", truth, *only, "--allowed", 0).status == 0
    document = json.loads(mine.read_text())
    step = next(
        step for probe in document["probes"] for take in probe["takes"] for step in take["steps"] if step["got"]
    )
    step["got"][0]["pdu"] = "A-ABORT"
    truth.write_text(json.dumps(document))
    played = play("plain", tmp_path, "--truth", truth, *only, "--allowed", 0)
    assert played.status == 1
    assert len(played.differing) == 1
    found = COUNT.fullmatch(played.output.splitlines()[-1])
    assert found is not None
    assert found[2] == "1"
    assert play("plain", tmp_path, "--truth", truth, *only, "--allowed", 1).status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    from realism import truth_of

    probes = require_probes()
    truth = truth_of("orthanc", probes)
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [*COMMAND, "plain", "--probes", str(probes), "--truth", str(truth), "--only", "associate"]
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        wait_until(lambda: list(tmp_path.glob("realism-*/main/ready")), "sensor")
        time.sleep(1)
        assert processes_in(tmp_path)
        os.kill(running.pid, number)
        assert running.wait(30) == 130
    finally:
        running.kill()
        running.communicate()
    wait_until(lambda: not processes_in(tmp_path), "end of all processes")
    assert not list(tmp_path.iterdir())


def processes_in(folder: Path) -> list[int]:
    """Processes that have the folder in their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in line:
                found.append(int(entry.name))
    return found
