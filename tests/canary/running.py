"""A callback receiver for tests, as an operator would start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support import COMMAND, STOP_SECONDS, Journal, clean_environment, matching, wait_until

Event = dict[str, Any]


class Canary:
    """`dicomhawk canary` on loopback, ended by SIGTERM when the block is left; its exit status must be 0."""

    def __init__(self, data: Path, *flags: object, wrapper: Sequence[str] = ()) -> None:
        self.data = data
        self._ready = data.parent / f"{data.name}.canary"
        self._command = [*wrapper, *COMMAND, "canary", "--data", str(data), "--ready-file", str(self._ready)]
        self._command += [str(flag) for flag in flags]
        self._stderr = data.parent / f"{data.name}.canary.stderr"
        self.process: subprocess.Popen[bytes] | None = None
        self._journal = Journal(data / "journal")
        self.http = self.dns = 0

    def __enter__(self) -> Self:
        with self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                self._command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
            )
        process = self.process
        wait_until(lambda: self._ready.exists() or process.poll() is not None, "ready canary", 60)
        assert process.poll() is None, self._stderr.read_text()
        ports = json.loads(self._ready.read_text())
        self.http = next(iter(ports["http"]), 0)
        self.dns = next(iter(ports["dns"]), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self.process
        assert process is not None
        os.kill(process.pid, signal.SIGTERM)
        status = process.wait(STOP_SECONDS)
        if kind is None:
            assert status == 0, self._stderr.read_text()
            assert "Traceback" not in self._stderr.read_text(), self._stderr.read_text()

    def hits(self, **where: Any) -> list[Event]:
        """Events ``lure.hit`` so far."""
        return list(matching(self._journal.events(), event__action="lure.hit", **where))

    def wait_hits(self, count: int, **where: Any) -> list[Event]:
        """At least so many."""
        return wait_until(lambda: found if len(found := self.hits(**where)) >= count else None, f"{count} hits")
