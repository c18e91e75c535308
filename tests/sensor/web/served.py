"""A web door in this process, with a site of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import uvloop

from dicomhawk.evidence.recorder import Recorder
from dicomhawk.persona.model import Persona, load
from dicomhawk.persona.model.http import Http
from dicomhawk.sensor.holdings import Holdings
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.door import Door
from dicomhawk.sensor.web.message import Site
from dicomhawk.sensor.web.wire.connection import Connection
from dicomhawk.settings import Deployment, Settings

DEPLOYMENT = Deployment(
    seed="0123456789abcdef", hospital="Any Hospital", locale="en_US", ae_title="ANYBODY", uid_root="1.2.3"
)
PATIENCE = 20.0
"""Seconds: longer than anything takes here; only a failure waits so long."""


class Served:
    """The door, where it listens, and what it put on record."""

    def __init__(self, folder: Path, persona: Persona, site: Site, sweep: float) -> None:
        settings = Settings(data=folder)
        self.folder = folder
        self.errors: list[BaseException | None] = []
        self.loop = uvloop.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context.get("exception")))
        self.recorder = Recorder(settings, "w0")
        nothing = cast(Holdings, None)
        backing = Backing(settings, DEPLOYMENT, persona, nothing, self.recorder, time.time)
        self.door = Door(backing, site, time.monotonic)
        self._sweep = sweep
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = int(self._sock.getsockname()[1])
        self._thread = threading.Thread(target=self._run)
        self._ending = False

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ending = True
        self._thread.join(PATIENCE)
        self.recorder.close()

    def _run(self) -> None:
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        server = await self.loop.create_server(lambda: Connection(self.door), sock=self._sock, backlog=4096)
        while not self._ending:
            self.door.sweep()
            self.recorder.flush()
            await asyncio.sleep(self._sweep)
        server.close()
        self.door.close()
        deadline = time.monotonic() + PATIENCE
        while self.door.connections and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def exchange(self, data: bytes) -> bytes:
        """All that comes for `data`, until the door ends the connection."""
        with self.connect() as sock:
            sock.sendall(data)
            return receive_all(sock)

    def events(self) -> list[dict[str, Any]]:
        """The journal so far; what is on its way is there when the door is closed."""
        lines = [
            line for path in sorted((self.folder / "journal").iterdir()) for line in path.read_text().splitlines()
        ]
        return [json.loads(line) for line in lines]

    def ended(self) -> list[dict[str, Any]]:
        """Ends of connections that are in the journal."""
        return [event for event in self.events() if event["event"]["action"] == "connection.close"]


def receive_all(sock: socket.socket) -> bytes:
    """Until the other side ends the connection."""
    found = bytearray()
    while data := sock.recv(1 << 16):
        found += data
    return bytes(found)


@contextlib.contextmanager
def served(folder: Path, site: Site, http: Http | str = "plain", *, sweep: float = 0.02) -> Iterator[Served]:
    """A door with a persona's server (or that of `http`), and `site`. No error of ours may come of it."""
    persona = load(http if isinstance(http, str) else "plain")
    if not isinstance(http, str):
        persona = persona.model_copy(update={"http": http})
    running = Served(folder, persona, site, sweep)
    running.start()
    try:
        yield running
    finally:
        running.close()
    assert not running.errors, running.errors
