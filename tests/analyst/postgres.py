"""A PostgreSQL server of the tests' own, on a Unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_USER = "postgres"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed; `make packages` installs what the tests use")
    return found[-1].parent


class Server:
    """A running server. `url(name)` is a new database."""

    def __init__(self, folder: Path) -> None:
        self._bin = _binaries()
        self.folder = folder
        self._data = folder / "data"
        self._names = 0

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        if os.geteuid() == 0:  # which it refuses to run as
            command = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self) -> None:
        """A cluster, with a role that everybody may have."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, _USER)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`mode` ``immediate`` is as if it had crashed."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def url(self) -> str:
        """Of a new, empty database."""
        self._names += 1
        name = f"findings{self._names}"
        self._run("createdb", "-h", self.folder, "-U", "tester", name)
        return f"postgresql://tester@/{name}?host={self.folder}"


@contextmanager
def postgres() -> Iterator[Server]:
    """A server that is gone afterwards. Its folder's name is short, for the socket's sake."""
    _binaries()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as name:
        server = Server(Path(name))
        server.make()
        try:
            yield server
        finally:
            server.stop("immediate")
