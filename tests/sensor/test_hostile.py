"""Hostile input over real sockets: every byte is answered or refused, nothing stops a worker, nothing piles up."""

from __future__ import annotations

import itertools
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fuzzing import mutated_inputs, pieces
from tests.sensor.wire import ASSOCIATE, Wire, echo
from tests.support import Sensor, at, open_descriptors, resident_kib, wait_until

Start = Callable[..., Sensor]
INPUTS = 1500
IDLE = 1000
OWN_DESCRIPTORS = 2


@pytest.fixture
def tried(start: Start) -> Iterator[Sensor]:
    """A sensor that must be the same after what is done to it as before: same workers, no open files left."""
    with start(workers=2) as sensor:
        for _ in range(50):  # caches and spools are there
            with Wire(sensor.address) as wire:
                wire.associate().echo()
        workers = sensor.workers
        quiet(sensor)
        descriptors = {pid: open_descriptors(pid) for pid in workers}
        yield sensor
        with Wire(sensor.address) as wire:
            wire.associate().echo()
        assert sensor.workers == workers
        quiet(sensor)
        for pid in workers:
            wait_until(
                lambda pid=pid: open_descriptors(pid) <= descriptors[pid] + OWN_DESCRIPTORS,  # type: ignore[misc]
                f"closed files ({[os.readlink(f'/proc/{pid}/fd/{fd}') for fd in os.listdir(f'/proc/{pid}/fd')]})",
            )


def quiet(sensor: Sensor) -> None:
    """Wait until all connections have ended."""

    def even() -> bool:
        opened = len(sensor.events(event__action="connection.open"))
        return opened == len(sensor.events(event__action="connection.close"))

    wait_until(even, "end of all connections", 60)


def throw(address: tuple[str, int], data: bytes, seed: int) -> None:
    """Send it as some reads, look at whatever comes back for a moment, and go."""
    rng = random.Random(seed)
    try:
        with socket.create_connection(address, 10) as sock:
            sock.settimeout(0.05)
            for piece in pieces(rng, data):
                sock.sendall(piece)
            try:
                while sock.recv(65536):
                    pass
            except TimeoutError:
                pass
            if rng.random() < 0.3:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset
    except OSError:
        pass  # it was reset, which is an answer


def test_mutated_conversations_stop_nobody(tried: Sensor) -> None:
    inputs = list(itertools.islice(mutated_inputs(20261122, directions=">"), INPUTS))
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda item: throw(tried.address, item[1].data, item[0]), enumerate(inputs)))
    quiet(tried)
    closes = tried.events(event__action="connection.close")
    assert len(closes) >= INPUTS
    sent = sum(at(event, "source.bytes") for event in closes)
    assert sent > 0.5 * sum(len(item.data) for item in inputs)
    actions = {event["event"]["action"] for event in tried.events()}
    assert {"dicom.violation", "dicom.association", "protocol.unknown"} <= actions


def test_a_request_byte_by_byte_is_answered(tried: Sensor) -> None:
    with Wire(tried.address) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data in (ASSOCIATE, echo(3)):
            for byte in data:
                wire.send(bytes((byte,)))
            assert wire.receive()[:1] in (b"\x02", b"\x04")


def test_everything_in_one_segment_is_answered(tried: Sensor) -> None:
    with Wire(tried.address) as wire:
        wire.send(ASSOCIATE + echo(1) + echo(2) + b"\x05\0\0\0\0\4\0\0\0\0")
        assert [wire.receive()[0] for _ in range(4)] == [2, 4, 4, 6]


def test_who_never_reads_is_not_served_without_end(tried: Sensor) -> None:
    """Answers that nobody takes must not pile up in our memory."""
    workers = tried.workers
    before = sum(map(resident_kib, workers))
    with Wire(tried.address) as wire:
        wire.associate()
        wire.socket.settimeout(1)
        request = echo(5) * 1000
        sent = 0
        try:
            while sent < 256 << 20:
                sent += wire.socket.send(request)
        except TimeoutError:
            pass
        assert sent < 256 << 20, "all of it was read, so the answers are somewhere"
        assert sum(map(resident_kib, workers)) - before < 64 << 10


def test_a_thousand_idle_associations_leave_room(tried: Sensor) -> None:
    held = [Wire(tried.address).associate() for _ in range(IDLE)]
    with Wire(tried.address) as wire:
        wire.associate().echo()
    for wire in held[:: IDLE // 50]:
        wire.echo()
    for wire in held:
        wire.socket.close()


def test_lengths_beyond_all_bounds_are_refused_at_once(tried: Sensor) -> None:
    """A claim of 4 GiB is not waited for, and not allocated."""
    for head in (b"\x01\0", b"\x02\0", b"\x04\0"):
        with Wire(tried.address) as wire:
            wire.send(head + b"\xff\xff\xff\xff" + b"x" * 100)
            assert wire.receive()[:1] in (b"\x07", b"")
    with Wire(tried.address) as wire:
        wire.associate()
        wire.send(b"\x04\0\xff\xff\xff\xff" + bytes(100))
        assert wire.receive()[:1] == b"\x07"


def test_openings_of_other_protocols_are_named(tried: Sensor) -> None:
    openings = {
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": "http",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32): "tls",
        b"SSH-2.0-Go\r\n": "ssh",
        b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00": "rdp",
        b"\x00\x00\x00\x54\xffSMB\x72" + bytes(40): "smb",
        b"OPTIONS sip:nm SIP/2.0\r\n\r\n": "sip",
        b"\r\n\r\n": "text",
        os.urandom(3) + b"\xff" * 20: "unknown",
    }
    for opening in openings:
        with socket.create_connection(tried.address, 10) as sock:
            sock.sendall(opening)
            time.sleep(0.05)
    found = tried.wait_events("protocol.unknown", len(openings))
    guesses = {bytes.fromhex(at(event, "honeypot.first_bytes")): at(event, "honeypot.protocol") for event in found}
    assert guesses == openings
