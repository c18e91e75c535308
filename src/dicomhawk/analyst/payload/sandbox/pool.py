"""The parent's side: one file at a time is given to a process that is locked in, and killed when its time is up."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from io import FileIO
from typing import Any, Final, Literal, NamedTuple

from .protocol import MAX_REQUEST, NO_RESULT, NOT_LOCKED

MAX_RESULT: Final = 8 << 20
"""Bytes that a job can tell: a report, and a picture of a quarter of a million pixels."""
START_SECONDS: Final = 120.0
"""Loading takes a second; more where the operator has many YARA rules, or the machine is busy."""
GRACE_SECONDS: Final = 10.0
"""Beyond a job's own time; then what should have killed it is killed itself."""
_CHUNK: Final = 1 << 16

Outcome = Literal["done", "died", "overdue", "failed", "unlocked"]


class SandboxError(Exception):
    """The sandbox can't be started."""


class Ended(NamedTuple):
    """What became of a job."""

    outcome: Outcome
    """``done``; ``died`` by a signal or for no known reason; ``overdue`` and killed; ``failed`` with an exception;
    ``unlocked``: it couldn't be locked in as it must be, and looked at nothing."""
    data: bytes
    """What it told. It may have been taken over by what it looked at."""
    layers: Mapping[str, int]
    """Which layers held, as it said before it looked at anything; empty: it didn't come so far."""
    signal: int = 0
    """What it died by."""


class Sandbox:
    """Runs the jobs of a module on files of strangers; `strict`: only where all layers of the sandbox are there.

    `jobs`: name of the module (see `nursery.Jobs`). `options`: for its `load`. Nothing is started before it is
    needed, and what died is started again. To be used by one thread at a time.
    """

    def __init__(self, jobs: str, options: Mapping[str, Any], *, strict: bool = False) -> None:
        self._command = [sys.executable, "-P", "-m", "dicomhawk.analyst.payload.sandbox.nursery", jobs]
        self._command.append(json.dumps(dict(options)))
        self._strict = strict
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._told: dict[str, Any] = {}

    @property
    def told(self) -> Mapping[str, Any]:
        """What the module's `load` told. Raises `SandboxError`."""
        self._started()
        return self._told

    def run(self, job: str, files: Sequence[int], facts: Mapping[str, Any], seconds: float) -> Ended:
        """Do `job` with the files that the descriptors are of, which stay open. Raises `SandboxError`."""
        request = json.dumps({"job": job, "facts": dict(facts), "seconds": seconds, "strict": self._strict}).encode()
        if len(request) > MAX_REQUEST:
            raise ValueError(f"{len(request)} bytes of facts")
        for _ in range(2):
            try:
                return self._run(request, files, seconds)
            except OSError:  # not the job has died, but what it is a copy of; that may be somebody else's doing, once
                self.close()
        return Ended("died", b"", {})

    def _run(self, request: bytes, files: Sequence[int], seconds: float) -> Ended:
        control = self._started()
        source, sink = os.pipe2(os.O_CLOEXEC)
        with FileIO(source) as pipe:
            try:
                socket.send_fds(control, [request], [sink, *files])
            finally:
                os.close(sink)
            return _ended(*_watched(control, pipe, time.monotonic() + seconds + GRACE_SECONDS))

    def close(self) -> None:
        """End all of it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _started(self) -> socket.socket:
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment(), cwd="/"
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"the process that examines files can't be started: {error}") from None
        self._control = ours
        ours.settimeout(START_SECONDS)
        try:
            told = ours.recv(MAX_REQUEST)
            if not told:
                raise SandboxError("the process that examines files ends as soon as it is started")
            self._told = json.loads(told)
        except (OSError, ValueError) as error:
            self.close()
            raise SandboxError(f"the process that examines files can't be started: {error}") from None
        except SandboxError:
            self.close()
            raise
        return ours


def _watched(control: socket.socket, pipe: FileIO, deadline: float) -> tuple[dict[str, Any], bytes]:
    """What is said of the process's end, and what it told itself. Raises `OSError` if nothing is said in time."""
    told = bytearray()
    ended: dict[str, Any] | None = None
    while ended is None or not pipe.closed:
        waiting = [each for each, wanted in ((control, ended is None), (pipe, not pipe.closed)) if wanted]
        ready = select.select(waiting, [], [], max(0.0, deadline - time.monotonic()))[0]
        if not ready:
            raise TimeoutError("nothing was said of the process's end")
        if pipe in ready:
            chunk = pipe.read(_CHUNK)
            told += chunk or b""
            if not chunk or len(told) > MAX_RESULT:
                pipe.close()  # whoever still writes has lost the reader
        if control in ready:
            said = control.recv(MAX_REQUEST)
            if not said:
                raise ConnectionError("the process that examines files has ended")
            ended = json.loads(said)
    return ended, bytes(told)


def _ended(ended: dict[str, Any], told: bytes) -> Ended:
    first, _, rest = told.partition(b"\n")
    layers: dict[str, int] = {}
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        layers = {str(name)[:20]: int(value) for name, value in list(json.loads(first[:500]).items())[:8]}
    if len(told) > MAX_RESULT:
        return Ended("died", b"", layers)
    if ended.get("overdue"):
        return Ended("overdue", b"", layers)
    if "signal" in ended:
        return Ended("died", b"", layers, int(ended["signal"]))
    outcome: dict[int, Outcome] = {0: "done", NO_RESULT: "failed", NOT_LOCKED: "unlocked"}
    return Ended(outcome.get(int(ended.get("exit", 1)), "died"), rest, layers)


def _environment() -> dict[str, str]:
    """What is imported comes from where it comes from here; nothing else of the operator's is passed on."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",  # a thread that a fork leaves behind would be waited for
        "OMP_NUM_THREADS": "1",
    }
