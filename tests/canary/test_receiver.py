"""The receiver as a process: each visit of a token's address is an event that names its session."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import struct
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from dicomhawk.canary.dns import zone_of
from dicomhawk.lures.ledger import Ledger, Minted
from dicomhawk.lures.tokens import Minter, canonical, key_of
from dicomhawk.settings import load
from tests.canary.running import Canary
from tests.canary.test_dns import question
from tests.support import at, dicomhawk, run_tool

SEED = "00112233445566778899aabbccddeeff"
DEPLOYMENT = f"""\
[deployment]
seed = "{SEED}"
hospital = "Marlbridge General Hospital"
locale = "en_GB"
ae_title = "MARPACS"
uid_root = "1.2.826.0.1.3680043.9.512.20417"
"""
SESSION = "01KB0ABCDE2ABCDE"
ZONE = "img.example.net"


def _data(folder: Path) -> Path:
    data = folder / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    return data


def minted(data: Path, what: str = "/old/VPN.docx", session: str = SESSION) -> str:
    """A token as a worker of the sensor mints it."""
    settings = load(data=data, environment={})
    now = time.time_ns() // 1000
    token = Minter(key_of(SEED)).mint("file/vpn", session, now)
    with Ledger(settings.lures_file, key_of(SEED)) as ledger:
        row = Minted(canonical(token), "file/vpn", "file", session, "CONNECTION", "192.0.2.9", now, what)
        ledger.add([row])
    return token


def get(port: int, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_a_visit_over_http_names_who_took_the_bait(tmp_path: Path) -> None:
    data = _data(tmp_path)
    first, second = minted(data), minted(data, session="01KB0ABCDF2ABCDE")
    with Canary(data, "--http-port", 0) as canary:
        agent = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
        assert get(canary.http, f"/i/{first}/logo.png", **{"User-Agent": agent}).status == 200
        assert get(canary.http, f"/{second.upper()}/viewer").status == 404
        hits = canary.wait_hits(2)
    by_session = {at(hit, "honeypot.lure.session"): hit for hit in hits}
    assert set(by_session) == {SESSION, "01KB0ABCDF2ABCDE"}
    hit = by_session[SESSION]
    assert at(hit, "honeypot.lure.id") == "file/vpn" and at(hit, "honeypot.lure.kind") == "file"
    assert at(hit, "honeypot.lure.token") == canonical(first)
    assert at(hit, "honeypot.lure.visitor") == "192.0.2.9" and at(hit, "honeypot.lure.what") == "/old/VPN.docx"
    assert at(hit, "honeypot.lure.connection") == "CONNECTION"
    assert at(hit, "honeypot.lure.opener") == "Microsoft Office" and at(hit, "user_agent.original") == agent
    assert at(hit, "source.ip") == "127.0.0.1" and at(hit, "honeypot.lure.same_visitor") is False
    assert at(hit, "honeypot.lure.via") == "http" and at(hit, "network.transport") == "tcp"
    assert at(hit, "event.severity") == 99 and at(hit, "honeypot.lure.taken").endswith("Z")


def test_forged_tokens_are_no_hits_and_answered_alike(tmp_path: Path) -> None:
    data = _data(tmp_path)
    true = minted(data)
    forged = Minter(key_of("ff" * 16)).mint("file/vpn", SESSION, 0)
    with Canary(data, "--http-port", 0) as canary:
        answers = [
            [(name, value) for name, value in get(canary.http, f"/{token}/logo.png").getheaders() if name != "Date"]
            for token in (true, forged, "a" * 40, "")
        ]
        assert all(each == answers[0] for each in answers)
        canary.wait_hits(1)
        assert len(canary.hits()) == 1


def test_without_the_ledger_a_token_still_names_its_session(tmp_path: Path) -> None:
    data = _data(tmp_path)
    token = Minter(key_of(SEED)).mint("url/header", SESSION, time.time_ns() // 1000)
    with Canary(data, "--http-port", 0) as canary:
        get(canary.http, f"/{token}/wado")
        (hit,) = canary.wait_hits(1)
    assert at(hit, "honeypot.lure.session") == SESSION
    assert at(hit, "honeypot.lure.visitor") is None


def test_another_host_answers_with_an_export(tmp_path: Path) -> None:
    data = _data(tmp_path)
    token = minted(data)
    exported = dicomhawk("lures", "export", tmp_path / "export", "--data", data)
    assert exported.returncode == 0, exported.stderr
    text = (tmp_path / "export").read_text()
    assert SEED not in text and canonical(token) in text
    other = tmp_path / "other"
    with Canary(other, "--http-port", 0, "--import", tmp_path / "export") as canary:
        get(canary.http, f"/{token}/logo.gif")
        (hit,) = canary.wait_hits(1)
    assert at(hit, "honeypot.lure.session") == SESSION and at(hit, "honeypot.lure.visitor") == "192.0.2.9"
    assert at(hit, "honeypot.lure.id") == "file/vpn"


def test_a_look_up_is_a_hit(tmp_path: Path) -> None:
    data = _data(tmp_path)
    first, second = minted(data), minted(data)
    flags = ("--http-port", 0, "--dns-port", 0, "--zone", ZONE, "--address", "192.0.2.53")
    with Canary(data, *flags) as canary:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(20)
            udp.sendto(question(f"{first.upper()}.{ZONE}"), ("127.0.0.1", canary.dns))
            assert udp.recv(600).endswith(bytes((192, 0, 2, 53)))
        with socket.create_connection(("127.0.0.1", canary.dns), timeout=20) as tcp:
            sent = question(f"www.{second}.{ZONE}", 28)
            tcp.sendall(struct.pack(">H", len(sent)) + sent)
            assert tcp.recv(600)[2:4] == sent[:2]
        hits = canary.wait_hits(2)
    by_token = {at(hit, "honeypot.lure.token"): hit for hit in hits}
    assert set(by_token) == {canonical(first), canonical(second)}
    hit = by_token[canonical(first)]
    assert at(hit, "dns.question.name") == f"{first.upper()}.{ZONE}" and at(hit, "dns.question.type") == "A"
    assert at(hit, "network.transport") == "udp" and at(hit, "network.protocol") == "dns"
    assert at(by_token[canonical(second)], "network.transport") == "tcp"


def test_dig_is_satisfied(tmp_path: Path) -> None:
    data = _data(tmp_path)
    token = minted(data)
    flags = ("--http-port", 0, "--dns-port", 0, "--zone", ZONE, "--address", "192.0.2.53")
    with Canary(data, *flags) as canary:
        server = ("@127.0.0.1", "-p", canary.dns, "+tries=1", "+time=10")
        assert run_tool("dig", *server, f"{token}.{ZONE}", "+short").output == "192.0.2.53\n"
        assert run_tool("dig", *server, "+tcp", f"{token}.{ZONE}", "+short").output == "192.0.2.53\n"
        soa = run_tool("dig", *server, ZONE, "SOA").output
        drawn = zone_of(ZONE, IPv4Address("192.0.2.53"))
        server_name = f"{drawn.server}.{ZONE}."
        assert f"{server_name} {drawn.contact}.{ZONE}. {drawn.serial}" in soa
        assert "flags: qr aa" in soa and "EDNS: version: 0" in soa
        assert server_name in run_tool("dig", *server, ZONE, "NS", "+short").output
        empty = run_tool("dig", *server, f"deep.{token}.{ZONE}", "AAAA").output
        assert "status: NOERROR" in empty and "ANSWER: 0" in empty
        assert re.search(rf"{ZONE}\.\s+{drawn.ttl}\s+IN\s+SOA", empty)
        assert "status: REFUSED" in run_tool("dig", *server, "example.org").output
        for text in (soa, empty):
            assert not re.search("malformed|extra input|bad packet|trailing", text, re.IGNORECASE)
        assert {at(hit, "dns.question.type") for hit in canary.wait_hits(2)} == {"A", "TYPE28"}


def test_bad_visitors_do_not_stop_it(tmp_path: Path) -> None:
    data = _data(tmp_path)
    token = minted(data)
    with Canary(data, "--http-port", 0) as canary:

        async def rude(data: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", canary.http)
            writer.write(data)
            try:
                return await asyncio.wait_for(reader.read(), 20)
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

        async def all_of_them() -> list[bytes]:
            requests = [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 200_000,
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"\r\n\r\n\0\0\0",
            ]
            return await asyncio.gather(*map(rude, requests))

        answers = asyncio.run(all_of_them())
        assert all(not each or each.startswith(b"HTTP/1.1 4") for each in answers), answers
        silent = [socket.create_connection(("127.0.0.1", canary.http)) for _ in range(100)]
        get(canary.http, f"/{token}/logo.gif")
        canary.wait_hits(1)
        for each in silent:
            each.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "There is nothing to answer for"),
        (("--import", "/nonexistent"), "/nonexistent can't be read: No such file or directory."),
        (("--import", __file__), "is not an export of `dicomhawk lures export`."),
        (("--address", "1.2.3.400"), "is not an IPv4 address"),
        (("--zone", "not a zone"), "lures.canary_zone"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = dicomhawk("canary", "--data", tmp_path / "data", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_dns_without_a_zone_is_wrong(tmp_path: Path) -> None:
    done = dicomhawk("canary", "--data", _data(tmp_path), "--dns-port", 0)
    assert done.returncode == 2 and "DNS needs lures.canary_zone" in done.stderr


def test_a_port_that_is_taken_is_wrong(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = dicomhawk("canary", "--data", _data(tmp_path), "--http-port", taken.getsockname()[1])
    assert done.returncode == 2 and "can't be opened: Address already in use." in done.stderr


def test_its_help_says_what_it_is() -> None:
    done = dicomhawk("canary", "--help")
    assert done.returncode == 0 and "lure.hit" in done.stdout and "--import" in done.stdout
