"""kill -9 of any process: what was acknowledged is on record, and the next start needs no repair."""

from __future__ import annotations

import contextlib
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

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import new_address
from tests.sensor.raw import ECHO_RQ, RQ, STORE_COMMAND, STORE_DATA, STORE_RQ, connect, echoes, receive_pdu
from tests.sensor.scu import MR, STUDY_FIND, STUDY_GET, Received, associate, find, get, keys
from tests.support import Sensor, at, dicomhawk, wait_until

CLIENTS = 8
BEFORE = 20
"""Answers that each client has had when something is killed."""


class Traffic:
    """Clients that echo or store on associations of their own, one request after the other, and count the answers.

    `acknowledged` has the number of answers by the port that they went to.
    """

    def __init__(self, sensor: Sensor, ip: str, request: bytes, messages: tuple[bytes, ...]) -> None:
        self.acknowledged: Counter[int] = Counter()
        self._sensor = sensor
        self._ip = ip
        self._request = request
        self._messages = messages
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: sum(self.acknowledged.values()) >= CLIENTS * BEFORE, "traffic")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError), connect(self._sensor, self._ip) as sock:
                self._association(sock)
            time.sleep(0.01)

    def _association(self, sock: socket.socket) -> None:
        port = sock.getsockname()[1]
        sock.sendall(self._request)
        if receive_pdu(sock)[:1] != b"\2":
            return
        while not self._stop.is_set():
            sock.sendall(b"".join(self._messages))
            answer = receive_pdu(sock)
            if len(answer) < 6 or answer[0] != 4:
                return
            self.acknowledged[port] += 1


def recorded(sensor: Sensor, ip: str, action: str) -> Counter[int]:
    """Numbers of events by the visitor's port."""
    return Counter(at(event, "source.port") for event in sensor.events(source__ip=ip, event__action=action))


def assert_nothing_lost(sensor: Sensor, traffic: Traffic, ip: str, action: str) -> None:
    """Each answer that a client got has its event."""
    found = recorded(sensor, ip, action)
    assert sum(traffic.acknowledged.values()) >= CLIENTS * BEFORE
    lost = {port: n - found[port] for port, n in traffic.acknowledged.items() if found[port] < n}
    assert not lost


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z" for pid in pids)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


ECHO = (RQ, (ECHO_RQ,))
STORE = (STORE_RQ, (STORE_COMMAND, STORE_DATA))


@pytest.fixture
def again(start: Callable[..., Sensor]) -> Iterator[Callable[[Sensor], Any]]:
    """Start another sensor in the same folder and on the same port, as an operator would after a crash."""

    @contextlib.contextmanager
    def make(crashed: Sensor) -> Iterator[Sensor]:
        with start(ports=crashed.ports) as sensor:
            yield sensor

    yield make


@pytest.mark.parametrize(("action", "what"), [("dicom.c-echo", ECHO), ("dicom.c-store", STORE)])
def test_a_worker(start: Callable[..., Sensor], action: str, what: Any) -> None:
    ip = new_address()
    with start() as sensor:
        workers = sensor.workers
        with Traffic(sensor, ip, *what) as traffic:
            kill(workers[0])
            sensor.wait_event("worker.exit", process__pid=workers[0])
            sensor.wait_event("worker.start", 3)
            before = sum(traffic.acknowledged.values())
            wait_until(lambda: sum(traffic.acknowledged.values()) > before + 2 * CLIENTS * BEFORE, "more traffic")
        assert_nothing_lost(sensor, traffic, ip, action)
        exit_event = sensor.wait_event("worker.exit")
        assert at(exit_event, "process.exit_code") == -9
        now = sensor.workers
        assert len(now) == 2
        assert workers[0] not in now
        assert workers[1] in now
        for _ in range(8):
            assert echoes(sensor)


def test_every_worker_one_after_the_other(start: Callable[..., Sensor]) -> None:
    ip = new_address()
    with start() as sensor:
        first = set(sensor.workers)
        with Traffic(sensor, ip, *ECHO) as traffic:
            for number, pid in enumerate(sorted(first), 1):
                kill(pid)
                sensor.wait_events("worker.start", 2 + number)
        assert_nothing_lost(sensor, traffic, ip, "dicom.c-echo")
        assert not first & set(sensor.workers)
        assert sensor.pid


@pytest.mark.parametrize(("action", "what"), [("dicom.c-echo", ECHO), ("dicom.c-store", STORE)])
def test_the_supervisor(start: Callable[..., Sensor], again: Any, action: str, what: Any) -> None:
    ip = new_address()
    sensor = start()
    sensor.start()
    pids = [sensor.pid, *sensor.descendants()]
    with Traffic(sensor, ip, *what) as traffic:
        kill(sensor.pid)
        wait_until(lambda: gone(pids), "end of the workers")
    sensor.kill()
    with again(sensor) as next_one:
        assert next_one.ports == sensor.ports
        assert echoes(next_one)
        assert_nothing_lost(next_one, traffic, ip, action)


@pytest.mark.parametrize(("action", "what"), [("dicom.c-echo", ECHO), ("dicom.c-store", STORE)])
def test_everything(start: Callable[..., Sensor], again: Any, action: str, what: Any) -> None:
    ip = new_address()
    sensor = start()
    sensor.start()
    with Traffic(sensor, ip, *what) as traffic:
        for pid in [*sensor.descendants(), sensor.pid]:
            kill(pid)
        sensor.kill()
    with again(sensor) as next_one:
        assert echoes(next_one, ip)
        assert_nothing_lost(next_one, traffic, ip, action)
        if what is STORE:
            stored = next_one.events(source__ip=ip, event__action="dicom.c-store")
            uid = at(stored[0], "dicom.sop.instance_uid")
            assert {at(event, "dicom.sop.instance_uid") for event in stored} == {uid}
            content = (next_one.data / "vault" / "objects" / at(stored[0], "file.hash.sha256")[:2]).iterdir()
            assert any(path.name == at(stored[0], "file.hash.sha256") for path in content)
            assert not list((next_one.data / "vault" / "objects" / "incoming").iterdir())
    for command in (("sessions",), ("events",)):
        shown = dicomhawk(*command, "--data", sensor.data, "--json")
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
        assert len(killed) == len(renderers()) == 1
        assert killed != renderers()
        assert max(most) == 1, "each instance that waited had a process of its own"
        assert final.NumberOfCompletedSuboperations + final.NumberOfFailedSuboperations == total
        assert final.NumberOfFailedSuboperations == 0
        with associate(sensor.address, [STUDY_FIND]) as association:
            assert find(association, identifier)[1] == 0x0000


def _arguments(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
