"""Forwarder and receivers killed at any moment: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import wait_until

from .http import HttpServer
from .running import configured, started, statuses
from .servers import Server, nats, redis
from .support import event, write_journal
from .test_brokers import count_in_nats, in_nats
from .test_search_engines import Bulk


class Receiver(ABC):
    """Where events go: what it has, and how it dies."""

    settings: str
    """The table of settings, but for its name."""

    def __init__(self, server: Server | None = None) -> None:
        """`server`: what can be killed."""
        self.server = server

    def count(self) -> int:
        return len(self.identifiers())

    @abstractmethod
    def identifiers(self) -> list[str]:
        """``event.id`` of all that is there."""


class NatsReceiver(Receiver):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.port = server.port
        self.settings = f'type = "nats"\nservers = ["nats://127.0.0.1:{server.port}"]\nstream = "POT"'

    def count(self) -> int:
        return count_in_nats(self.port, "POT")

    def identifiers(self) -> list[str]:
        return [json.loads(one.data)["event"]["id"] for one in in_nats(self.port, "POT")]


class RedisReceiver(Receiver):
    def __init__(self, server: Server) -> None:
        import redis as library

        super().__init__(server)
        self.client: Any = library.Redis(port=server.port)
        self.settings = f'type = "redis"\nurl = "redis://127.0.0.1:{server.port}"'

    def count(self) -> int:
        return int(self.client.xlen("dicomhawk"))

    def identifiers(self) -> list[str]:
        return [entry[b"id"].decode() for _, entry in self.client.xrange("dicomhawk")]


class FileReceiver(Receiver):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.settings = f'type = "file"\npath = "{path}"'

    def identifiers(self) -> list[str]:
        found = []
        for line in self.path.read_bytes().splitlines() if self.path.exists() else ():
            with contextlib.suppress(ValueError):  # cut short by a death
                found.append(json.loads(line)["event"]["id"])
        return found


class BulkReceiver(Receiver):
    def __init__(self, url: str, bulk: Bulk) -> None:
        super().__init__()
        self.bulk = bulk
        self.settings = f'type = "elasticsearch"\nurl = "{url}"\napi_key = "c2VjcmV0"'

    def identifiers(self) -> list[str]:
        return list(self.bulk.order)


@contextlib.contextmanager
def receiver(kind: str, folder: Path) -> Iterator[Receiver]:
    """A receiver that runs."""
    if kind == "nats":
        with nats(folder) as server:
            yield NatsReceiver(server)
    elif kind == "redis":
        with redis(folder) as server:
            yield RedisReceiver(server)
    elif kind == "file":
        yield FileReceiver(folder / "pot.ndjson")
    else:
        bulk = Bulk()
        with HttpServer(bulk) as http:
            yield BulkReceiver(http.url, bulk)


QUICK = [("nats", 2, 500), ("file", 1, 500)]
LONG = [
    ("redis", 2, 1000),
    ("bulk", 1, 1000),
    ("nats", 30, 20_000),
    ("redis", 30, 20_000),
    ("file", 20, 20_000),
    ("bulk", 20, 20_000),
]


@pytest.mark.parametrize(
    ("kind", "lives", "total"),
    [*QUICK, *(pytest.param(*one, marks=(pytest.mark.soak, pytest.mark.timeout(900))) for one in LONG)],
)
def test_nothing_is_lost_or_there_twice(tmp_path: Path, kind: str, lives: int, total: int) -> None:
    """Events are written on while now the forwarder, now the server is killed."""
    with receiver(kind, tmp_path / kind) as there:
        table = f'[[outputs]]\nname = "out"\nbatch = 20\n{there.settings}\n'
        data = configured(tmp_path / "data", table)

        def write() -> None:
            for begin in range(0, total, 50):
                name = f"2026-11-30.w{begin // 50 % 2}.{begin // 1000 + 1:04d}.ndjson"
                write_journal(data / "journal", [event(n) for n in range(begin, begin + 50)], name)
                time.sleep(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        chance = random.Random(7)
        process = started(data)
        try:
            for life in range(lives):
                time.sleep(chance.uniform(0.1, 0.7))
                if life % 3 == 1 and there.server is not None:
                    there.server.kill()
                    time.sleep(chance.uniform(0.0, 0.3))
                    there.server.start()
                else:
                    process.kill()
                    process.wait()
                    process = started(data)
            writer.join()
            wait_until(lambda: there.count() >= total, "all events", 60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
        assert sorted(there.identifiers()) == [event(n)["event"]["id"] for n in range(total)]
        said = (data / "forward.stderr").read_text()
        assert "Traceback" not in said, said
        assert "never retrieved" not in said, said
        status = statuses(data)["out"]
        assert (status.queued, status.dropped, status.refused, status.sent) == (0, 0, 0, total)
