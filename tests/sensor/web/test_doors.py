"""Web doors of a whole sensor: where they are, and a request from the socket to the journal."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomhawk.persona.model import load
from dicomhawk.sensor.ports import ports_of
from dicomhawk.settings import Settings, Web
from tests.sensor.web.served import DEPLOYMENT
from tests.support import Sensor, actions, at, dicomhawk, find_tool

EMPTY = 'extends = "{basis}"\nname = "empty"\n[http]\nface = "empty"\n'


def curl(*arguments: object) -> bytes:
    """What curl prints; without an environment that could send it to a proxy."""
    words = [find_tool("curl"), "-sS", "--noproxy", "*", "--max-time", "20", *map(str, arguments)]
    return subprocess.run(words, check=True, capture_output=True, timeout=60).stdout


def test_a_request_from_the_socket_to_the_journal(start: Callable[..., Sensor], tmp_path: Path) -> None:
    persona = tmp_path / "empty.toml"
    persona.write_text(EMPTY.format(basis="orthanc"))
    with start(workers=2, web_ports=(0, 0), flags=("--persona", persona)) as sensor:
        first, second = sensor.web_ports
        answer = curl("-i", f"http://127.0.0.1:{first}/x?y=z", "--data-binary", "body")
        assert answer.startswith(b"HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n")
        assert curl("-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{second}/") == b"404"
        asked = sensor.wait_event("http.request", http__request__method="POST")
        assert at(asked, "url.original") == "/x?y=z"
        assert at(asked, "destination.port") == first
        assert at(asked, "http.request.body.hash.sha256") == hashlib.sha256(b"body").hexdigest()
        assert at(sensor.wait_event("http.response", honeypot__connection=at(asked, "honeypot.connection")), "http")
        doors = at(sensor.wait_event("sensor.start"), "honeypot.doors")
        assert {f"web:{first}", f"web:{second}"} < set(doors)
        close = sensor.wait_event("connection.close", honeypot__connection=at(asked, "honeypot.connection"))
        assert at(close, "network.protocol") == "http"
    assert "sensor.error" not in actions(sensor.events())


def test_passwords_are_unreadable_where_the_settings_say_so(start: Callable[..., Sensor], tmp_path: Path) -> None:
    persona = tmp_path / "empty.toml"
    persona.write_text(EMPTY.format(basis="plain"))
    environment = {"DICOMHAWK_VAULT__PASSWORDS": "false"}
    with start(workers=1, web_ports=(0,), flags=("--persona", persona), environment=environment) as sensor:
        curl("-u", "name:a-password", f"http://127.0.0.1:{sensor.web_port}/")
        asked = sensor.wait_event("http.request")
        basic = "Basic bmFtZTphLXBhc3N3b3Jk"
        assert at(asked, "honeypot.credential.authorization") is None
        assert at(asked, "honeypot.credential.authorization_sha256") == hashlib.sha256(basic.encode()).hexdigest()
        assert "bmFtZTphLXBhc3N3b3Jk" not in str(asked)


@pytest.mark.parametrize(
    ("web", "ports"),
    [(Web(), (8042,)), (Web(ports=(0, 81)), (0, 81)), (Web(ports=()), ()), (Web(enabled=False, ports=(81,)), ())],
)
def test_where_web_doors_are(web: Web, ports: tuple[int, ...]) -> None:
    assert ports_of(Settings(web=web), load("orthanc"), DEPLOYMENT)["web"] == ports


def test_a_persona_without_a_face_has_no_web_door() -> None:
    persona = load("orthanc")
    closed = persona.model_copy(update={"http": persona.http.model_copy(update={"face": "none"})})
    assert ports_of(Settings(web=Web(ports=(0,))), closed, DEPLOYMENT)["web"] == ()


def test_a_port_that_is_taken_is_named_in_one_sentence(tmp_path: Path, start: Callable[..., Sensor]) -> None:
    with start(workers=1, web_ports=(0,), flags=("--persona", "orthanc")) as sensor:
        arguments = ("--data", tmp_path / "other", "--dicom-port", 0, "--web-port", sensor.web_port)
        done = dicomhawk("serve", *arguments, environment={"DICOMHAWK_HOSPITAL__STUDIES": "0"})
    assert done.returncode == 2
    assert done.stderr.strip() == f"Port {sensor.web_port} on 127.0.0.1 can't be opened: Address already in use."
