"""Servers for the realism tools: ours as a persona, and the real product that the persona is measured from.

Each runs on loopback with an archive that is empty, in a temporary folder, and is gone when its block is left. What
the battery of probes expects of a server (its README says so) is here: the AE titles, and the remotes that it knows.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from dicomhawk.sensor.processes import die_with

AE_TITLE = "ORTHANC"
"""Of the servers under test, whatever the product: the battery calls it so."""
CALLING = "PROBE"
"""Of the battery, as caller."""
MOVE_PORT = 11999
"""Where the battery listens for what a C-MOVE sends."""
REMOTES = (f"{CALLING}@127.0.0.1:{MOVE_PORT}", f"PROBEDST@127.0.0.1:{MOVE_PORT}", "PROBEDEAD@127.0.0.1:1/down")
"""The AE titles that the server under test knows."""
PRODUCTS = {"orthanc": ("orthanc", "/usr/sbin/Orthanc"), "dcmqrscp": ("dcmqrscp", "/usr/bin/dcmqrscp")}
"""Of each measured persona: the real product's name in the probes' folder, and its program in Debian's package."""
_ENTER = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')
_INSIDE = "REALISM_INSIDE"
HTTP_ABOVE = 1000
START_SECONDS = 60.0
STOP_SECONDS = 8.0
"""More than the 5 s that the sensor promises."""


class ServerError(Exception):
    """A server could not be started, or was not well; the message is for the person before the screen."""


class Ours:
    """`dicomhawk serve` as a persona, with an empty hospital. Raises `ServerError` if it doesn't start.

    `start` and `wait_ready` are apart so that several can start at once; ``with Ours(...)`` does both.
    """

    def __init__(
        self,
        persona: str,
        folder: Path,
        *,
        workers: int = 1,
        port: int = 0,
        web_port: int | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`web_port`: where its web door is; None: it has none. `settings`: of environment variables, more than that
        the hospital is empty."""
        self.folder = folder
        self.port = port
        self._ready = folder / "ready"
        self._log = folder / "log"
        self._command = [sys.executable, "-m", "dicomhawk", "sensor", "--data", str(folder / "data")]
        self._command += ["--host", "127.0.0.1", "--dicom-port", str(port), "--persona", persona]
        self._command.append("--no-tls")
        self._command += ["--no-web"] if web_port is None else ["--web-port", str(web_port)]
        self._settings = {"DICOMHAWK_HOSPITAL__STUDIES": "0", **settings}
        self._command += [
            "--workers",
            str(workers),
            "--ae-title",
            AE_TITLE,
            "--ready-file",
            str(self._ready),
        ]
        self._command += [word for remote in REMOTES for word in ("--remote", remote)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DICOMHAWK_")}
        with self._log.open("wb") as log:
            self._process = popen(self._command, kept | self._settings, log)

    def wait_ready(self) -> None:
        """Until its doors are open."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text("utf-8", "replace").strip().splitlines()
                raise ServerError(f"The sensor did not start: {said[-1] if said else 'it said nothing'}")
            time.sleep(0.05)
        self.port = int(json.loads(self._ready.read_text())["dicom"][0])

    def trouble(self) -> str:
        """Errors of the sensor itself so far: what is on its standard error output or in its journal."""
        text = self._log.read_text("utf-8", "replace")
        if "Traceback" in text:
            return text[text.index("Traceback") :]
        for path in sorted((self.data / "journal").glob("*.ndjson")):
            for line in path.read_text("utf-8", "replace").splitlines():
                if '"sensor.error"' in line or '"worker.exit"' in line:
                    return line
        return ""

    def close(self) -> None:
        """End it, and whatever it started."""
        if self._process is not None:
            end(self._process)
            self._process = None


def popen(command: Sequence[str], environment: dict[str, str] | None = None, output: Any = None) -> Any:
    """A process in a group of its own, which dies with us."""
    parent = os.getpid()
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: die_with(parent),
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of `popen` and its group: kindly, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def installed(persona: str) -> bool:
    """Whether the product that this persona was measured from can be run here."""
    return persona in PRODUCTS and os.access(PRODUCTS[persona][1], os.X_OK)


@contextlib.contextmanager
def real(persona: str, probes: Path, port: int) -> Iterator[int]:
    """The real product on `port`, configured as the battery wants it; yields the port. Raises `ServerError`."""
    path = probes / "peers" / "peer.py"
    if not path.exists():
        raise ServerError(f"{path}, which starts the real products, is not there.")
    if not installed(persona):
        raise ServerError(f"The product that the persona {persona!r} was measured from is not installed here.")
    spec = importlib.util.spec_from_file_location("realism_peer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        peer = module.Peer(PRODUCTS[persona][0], port, move=MOVE_PORT)
    except SystemExit as error:
        raise ServerError(str(error)) from None
    except OSError as error:
        raise ServerError(f"Port {port} can't be used: {error.strerror}.") from None
    with peer:
        yield port


def free_port() -> int:
    """A port that nobody listens on, nor on the one that Orthanc's HTTP server gets, `HTTP_ABOVE` it.

    Below those that the kernel gives to clients, one of whom could have it a moment later.
    """
    for port in random.sample(range(20000, 30000), 100):
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + HTTP_ABOVE))
            return port
    raise ServerError("There is no free port.")


def namespaces() -> bool:
    """Whether network namespaces can be had here."""
    if os.geteuid() != 0 or any(shutil.which(name) is None for name in ("unshare", "ip")):
        return False
    return subprocess.run([*_ENTER, "true"], capture_output=True, check=False).returncode == 0


def enter_namespace() -> None:
    """Go on in a network namespace with nothing but loopback, where that can be had; returns in either case.

    The battery and the real products want ports of their own, and nobody else should reach them.
    """
    if os.environ.pop(_INSIDE, "") or not namespaces():
        return
    sys.stdout.flush()
    os.environ[_INSIDE] = "1"
    os.execvp(_ENTER[0], [*_ENTER, sys.executable, *sys.argv])


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, so that every block is left in order."""

    def leave(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
