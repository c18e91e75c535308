"""Queries drawn at random, for the real product and for the persona: the same responses come back, byte for byte."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from struct import pack, unpack_from

import pytest

from tests.realism.objects import write
from tests.realism.queries import Query, draw, element
from tests.realism.support import MEASURED, require_probes, require_product
from tests.support import run_tool

QUICK, LONG = 25, 600
"""Queries: in `make test`, and in `make soak`."""
PATIENTS = 10
STORED_AT_ONCE = 40
ANSWER_SECONDS = 10.0
IMPLICIT = b"1.2.840.10008.1.2"
MODELS = (b"1.2.840.10008.5.1.4.1.2.2.1", b"1.2.840.10008.5.1.4.1.2.1.1")
"""Study Root and Patient Root FIND."""
PENDING = 0xFF00
LIMIT = 2000
"""Responses to one query; there are fewer objects."""

Response = tuple[int | str, bytes]
"""A status, or what came instead, and the identifier."""


class Association:
    """An association for queries in both information models."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = pack(">HH16s16s32x", 1, 0, b"ORTHANC".ljust(16), b"PROBE".ljust(16)) + _item(
            0x10, b"1.2.840.10008.3.1.1.1"
        )
        for number, model in enumerate(MODELS):
            syntaxes = _item(0x30, model) + _item(0x40, IMPLICIT)
            body += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + syntaxes)
        body += _item(0x50, _item(0x51, pack(">I", 16384)) + _item(0x52, b"1.2.3.4"))
        self._socket.sendall(pack(">BBI", 1, 0, len(body)) + body)
        pdu, _ = self._pdu()
        assert pdu == 2, "the association was not accepted"

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def find(self, query: Query) -> list[Response]:
        """All responses to a query."""
        command = element(0x00000002, MODELS[query.patient_root]) + element(0x00000100, pack("<H", 0x20))
        command += element(0x00000110, pack("<H", 1)) + element(0x00000700, bytes(2))
        command += element(0x00000800, pack("<H", 1))
        command = element(0x00000000, pack("<I", len(command))) + command
        context = 2 * query.patient_root + 1
        pdvs = (
            pack(">IBB", len(data) + 2, context, control) + data
            for control, data in ((3, command), (2, query.identifier))
        )
        self._socket.sendall(b"".join(pack(">BBI", 4, 0, len(pdv)) + pdv for pdv in pdvs))
        found: list[Response] = []
        while len(found) < LIMIT:
            try:
                found.append(self._message())
            except (OSError, EOFError):
                found.append(("closed", b""))
            if found[-1][0] != PENDING:
                break
        return found

    def _message(self) -> Response:
        command, data, status = b"", b"", 0
        while True:
            pdu, body = self._pdu()
            if pdu == 7:
                return "abort", body[2:4]
            while body:
                (length, _, control), fragment = unpack_from(">IBB", body), body[6:]
                fragment, body = body[6 : 4 + length], body[4 + length :]
                if not control & 1:
                    data += fragment
                    if control & 2:
                        return status, data
                    continue
                command += fragment
                if control & 2:
                    at = command.index(b"\0\0\0\x09\x02\0\0\0")
                    (status,) = unpack_from("<H", command, at + 8)
                    if b"\0\0\0\x08\x02\0\0\0\x01\x01" in command:
                        return status, b""

    def _pdu(self) -> tuple[int, bytes]:
        pdu, length = unpack_from(">BxI", self._exactly(6))
        return pdu, self._exactly(length)

    def _exactly(self, number: int) -> bytes:
        found = b""
        while len(found) < number:
            received = self._socket.recv(number - len(found))
            if not received:
                raise EOFError
            found += received
        return found


def _item(item_type: int, value: bytes) -> bytes:
    return pack(">BBH", item_type, 0, len(value)) + value


def store(port: int, files: Sequence[Path]) -> None:
    """Store the files, in their order."""
    for first in range(0, len(files), STORED_AT_ONCE):
        some = files[first : first + STORED_AT_ONCE]
        run_tool("storescu", "-R", "-aet", "PROBE", "-aec", "ORTHANC", "127.0.0.1", port, *some)


def ask(port: int, query: Query) -> list[Response]:
    """The responses on an association of its own: dcmqrscp remembers something from one query to the next."""
    association = Association(port)
    try:
        return association.find(query)
    finally:
        association.close()


def compare(name: str, seed: int, count: int, folder: Path) -> None:
    """Store the same in the product and in ours, and ask both the same, `count` times."""
    from realism_servers import Ours, free_port, real

    source = random.Random(seed)
    (folder / "objects").mkdir()
    files = write(folder / "objects", source, PATIENTS)
    responses = 0
    with real(name, require_probes(), free_port()) as theirs, Ours(name, folder / "ours") as ours:
        for port in (theirs, ours.port):
            store(port, files)
        for number in range(count):
            query = draw(source, PATIENTS)
            expected = ask(theirs, query)
            assert ask(ours.port, query) == expected, f"query {number} of seed {seed}: {query.words}"
            responses += len(expected)
        assert not ours.trouble()
    assert responses > count, "many queries should find something"


@pytest.mark.parametrize("name", MEASURED)
def test_the_persona_answers_queries_as_the_product_does(name: str, tmp_path: Path) -> None:
    require_product(name)
    require_probes()
    compare(name, 4, QUICK, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", MEASURED)
def test_the_persona_answers_whatever_query_as_the_product_does(name: str, tmp_path: Path) -> None:
    require_product(name)
    require_probes()
    seed = int(os.environ.get("SEED") or time.time())
    compare(name, seed, LONG, tmp_path)
