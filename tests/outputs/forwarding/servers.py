"""Receivers that are somebody else's programs, on a free port of loopback, which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support import wait_until

START_SECONDS = 20.0


def program(name: str) -> str:
    """Path of a server; skips the test, and says why, where there is none."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed; `make packages` installs what the tests use")
    return path


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A program with a port. `command` gets the port."""

    def __init__(self, folder: Path, command: Callable[[int], Sequence[object]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._command = [str(part) for part in command(self.port)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self.folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_until(lambda: self._ended or answers(self.port), f"{self._command[0]} on its port", START_SECONDS)
            assert not self._ended, (self.folder / "output.txt").read_text()
        except BaseException:
            self.kill()
            raise

    @property
    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            self._process.wait(20)
            self._process = None


def nats(folder: Path) -> Server:
    """NATS with JetStream."""
    path = program("nats-server")
    return Server(folder, lambda port: [path, "-a", "127.0.0.1", "-p", port, "-js", "-sd", folder / "store"])


def redis(folder: Path, *more: object) -> Server:
    """Redis that writes everything to disk at once."""
    path = program("redis-server")
    return Server(
        folder,
        lambda port: [
            *(path, "--bind", "127.0.0.1", "--port", port, "--dir", folder, "--save", "", "--appendonly", "yes"),
            *("--appendfsync", "always", *more),
        ],
    )


def rsyslog(folder: Path, *, tls: Path | None = None, udp: bool = False) -> Server:
    """rsyslog, that writes what it takes apart of each message into ``messages`` in its folder."""
    path = program("rsyslogd")

    def command(port: int) -> list[object]:
        lines = ["$MaxMessageSize 64k", f'global(workDirectory="{folder}")']
        if udp:
            lines += ['module(load="imudp")', f'input(type="imudp" address="127.0.0.1" port="{port}")']
        driver = ""
        if tls is not None:
            lines.append(
                f'global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{tls / "ca.pem"}"'
                f' DefaultNetstreamDriverCertFile="{tls / "server.pem"}"'
                f' DefaultNetstreamDriverKeyFile="{tls / "server.key"}")'
            )
            driver = ' StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.Authmode="anon"'
        lines += [
            f'module(load="imtcp"{driver} MaxSessions="50")',
            f'input(type="imtcp" address="127.0.0.1" port="{port}")',
            'template(name="parts" type="string" string="'
            '%pri%\\t%timestamp:::date-rfc3339%\\t%hostname%\\t%app-name%\\t%msgid%\\t%msg%\\n")',
            f'*.* action(type="omfile" file="{folder / "messages"}" template="parts")',
        ]
        (folder / "rsyslog.conf").write_text("\n".join(lines) + "\n")
        return [path, "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid", "-C"]

    return Server(folder, command)


def lines_of(path: Path, count: int, seconds: float = 20.0) -> list[str]:
    """The lines of a file, as soon as there are `count`."""

    def enough() -> list[str] | None:
        found = path.read_text("utf-8").splitlines() if path.exists() else []
        return found if len(found) >= count else None

    deadline = time.monotonic() + seconds
    while (found := enough()) is None:
        if time.monotonic() > deadline:
            there = path.read_text("utf-8") if path.exists() else "nothing"
            pytest.fail(f"{path} has less than {count} lines: {there[:2000]}")
        time.sleep(0.02)
    return found
