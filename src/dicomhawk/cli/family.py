"""Processes of ours that run together: one leads, the others are started again whenever they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..sensor.processes import die_with

STOP_SECONDS = 10.0
"""Given to each process to end by itself."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a process that has ended is started again; doubled each time that it doesn't last."""
LASTING_SECONDS = 120.0
"""A process that ran so long is started again as if it had never failed."""

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


class Child:
    """A command of ours, as a process."""

    def __init__(self, name: str, arguments: Sequence[str], *, ready: Path | None = None) -> None:
        """`ready`: it leads. When that file is there the others are started, and when it ends by itself all end, with
        its exit status."""
        self.name = name
        self.leads = ready is not None
        self.ready = ready
        self.process: subprocess.Popen[bytes] | None = None
        self._command = (sys.executable, "-m", "dicomhawk", *arguments)
        self._pause = FIRST_PAUSE
        self._started = self._due = 0.0

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start its process, which ends when ours does."""
        parent = os.getpid()

        def prepare() -> None:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            die_with(parent)

        self._started = time.monotonic()
        self._due = 0.0
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, preexec_fn=prepare)  # noqa: S603

    def look_after(self) -> int | None:
        """Start it again if it has ended; the exit status for all, if it has ended by itself and leads."""
        if self.running or self.process is None:
            return None
        status, now = self.process.returncode, time.monotonic()
        if self.leads and status >= 0:
            return status
        if not self._due:
            self._pause = FIRST_PAUSE if now - self._started > LASTING_SECONDS else self._pause
            self._due = now + self._pause
            print(f"The {self.name} has ended ({_how(status)}); it is started again.", file=sys.stderr, flush=True)
        elif now >= self._due:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self.start()
        return None

    def end(self, number: signal.Signals) -> None:
        """Send a signal to its process, if it lives."""
        if self.process is not None and self.running:
            self.process.send_signal(number)


def run(children: Sequence[Child]) -> int:
    """Run all until SIGTERM, SIGINT, or the end of the one that leads; the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    waiting = list(children)
    status: int | None = None
    while status is None:
        leaders_are_ready = all(child.ready.exists() for child in children if child.ready is not None)
        for child in [child for child in waiting if child.leads or leaders_are_ready]:
            waiting.remove(child)
            child.start()
        info = signal.sigtimedwait(_SIGNALS, 0.5 if not waiting else 0.05)
        if info is not None and info.si_signo in (signal.SIGTERM, signal.SIGINT):
            break
        status = next((ended for child in children if (ended := child.look_after()) is not None), None)
    _end(children)
    leading = next((child.process.returncode for child in children if child.leads and child.process), 0)
    return status if status is not None else max(0, leading or 0)


def _end(children: Sequence[Child]) -> None:
    for child in children:
        child.end(signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def _how(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {-status}"
