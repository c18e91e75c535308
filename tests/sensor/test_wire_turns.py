"""Whose turn it is: a visitor's connections wait for one another, in one worker and over several."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.persona.model.capacity import Capacity
from dicomhawk.sensor.dicom import heads
from dicomhawk.sensor.dicom.heads import BUCKETS, MOST_WORKERS, Heads, Queue
from dicomhawk.sensor.dicom.slots import PLACES, Slots
from dicomhawk.sensor.dicom.turns import MAX_WAITING, RETRY, Turns
from tests.sensor.raw import ECHO_RQ, PATIENCE, RQ, connect, receive_pdu
from tests.support import Sensor

A, B = "192.0.2.1", "192.0.2.2"
KEY = "seed"
TURN = 0.05
"""Seconds; what is tested is the order, so that a slow machine only takes longer."""


class Connection:
    """A connection that does nothing but note what happens to it."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name
        self.is_busy = False

    def wait_turn(self) -> None:
        self.log.append(f"{self.name} waits")

    def proceed(self) -> None:
        self.log.append(f"{self.name} proceeds")


Places = tuple[Slots, Heads]


@pytest.fixture
def shared() -> mmap.mmap:
    """What the workers share."""
    return heads.shared()


@pytest.fixture
def places(tmp_path: Path, shared: mmap.mmap) -> Iterator[Places]:
    """Those of the first worker."""
    slots = Slots(tmp_path / "lock", KEY)
    yield slots, Heads(shared, 0)
    slots.close()


@pytest.fixture
def elsewhere(shared: mmap.mmap) -> Heads:
    """Those of the second worker."""
    return Heads(shared, 1)


@pytest.fixture
def log() -> list[str]:
    return []


def turns(places: Places, **capacity: object) -> Turns:
    loop = asyncio.get_running_loop()
    return Turns(Capacity(**{"turn": TURN, **capacity}), *places, loop.time)  # type: ignore[arg-type]


async def until(log: list[str], count: int) -> None:
    """Until so much has happened."""
    async with asyncio.timeout(20):
        while len(log) < count:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)


def test_negotiation_is_serial_for_each_visitor(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, serial_negotiation=True)
        a, b, c, other = (Connection(log, name) for name in ("a", "b", "c", "other"))
        assert door.arrive(A, a) is True
        assert door.arrive(A, b) is False and door.arrive(A, c) is False
        assert door.arrive(B, other) is True  # another visitor is never held up
        assert door.accepted(A, a) is True
        await until(log, 1)
        assert log == ["b proceeds"]
        door.left(A, b)  # it went without an association
        await until(log, 2)
        assert log == ["b proceeds", "c proceeds"]
        door.left(A, c)
        assert door.arrive(A, Connection(log, "d")) is True

    asyncio.run(script())


def test_associations_may_be_serial_too(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, serial_associations=True)
        a, b, other = (Connection(log, name) for name in ("a", "b", "other"))
        assert door.arrive(A, a) is True
        assert door.arrive(A, b) is False
        assert door.arrive(B, other) is True
        assert door.accepted(A, a) is True
        await asyncio.sleep(2 * TURN)
        assert not log  # an association that does nothing doesn't end its turn
        door.left(A, a)
        await until(log, 1)
        assert log == ["b proceeds"]

    asyncio.run(script())


def test_who_leaves_the_line_is_not_called(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, serial_negotiation=True)
        a, b, c = (Connection(log, name) for name in "abc")
        assert [door.arrive(A, each) for each in (a, b, c)] == [True, False, False]
        door.left(A, b)
        door.left(A, a)
        await until(log, 1)
        assert log == ["c proceeds"]

    asyncio.run(script())


def test_the_line_is_bounded(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, serial_negotiation=True)
        waiting = [Connection(log, str(number)) for number in range(MAX_WAITING + 1)]
        assert [door.arrive(A, each) for each in waiting] == [True] + [False] * MAX_WAITING
        assert door.arrive(A, Connection(log, "late")) is None
        assert door.arrive(B, Connection(log, "other")) is True
        for each in reversed(waiting):
            door.left(A, each)

    asyncio.run(script())


def test_only_so_many_associations(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, max_associations=3)
        several = [Connection(log, str(number)) for number in range(4)]
        assert [door.admit(A, each) for each in several] == [True, True, True, False]
        assert door.admit(B, Connection(log, "other"))
        door.left(A, several[1])
        assert door.admit(A, several[3])

    asyncio.run(script())


def test_associations_take_turns(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, served_associations=2)
        a, b, c = (Connection(log, name) for name in "abc")
        assert [door.accepted(A, each) for each in (a, b, c)] == [True, True, False]
        assert door.step_over(A, a) is False  # its command is done with, and another one waits
        await until(log, 1)
        assert log == ["c proceeds"]
        assert door.step_over(B, a) is True  # nothing is known of it there
        async with asyncio.timeout(20):
            while "a proceeds" not in log:  # noqa: ASYNC110 - nobody does anything: turns end by themselves
                await asyncio.sleep(TURN)
        assert log.index("b waits") < log.index("a proceeds")
        for each in (a, b, c):
            door.left(A, each)

    asyncio.run(script())


def test_who_is_busy_keeps_its_turn(places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, served_associations=1)
        a, b = Connection(log, "a"), Connection(log, "b")
        a.is_busy = True
        assert door.accepted(A, a) is True and door.accepted(A, b) is False
        await asyncio.sleep(3 * TURN)
        assert log == []
        a.is_busy = False
        await until(log, 2)
        assert log == ["a waits", "b proceeds"]
        for each in (a, b):
            door.left(A, each)

    asyncio.run(script())


ANOTHER_WORKER = """
import sys, pathlib
from dicomhawk.sensor.dicom.slots import Slots
slots = Slots(pathlib.Path(sys.argv[1]), sys.argv[2])
base = slots.base(sys.argv[3])
assert all(slots.take(base + place) for place in map(int, sys.argv[4:]))
print("held", flush=True)
sys.stdin.readline()
"""


def another_worker(path: Path, *places: int) -> subprocess.Popen[str]:
    """A process that holds places of visitor A until it is told to end, or killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_WORKER, str(path), KEY, A, *map(str, places)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_visitor_waits_for_what_another_worker_does_with_it(tmp_path: Path, places: Places, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, serial_negotiation=True, max_associations=1)
        first = another_worker(tmp_path / "lock", 0, 128)
        try:
            a, other = Connection(log, "a"), Connection(log, "other")
            assert door.arrive(A, a) is False and door.admit(A, a) is False
            assert door.arrive(B, other) is True and door.admit(B, other) is True
            first.kill()  # the kernel frees what a dead process held
            await until(log, 1)
            assert log == ["a proceeds"] and door.admit(A, a) is True
        finally:
            first.kill()
            first.wait()

    asyncio.run(script())


def test_a_place_is_given_up_for_another_worker(places: Places, elsewhere: Heads, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, served_associations=1)
        a = Connection(log, "a")
        base = places[0].base(A)
        assert door.accepted(A, a) is True
        await asyncio.sleep(TURN)
        elsewhere.tell(Queue.RING, places[0].base(B), time.monotonic())
        door.sweep()
        assert log == []  # nobody wants it
        elsewhere.tell(Queue.RING, base, time.monotonic())
        door.sweep()
        assert log == ["a waits"]
        await asyncio.sleep(3 * RETRY)
        assert log == ["a waits"]
        elsewhere.tell(Queue.RING, base, 0)  # it is gone
        await until(log, 2)
        assert log == ["a waits", "a proceeds"]
        door.left(A, a)

    asyncio.run(script())


def test_turns_end_also_where_another_worker_has_the_other_places(
    tmp_path: Path, places: Places, log: list[str]
) -> None:
    async def script() -> None:
        door = turns(places, served_associations=2)
        both, one = another_worker(tmp_path / "lock", 2, 3), None
        a, b = (Connection(log, name) for name in "ab")
        try:
            assert [door.accepted(A, each) for each in (a, b)] == [False, False]
            both.kill()
            both.wait()
            one = another_worker(tmp_path / "lock", 3)  # nobody looked meanwhile: the loop has not run
            await until(log, 3)
            assert log[:3] == ["a proceeds", "a waits", "b proceeds"]
        finally:
            for process in (both, one):
                if process is not None:
                    process.kill()
                    process.wait()

    asyncio.run(script())


def test_who_has_waited_a_turn_in_another_worker_comes_next(places: Places, elsewhere: Heads, log: list[str]) -> None:
    async def script() -> None:
        door = turns(places, served_associations=2, turn=60)
        a, b, c = (Connection(log, name) for name in "abc")
        assert [door.accepted(A, each) for each in (a, b, c)] == [True, True, False]
        base = places[0].base(A)
        elsewhere.tell(Queue.RING, base, time.monotonic() - 30)
        assert door.step_over(A, a) is False
        await until(log, 1)
        assert log == ["c proceeds"]  # not worth the way
        elsewhere.tell(Queue.RING, base, time.monotonic() - 90)
        assert door.step_over(A, b) is False
        await asyncio.sleep(3 * RETRY)
        assert log == ["c proceeds"]
        elsewhere.tell(Queue.RING, base, 0)
        await until(log, 2)
        assert log == ["c proceeds", "a proceeds"]
        for each in (a, b, c):
            door.left(A, each)

    asyncio.run(script())


def test_who_has_waited_long_in_another_worker_is_negotiated_first(
    places: Places, elsewhere: Heads, log: list[str]
) -> None:
    async def script() -> None:
        door = turns(places, serial_negotiation=True)
        a, b = (Connection(log, name) for name in "ab")
        assert [door.arrive(A, each) for each in (a, b)] == [True, False]
        elsewhere.tell(Queue.LINE, places[0].base(A), time.monotonic() - 60)
        door.left(A, a)
        await asyncio.sleep(3 * RETRY)
        assert log == [] and door.arrive(A, a) is False
        elsewhere.tell(Queue.LINE, places[0].base(A), 0)
        await until(log, 1)
        assert log == ["b proceeds"]
        for each in (a, b):
            door.left(A, each)

    asyncio.run(script())


def test_heads_are_of_a_visitor_and_of_workers_that_live(shared: mmap.mmap, places: Places, elsewhere: Heads) -> None:
    slots, here = places
    base, other = slots.base(A), slots.base(A) + BUCKETS * PLACES  # share an entry
    elsewhere.tell(Queue.RING, base, 5.0)
    assert here.others(Queue.RING, base, 6.0) and not here.others(Queue.RING, base, 5.0)
    assert not here.others(Queue.LINE, base, 6.0) and not here.others(Queue.RING, other, 6.0)
    assert not elsewhere.others(Queue.RING, base, 6.0)  # its own
    many = Heads(shared, MOST_WORKERS)
    many.tell(Queue.RING, base, 1.0)
    assert not many.others(Queue.RING, base, 6.0) and not here.others(Queue.RING, base, 4.0)
    Heads(shared, 1)  # its successor
    assert not here.others(Queue.RING, base, 6.0)


def test_idle_associations_take_turns_in_their_order_over_all_workers(data: Path) -> None:
    served, several = 4, 20
    with contextlib.ExitStack() as stack:
        sensor = stack.enter_context(Sensor(data, workers=2, flags=("--persona", "orthanc-open")))
        associations = []
        for _ in range(several):
            sock = stack.enter_context(connect(sensor))
            sock.sendall(RQ)
            assert receive_pdu(sock)[:1] == b"\x02"
            associations.append(sock)
        waiting = associations[served::served]  # the others are idle, and have their second nevertheless
        for sock in waiting:
            sock.sendall(ECHO_RQ)
        order = []
        while len(order) < len(waiting):
            ready, _, _ = select.select([sock for sock in waiting if sock not in order], [], [], PATIENCE)
            assert ready, f"no answer after {len(order)}"
            order += ready
    assert [waiting.index(sock) for sock in order] == list(range(len(waiting)))
