"""The contract of `dicomhawk serve`: flags, the ready file, how it ends, what it refuses before any port opens."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sensor.wire import ASSOCIATE, Wire
from tests.support import COMMAND, Sensor, actions, clean_environment, dicomhawk, wait_until

Start = Callable[..., Sensor]


def test_the_ready_file_says_what_is_open_and_goes_with_the_sensor(start: Start) -> None:
    with start(ports=(0, 0), workers=2) as sensor:
        ready = json.loads(sensor._ready.read_text())
        assert ready == {"pid": sensor.pid, "dicom": sensor.ports}
        assert len(set(sensor.ports)) == 2
        for port in sensor.ports:
            with Wire(("127.0.0.1", port)) as wire:
                wire.associate().echo()
        assert len(sensor.workers) == 2
        first = sensor.wait_event("sensor.start")
        assert first["honeypot"]["doors"] == [f"dicom:{port}" for port in sensor.ports]
    assert not sensor._ready.exists()
    assert actions(sensor.events())[-1] in ("sensor.stop", "connection.close", "session.end")


def test_sigterm_ends_it_in_time_with_associations_open(start: Start) -> None:
    with start() as sensor:
        wires = [Wire(sensor.address).associate() for _ in range(20)]
    for wire in wires:
        assert wire.receive()[:1] == b"\x07"  # A-ABORT
        wire.socket.close()
    reasons = {event["event"]["reason"] for event in sensor.events(event__action="connection.close")}
    assert reasons == {"shutdown"}


def test_a_new_folder_is_filled_on_first_use(tmp_path: Path) -> None:
    environment = {"DICOMHAWK_HOSPITAL__STUDIES": "3"}
    with Sensor(tmp_path / "new", environment=environment) as sensor, Wire(sensor.address) as wire:
        wire.associate().echo()
    assert (tmp_path / "new" / "dicomhawk.toml").exists()
    assert (tmp_path / "new" / "hospital" / "catalogue.sqlite").exists()


def test_two_deployments_share_no_identity(tmp_path: Path) -> None:
    answers = []
    for name in ("one", "other"):
        empty = {"DICOMHAWK_HOSPITAL__STUDIES": "0"}
        with Sensor(tmp_path / name, environment=empty) as sensor, Wire(sensor.address) as wire:
            wire.send(ASSOCIATE)
            answers.append(wire.receive())
    one, other = (answer[answer.index(b"\x52\x00") :] for answer in answers)
    assert one != other  # implementation class UID and version name


def refused(*arguments: object, data: Path) -> str:
    """The one sentence that `serve` says instead of starting."""
    ended = dicomhawk("serve", "--data", data, "--dicom-port", 0, *arguments)
    assert ended.returncode == 2, (ended.returncode, ended.stdout, ended.stderr)
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    assert not list(data.glob("journal/*")), "something was started"
    return lines[0]


def test_a_port_in_use_is_refused(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused("--dicom-port", port, data=data)


def test_a_host_that_is_no_address_is_refused(data: Path) -> None:
    assert "nowhere.invalid" in refused("--host", "nowhere.invalid", data=data)


def test_an_unknown_persona_is_refused(data: Path) -> None:
    assert "plain" in refused("--persona", "nosuchproduct", data=data)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("workers = -1\n", "workers"),
        ("nonsense = 1\n", "nonsense"),
        ("host = \n", "TOML"),
        ("[vault]\nobject_mib = 0\n", "object_mib"),
    ],
)
def test_a_wrong_file_is_refused(data: Path, line: str, word: str) -> None:
    path = data / "dicomhawk.toml"
    path.write_text(line + path.read_text())
    assert word in refused(data=data)


def test_a_persona_file_that_is_wrong_is_refused(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\ntitle = "x"\n[wire]\nmax_pdu = 12\n')
    assert "max_pdu" in refused("--persona", file, data=data)


def test_a_second_sensor_in_the_same_folder_is_refused(start: Start) -> None:
    with start() as sensor:
        ended = dicomhawk("serve", "--data", sensor.data, "--dicom-port", 0)
        assert ended.returncode == 2
        assert str(sensor.data) in ended.stderr
        with Wire(sensor.address) as wire:
            wire.associate().echo()


def test_a_second_server_on_the_same_port_is_refused(start: Start, tmp_path: Path) -> None:
    with start() as sensor:
        assert str(sensor.port) in refused("--dicom-port", sensor.port, data=tmp_path / "other")


def test_a_persona_file_is_followed(data: Path, tmp_path: Path, start: Start) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\ntitle = "x"\n[identity]\nimplementation_class_uid = "1.2.3.99"\n'
        'implementation_version_name = "MINE_1"\n[wire]\nmax_pdu = 8192\nartim = 0.5\n'
        'after_artim = "reset"\n[wire.before_association.unknown-pdu]\nclose = "reset"\n'
    )
    with start(flags=["--persona", str(file)]) as sensor:
        with Wire(sensor.address) as wire:
            wire.send(ASSOCIATE)
            answer = wire.receive()
            assert b"1.2.3.99" in answer
            assert b"MINE_1" in answer
            assert b"\x51\x00\x00\x04\x00\x00\x20\x00" in answer
        with Wire(sensor.address) as wire:
            wire.send(b"GET / HTTP/1.0\r\n\r\n")
            assert wire.receive() == b""  # reset without an A-ABORT
        with Wire(sensor.address) as silent:
            assert silent.receive() == b""  # the ARTIM timer
        closes = sensor.wait_events("connection.close", 3)
        assert {event["event"]["reason"] for event in closes} == {"peer-fin", "aborted", "timeout"}


def test_it_runs_without_a_terminal_and_says_one_line(data: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = ["--data", str(data), "--dicom-port", "0", "--ready-file", str(ready)]

    process = subprocess.Popen(
        [*COMMAND, "serve", *command],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: ready.exists() or process.poll() is not None, "ready file", 60)
    time.sleep(0.1)
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output.count("\n") == 1
    assert output.startswith("Ready on 127.0.0.1")
