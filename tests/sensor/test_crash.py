"""Death of any process at any moment: nothing that was acknowledged is lost, and the next start needs no repair."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sensor.oracle import Hospital
from tests.sensor.wire import Wire
from tests.support import Sensor, at, read_journal, run_tool, wait_until

Start = Callable[..., Sensor]
VISITORS = 4


class Traffic:
    """Visitors that echo until they are told to stop, and remember what was acknowledged to each of them."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._ending = threading.Event()
        self.acknowledged: list[tuple[int, int]] = []  # port of the visitor, message id
        self._threads = [threading.Thread(target=self._visit, daemon=True) for _ in range(VISITORS)]
        for thread in self._threads:
            thread.start()

    def _visit(self) -> None:
        while not self._ending.is_set():
            try:
                with Wire(self._address) as wire:
                    port = wire.socket.getsockname()[1]
                    wire.associate()
                    for number in range(1, 30):
                        wire.echo(number)
                        self.acknowledged.append((port, number))
            except (OSError, AssertionError):
                time.sleep(0.01)  # it was killed in between

    def stop(self) -> None:
        """No more."""
        self._ending.set()
        for thread in self._threads:
            thread.join(30)


def assert_all_on_record(sensor: Sensor, acknowledged: list[tuple[int, int]]) -> None:
    recorded = {
        (at(event, "source.port"), at(event, "dicom.command.message_id"))
        for event in read_journal(sensor.data / "journal")
        if event["event"]["action"] == "dicom.c-echo"
    }
    lost = set(acknowledged) - recorded
    assert acknowledged
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged echoes are not on record"


def assert_nothing_holds(address: tuple[str, int]) -> None:
    def free() -> bool:
        try:
            with socket.create_server(address):
                return True
        except OSError:
            return False

    wait_until(free, "free port")


def test_killed_workers_lose_nothing_and_are_replaced(start: Start) -> None:
    with start(workers=2) as sensor:
        traffic = Traffic(sensor.address)
        random.seed(7)
        for _ in range(5):
            wait_until(lambda: len(sensor.workers) == 2, "two workers")
            before, count = sensor.workers, len(traffic.acknowledged)
            wait_until(lambda count=count: len(traffic.acknowledged) > count + 50, "traffic")  # type: ignore[misc]
            os.kill(random.choice(before), signal.SIGKILL)
            wait_until(lambda before=before: set(sensor.workers) - set(before), "new worker")  # type: ignore[misc]
        count = len(traffic.acknowledged)
        wait_until(lambda: len(traffic.acknowledged) > count + 200, "traffic on the new workers")
        traffic.stop()
        assert_all_on_record(sensor, traffic.acknowledged)
        exits = sensor.wait_events("worker.exit", 5)
        assert {event["process"]["exit_code"] for event in exits} == {-signal.SIGKILL}


@pytest.mark.parametrize("whom", ["supervisor", "everything"])
def test_a_killed_sensor_starts_again_without_repair(start: Start, whom: str) -> None:
    sensor = start(workers=2)
    sensor.start()
    try:
        traffic = Traffic(sensor.address)
        wait_until(lambda: len(traffic.acknowledged) > 300, "traffic")
        workers = sensor.workers
        if whom == "everything":
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
        os.kill(sensor.pid, signal.SIGKILL)
        traffic.stop()
        for pid in workers:  # they go with their parent
            wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), f"end of worker {pid}")  # type: ignore[misc]
        assert_nothing_holds(sensor.address)
        assert_all_on_record(sensor, traffic.acknowledged)
    finally:
        sensor.kill()
    with start(workers=2) as again:
        with Wire(again.address) as wire:
            wire.associate().echo(4711)
        again.wait_event("dicom.c-echo", dicom__command__message_id=4711)
        assert_all_on_record(again, traffic.acknowledged)


def test_a_killed_renderer_is_replaced(start: Start, tool: Callable[[str], str]) -> None:
    tool("getscu")
    with start(workers=1) as sensor:
        small = sorted(Hospital(sensor.data).studies(), key=lambda study: study["n_instances"])[:2]

        def get(uid: str) -> None:
            key = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uid}")
            run_tool("getscu", "-S", *key, "-od", sensor.data.parent, sensor.host, sensor.port)

        get(small[0]["study_uid"])
        worker = sensor.workers[0]
        renderers = [
            pid
            for pid in sensor.descendants()
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != worker
        ]
        assert renderers
        for pid in renderers:
            os.kill(pid, signal.SIGKILL)
        get(small[1]["study_uid"])
        ends = sensor.wait_events("dicom.c-get.end", 2)
        assert [at(event, "dicom.suboperations.failed") for event in ends] == [0, 0]
        assert sensor.workers == [worker]
