"""The hospital goes on while the sensor runs: every day a process of its own makes what is missing of the weeks to
come, at the lowest priority, so that nobody who is being answered notices."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

from ..evidence import events as ev
from ..evidence.fields import Event
from ..hospital.ahead import GenerateError
from ..settings import Deployment, Settings
from .processes import die_with

EVERY_SECONDS = 86400.0
"""How often the hospital is looked at; it has weeks in hand."""
PATIENCE_SECONDS = 3600.0
"""A process that takes longer is ended: what it wrote is taken back, and tried again on the next day."""
LONGEST_REASON = 1000
"""Bytes of the sentence about a failure."""
_LOWEST_PRIORITY = 19
_MADE, _FAILED, _NOTHING_TO_DO = 0, 1, 2


class Upkeep:
    """Looks after the hospital of `settings`; what was done is told to `emit`.

    `clock` gives the moment (POSIX seconds) that the hospital is continued from, `monotonic` seconds to wait by.
    """

    def __init__(
        self,
        settings: Settings,
        deployment: Deployment,
        emit: Callable[[Event], object],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._deployment = deployment
        self._emit = emit
        self._clock = clock
        self._monotonic = monotonic
        self._due = monotonic() + EVERY_SECONDS
        self._pid = self._pipe = 0

    def look_after(self, inherited: Iterable[int] = ()) -> None:
        """To be called now and then: begins a process when it is time, and notices its end.

        `inherited`: descriptors that the process is not to keep open.
        """
        now = self._monotonic()
        if self._pid:
            self._reap(now)
        elif now >= self._due:
            self._due = now + EVERY_SECONDS
            try:
                self._start(now, inherited)
            except OSError as error:
                self._failed(os.getpid(), f"The hospital can't be continued: {error.strerror}.")

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            os.close(self._pipe)
            self._pid = 0

    def _start(self, now: float, inherited: Iterable[int]) -> None:
        parent = os.getpid()
        read_end, write_end = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(read_end)
            os.close(write_end)
            raise
        if pid:
            os.close(write_end)
            self._pid, self._pipe, self._patience = pid, read_end, now + PATIENCE_SECONDS
            return
        status = _FAILED
        try:
            die_with(parent, signal.SIGKILL)
            os.nice(_LOWEST_PRIORITY)
            for descriptor in inherited:
                os.close(descriptor)
            from ..hospital.generate import extend  # large, and wanted once a day

            made = extend(self._settings.data, self._deployment, now=self._clock())
            status = _MADE if made else _NOTHING_TO_DO
        except GenerateError as error:
            _tell(write_end, str(error))
        except BaseException as error:  # the child must not return into the parent's code
            _tell(write_end, f"The hospital can't be continued: {type(error).__name__}: {error}")
        finally:
            os._exit(status)

    def _reap(self, now: float) -> None:
        pid, code = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            if now > self._patience:
                os.kill(self._pid, signal.SIGKILL)
            return
        reason = os.read(self._pipe, LONGEST_REASON).decode("utf-8", "replace")
        os.close(self._pipe)
        self._pid = 0
        status = os.waitstatus_to_exitcode(code)
        if status == _MADE:
            self._emit(ev.HospitalExtend(pid=pid, outcome="success"))
        elif status != _NOTHING_TO_DO:
            self._failed(pid, reason or f"The hospital can't be continued: its process ended with {status}.")

    def _failed(self, pid: int, reason: str) -> None:
        print(reason, file=sys.stderr, flush=True)
        self._emit(ev.HospitalExtend(pid=pid, outcome="failure", reason=reason))


def _tell(write_end: int, sentence: str) -> None:
    os.write(write_end, sentence.encode("utf-8", "replace")[:LONGEST_REASON])
