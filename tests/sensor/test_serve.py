"""The contract of `dicomhawk serve`: flags, ready file, signals, and what is wrong said in one sentence."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sensor.oracle import Hospital
from tests.sensor.raw import FIND_RQ, RQ, connect, echoes, receive_all, receive_pdu
from tests.sensor.scu import CT, STUDY_GET, Received, associate, keys
from tests.support import Sensor, at, dicomhawk, wait_until

FEW = {"DICOMHAWK_HOSPITAL__STUDIES": "5"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def refused(*arguments: object, environment: dict[str, str] | None = None) -> str:
    """What `serve` says when it ends at once for something that the operator can put right."""
    done = dicomhawk("serve", *arguments, environment=environment)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def one_sentence(said: str) -> str:
    assert len(said.splitlines()) == 1, said
    assert said.endswith(".")
    return said


def test_first_use_makes_and_fills_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    data.parent.mkdir()
    with Sensor(data, workers=1, environment=FEW) as sensor:
        assert echoes(sensor)
        drawn = (data / "dicomhawk.toml").read_text()
        assert len(Hospital(data).studies()) == 5
    with Sensor(data, workers=1, environment=FEW) as sensor:
        assert echoes(sensor)
    assert (data / "dicomhawk.toml").read_text() == drawn
    assert list((data / "journal").glob("*.ndjson"))


def test_several_ports_and_workers(start: Callable[..., Sensor]) -> None:
    chosen = free_port()
    with start(ports=(0, chosen, 0), workers=3) as sensor:
        assert len(sensor.workers) == 3
        assert len(set(sensor.ports)) == 3
        assert sensor.ports[1] == chosen
        for number, port in enumerate(list(sensor.ports), 2):
            sensor.ports = [port]
            assert echoes(sensor, f"127.0.3.{number}")
            event = sensor.wait_event("connection.open", source__ip=f"127.0.3.{number}")
            assert at(event, "destination.port") == port
        begun = sensor.wait_event("sensor.start")
        assert len(at(begun, "honeypot.doors")) == 3
        assert f"dicom:{chosen}" in at(begun, "honeypot.doors")


def test_ready_file(start: Callable[..., Sensor]) -> None:
    sensor = start()
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            with contextlib.suppress(FileNotFoundError):
                seen.append(sensor.ready_file.read_text())
            time.sleep(0.0005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with sensor:
            content = json.loads(sensor.ready_file.read_text())
            assert set(content) == {"pid", "dicom", "dicom-tls", "web", "web-tls"}
            assert os.getpgid(content["pid"])
            assert content["dicom"] == sensor.ports
            assert echoes(sensor)
    finally:
        stop.set()
        thread.join()
    assert {json.dumps(json.loads(text)) for text in seen} == {json.dumps(content)}, "whole or not at all"
    assert not sensor.ready_file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(start: Callable[..., Sensor], number: signal.Signals) -> None:
    with start() as sensor, connect(sensor) as sock, connect(sensor):
        sock.sendall(RQ)
        assert receive_pdu(sock)[0] == 2
        os.kill(sensor.pid, number)
        assert receive_all(sock)[:1] == b"\7"
        assert sensor.wait_end() == 0
        assert at(sensor.wait_event("sensor.stop"), "event.reason") == number.name
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sensor.address)


def test_the_end_during_a_retrieval(start: Callable[..., Sensor], data: Path) -> None:
    study = Hospital(data).small_study("CT")
    identifier = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study["study_uid"])
    with start() as sensor:
        received = Received()
        taken: Any = received.handler[1]

        def take(event: Any) -> int:
            if len(received.order) == 2:
                os.kill(sensor.pid, signal.SIGTERM)
            return int(taken(event))

        with associate(
            sensor.address, [STUDY_GET, CT], scp=[CT], handlers=[(received.handler[0], take)]
        ) as association:
            list(association.send_c_get(identifier, STUDY_GET))
        assert sensor.wait_end() == 0
        end = sensor.wait_event("dicom.c-get.end")
        assert at(end, "dicom.status") is None
        assert 2 <= at(end, "dicom.suboperations.completed") < study["n_instances"]
        assert not sensor.descendants()


def test_clients_that_do_not_close_do_not_delay_the_end(start: Callable[..., Sensor]) -> None:
    with start() as sensor, connect(sensor, buffer=4096) as deaf, connect(sensor) as idle:
        deaf.sendall(FIND_RQ)
        idle.sendall(RQ[:20])
        sensor.wait_event("connection.open", 2)
        assert sensor.stop() < 5


def test_the_end_costs_next_to_nothing(start: Callable[..., Sensor]) -> None:
    """On a machine that has much else to do, it would take a multiple of that."""
    with start(workers=1) as sensor:
        before = cpu_seconds(sensor.pid)
        os.kill(sensor.pid, signal.SIGTERM)
        wait_until(lambda: process_state(sensor.pid) == "Z", "end")
        assert cpu_seconds(sensor.pid) - before < 0.2
        assert sensor.wait_end() == 0


def cpu_seconds(pid: int) -> float:
    """What a process has cost so far (proc(5)), also one that has ended and that nobody has asked for."""
    return sum(map(int, _stat(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def process_state(pid: int) -> str:
    """As proc(5) has it: Z for one that has ended."""
    return _stat(pid)[0]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_ipv6(start: Callable[..., Sensor]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback here: {error.strerror}")
    with start(workers=1, flags=("--host", "::1")) as sensor, socket.create_connection(("::1", sensor.port)) as sock:
        sock.sendall(RQ)
        assert receive_pdu(sock)[0] == 2
        sock.close()
        event = sensor.wait_event("connection.close")
        assert (at(event, "source.ip"), at(event, "network.type")) == ("::1", "ipv6")


# What is wrong


def test_a_port_in_use(data: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, other = taken.getsockname()[1], free_port()
        said = one_sentence(
            refused("--data", data, "--dicom-port", other, "--dicom-port", port, "--ready-file", ready)
        )
    assert str(port) in said
    assert not ready.exists()


def test_a_port_of_another_server_with_reuseport(data: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in one_sentence(refused("--data", data, "--dicom-port", port))


def test_two_sensors_in_one_folder(start: Callable[..., Sensor], data: Path) -> None:
    with start(workers=1) as sensor:
        said = one_sentence(refused("--data", data, "--dicom-port", 0))
        assert str(data) in said
        assert echoes(sensor)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (("--host", "pacs.example"), "pacs.example"),
        (("--host", "300.1.1.1"), "300.1.1.1"),
        (("--persona", "no-such-product"), "no-such-product"),
        (("--persona", "/nonexistent/persona.toml"), "/nonexistent/persona.toml"),
        (("--config", "/nonexistent/config.toml"), "/nonexistent/config.toml"),
        (("--dicom-port", "70000"), "70000"),
        (("--workers", "1000"), "workers"),
        (("--host", "192.0.2.77"), "192.0.2.77"),
    ],
)
def test_wrong_flags(data: Path, arguments: tuple[str, ...], mentions: str) -> None:
    said = one_sentence(refused("--data", data, "--dicom-port", 0, *arguments))
    assert mentions in said


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("host = 3\n", "host"),
        ("nonsense = true\n", "nonsense"),
        ("[dicom]\nports = []\n", "ports"),
        ("[dicom\n", "TOML"),
        ('[deployment]\nseed = "x"\n', "seed"),
    ],
)
def test_wrong_configuration(data: Path, text: str, mentions: str) -> None:
    file = data / "dicomhawk.toml"
    file.write_text(text)
    # No port is given here: even the default one must not be opened before this is said.
    said = one_sentence(refused("--data", data))
    assert mentions in said
    assert file.read_text() == text


@pytest.mark.parametrize("name", ["catalogue.sqlite", "uploads.sqlite"])
def test_a_hospital_that_can_not_be_opened(data: Path, name: str) -> None:
    (data / "hospital" / name).write_bytes(b"not a database, but as long as the header of one " * 100)
    assert name in one_sentence(refused("--data", data, "--dicom-port", 0))


def test_wrong_environment(data: Path) -> None:
    said = one_sentence(refused("--data", data, environment={"DICOMHAWK_DICOM__PORTS": "11112,none"}))
    assert "ports" in said


# Precedence


def test_flags_win_over_environment_over_file(data: Path) -> None:
    file_port, environment_port, flag_port = free_port(), free_port(), free_port()
    with (data / "dicomhawk.toml").open("a") as file:
        file.write(f"\n[dicom]\nports = [{file_port}]\n[vault]\npasswords = false\n")
    environment = {"DICOMHAWK_DICOM__PORTS": str(environment_port)}
    # That the file wins over the default needs no sensor: tests/test_settings.py.
    with Sensor(data, workers=1, ports=(), environment=environment) as sensor:
        assert sensor.ports == [environment_port]
    with Sensor(data, workers=1, ports=(flag_port,), environment=environment) as sensor:
        assert sensor.ports == [flag_port]
