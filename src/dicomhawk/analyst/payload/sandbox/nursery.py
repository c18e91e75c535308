"""The process that has everything loaded, and starts one process of its own for each file.

It never looks at a file itself. Requests come over the socket that is its standard input, one datagram each: JSON
with ``job``, ``seconds`` and ``facts``, and descriptors of the pipe for the result and of one or more files. What
became of the process goes back as JSON: ``{"exit": 0}``, ``{"signal": 9}`` or ``{"overdue": true}``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from ..analyses.buffers import Buffer
from . import lock
from .protocol import MAX_FILES, MAX_REQUEST, NO_RESULT, NOT_LOCKED

Job = Callable[[Sequence[Buffer], Mapping[str, Any]], bytes]
"""Takes contents of files and facts, and returns what is to be told."""


class Jobs(Protocol):
    """A module of jobs."""

    JOBS: Mapping[str, Job]

    def load(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that needs files; called once, before any other. What is to be told the parent."""
        ...

    def prepare(self, job: str) -> None:
        """What takes system calls that are refused afterwards; called in each process, before it is locked in."""
        ...


def main(module: str, options: str) -> None:
    """Serve requests until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the parent says when it is over
    control = socket.socket(fileno=os.dup(0))
    jobs: Any = importlib.import_module(module)
    told = jobs.load(json.loads(options))
    gc.freeze()  # pages that nobody writes to stay shared
    control.send(json.dumps(told).encode())
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, MAX_FILES + 1)
        if not request:
            return
        ended = _serve(jobs, json.loads(request), descriptors, control)
        control.send(json.dumps(ended).encode())


def _serve(jobs: Jobs, request: dict[str, Any], descriptors: list[int], control: socket.socket) -> dict[str, Any]:
    """One process for one request; what became of it."""
    child = os.fork()
    if child == 0:
        control.close()
        _work(jobs, request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return _wait(child, float(request["seconds"]))


def _wait(child: int, seconds: float) -> dict[str, Any]:
    """Until the process has ended, or the time is up and it was killed."""
    overdue = False
    watched = os.pidfd_open(child)
    try:
        if not select.select([watched], [], [], seconds)[0]:
            overdue = True
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(watched, signal.SIGKILL)
    finally:
        os.close(watched)
    _, status = os.waitpid(child, 0)
    if overdue:
        return {"overdue": True}
    return {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"exit": os.WEXITSTATUS(status)}


def _work(jobs: Jobs, request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Lock this process in, do the job, and end. The first line that it writes says which layers hold."""
    out, *files = descriptors
    status = NOT_LOCKED
    try:
        lock.begin()
        contents = [_content(file) for file in files]
        holds = lock.lock(int(request["seconds"]) + 1, out, lambda: jobs.prepare(request["job"]))
        _write(out, json.dumps(holds).encode() + b"\n")
        if request["strict"] and not all(holds.values()):
            os._exit(NOT_LOCKED)
        status = NO_RESULT
        _write(out, jobs.JOBS[request["job"]](contents, request["facts"]))
        status = 0
    except BaseException as error:  # there is nobody above this
        with contextlib.suppress(OSError):
            _write(out, type(error).__name__.encode())
    finally:
        os._exit(status)


def _content(file: int) -> Buffer:
    """The content of a file, not read but mapped; the descriptor is closed."""
    try:
        return mmap.mmap(file, 0, access=mmap.ACCESS_READ) if os.fstat(file).st_size else b""
    finally:
        os.close(file)


def _write(out: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(out, rest) :]


if __name__ == "__main__":
    main(*sys.argv[1:3])
