"""Bait on the Orthanc face: its plugin's folder, for whom it lets in, and honeycredentials that it lets in with."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from dicomhawk.lures.bait import Lures, of_persona
from dicomhawk.persona import model
from dicomhawk.settings import load
from tests.sensor.proxy import new_address
from tests.sensor.web.conftest import WebSensor
from tests.support import Sensor, at

ORTHANC = "orthanc", "orthanc"
FOLDERS_MD5 = "b8fc1cfd22cbe9ebbe5b201408b9646b"
"""Of ServeFolders' own page for one folder called ``share``, as Orthanc 1.10.1 of Debian sent it as ETag."""


@pytest.fixture
def sensor(web_sensor: WebSensor) -> Sensor:
    return web_sensor("orthanc")


@pytest.fixture
def lures(sensor: Sensor) -> Iterator[Lures]:
    settings = load(data=sensor.data, environment={})
    assert settings.deployment is not None
    with closing(of_persona(settings, settings.deployment, model.load("orthanc"))) as found:
        yield found


def asked(
    sensor: Sensor, path: str, pair: tuple[str, str] | None, ip: str, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", sensor.web_port, timeout=60, source_address=(ip, 0))
    headers = {}
    if pair is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(pair).encode()).decode()
    connection.request(method, quote(path), headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_its_folder_is_there_for_whom_it_lets_in(sensor: Sensor, lures: Lures) -> None:
    ip = new_address()
    path = next(path for path, route in lures.routes.by_path.items() if route.lure == "route/orthanc-json")
    assert asked(sensor, path, None, ip)[0].status == 401
    assert not sensor.events(event__action="lure.taken", source__ip=ip)
    response, body = asked(sensor, path, ORTHANC, ip)
    assert response.status == 200 and json.loads(
        "\n".join(x for x in body.decode().splitlines() if "//" not in x[:6])
    )
    names = [name for name, _ in response.getheaders()]
    start = names.index("Last-Modified")
    assert names[start : start + 6] == [
        "Last-Modified",
        "ETag",
        "Cache-Control",
        "Pragma",
        "Expires",
        "Content-Type",
    ]
    assert response.getheader("ETag") == f'"{hashlib.md5(body).hexdigest()}"'
    sensor.wait_event("lure.taken", source__ip=ip, honeypot__lure__id="route/orthanc-json")
    assert asked(sensor, path, ORTHANC, ip, "HEAD")[0].status == 404  # as for anything


def test_what_is_not_in_the_folder_is_not_found_in_the_plugin_s_words(sensor: Sensor, lures: Lures) -> None:
    ip = new_address()
    path = f'/{lures.routes.folder}/no"thing'
    response, body = asked(sensor, path, ORTHANC, ip)
    assert response.status == 404 and response.getheader("Content-Type") is None
    assert json.loads(body)["OrthancError"] == "Inexistent file" and json.loads(body)["Uri"] == path
    assert json.loads(asked(sensor, "/nothing", ORTHANC, ip)[1])["OrthancError"] == "Unknown resource"


def test_the_plugin_s_page_names_the_folder(sensor: Sensor, lures: Lures) -> None:
    _, body = asked(sensor, "/app/plugin-serve-folders.html", ORTHANC, new_address())
    made = body.decode().replace(lures.routes.folder, "share")
    assert hashlib.md5(made.encode()).hexdigest() == FOLDERS_MD5


def test_honeycredentials_enter_and_raise_the_alarm(sensor: Sensor, lures: Lures) -> None:
    thief = new_address()
    _, body = asked(
        sensor,
        next(path for path, route in lures.routes.by_path.items() if route.lure == "route/orthanc-json"),
        ORTHANC,
        thief,
    )
    assert body
    for credential in lures.credentials:
        if credential.place == "dicom":
            continue
        ip = new_address()
        response, _ = asked(sensor, "/system", (credential.username, credential.password), ip)
        assert response.status == 200, credential
        event = sensor.wait_event("lure.taken", source__ip=ip)
        assert at(event, "honeypot.lure.id") == credential.lure and at(event, "honeypot.lure.kind") == "credential"
        if credential.place in ("basic", "config", "environment"):  # they stand in what the other one took
            event = sensor.wait_event("lure.reused", source__ip=ip)
            assert at(event, "honeypot.lure.id") == credential.lure
