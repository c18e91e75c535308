"""Whatever clients do, the others are served, and afterwards the workers are the same and as small as before."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.fuzzing import Input, mutated_inputs, pieces
from tests.sensor.proxy import new_address
from tests.sensor.raw import (
    ECHO_RQ,
    FIND_RQ,
    RELEASE_RQ,
    RQ,
    connect,
    echoes,
    receive_all,
    receive_pdu,
    reset,
)  # fmt: skip
from tests.sensor.scu import encoded, keys
from tests.support import Sensor, at, open_descriptors, resident_kib, wait_until
from tests.upperlayer.golden import GOLDEN

INPUTS = 3000
SEED = 20260
AT_ONCE = 32
IDLE = 1000
GROWTH_KIB = 8 * 1024
"""Private memory that a worker may gain in a test, KiB: allocators and caches keep some."""
DESCRIPTORS = 8
"""Descriptors that may stay open: sockets that are about to close."""


class Workers:
    """The workers' pids, memory and descriptors now, to compare with later."""

    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor
        self.pids = sensor.workers
        self.memory = {pid: resident_kib(pid) for pid in self.pids}
        self.descriptors = {pid: open_descriptors(pid) for pid in self.pids}

    def assert_unharmed(self) -> None:
        """They are the same as then and echo, with no more descriptors and not much more memory."""
        for _ in range(8):
            assert echoes(self._sensor)
        assert self._sensor.workers == self.pids
        wait_until(
            lambda: all(open_descriptors(pid) <= self.descriptors[pid] + DESCRIPTORS for pid in self.pids),
            "closing of descriptors",
        )
        grown = {pid: resident_kib(pid) - self.memory[pid] for pid in self.pids}
        assert max(grown.values()) < GROWTH_KIB, grown


@pytest.fixture(scope="module")
def warm(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor of these tests' own whose workers have done a bit of everything."""
    with Sensor(Path(shutil.copytree(template, tmp_path_factory.mktemp("hostile") / "data"))) as sensor:
        attack(sensor, list(islice(mutated_inputs(SEED - 1, directions=">"), 600)))
        for _ in range(8):
            assert echoes(sensor)
        time.sleep(0.5)
        yield sensor


def attack(sensor: Sensor, inputs: list[Input]) -> None:
    """Send inputs, each on a connection of its own, many at a time."""
    ip = new_address()

    def one(number: int) -> None:
        rng = random.Random(number)
        with contextlib.suppress(OSError), connect(sensor, ip) as sock:  # it may be closed at any moment
            for piece in pieces(rng, inputs[number].data):
                sock.sendall(piece)
            if rng.random() < 0.1:
                reset(sock)
                return
            sock.shutdown(socket.SHUT_WR)
            receive_all(sock)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(len(inputs))))


def test_mutated_inputs(warm: Sensor) -> None:
    before = Workers(warm)
    attack(warm, list(islice(mutated_inputs(SEED, directions=">"), INPUTS)))
    before.assert_unharmed()


def test_byte_by_byte(warm: Sensor) -> None:
    before = Workers(warm)
    clients = 20
    done: list[int] = []

    def slow(number: int) -> None:
        with connect(warm, f"127.0.4.{number + 1}") as sock:
            for whole, kind in ((RQ, 2), (ECHO_RQ, 4), (RELEASE_RQ, 6)):
                for position in range(len(whole)):
                    sock.sendall(whole[position : position + 1])
                    time.sleep(0.001)
                if receive_pdu(sock)[0] == kind:
                    done.append(number)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(slow, range(clients)))
    assert len(done) == 3 * clients
    before.assert_unharmed()


def test_clients_that_never_read(warm: Sensor) -> None:
    before = Workers(warm)
    query = find_message()
    with contextlib.ExitStack() as stack:
        for number in range(6):
            sock = stack.enter_context(connect(warm, f"127.0.5.{number + 1}", buffer=4096))
            sock.sendall(FIND_RQ)
            assert receive_pdu(sock)[0] == 2
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(2000):
                    sock.send(query)
            assert echoes(warm)
        time.sleep(1.0)
        # Nothing is read from them while they don't read: what is kept for them is bounded.
        grown = {pid: resident_kib(pid) - before.memory[pid] for pid in before.pids}
        assert max(grown.values()) < 2 * GROWTH_KIB, grown
        assert echoes(warm)
    before.assert_unharmed()
    answered = [at(event, "dicom.query.matches") for event in warm.events(event__action="dicom.c-find.end")]
    assert max(answered) > 100


def find_message() -> bytes:
    """A C-FIND of all studies, as PDUs on the first context of `FIND_RQ`."""
    command = GOLDEN["findscu"].turns[2][1]
    identifier = encoded(
        keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientName="", StudyDescription="", StudyDate="")
    )
    length = len(identifier) + 2
    return command + b"\4\0" + (length + 4).to_bytes(4, "big") + length.to_bytes(4, "big") + b"\1\2" + identifier


def test_a_thousand_idle_connections(warm: Sensor) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 200:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before = Workers(warm)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(warm, f"127.0.6.{number % 250 + 1}")) for number in range(IDLE)]
        for sock in held[::2]:
            sock.sendall(RQ)
        for sock in held[::2]:
            assert receive_pdu(sock)[0] == 2
        for _ in range(20):
            assert echoes(warm)
        for sock in held[::2]:
            sock.sendall(ECHO_RQ)
        for sock in held[::2]:
            assert receive_pdu(sock)[0] == 4
    before.assert_unharmed()


def test_connections_that_come_and_go(warm: Sensor) -> None:
    before = Workers(warm)
    ip = new_address()
    for number in range(1500):
        with connect(warm, ip) as sock:
            if number % 3 == 0:
                reset(sock)
            elif number % 3 == 1:
                sock.sendall(RQ)
                reset(sock)
    before.assert_unharmed()
