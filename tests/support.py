"""A running sensor for tests, as an operator would start it, and the programs that talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

from tests.tells import assert_no_tell_in_vault

COMMAND = (sys.executable, "-m", "dicomhawk")
START_SECONDS = 60.0
"""A sensor that isn't ready by then will not be; the time itself is not what is tested here."""
STOP_SECONDS = 5.0
"""The contract: SIGTERM ends it within that."""
EVENT_SECONDS = 20.0
"""How long an event is waited for; `connection.close` is written by a sweep, some time after the fact."""
TOOL_SECONDS = 100.0
"""No program that a test starts may take longer."""

Event = dict[str, Any]
T = TypeVar("T")


def find_tool(name: str) -> str:
    """Path of a program that is somebody else's; skips the test, and says why, where there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; `make packages` installs what the tests use")
    return path


class Ran:
    """A program that has ended: exit status, and its two outputs in one string."""

    def __init__(self, status: int, output: str) -> None:
        self.status = status
        self.output = output


def run_tool(name: str, *arguments: object, timeout: float = TOOL_SECONDS, status: int | None = 0) -> Ran:
    """Run a program to its end. `status`: what it must end with; None: anything."""
    done = subprocess.run(
        [find_tool(name), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"))
    if status is not None:
        assert ran.status == status, f"{name} ended with {ran.status}:\n{ran.output}"
    return ran


def dicomhawk(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_SECONDS,
        check=False,
    )


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of ours, so that nobody's shell changes a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DICOMHAWK_")}
    return kept | dict(more or {})


def wait_until(condition: Callable[[], T], what: str, seconds: float = EVENT_SECONDS) -> T:
    """The first true value of `condition`; fails the test if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"in {seconds:g} s there was no {what}"
        time.sleep(0.02)


def at(event: Event, path: str, default: Any = None) -> Any:
    """The value at a dotted path of an ECS document."""
    value: Any = event
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def actions(events: Iterable[Event]) -> list[str]:
    """What happened, in order; but for what came back from another visitor: tests have UIDs from the catalogue, and
    whether a visitor before them was told the same is chance."""
    return [event["event"]["action"] for event in events if event["event"]["action"] != "lure.reused"]


class Journal:
    """The events of a journal so far. Not read with our own reader: it is what others read.

    Only the last line of a file may be torn, and only by the death of its writer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._events: list[Event] = []

    def events(self) -> list[Event]:
        """All whole lines, in the order of time."""
        for path in sorted(self._folder.glob("*.ndjson")):
            offset = self._read.get(path, 0)
            if path.stat().st_size > offset:
                with path.open("rb") as file:
                    file.seek(offset)
                    whole = file.read().rpartition(b"\n")[0]
                if whole:
                    self._events += map(json.loads, whole.split(b"\n"))
                    self._read[path] = offset + len(whole) + 1
        self._events.sort(key=lambda event: (event["@timestamp"], event["event"]["id"]))
        return self._events


class Sensor:
    """`dicomhawk sensor` on loopback, ended by SIGTERM when the block is left, and checked then.

    `data` is its folder. Ending must give status 0 within 5 s, no traceback and no ``sensor.error``.
    """

    def __init__(
        self,
        data: Path,
        *,
        workers: int = 2,
        ports: Sequence[int] = (0,),
        web_ports: Sequence[int] = (),
        tls: bool = False,
        flags: Sequence[object] = (),
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.data = data
        self.host = "127.0.0.1"
        self.ports: list[int] = []
        self.web_ports: list[int] = []
        self.tls_ports: dict[str, list[int]] = {}
        self.pid = 0
        self.ready_file = data.parent / f"{data.name}.ready"
        self._stderr = data.parent / f"{data.name}.stderr"
        self._command = [*wrapper, *COMMAND, "sensor", "--data", str(data), "--workers", str(workers)]
        for port in ports:
            self._command += ["--dicom-port", str(port)]
        for port in web_ports:
            self._command += ["--web-port", str(port)]
        if not web_ports:
            self._command.append("--no-web")
        self._command.append("--tls" if tls else "--no-tls")
        self._command += ["--ready-file", str(self.ready_file), *map(str, flags)]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._journal = Journal(data / "journal")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            if self.running:
                self.stop()
            self.check()
        else:
            self.kill()

    @property
    def port(self) -> int:
        """The first DICOM port."""
        return self.ports[0]

    @property
    def web_port(self) -> int:
        """The first web port."""
        return self.web_ports[0]

    @property
    def address(self) -> tuple[str, int]:
        """Of the first DICOM port."""
        return self.host, self.port

    @property
    def running(self) -> bool:
        """Whether the process that was started lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def stderr(self) -> str:
        """What it wrote to its standard error output."""
        return self._stderr.read_text("utf-8", "replace") if self._stderr.exists() else ""

    def start(self) -> None:
        """Start it and wait until every door is open."""
        self.ready_file.unlink(missing_ok=True)
        with self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                self._command,
                env=clean_environment(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        wait_until(lambda: self.ready_file.exists() or not self.running, "ready file", START_SECONDS)
        assert self.running, f"the sensor ended with {self._process.returncode}:\n{self.stderr}"
        ready = json.loads(self.ready_file.read_text())
        self.pid, self.ports, self.web_ports = ready["pid"], ready["dicom"], ready["web"]
        self.tls_ports = {kind: ready[f"{kind}-tls"] for kind in ("dicom", "web")}

    def stop(self) -> float:
        """End it by SIGTERM; returns how many seconds that took. Its exit status must be 0."""
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        status = self.wait_end()
        assert status == 0, f"the sensor ended with {status}:\n{self.stderr}"
        return time.monotonic() - began

    def wait_end(self) -> int:
        """The exit status, which must come within the promised time."""
        assert self._process is not None
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the sensor did not end within {STOP_SECONDS:g} s")

    def kill(self) -> None:
        """Make sure that nothing of it is left."""
        for pid in [*self.descendants(), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                if pid:
                    os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            if self.running:
                self._process.kill()
            self._process.wait(STOP_SECONDS)

    def check(self) -> None:
        """No error of ours on record or on standard error output, and nothing sent that says what it is made of."""
        errors = [event for event in self.events() if event["event"]["action"] in ("sensor.error", "journal.gap")]
        assert not errors, "\n".join(str(at(event, "error.stack_trace", event)) for event in errors)
        assert "Traceback" not in self.stderr, self.stderr
        assert_no_tell_in_vault(self.data)

    def descendants(self) -> list[int]:
        """Process ids of the workers and whatever these started, children before grandchildren."""
        found: list[int] = []
        waiting = [self.pid] if self.pid else []
        while waiting:
            children = _children(waiting.pop(0))
            found += children
            waiting += children
        return found

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers that live now."""
        return _children(self.pid)

    def events(self, **where: Any) -> list[Event]:
        """The journal so far; `where` is as for `matching`."""
        return list(matching(self._journal.events(), **where))

    def wait_event(self, action: str, count: int = 1, **where: Any) -> Event:
        """The event number `count` with that action and what else is asked for (see `matching`)."""
        return self.wait_events(action, count, **where)[count - 1]

    def wait_events(self, action: str, count: int, **where: Any) -> list[Event]:
        """At least `count` events with that action."""

        def enough() -> list[Event] | None:
            found = self.events(event__action=action, **where)
            return found if len(found) >= count else None

        return wait_until(enough, f"{count} x {action} with {where}")


def matching(events: Iterable[Event], **where: Any) -> Iterator[Event]:
    """Events with these values; ``source__ip="127.0.0.2"`` is about ``source.ip``."""
    for event in events:
        if all(at(event, path.replace("__", ".")) == value for path, value in where.items()):
            yield event


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def open_descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid: int) -> int:
    """Memory of a process that no other shares, KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(found) for found in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.MULTILINE))
