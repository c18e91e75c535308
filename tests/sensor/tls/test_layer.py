"""TLS between a transport and a protocol, with clients that we did not write."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop
from cryptography import x509

from dicomhawk.persona.model import load, shipped
from dicomhawk.persona.model.tls import Tls
from dicomhawk.sensor.addresses import Ends
from dicomhawk.sensor.tls import certificate
from dicomhawk.sensor.tls.layer import Handshake, Layer
from dicomhawk.settings import Deployment, Settings, SettingsError
from tests.sensor.tls.test_hello import client_hello
from tests.support import find_tool, wait_until

DEPLOYMENT = Deployment(
    seed="5ee0d1c0a7b94e6f8a31f2d4c6b80917", hospital="Ashcombe General Hospital", locale="en_GB", ae_title="ASHPACS",
    uid_root="1.2.826.0.1.3680043.9.511.20417",
)  # fmt: skip
NOW = datetime(2026, 11, 2, tzinfo=UTC)
PLAIN = b"HTTP/1.1 400 Bad Request\r\n\r\n"


class Upper(asyncio.Protocol):
    """Answers in capitals; says what happens to it."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log
        self.pausing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.log.append(transport.get_extra_info("tls"))

    def data_received(self, data: bytes) -> None:
        assert not self.pausing, "it came although the reading is paused"
        if data.startswith(b"pause"):
            self.pausing = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(0.1, self.go_on)
        self.transport.writelines([data.upper(), b"."])
        if data.endswith(b"bye"):
            self.transport.close()

    def go_on(self) -> None:
        self.pausing = False
        self.transport.resume_reading()

    def eof_received(self) -> bool:
        self.log.append("eof")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.log.append("lost")


class Server:
    """A loop in a thread, with one port."""

    def __init__(self, context: ssl.SSLContext, *, patience: float = 30.0, most: int = 8) -> None:
        self.log: list[Any] = []
        self.failures: list[Handshake] = []
        self.pending: dict[Layer, None] = {}
        self.loop = uvloop.new_event_loop()
        make: Callable[[], Layer] = lambda: Layer(  # noqa: E731
            context, lambda: Upper(self.log), self.failed, patience, self.pending, most
        )
        self.server = self.loop.run_until_complete(self.loop.create_server(make, "127.0.0.1", 0))
        self.address = self.server.sockets[0].getsockname()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def failed(self, ends: Ends, handshake: Handshake) -> bytes:
        self.failures.append(handshake)
        return PLAIN

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.server.close()
        self.loop.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("tls"))
    certificate.prepare(settings, DEPLOYMENT, Tls(), NOW)
    return settings


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    running = Server(certificate.context(settings, Tls(), protocols=("http/1.1",)))
    yield running
    running.stop()


def client(server: Server, **how: Any) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in how.items():
        setattr(context, name, value)
    context.set_alpn_protocols(["http/1.1"])
    sock = socket.create_connection(server.address, 20)
    return context.wrap_socket(sock, server_hostname="pacs.example.org")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_bytes_both_ways(server: Server, version: str) -> None:
    with client(server, maximum_version=getattr(ssl.TLSVersion, version)) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"HELLO."
        sock.sendall(b"a" * 300_000 + b"bye")
        got = b""
        while data := sock.recv(65536):
            got += data
    assert got.replace(b".", b"") == b"A" * 300_000 + b"BYE"
    agreed = server.log[0]
    assert (agreed.version, agreed.protocol) == (version.replace("_", "."), "http/1.1")
    assert agreed.hello.server_name == "pacs.example.org"
    wait_until(lambda: "lost" in server.log, "end")
    assert not server.failures
    assert not server.pending


def test_a_protocol_that_pauses_gets_nothing_meanwhile(server: Server) -> None:
    with client(server) as sock:
        sock.sendall(b"pause" + b"x" * 200_000 + b"bye")
        got = b""
        while data := sock.recv(65536):
            got += data
    assert got.replace(b".", b"") == b"PAUSE" + b"X" * 200_000 + b"BYE"


def test_the_end_by_close_notify_is_an_end_of_input(server: Server) -> None:
    with client(server) as sock:
        sock.sendall(b"hello")
        sock.recv(100)
        with contextlib.suppress(OSError):
            sock.unwrap()
        wait_until(lambda: "lost" in server.log, "end")
    assert server.log.count("eof") == 1


def test_openssl_agrees(server: Server) -> None:
    done = subprocess.run(
        [find_tool("openssl"), "s_client", "-connect", "{}:{}".format(*server.address), "-ign_eof"],
        input=b"bye", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert b"BYE." in done.stdout
    assert b"CN = " in done.stdout or b"CN=" in done.stdout


def test_what_is_no_tls_is_answered_in_the_clear(server: Server) -> None:
    with socket.create_connection(server.address, 20) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(1000) == PLAIN
        assert sock.recv(1000) == b""
    assert server.failures[0].first == b"GET / HTTP/1.1\r\n\r\n"


def test_a_client_that_is_too_old_gets_an_alert(server: Server) -> None:
    hello = client_hello(maximum_version=ssl.TLSVersion.TLSv1_2)
    # The version 1.0 in the place of 1.2: nothing else is offered.
    old = hello[:9] + b"\x03\x01" + hello[11:]
    with socket.create_connection(server.address, 20) as sock:
        sock.sendall(old)
        alert = sock.recv(100)
    assert (alert[0], alert[5]) == (21, 2)
    wait_until(lambda: bool(server.failures), "failure")
    assert server.failures[0].hello is not None
    assert server.failures[0].failure == "UNSUPPORTED_PROTOCOL"


def test_a_broken_hello_is_left_to_the_library(server: Server) -> None:
    with socket.create_connection(server.address, 20) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03ab")
        assert sock.recv(100)[:1] == b"\x15"
    wait_until(lambda: bool(server.failures), "failure")


def test_a_client_that_leaves_before_the_end(server: Server) -> None:
    with socket.create_connection(server.address, 20) as sock:
        sock.sendall(client_hello()[:50])
    wait_until(lambda: bool(server.failures), "failure")
    assert server.failures[0].failure == "the peer left"
    assert not server.pending


def test_what_a_failed_handshake_came_with_is_kept(server: Server) -> None:
    sent = b"\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03ab"
    with socket.create_connection(server.address, 20) as sock:
        sock.sendall(sent)
        sock.recv(100)
    wait_until(lambda: bool(server.failures), "failure")
    assert (server.failures[0].raw, server.failures[0].first) == (sent, b"")


def test_those_who_say_nothing_do_not_keep_others_out(settings: Settings) -> None:
    server = Server(certificate.context(settings, Tls()), most=3)
    try:
        silent = [socket.create_connection(server.address, 20) for _ in range(3)]
        wait_until(lambda: len(server.pending) == 3, "three that say nothing")
        with client(server) as sock:
            assert sock.version()
        assert silent[0].recv(1) == b"", "the oldest made room"
        assert [each.failure for each in server.failures] == ["capacity"]
        for each in silent:
            each.close()
    finally:
        server.stop()


def test_silence_has_an_end(settings: Settings) -> None:
    server = Server(certificate.context(settings, Tls()), patience=1.0, most=3)
    try:
        silent = [socket.create_connection(server.address, 20) for _ in range(3)]
        wait_until(lambda: len(server.pending) == 3, "three that say nothing")
        for sock in silent:
            assert sock.recv(1) == b""
            sock.close()
        wait_until(lambda: len(server.failures) == 3, "three failures")
    finally:
        server.stop()


def test_the_certificate_is_the_hospitals(settings: Settings) -> None:
    made = x509.load_pem_x509_certificate((settings.data / certificate.CERTIFICATE).read_bytes())
    said = made.subject.rfc4514_string()
    assert "Ashcombe General Hospital" in said
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc
    assert (settings.data / certificate.KEY).stat().st_mode & 0o777 == 0o600
    before = (settings.data / certificate.CERTIFICATE).read_bytes()
    certificate.prepare(settings, DEPLOYMENT, Tls(), NOW)
    assert (settings.data / certificate.CERTIFICATE).read_bytes() == before


def test_no_two_deployments_share_a_name(tmp_path: Path) -> None:
    seen = set()
    for number in range(4):
        settings = Settings(data=tmp_path / str(number))
        other = DEPLOYMENT.model_copy(update={"seed": f"{number:032x}", "hospital": f"Hospital {number}"})
        certificate.prepare(settings, other, Tls(key="ec-256"), NOW)
        made = x509.load_pem_x509_certificate((settings.data / certificate.CERTIFICATE).read_bytes())
        seen.add((made.subject.rfc4514_string(), made.not_valid_before_utc))
    assert len(seen) == 4


@pytest.mark.parametrize("name", shipped())
def test_what_the_shipped_personas_agree_to_can_be_agreed_to(settings: Settings, name: str) -> None:
    tls = load(name).tls
    made = certificate.context(settings, tls, protocols=tls.protocols)
    assert made.minimum_version <= made.maximum_version


def test_the_operators_own(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(
        (settings.data / certificate.CERTIFICATE).read_bytes() + (settings.data / certificate.KEY).read_bytes()
    )
    given = Settings.model_validate({"data": tmp_path / "empty", "tls": {"certificate": own}})
    certificate.prepare(given, DEPLOYMENT, Tls(), NOW)
    assert not (tmp_path / "empty").exists()
    certificate.context(given, Tls())
    own.write_text("nothing")
    with pytest.raises(SettingsError, match="can't be used for TLS"):
        certificate.context(given, Tls())
