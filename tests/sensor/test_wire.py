"""What a peer sees of a measured persona beside the bytes: how they come, how it closes, who waits for whom."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomhawk.upperlayer import pdu
from tests.sensor.proxy import new_address
from tests.sensor.raw import MOMENT, connect, ending, receive, receive_pdu, silent
from tests.support import Sensor
from tests.upperlayer.playbook import ECHO, IMPLICIT, RELEASE_RQ, VERIFICATION, abort, request

RQ = pdu.encode(request((1, VERIFICATION, (IMPLICIT,))))
"""Calls an AE title that the sensor is given."""
AB_00, AB_22 = abort(0, 0), abort(2, 2)


@pytest.fixture(scope="module", params=["orthanc", "dcmqrscp"])
def persona(request: pytest.FixtureRequest) -> str:
    """The measured personas."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def product(persona: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor that is one of them, with two workers."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp(persona) / "data"))
    with Sensor(data, flags=("--persona", persona, "--ae-title", "CALLED", "--remote", "CALLING")) as running:
        yield running


@contextlib.contextmanager
def associate(sensor: Sensor, ip: str) -> Iterator[socket.socket]:
    """An association, accepted."""
    with connect(sensor, ip) as sock:
        sock.sendall(RQ)
        assert receive_pdu(sock)[0] == pdu.AC
        yield sock


def test_the_headers_of_a_response_come_apart(product: Sensor) -> None:
    with associate(product, new_address()) as sock:
        apart = 0
        for _ in range(10):
            sock.sendall(ECHO)
            first = sock.recv(65536)
            rest = receive(sock, 6 + int.from_bytes(first[2:6], "big") - len(first))
            assert len(first + rest) == 90
            apart += len(first) == 12
        assert apart >= 8  # a busy machine may read late


def test_unread_input_makes_it_a_reset(product: Sensor) -> None:
    with connect(product, new_address()) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert ending(sock) == (b"", "rst")
    with associate(product, new_address()) as sock:
        sock.sendall(RQ)
        assert ending(sock) == (AB_22, "rst")


def test_an_abort_by_the_user_is_followed_by_another_look(product: Sensor) -> None:
    with associate(product, new_address()) as sock:
        sock.sendall(struct.pack(">BBL", 8, 0, 0))
        assert receive_pdu(sock) == AB_00
        assert silent(sock)
        sock.sendall(struct.pack(">BBL", 8, 0, 0) + b"x")
        assert ending(sock) in ((AB_22, "rst"), (b"", "rst"))


def test_a_release_is_not_followed_by_the_end(product: Sensor) -> None:
    with associate(product, new_address()) as sock:
        sock.sendall(RELEASE_RQ)
        assert receive_pdu(sock)[0] == pdu.RELEASE_RP
        assert silent(sock)
        sock.shutdown(socket.SHUT_WR)
        assert ending(sock) == (b"", "fin")


def test_a_silent_connection_holds_up_its_own_visitor_only(product: Sensor) -> None:
    slow, other = new_address(), new_address()
    with connect(product, slow) as silence, contextlib.ExitStack() as stack:
        time.sleep(MOMENT)  # it must be there first, whichever worker it meets
        waiting = [stack.enter_context(connect(product, slow)) for _ in range(6)]
        for sock in waiting:
            sock.sendall(RQ + ECHO)
        assert all(map(silent, waiting[:2]))
        with associate(product, other):
            pass
        silence.close()
        for sock in waiting:
            assert receive_pdu(sock)[0] == pdu.AC
            sock.close()


def test_more_associations_than_are_served(product: Sensor, persona: str) -> None:
    ip = new_address()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(associate(product, ip)) for _ in range(16)]
        with connect(product, ip) as late:
            late.sendall(RQ + ECHO)
            answer = receive_pdu(late)
            if persona == "dcmqrscp":
                assert answer == bytes.fromhex("03000000000400020302")
                assert ending(late)[1] == "rst"  # the echo is unread
            else:
                assert answer[0] == pdu.AC
                assert silent(late)  # four at a time, and each waits a second for a command
                assert receive_pdu(late)[0] == pdu.P_DATA
        assert len(idle) == 16
    with associate(product, new_address()):
        pass
