"""A visitor seen from outside: a TCP proxy in front of the sensor that keeps every byte of both directions.

It connects to the sensor from an address of its own on the loopback network, so that programs that can't choose
their source address can be different visitors, and so that nothing that one test does is seen by another.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from types import TracebackType
from typing import Any, Self

from tests.support import Event, Sensor

CHUNK = 256 * 1024
_numbers = itertools.count(2)


def new_address() -> str:
    """A source address on loopback that no other visitor of this test run has."""
    number = next(_numbers)
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 2}"


class Passed:
    """One connection: what went through it. `ip` and `port` are where it came to the sensor from."""

    def __init__(self, ip: str, port: int) -> None:
        self.ip = ip
        self.port = port
        self.log: list[tuple[str, bytes]] = []  # ">" to the sensor, "<" from it, in the order in which it was read
        self.ended = threading.Event()

    def bytes(self, direction: str) -> bytes:
        """All that went in a direction."""
        return b"".join(data for way, data in self.log if way == direction)

    @property
    def sent(self) -> bytes:
        """What the client sent."""
        return self.bytes(">")

    @property
    def received(self) -> bytes:
        """What the sensor sent."""
        return self.bytes("<")

    def pdus(self, direction: str) -> list[bytes]:
        """The whole PDUs of a direction (PS3.8 9.3.1)."""
        return split_pdus(self.bytes(direction))


class Visitor:
    """The proxy. `port` is what clients connect to, on 127.0.0.1; `ip` is the address that the sensor sees."""

    def __init__(self, sensor: Sensor, ip: str | None = None, *, port: int | None = None) -> None:
        self.sensor = sensor
        self.ip = ip or new_address()
        self.connections: list[Passed] = []
        self._target = (sensor.host, port or sensor.port)
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect to."""
        return "127.0.0.1", self.port

    def events(self, **where: Any) -> list[Event]:
        """This visitor's events so far."""
        return self.sensor.events(source__ip=self.ip, **where)

    def wait_event(self, action: str, count: int = 1, **where: Any) -> Event:
        """As `Sensor.wait_event`, of this visitor."""
        return self.sensor.wait_event(action, count, source__ip=self.ip, **where)

    def visit(self, **where: Any) -> list[Event]:
        """All events of the visitor's connections, once these have ended."""
        self.wait_event("connection.close", max(len(self.connections), 1))
        return self.events(**where)

    def _run(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, source_address=(self.ip, 0))
            except OSError:
                client.close()
                continue
            passed = Passed(*server.getsockname()[:2])
            self.connections.append(passed)
            both = threading.Barrier(2, action=lambda c=client, s=server, p=passed: _finish(c, s, p))
            self._run(_pump, client, server, passed, ">", both)
            self._run(_pump, server, client, passed, "<", both)


def _pump(
    source: socket.socket, sink: socket.socket, passed: Passed, direction: str, both: threading.Barrier
) -> None:
    try:
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := source.recv(CHUNK):
            # DCMTK writes a PDU in two pieces; without this the second waits 40 ms for our acknowledgement.
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            passed.log.append((direction, data))
            sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
    except OSError:
        # A reset of one side is a reset of the other.
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(threading.BrokenBarrierError):
        both.wait()


def _finish(client: socket.socket, server: socket.socket, passed: Passed) -> None:
    client.close()
    server.close()
    passed.ended.set()


def split_pdus(stream: bytes) -> list[bytes]:
    """A stream's PDUs; an unfinished one at the end is left out."""
    found = []
    position = 0
    while position + 6 <= len(stream):
        end = position + 6 + int.from_bytes(stream[position + 2 : position + 6], "big")
        if end > len(stream):
            break
        found.append(stream[position:end])
        position = end
    return found
