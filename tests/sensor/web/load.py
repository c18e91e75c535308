"""A web door under load: a crowd of visitors, while other visitors use the DICOM door."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

from tests.sensor.oracle import Hospital
from tests.sensor.web.crowd import Account, Portal, Visit, crowd, dicomweb, orthanc
from tests.support import Sensor, find_tool

TICKS = os.sysconf("SC_CLK_TCK")
DIMSE = ("echo", "find", "get")


def small_studies(data: Path, modalities: Sequence[str], each: int) -> list[str]:
    """Study Instance UIDs of the `each` smallest studies with each of these modalities."""
    every = Hospital(data).studies()
    found: dict[str, None] = {}
    for modality in modalities:
        fitting = [study for study in every if modality in (study["modalities"] or "").split(",")]
        ordered = sorted(fitting, key=lambda study: (study["n_instances"], study["study_key"]))
        found |= dict.fromkeys(str(study["study_uid"]) for study in ordered[:each])
    return list(found)


def visits(data: Path, persona: str, studies: Sequence[str], count: int) -> list[Visit]:
    """`count` visitors of the persona's faces, who look at these studies."""
    if persona == "orthanc":
        return [functools.partial(orthanc, studies=studies)] * count
    portal, viewer = Portal(data, studies, persona), functools.partial(dicomweb, studies=studies)
    return [viewer if number % 4 == 3 else portal.visit for number in range(count)]


def looked_at(sensor: Sensor, persona: str, studies: Sequence[str]) -> Account:
    """One visitor of each face has seen each study, so that its images are made; an image is made only once."""
    single = [visits(sensor.data, persona, [study], 4)[number] for study in studies for number in (0, 3)]
    return run(sensor, single, seconds=0, pause=(0, 0))


def run(sensor: Sensor, every: Sequence[Visit], *, seconds: float, pause: tuple[float, float]) -> Account:
    """A crowd at the sensor's web door; see `crowd`."""
    return uvloop.run(crowd(sensor.web_port, every, seconds=seconds, pause=pause))


@contextmanager
def dimse(sensor: Sensor, study: str) -> Iterator[dict[str, list[int]]]:
    """DCMTK asks again and again as long as the block lasts: exit statuses by what was asked."""
    told: dict[str, list[int]] = {name: [] for name in DIMSE}
    ended = threading.Event()
    door = (sensor.host, str(sensor.port))
    known = str(Hospital(sensor.data).workstation()["ae_title"])
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "echo": [find_tool("echoscu"), "--repeat", "20", *door],
            "find": [find_tool("findscu"), "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName", *door],
            "get": [find_tool("getscu"), "-S", "-aet", known, "-od", folder, "-k", "QueryRetrieveLevel=STUDY"],
        }
        commands["get"] += ["-k", f"StudyInstanceUID={study}", *door]

        def again_and_again(name: str) -> None:
            while not ended.is_set():
                done = subprocess.run(
                    commands[name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                told[name].append(done.returncode)

        threads = [threading.Thread(target=again_and_again, args=(name,)) for name in DIMSE]
        for thread in threads:
            thread.start()
        try:
            yield told
        finally:
            ended.set()
            for thread in threads:
                thread.join(100)


class Cpu:
    """CPU time from here on: the sensor's, and what others on this machine have taken."""

    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor
        self._before = self._read()

    def _read(self) -> tuple[float, float, float]:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        numbers = [int(word) / TICKS for word in words]
        busy, every = sum(numbers[:3]) + sum(numbers[5:8]), sum(numbers[:8])
        ours = sum(os.times()[:4])
        for pid in [self._sensor.pid, *self._sensor.descendants()]:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ours += sum(int(word) / TICKS for word in stat[11:13])
        return busy, every, ours

    def others(self) -> float:
        """The part of the machine's CPU time that neither the sensor nor this process and its children took."""
        busy, every, ours = (after - before for after, before in zip(self._read(), self._before, strict=True))
        return max(0.0, busy - ours) / every


async def _hold(port: int, count: int, heads: Sequence[bytes], ended: asyncio.Event, ready: threading.Event) -> int:
    """`count` connections that never finish a request; returns how many were there at the end."""
    held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for number in range(count):
        source = (f"127.9.{number // 200}.{number % 200 + 2}", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
        writer.write(heads[number % len(heads)])
        held.append((reader, writer))
    ready.set()
    while not ended.is_set():
        for number, (_, writer) in enumerate(held):
            if not writer.is_closing() and heads[number % len(heads)].endswith(b": b\r\n"):
                writer.write(b"X-a: b\r\n")
        try:
            async with asyncio.timeout(1):
                await ended.wait()
        except TimeoutError:
            continue
    alive = sum(not reader.at_eof() and not writer.is_closing() for reader, writer in held)
    for _, writer in held:
        writer.transport.abort()
    return alive


class Loris:
    """Slow clients of a web door: silent ones, ones in the middle of a request's head, and ones in a body."""

    HEADS = (
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-a: b\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\na",
    )

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count
        self._ready = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._error: BaseException | None = None
        self.alive = 0

    def _run(self) -> None:
        try:
            self.alive = self._loop.run_until_complete(
                _hold(self._port, self._count, self.HEADS, self._ended, self._ready)
            )
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()
            self._loop.close()

    def __enter__(self) -> Loris:
        self._thread.start()
        self._ready.wait(300)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(60)
        assert self._error is None, self._error
