"""``dicomhawk console`` as a process."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.console.filling import fill
from tests.support import COMMAND, STOP_SECONDS, clean_environment, dicomhawk

GRACE = 10.0
"""Seconds that it may take to end on a machine with much else to do."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fill(tmp_path / "data", 200)
    return tmp_path / "data"


@pytest.fixture
def running(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*COMMAND, "console", "--data", str(data), "--port", "0"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"http://\S+", said)
    assert found is not None, (said, process.stderr and process.stderr.read())
    yield process, found[0]
    process.kill()
    process.wait()


def _get(at: str, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    line = http.client.HTTPConnection(urlsplit(at).hostname or "", urlsplit(at).port, timeout=30)
    line.request("GET", path, headers=headers or {})
    return line.getresponse()


def test_it_serves_until_it_is_told_to_end(running: tuple[subprocess.Popen[str], str], data: Path) -> None:
    process, address = running
    token = urlsplit(address).fragment
    assert token == (data / "console.token").read_text().strip()
    assert _get(address, "/").status == 303
    line = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port, timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", "/sign-in", urlencode({"secret": token}), form)
    answer = line.getresponse()
    answer.read()
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    assert _get(address, "/sessions", cookie).status == 200
    # A live feed has no end of its own, and doesn't keep the process from ending.
    stream = _get(address, "/feed/stream", cookie)
    assert stream.readline() == b"retry: 3000\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_SECONDS + GRACE) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_ctrl_c_leaves_no_traceback_of_what_renders(tmp_path: Path, data: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from dicomhawk.console.images import Images\n"
        "from dicomhawk.settings import Settings\n"
        "if __name__ == '__main__':\n"
        f"    images = Images(Settings(data=Path({str(data)!r})))\n"
        "    process = images._executor().submit(os.getpid).result(60)\n"
        "    os.kill(process, signal.SIGINT)\n"
        "    assert images._executor().submit(os.getpid).result(60) == process\n"
        "    images.close()\n"
    )
    done = subprocess.run(
        [sys.executable, program], env=clean_environment(), capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bad_configuration_is_one_sentence(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, complaint in (
            (("--port", port), f"can't listen on 127.0.0.1, port {port}"),
            (("--host", "0.0.0.0"), "needs a token or password"),
            (("--host", "nowhere"), "needs a token or password"),
        ):
            done = dicomhawk("console", "--data", data, *arguments)
            assert done.returncode == 2
            assert complaint in done.stderr
            assert done.stderr.count("\n") == 1
    done = dicomhawk("console", "--data", data, environment={"DICOMHAWK_CONSOLE__CERTIFICATE": "/none.pem"})
    assert done.returncode == 2
    assert "console.certificate" in done.stderr
