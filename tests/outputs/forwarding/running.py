"""`dicomhawk forward` as a process, for tests."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from dicomhawk.outputs.forwarding.status import Status, read_status
from dicomhawk.settings import load
from tests.support import COMMAND, clean_environment, wait_until


def configured(data: Path, text: str) -> Path:
    data.mkdir(parents=True, exist_ok=True)
    (data / "dicomhawk.toml").write_text(text)
    return data


def started(data: Path) -> subprocess.Popen[bytes]:
    """`dicomhawk forward`, at work."""
    ready = data / "ready"
    ready.unlink(missing_ok=True)
    with (data / "forward.stderr").open("ab") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "forward", "--data", str(data), "--ready-file", str(ready)],
            env=clean_environment({"POT_SECRET": "s3cret"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    wait_until(lambda: ready.exists() or process.poll() is not None, "ready file", 60)
    assert process.poll() is None, (data / "forward.stderr").read_text()
    return process


@contextlib.contextmanager
def forwarding(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`dicomhawk forward`, ended in the orderly way."""
    process = started(data)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (data / "forward.stderr").read_text()


def statuses(data: Path) -> dict[str, Status]:
    return {one.name: one for one in read_status(load(data=data, environment={}), time.time_ns() // 1000)}
