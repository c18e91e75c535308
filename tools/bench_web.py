#!/usr/bin/env python3
"""Measures what a request and a connection on a web door cost, in this process, with a transport that does nothing.

    python tools/bench_web.py [--persona NAME] [--seconds N]

What is measured is the engine with its evidence (journal and transcripts on disk), not a site and not the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import uvloop

from dicomhawk.evidence.recorder import Recorder
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.persona.model import load
from dicomhawk.sensor.holdings import Holdings
from dicomhawk.sensor.web.backing import Backing
from dicomhawk.sensor.web.door import Door
from dicomhawk.sensor.web.message import Request, Response
from dicomhawk.sensor.web.wire.connection import Connection
from dicomhawk.settings import Settings

REQUEST = (
    b"GET /system HTTP/1.1\r\nHost: 127.0.0.1:8042\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\n\r\n"
)
UPLOAD = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 16384\r\n\r\n" + bytes(16384)
PAGE = bytes(2000)


class Nowhere(asyncio.Transport):
    """Takes everything and keeps nothing."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 40000), "sockname": ("192.0.2.2", 8042)})
        self.writes = 0
        self._closing = False

    def write(self, data: Any) -> None:
        self.writes += 1

    def writelines(self, list_of_data: Any) -> None:
        self.writes += 1

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self._closing = True

    abort = close


async def _answer(_: Request) -> Response:
    return Response(200, [("Content-Type", "application/json")], PAGE)


async def _exchange(connection: Connection, transport: Nowhere, data: bytes) -> None:
    before = transport.writes
    connection.data_received(data)
    while transport.writes == before:  # noqa: ASYNC110
        await asyncio.sleep(0)
    while connection._task is not None:  # noqa: ASYNC110 - what follows the last byte belongs to the request
        await asyncio.sleep(0)


def _open(door: Door) -> tuple[Connection, Nowhere]:
    connection, transport = Connection(door), Nowhere()
    connection.connection_made(transport)
    return connection, transport


async def _measure(door: Door, seconds: float) -> dict[str, float]:
    rates = {}
    for name, data in (("requests/s on one connection", REQUEST), ("uploads of 16 KiB/s on one connection", UPLOAD)):
        connection, transport = _open(door)
        count, end = 0, time.process_time() + seconds
        began = time.process_time()
        while time.process_time() < end:
            await _exchange(connection, transport, data)
            count += 1
        rates[name] = count / (time.process_time() - began)
        connection.connection_lost(None)
    count, end = 0, time.process_time() + seconds
    began = time.process_time()
    while time.process_time() < end:
        connection, transport = _open(door)
        await _exchange(connection, transport, REQUEST)
        connection.connection_lost(None)
        count += 1
    rates["connections/s with one request each"] = count / (time.process_time() - began)
    return rates


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persona", default="plain")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    persona = load(options.persona)
    # A connection has as many requests here as fit into the time.
    times = persona.http.times.model_copy(update={"requests": 1 << 30, "idle": 3600.0})
    persona = persona.model_copy(update={"http": persona.http.model_copy(update={"times": times})})
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Settings(data=Path(folder)), "bench")
        backing = Backing(
            Settings(data=Path(folder)), draw_deployment(), persona, cast(Holdings, None), recorder, time.time
        )
        rates = uvloop.run(_measure(Door(backing, _answer, time.monotonic), options.seconds))
        recorder.close()
    for name, rate in rates.items():
        print(f"{rate:10,.0f} {name} ({1e6 / rate:,.0f} us each)")


if __name__ == "__main__":
    main()
