"""kill -9 of any process: what was acknowledged is on record, and the next start needs no repair."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.sensor.renderer import PROCESSES
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import new_address
from tests.sensor.raw import ECHO_RQ, RQ, STORE_COMMAND, STORE_DATA, STORE_RQ, connect, echoes, receive_pdu
from tests.sensor.scu import MR, STUDY_FIND, STUDY_GET, Received, associate, find, get, keys
from tests.support import Sensor, at, dicomhawk, wait_until

CLIENTS = 4
BEFORE = 20
"""Answers that each client has had, on the average, when something is killed."""


KINDS = {"dicom.c-echo": (RQ, ECHO_RQ), "dicom.c-store": (STORE_RQ, STORE_COMMAND + STORE_DATA)}


class Traffic:
    """Clients that echo, and clients that store, one request after the other on associations of their own.

    `acknowledged` has for each event that must be there the number of answers, by the port that they went to.
    """

    def __init__(self, sensor: Sensor, ip: str) -> None:
        self.acknowledged: dict[str, Counter[int]] = {action: Counter() for action in KINDS}
        self._sensor = sensor
        self._ip = ip
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(action,), daemon=True)
            for action in KINDS
            for _ in range(CLIENTS)
        ]

    @property
    def answers(self) -> int:
        """The fewest answers that a kind of client has had, all of that kind together."""
        return min(sum(each.values()) for each in self.acknowledged.values())

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for_more(self) -> None:
        """Until a fair number of answers have come since now."""
        before = self.answers
        wait_until(lambda: self.answers >= before + CLIENTS * BEFORE, "traffic")

    def _run(self, action: str) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError), connect(self._sensor, self._ip) as sock:
                self._association(sock, action)
            time.sleep(0.01)

    def _association(self, sock: socket.socket, action: str) -> None:
        port = sock.getsockname()[1]
        request, message = KINDS[action]
        sock.sendall(request)
        if receive_pdu(sock)[:1] != b"\2":
            return
        while not self._stop.is_set():
            sock.sendall(message)
            answer = receive_pdu(sock)
            if len(answer) < 6 or answer[0] != 4:
                return
            self.acknowledged[action][port] += 1


def recorded(sensor: Sensor, ip: str, action: str) -> Counter[int]:
    """Numbers of events by the visitor's port."""
    return Counter(at(event, "source.port") for event in sensor.events(source__ip=ip, event__action=action))


def assert_nothing_lost(sensor: Sensor, traffic: Traffic, ip: str) -> None:
    """Each answer that a client got has its event, and each object that was taken is in the vault."""
    assert traffic.answers >= CLIENTS * BEFORE
    for action, acknowledged in traffic.acknowledged.items():
        found = recorded(sensor, ip, action)
        assert not {port: n - found[port] for port, n in acknowledged.items() if found[port] < n}
    for digest in {at(event, "file.hash.sha256") for event in sensor.events(event__action="dicom.c-store")}:
        content = (sensor.data / "vault" / "objects" / digest[:2] / digest).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z" for pid in pids)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


@pytest.fixture
def again(start: Callable[..., Sensor]) -> Iterator[Callable[[Sensor], Any]]:
    """Start another sensor in the same folder and on the same port, as an operator would after a crash."""

    @contextlib.contextmanager
    def make(crashed: Sensor) -> Iterator[Sensor]:
        with start(ports=crashed.ports) as sensor:
            yield sensor

    yield make


def test_a_worker(start: Callable[..., Sensor]) -> None:
    ip = new_address()
    with start() as sensor:
        killed, other = sensor.workers
        with Traffic(sensor, ip) as traffic:
            kill(killed)
            exited = sensor.wait_event("worker.exit", process__pid=killed)
            sensor.wait_event("worker.start", 3)
            traffic.wait_for_more()
        assert_nothing_lost(sensor, traffic, ip)
        assert at(exited, "process.exit_code") == -9
        now = sensor.workers
        assert len(now) == 2
        assert killed not in now
        assert other in now
        for _ in range(8):
            assert echoes(sensor)


def test_every_worker_one_after_the_other(start: Callable[..., Sensor]) -> None:
    ip = new_address()
    with start() as sensor:
        first = sensor.workers
        with Traffic(sensor, ip) as traffic:
            for number, pid in enumerate(first, 1):
                kill(pid)
                sensor.wait_event("worker.start", 2 + number)
        assert_nothing_lost(sensor, traffic, ip)
        assert len(sensor.workers) == 2
        assert not set(first) & set(sensor.workers)


def test_the_supervisor(start: Callable[..., Sensor], again: Any) -> None:
    ip = new_address()
    sensor = start()
    sensor.start()
    pids = [sensor.pid, *sensor.descendants()]
    with Traffic(sensor, ip) as traffic:
        kill(sensor.pid)
        wait_until(lambda: gone(pids), "end of the workers")
    sensor.kill()
    with again(sensor) as next_one:
        assert next_one.ports == sensor.ports
        assert echoes(next_one)
        assert_nothing_lost(next_one, traffic, ip)


def test_everything(start: Callable[..., Sensor], again: Any) -> None:
    ip = new_address()
    sensor = start()
    sensor.start()
    with Traffic(sensor, ip) as traffic:
        for pid in [*sensor.descendants(), sensor.pid]:
            kill(pid)
        sensor.kill()
    with again(sensor) as next_one:
        assert echoes(next_one, ip)
        assert_nothing_lost(next_one, traffic, ip)
        assert not list((next_one.data / "vault" / "objects" / "incoming").iterdir())
    for command in ("sessions", "events"):
        shown = dicomhawk(command, "--data", sensor.data, "--json")
        assert shown.returncode == 0, shown.stderr
        assert ip in shown.stdout


def test_the_renderer(start: Callable[..., Sensor], data: Path) -> None:
    hospital = Hospital(data)
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    total = len(hospital.instances(series["series_key"]))
    identifier = keys(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=study["study_uid"], SeriesInstanceUID=series["series_uid"]
    )
    with start(workers=1) as sensor:
        killed: list[int] = []
        most: list[int] = []

        def renderers() -> list[int]:
            return [pid for pid in sensor.descendants() if "spawn_main" in _arguments(pid)]

        def kill_renderer() -> None:
            killed.extend(renderers())
            for pid in killed:
                kill(pid)

        received = Received()
        taken = received.handler[1]

        def take(event: Any) -> int:
            if len(received.order) == 3:
                kill_renderer()
            most.append(len(renderers()))
            return int(taken(event))

        with associate(
            sensor.address, [STUDY_GET, MR], scp=[MR], handlers=[(received.handler[0], take)]
        ) as association:
            final = get(association, identifier)[-1][0]
        assert 1 <= len(renderers()) <= PROCESSES
        assert killed
        assert set(killed).isdisjoint(renderers())
        assert max(most) <= PROCESSES, "each instance that waited had a process of its own"
        assert final.NumberOfCompletedSuboperations + final.NumberOfFailedSuboperations == total
        assert final.NumberOfFailedSuboperations == 0
        with associate(sensor.address, [STUDY_FIND]) as association:
            assert find(association, identifier)[1] == 0x0000


def _arguments(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
