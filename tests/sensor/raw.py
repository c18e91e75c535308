"""Bytes over a socket, for what no decent client says; the PDUs are those of real tools."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from tests.sensor.proxy import split_pdus
from tests.support import Sensor
from tests.upperlayer.golden import GOLDEN

PATIENCE = 20.0
"""Seconds: longer than anything takes here; only a failure waits so long."""
MOMENT = 0.3
"""Seconds in which nothing is to come."""
RQ, ECHO_RQ, RELEASE_RQ = (data for way, data in GOLDEN["echoscu"].turns if way == ">")
ABORT = bytes.fromhex("07000000000400000000")
FIND_RQ = GOLDEN["findscu"].turns[0][1]
GET_RQ = GOLDEN["getscu"].turns[0][1]
STORE_RQ, STORE_COMMAND, STORE_DATA = (data for way, data in GOLDEN["storescu"].turns[:4] if way == ">")


@contextlib.contextmanager
def connect(sensor: Sensor, ip: str = "", *, buffer: int = 0) -> Iterator[socket.socket]:
    """A connection from an address; `buffer`: bytes that its receive buffer holds."""
    sock = socket.socket()
    try:
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(PATIENCE)
        if ip:
            sock.bind((ip, 0))
        sock.connect(sensor.address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock
    finally:
        sock.close()


def receive_pdu(sock: socket.socket) -> bytes:
    """The next PDU; what there is if the connection ends before."""
    header = receive(sock, 6)
    if len(header) < 6:
        return header
    return header + receive(sock, int.from_bytes(header[2:], "big"))


def receive(sock: socket.socket, size: int) -> bytes:
    """So many bytes; fewer if the connection ends before."""
    found = bytearray()
    while len(found) < size:
        data = sock.recv(size - len(found))
        if not data:
            break
        found += data
    return bytes(found)


def receive_all(sock: socket.socket) -> bytes:
    """Everything until the sensor closes or resets."""
    return ending(sock)[0]


def ending(sock: socket.socket) -> tuple[bytes, str]:
    """Everything until the sensor closes or resets, and which of both it is: "fin" or "rst"."""
    found = bytearray()
    try:
        while data := sock.recv(65536):
            found += data
    except ConnectionResetError:
        return bytes(found), "rst"
    return bytes(found), "fin"


def silent(sock: socket.socket, seconds: float = MOMENT) -> bool:
    """Whether nothing comes for so long, not even an end."""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE)
    return False


def say(sensor: Sensor, data: bytes, ip: str) -> list[bytes]:
    """Send bytes and no more; the PDUs that answer them."""
    with connect(sensor, ip) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return split_pdus(receive_all(sock))


def echoes(sensor: Sensor, ip: str = "") -> bool:
    """Whether a whole association with a C-ECHO goes well."""
    with connect(sensor, ip) as sock:
        kinds = []
        for pdu in (RQ, ECHO_RQ, RELEASE_RQ):
            sock.sendall(pdu)
            kinds.append(receive_pdu(sock)[:1])
        return kinds == [b"\2", b"\4", b"\6"]


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def item(kind: int, data: bytes) -> bytes:
    """An item or sub-item (PS3.8 9.3.2)."""
    return struct.pack(">BxH", kind, len(data)) + data


def pdu(kind: int, body: bytes) -> bytes:
    """A PDU (PS3.8 9.3.1)."""
    return struct.pack(">BxI", kind, len(body)) + body
