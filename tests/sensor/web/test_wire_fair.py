"""One visitor's input takes no more than a turn at a time, and nobody keeps others out by being slow."""

from __future__ import annotations

import hashlib
import socket
import threading
from pathlib import Path
from typing import Any, cast

from dicomhawk.sensor.web.door import LOOKED_AT, Door
from dicomhawk.sensor.web.message import Request, Response
from dicomhawk.sensor.web.wire.framing import MANY, SLICE
from dicomhawk.sensor.web.wire.inbound import BodyReceived, HeadReceived, Inbound
from tests.sensor.web.playbook import NEUTRAL, PORT, request
from tests.sensor.web.served import receive_all, served

CHUNKS = 60_000
CHUNK = b"1\r\na\r\n"


async def digest(asked: Request) -> Response:
    """The hash of the body."""
    found = hashlib.sha256()
    async for piece in asked.body:
        found.update(piece)
    return Response(200, [("Content-Type", "text/plain")], found.hexdigest().encode())


def test_chunks_of_a_byte_are_read_some_at_a_time() -> None:
    inbound = Inbound(NEUTRAL, PORT, 0.0)
    inbound.feed(request(b"POST /x HTTP/1.1", b"Transfer-Encoding: chunked", body=CHUNK * 20_000), 0.0)
    assert isinstance(inbound.poll(0.0), HeadReceived)
    size = 0
    while (found := inbound.poll(0.0)) is not None:
        assert isinstance(found, BodyReceived)
        assert len(found.pieces) < MANY + SLICE // len(CHUNK) + 1
        size += len(found.pieces)
    assert size == 20_000


def test_others_are_answered_while_chunks_of_a_byte_come(tmp_path: Path) -> None:
    with served(tmp_path / "data", digest) as door:
        answers: list[bytes] = []

        def send() -> None:
            with socket.create_connection(("127.0.0.1", door.port)) as sock:
                head = request(b"POST /x HTTP/1.1", b"Connection: close", b"Transfer-Encoding: chunked")
                sock.sendall(head + CHUNK * CHUNKS + b"0\r\n\r\n")
                sock.shutdown(socket.SHUT_WR)
                answers.append(receive_all(sock))

        sender = threading.Thread(target=send)
        sender.start()
        meanwhile = 0
        with socket.create_connection(("127.0.0.1", door.port)) as sock:
            while sender.is_alive():
                sock.sendall(request())
                assert sock.recv(65536).startswith(b"HTTP/1.1 200")
                meanwhile += 1
        sender.join()
        assert answers[0].endswith(hashlib.sha256(b"a" * CHUNKS).hexdigest().encode())
        assert meanwhile > 10


def test_connections_that_are_served_do_not_hide_those_that_wait() -> None:
    door = cast(Any, Door.__new__(Door))
    door.connections, door.capacity = {}, 2 * LOOKED_AT
    gone: list[int] = []

    class One:
        def __init__(self, number: int) -> None:
            self.number, self.is_waiting = number, number >= LOOKED_AT

        def give_way(self) -> None:
            gone.append(self.number)
            door.connections.pop(self)

    for number in range(2 * LOOKED_AT):
        assert door.admit(One(number))
    assert [door.admit(One(1000 + number)) for number in range(2)] == [False, True]
    assert gone == [LOOKED_AT]
