"""Visitors who reset their connection before it could be looked at: it is known who they were."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvloop

from dicomhawk.sensor.addresses import Ends, ends
from tests.sensor.proxy import new_address
from tests.sensor.raw import RQ, reset
from tests.sensor.tls.test_hello import client_hello
from tests.support import Sensor, wait_until

ENVIRONMENT = {"DICOMHAWK_TLS__DICOM_PORTS": "0", "DICOMHAWK_TLS__WEB_PORTS": "0"}
RESETS = 5


@pytest.fixture(scope="module")
def doors(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor with every kind of door."""
    data = tmp_path_factory.mktemp("doors") / "data"
    data.mkdir()
    for name in ("dicomhawk.toml", "hospital"):
        (data / name).symlink_to(template / name)
    with Sensor(data, workers=1, web_ports=(0,), tls=True, environment=ENVIRONMENT) as sensor:
        yield sensor


@contextmanager
def busy(sensor: Sensor) -> Iterator[None]:
    """The only worker looks at nothing meanwhile."""
    (worker,) = sensor.workers
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


@pytest.mark.parametrize("said", [b"", RQ, b"GET / HTTP/1.1\r\n", client_hello()])
@pytest.mark.parametrize("kind", ["dicom", "dicom-tls", "web", "web-tls"])
def test_a_connection_that_was_reset_is_its_visitors(doors: Sensor, kind: str, said: bytes) -> None:
    port = {
        "dicom": doors.port,
        "dicom-tls": doors.tls_ports["dicom"][0],
        "web": doors.web_port,
        "web-tls": doors.tls_ports["web"][0],
    }[kind]
    ip = new_address()
    names = []
    with busy(doors):
        for _ in range(RESETS):
            sock = socket.create_connection((doors.host, port), source_address=(ip, 0))
            names.append(sock.getsockname())
            if said:
                sock.sendall(said)
            reset(sock)
    wait_until(
        lambda: len(doors.events(event__action="connection.close", source__ip=ip)) >= RESETS, "end of all connections"
    )
    opened = doors.events(event__action="connection.open", destination__port=port, source__ip=ip)
    assert Counter((each["source"]["ip"], each["source"]["port"]) for each in opened) == Counter(names)
    assert len({each["session"] for each in opened}) == 1
    assert not doors.events(source__ip="::")


@pytest.mark.parametrize(
    ("listening", "visitor"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1"), ("::", "::1")]
)
@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_ends_are_known_after_a_reset(
    new_loop: Callable[[], asyncio.AbstractEventLoop], listening: str, visitor: str
) -> None:
    seen: list[Ends] = []

    class Seen(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            seen.append(ends(transport))

    async def resets() -> list[Ends]:
        family = socket.AF_INET6 if ":" in listening else socket.AF_INET
        with socket.socket(family) as listener:
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind((listening, 0))
            listener.listen()
            sock = socket.create_connection((visitor, listener.getsockname()[1]))
            names = [(sock.getsockname()[:2], sock.getpeername()[:2])]
            reset(sock)
            async with await asyncio.get_running_loop().create_server(Seen, sock=listener):
                async with asyncio.timeout(20):
                    while not seen:  # noqa: ASYNC110 - there is nothing else to wait for
                        await asyncio.sleep(0.01)
            return names

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(resets()) == seen
