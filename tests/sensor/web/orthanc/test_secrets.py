"""Passwords of peers are told as secrets."""

from __future__ import annotations

import json

import pytest

from tests.sensor.web.orthanc.client import Client
from tests.support import Sensor, at, wait_until

PASSWORD = "Hunter-2-4711"


@pytest.mark.parametrize(
    "value", [["http://10.0.0.1/", "alice", PASSWORD], {"Url": "http://10.0.0.1/", "Password": PASSWORD}]
)
def test_the_password_of_a_peer(orthanc: Sensor, client: Client, value: object) -> None:
    assert client.ask("PUT", "/peers/other", value).status == 200

    def changes() -> list[object]:
        return [
            each for each in orthanc.events(event__action="web.change") if at(each, "source.ip") == client.address
        ]

    (event,) = wait_until(changes, "event")
    assert at(event, "honeypot.credential.password") == PASSWORD
    assert PASSWORD not in at(event, "honeypot.web.detail")
    assert "10.0.0.1" in at(event, "honeypot.web.detail")
    assert json.dumps(event).count(PASSWORD) == 1
