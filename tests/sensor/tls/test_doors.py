"""DICOM and HTTP over TLS, with real clients."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensor.tls.test_hello import client_hello
from tests.support import Sensor, at, dicomhawk, find_tool, run_tool

FLAGS = ("--persona", "orthanc", "--remote", "FINDSCU")
ENVIRONMENT = {"DICOMHAWK_TLS__DICOM_PORTS": "0", "DICOMHAWK_TLS__WEB_PORTS": "0"}


@pytest.fixture(scope="module")
def secured(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor with every kind of door."""
    data = tmp_path_factory.mktemp("secured") / "data"
    data.mkdir()
    for name in ("dicomhawk.toml", "hospital"):
        (data / name).symlink_to(template / name)
    with Sensor(data, workers=1, web_ports=(0,), tls=True, environment=ENVIRONMENT, flags=FLAGS) as sensor:
        yield sensor


def test_echoscu(secured: Sensor) -> None:
    (port,) = secured.tls_ports["dicom"]
    ran = run_tool("echoscu", "-v", "+tla", "-ic", "-aec", "ASHPACS", secured.host, port)
    assert "Received Echo Response (Success)" in ran.output
    event = secured.wait_event("tls.handshake", destination__port=port)
    assert at(event, "event.outcome") == "success"
    assert len(at(event, "tls.client.ja3")) == 32
    assert at(event, "tls.client.ja4").startswith("t1")
    echo = secured.wait_event("dicom.c-echo", destination__port=port)
    assert echo["session"] == event["session"]


def test_findscu_of_all(secured: Sensor) -> None:
    (port,) = secured.tls_ports["dicom"]
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientName")
    found = run_tool("findscu", "-S", "+tla", "-ic", "-aec", "ASHPACS", *keys, secured.host, port).output
    same = run_tool("findscu", "-S", "-aec", "ASHPACS", *keys, *secured.address).output
    assert found.count("StudyInstanceUID") == same.count("StudyInstanceUID") > 100


def test_curl(secured: Sensor) -> None:
    (port,) = secured.tls_ports["web"]
    over = run_tool("curl", "-sk", "-o", "-", "-D", "-", f"https://{secured.host}:{port}/nothing-here").output
    clear = run_tool(
        "curl", "-s", "-o", "-", "-D", "-", f"http://{secured.host}:{secured.web_port}/nothing-here"
    ).output
    assert over.splitlines()[0] == clear.splitlines()[0]
    assert at(secured.wait_event("http.request", destination__port=port), "url.scheme") == "https"


def test_the_end_of_a_connection_over_tls_is_orderly(secured: Sensor) -> None:
    (port,) = secured.tls_ports["web"]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for request, status in ((b"GET /x HTTP/1.0\r\n\r\n", b"HTTP/1.1 "), (b"\x80\r\n\r\n", b"HTTP/1.0 400 ")):
        with socket.create_connection((secured.host, port), 20) as sock, context.wrap_socket(sock) as inside:
            inside.sendall(request)
            got = b""
            while data := inside.recv(1 << 16):  # would raise if the connection were cut off
                got += data
            assert got.startswith(status)


def test_a_server_says_that_it_wants_tls(template: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("dicomhawk.toml", "hospital"):
        (data / name).symlink_to(template / name)
    flags = ("--persona", "dcmqrscp")
    with Sensor(data, workers=1, web_ports=(0,), tls=True, environment=ENVIRONMENT, flags=flags) as sensor:
        (port,) = sensor.tls_ports["web"]
        output = run_tool("curl", "-s", "-i", f"http://{sensor.host}:{port}/").output
    # As nginx 1.22.1 says it.
    head, _, page = output.replace("\r\n", "\n").partition("\n\n")
    assert head.splitlines()[0] == "HTTP/1.1 400 Bad Request"
    names = [line.partition(":")[0] for line in head.splitlines()[1:]]
    assert names == ["Server", "Date", "Content-Type", "Content-Length", "Connection"]
    assert "The plain HTTP request was sent to HTTPS port</center>" in page


def test_what_is_no_tls_is_on_record(secured: Sensor) -> None:
    (port,) = secured.tls_ports["dicom"]
    with socket.create_connection((secured.host, port), 20) as sock:
        sock.sendall(b"\x01\x00\x00\x00\x00\xcd\x00\x01")
        assert sock.recv(100) == b""
    event = secured.wait_event("tls.handshake", destination__port=port, event__outcome="failure")
    assert at(event, "event.reason") == "no TLS handshake"


def test_hostile_bytes_in_a_handshake_leave_it_serving(secured: Sensor) -> None:
    hello = client_hello()
    for port in (*secured.tls_ports["dicom"], *secured.tls_ports["web"]):
        for at_byte in range(0, len(hello), 7):
            with socket.create_connection((secured.host, port), 20) as sock:
                sock.sendall(hello[:at_byte] + b"\xff" + hello[at_byte + 1 :])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((secured.host, port), 20) as sock, context.wrap_socket(sock) as wrapped:
            assert wrapped.version() == "TLSv1.3"


def test_a_certificate_that_is_none_is_said_before_any_door_opens(template: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("dicomhawk.toml", "hospital"):
        (data / name).symlink_to(template / name)
    environment = {**ENVIRONMENT, "DICOMHAWK_TLS__CERTIFICATE": str(broken)}
    ran = dicomhawk("serve", "--data", data, "--dicom-port", 0, environment=environment)
    assert ran.returncode == 2
    assert "can't be used for TLS" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_openssl_sees_nothing_of_ours(secured: Sensor) -> None:
    (port,) = secured.tls_ports["web"]
    output = run_tool(find_tool("openssl"), "s_client", "-connect", f"{secured.host}:{port}", timeout=20,
                      status=None).output  # fmt: skip
    assert "CN" in output
    assert "hawk" not in output.lower()
