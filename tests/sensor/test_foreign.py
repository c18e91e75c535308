"""What comes to a DICOM port and isn't DICOM: a guess of what it is, and its first bytes."""

from __future__ import annotations

import random
import socket
import ssl

import pytest

from tests.sensor.proxy import new_address
from tests.sensor.raw import connect, echoes, receive_all
from tests.support import Sensor, actions, at

OPENINGS: dict[str, tuple[str, bytes]] = {
    "HTTP GET": ("http", b"GET / HTTP/1.1\r\nHost: 192.0.2.1:104\r\nUser-Agent: zgrab/0.x\r\n\r\n"),
    "HTTP POST": ("http", b"POST /boaform/admin/formLogin HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b"),
    "HTTP of nmap": ("http", b"OPTIONS / HTTP/1.0\r\n\r\n"),
    "HTTP/2": ("http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "RTSP": ("rtsp", b"OPTIONS / RTSP/1.0\r\n\r\n"),
    "SIP": ("sip", b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm;branch=foo\r\n\r\n"),
    "SSH": ("ssh", b"SSH-2.0-Go\r\n"),
    "RDP": ("rdp", b"\3\0\0*%\xe0\0\0\0\0\0Cookie: mstshash=nmap\r\n\1\0\x08\0\3\0\0\0"),
    "SMB1": ("smb", bytes.fromhex("00000085ff534d4272000000001853c8") + bytes(117)),
    "SMB2": ("smb", bytes.fromhex("00000040fe534d4240000000") + bytes(56)),
    "redis": ("redis", b"*1\r\n$4\r\nINFO\r\n"),
    "MQTT": ("mqtt", bytes.fromhex("101000044d5154540402001e00046e6d6170")),
    "LDAP": ("ldap", bytes.fromhex("300c020101600702010304008000")),
    "SOCKS5": ("socks", b"\x05\x01\x00"),
    "SOCKS4": ("socks", bytes.fromhex("04010050c000020100")),
    "Java RMI": ("java-rmi", b"JRMI\0\2K"),
    "MongoDB": ("mongodb", bytes.fromhex("3a000000a741000000000000d40700000000000061646d696e2e24636d6400")),
    "HL7": ("hl7-mllp", b"\x0bMSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.3\r\x1c\r"),
    "blank lines": ("text", b"\r\n\r\n"),
    "help": ("text", b"HELP\r\n"),
    "lpd": ("unknown", b"\x01default\n"),
    "one byte": ("unknown", b"\x00"),
    "zeros": ("unknown", bytes(300)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPENINGS)
def test_openings(sensor: Sensor, name: str) -> None:
    guess, data = OPENINGS[name]
    ip = new_address()
    with connect(sensor, ip) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = receive_all(sock)
    assert answer in (b"", bytes.fromhex("07000000000400000000"))
    close = sensor.wait_event("connection.close", source__ip=ip)
    assert at(close, "source.bytes") == len(data)
    (event,) = sensor.events(source__ip=ip, event__action="protocol.unknown")
    assert at(event, "honeypot.protocol") == guess
    assert bytes.fromhex(at(event, "honeypot.first_bytes")) == data[:256]
    if name == "HTTP GET":
        assert at(event, "honeypot.first_line") == "GET / HTTP/1.1"


def test_a_real_tls_client(sensor: Sensor) -> None:
    ip = new_address()
    context = ssl.create_default_context()
    with connect(sensor, ip) as sock, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(sock, server_hostname="pacs.example")
    event = sensor.wait_event("protocol.unknown", source__ip=ip)
    assert at(event, "honeypot.protocol") == "tls"


def test_an_opening_in_pieces(sensor: Sensor) -> None:
    ip = new_address()
    with connect(sensor, ip) as sock:
        for piece in (b"S", b"S", b"H-2", b".0-OpenSSH_9.2p1\r\n"):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        receive_all(sock)
    assert at(sensor.wait_event("protocol.unknown", source__ip=ip), "honeypot.protocol") == "ssh"


def test_a_connection_that_says_nothing(sensor: Sensor) -> None:
    ip = new_address()
    with connect(sensor, ip) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert receive_all(sock) == b""
    sensor.wait_event("connection.close", source__ip=ip)
    assert actions(sensor.events(source__ip=ip)) == ["session.start", "connection.open", "connection.close"]


def test_random_bytes(sensor: Sensor) -> None:
    draw = random.Random(2)
    ip = new_address()
    openings = [
        bytes([draw.choice((0, *range(8, 256)))]) + draw.randbytes(draw.randrange(6, 600)) for _ in range(200)
    ]
    for data in openings:
        with connect(sensor, ip) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            receive_all(sock)
    sensor.wait_events("connection.close", len(openings), source__ip=ip)
    events = sensor.events(source__ip=ip, event__action="protocol.unknown")
    seen = [bytes.fromhex(at(event, "honeypot.first_bytes")) for event in events]
    assert sorted(seen) == sorted(data[:256] for data in openings)
    assert echoes(sensor)
