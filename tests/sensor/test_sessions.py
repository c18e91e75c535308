"""A session is all connections of one visitor, in whichever worker, with no long gap."""

from __future__ import annotations

from collections.abc import Callable

from tests.sensor.proxy import new_address
from tests.sensor.raw import connect, echoes, say
from tests.support import Event, Sensor, at, dicomhawk


def worker_of(event: Event) -> str:
    """The name of the worker that an event `connection.open` is from."""
    return str(at(event, "honeypot.transcript.segment")).split(".")[1]


def test_connections_over_both_workers_are_one_session(sensor: Sensor) -> None:
    one, two = new_address(), new_address()
    for _ in range(16):
        for ip in (one, two):
            assert echoes(sensor, ip)
    sessions = []
    for ip in (one, two):
        opened = sensor.wait_events("connection.open", 16, source__ip=ip)
        assert {worker_of(event) for event in opened} == {"w0", "w1"}
        (session,) = {event["session"] for event in sensor.events(source__ip=ip)}
        assert len(sensor.events(source__ip=ip, event__action="session.start")) == 1
        sessions.append(session)
    assert sessions[0] != sessions[1]


def test_connections_at_the_same_time_are_one_session(sensor: Sensor) -> None:
    ip = new_address()
    with connect(sensor, ip), connect(sensor, ip), connect(sensor, ip):
        opened = sensor.wait_events("connection.open", 3, source__ip=ip)
    assert len({event["session"] for event in opened}) == 1
    assert len({at(event, "honeypot.connection") for event in opened}) == 3


def test_a_session_goes_on_over_a_restart(start: Callable[..., Sensor]) -> None:
    with start() as sensor:
        say(sensor, b"GET / HTTP/1.0\r\n\r\n", "127.0.8.1")
    with start() as sensor:
        say(sensor, b"GET / HTTP/1.0\r\n\r\n", "127.0.8.1")
    events = sensor.events(source__ip="127.0.8.1")
    assert len({event["session"] for event in events}) == 1
    assert len([event for event in events if event["event"]["action"] == "session.start"]) == 1
    assert len([event for event in events if event["event"]["action"] == "connection.close"]) == 2

    shown = dicomhawk("sessions", "--data", sensor.data, "--json")
    assert shown.returncode == 0, shown.stderr
    assert events[0]["session"] in shown.stdout
