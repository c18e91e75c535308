"""Bait at both doors of a running sensor: what is taken, what comes back, and what calls when it has left."""

from __future__ import annotations

import http.client
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from dicomhawk.lures.bait import Lures, of_persona
from dicomhawk.lures.tokens import canonical
from dicomhawk.persona import model
from dicomhawk.settings import load
from tests.canary.running import Canary
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor, new_address
from tests.sensor.scu import STUDY_FIND, STUDY_GET, VERIFICATION, Received, associate, find, get, keys
from tests.sensor.test_transcripts import assert_recorded
from tests.support import Event, Sensor, at, wait_until

CANARY = "http://127.0.0.1:{}"


@pytest.fixture(scope="module")
def canary(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """A receiver on the data folder that `luring` has, too."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("luring") / "data"))
    with Canary(data, "--http-port", 0) as running:
        yield running


@pytest.fixture(scope="module")
def luring(canary: Canary) -> Iterator[Sensor]:
    """A sensor with two workers and a web door, whose bait calls `canary`."""
    environment = {"DICOMHAWK_LURES__CANARY_URL": CANARY.format(canary.http)}
    with Sensor(canary.data, web_ports=(0,), environment=environment) as running:
        yield running


@pytest.fixture
def lures(luring: Sensor) -> Iterator[Lures]:
    """The bait of the sensor, as it was laid out."""
    settings = load(data=luring.data, environment={})
    assert settings.deployment is not None
    with closing(of_persona(settings, settings.deployment, model.load(settings.persona))) as found:
        yield found


def asked(sensor: Sensor, path: str, ip: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """GET from an address."""
    connection = http.client.HTTPConnection("127.0.0.1", sensor.web_port, timeout=60, source_address=(ip, 0))
    connection.request("GET", quote(path), headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def session_of(sensor: Sensor, ip: str) -> str:
    return str(sensor.wait_event("connection.open", source__ip=ip)["session"])


def taken(sensor: Sensor, ip: str, lure: str) -> Event:
    return sensor.wait_event("lure.taken", source__ip=ip, honeypot__lure__id=lure)


def objects(visitor: Visitor, study: str, classes: list[str]) -> dict[str, tuple[bytes, str]]:
    received = Received()
    with associate(visitor.address, [STUDY_GET, *classes], scp=classes, handlers=[received.handler]) as association:
        get(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study))
    return received.objects


def test_each_retrieval_has_addresses_of_its_own(luring: Sensor, lures: Lures, canary: Canary) -> None:
    hospital = Hospital(luring.data)
    study = hospital.small_study("US")
    classes = [
        row["sop_class_uid"]
        for row in hospital.rows(
            "SELECT DISTINCT sop_class_uid FROM instance JOIN series USING (series_key) WHERE study_key = :v1",
            study["study_key"],
        )
    ]
    got, sessions = [], []
    for _ in range(2):
        with Visitor(luring) as visitor:
            got.append(objects(visitor, study["study_uid"], classes))
            sessions.append(session_of(luring, visitor.ip))
            assert_recorded(visitor, 1000)  # marks and all
    assert got[0].keys() == got[1].keys()
    found = 0
    for uid, (one, syntax) in got[0].items():
        other = got[1][uid][0]
        if one == other:
            continue
        for data, session in ((one, sessions[0]), (other, sessions[1])):
            start = data.find(CANARY.format(canary.http).encode())
            token = lures.minter.find(data[start : start + 200].decode("latin-1")) if start >= 0 else None
            if token is None:
                continue  # in a PDF it may be compressed
            found += 1
            assert token[1].session == session
            minted = lures.ledger.get(token[0])
            assert minted is not None and minted.what == uid and minted.session == session
        first, second = (_read(data, syntax) for data in (one, other))
        if "PixelData" in first:
            assert first.PixelData == second.PixelData
    assert found >= 2


def _read(data: bytes, syntax: str) -> pydicom.Dataset:
    explicit = syntax == ExplicitVRLittleEndian
    return pydicom.filereader.read_dataset(io.BytesIO(data), is_implicit_VR=not explicit, is_little_endian=True)


def test_a_uid_that_was_told_to_another_comes_back(luring: Sensor, lures: Lures) -> None:
    anna, bert = new_address(), new_address()
    with associate(luring.address, [STUDY_FIND], ip=anna) as association:
        matches, _ = find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientID=""))
    uid = matches[0].StudyInstanceUID
    query = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=uid, PatientID="")
    with associate(luring.address, [STUDY_FIND], ip=anna) as association:
        find(association, query)
    # What the worker of the first has told is with that of the second a quarter of a second later.
    wait_until(lambda: lures.ledger.teller(f"uid {uid}", bert), "UID in the ledger")
    with associate(luring.address, [STUDY_FIND], ip=bert) as association:
        find(association, query)
    event = luring.wait_event("lure.reused", source__ip=bert)
    assert at(event, "honeypot.lure.kind") == "uid" and at(event, "honeypot.lure.detail") == uid
    assert at(event, "honeypot.lure.session") == session_of(luring, anna)
    assert at(event, "honeypot.lure.visitor") == anna
    assert not luring.events(event__action="lure.reused", source__ip=anna)


def test_an_ae_title_and_a_user_identity_of_a_list_are_alarms(luring: Sensor, lures: Lures) -> None:
    ip = new_address()
    nodes = next(path for path, route in lures.routes.by_path.items() if route.lure == "route/nodes")
    _, body = asked(luring, nodes, ip)
    row = body.decode().splitlines()[3].split()
    username, password = row[3].split("/")
    identity = UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.primary_field, identity.secondary_field = username.encode(), password.encode()
    thief = new_address()
    wait_until(lambda: lures.ledger.teller("credential credential/dicom", thief), "credential in the ledger")
    with associate(luring.address, [VERIFICATION], ip=thief, title=row[0], items=[identity]):
        pass
    title = lures.titles[0]
    assert row[0] == title.remote.ae_title
    assert at(taken(luring, thief, title.lure), "honeypot.lure.kind") == "ae-title"
    assert at(taken(luring, thief, "credential/dicom"), "honeypot.lure.detail") == username
    # Who uses it is another than who took it.
    event = luring.wait_event("lure.reused", source__ip=thief, honeypot__lure__id="credential/dicom")
    assert at(event, "honeypot.lure.visitor") == ip


def test_bait_on_the_web_is_an_alarm_and_calls_when_it_is_opened(
    luring: Sensor, lures: Lures, canary: Canary
) -> None:
    path = next(path for path, route in lures.routes.by_path.items() if route.lure == "file/vpn")
    tokens = {}
    for _ in range(2):
        ip = new_address()
        response, body = asked(luring, path, ip)
        assert response.status == 200
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            links = archive.read("word/_rels/document.xml.rels").decode()
        address = links.partition('Target="http://')[2].partition('"')[0]
        event = taken(luring, ip, "file/vpn")
        assert canonical(at(event, "honeypot.lure.token")) in canonical(address)
        tokens[canonical(at(event, "honeypot.lure.token"))] = session_of(luring, ip), ip
        host, _, target = address.partition("/")
        opened = http.client.HTTPConnection(host, timeout=60)
        opened.request("GET", f"/{target}", headers={"User-Agent": "Microsoft Office/16.0"})
        assert opened.getresponse().status == 200
    assert len(tokens) == 2
    for token, (session, ip) in tokens.items():
        (hit, *_) = canary.wait_hits(1, honeypot__lure__token=token)
        assert at(hit, "honeypot.lure.session") == session and at(hit, "honeypot.lure.visitor") == ip
        assert at(hit, "honeypot.lure.opener") == "Microsoft Office" and at(hit, "honeypot.lure.what") == path


def test_crawlers_are_led_to_it(luring: Sensor, lures: Lures) -> None:
    ip = new_address()
    response, body = asked(luring, "/robots.txt", ip)
    if lures.routes.platform == "orthanc":
        assert response.status == 404
        return
    assert response.status == 200 and not luring.events(event__action="lure.taken", source__ip=ip)
    named = [line.split(": ")[1] for line in body.decode().splitlines() if line.startswith("Disallow: ")]
    for path in named:
        assert asked(luring, path, ip)[0].status == 200
    luring.wait_events("lure.taken", len(named), source__ip=ip)


def test_without_a_canary_objects_are_the_same_for_everybody(sensor: Sensor, hospital: Hospital) -> None:
    study = hospital.small_study("US")
    row = hospital.rows(
        "SELECT DISTINCT sop_class_uid FROM instance JOIN series USING (series_key) WHERE study_key = :v1",
        study["study_key"],
    )
    classes = [each["sop_class_uid"] for each in row]
    got = []
    for _ in range(2):
        with Visitor(sensor) as visitor:
            got.append(objects(visitor, study["study_uid"], classes))
            assert_recorded(visitor)
    assert got[0] == got[1]


def test_every_route_and_every_file_is_an_alarm(luring: Sensor, lures: Lures) -> None:
    quiet = {"route/robots", "route/sitemap"}
    for path, route in lures.routes.by_path.items():
        ip = new_address()
        response, body = asked(luring, path, ip)
        assert response.status == (401 if route.page == "manager" else 200) and body, path
        if route.lure not in quiet:
            event = taken(luring, ip, route.lure)
            assert at(event, "honeypot.lure.detail") == path and at(event, "honeypot.lure.via") == "http"
            assert at(event, "event.severity") == 90


def test_every_file_calls_when_it_is_opened(luring: Sensor, lures: Lures, canary: Canary) -> None:
    for route in lures.routes.files:
        if not route.lure.startswith("file/"):
            continue
        ip = new_address()
        _, body = asked(luring, route.path, ip)
        addresses = [address for content in _contents(body) for address in re.findall(_ADDRESS, content)]
        own = {address for address in addresses if f":{canary.http}/".encode() in address}
        assert own, route.path
        for address in own:
            host, _, target = address.decode().removeprefix("http://").partition("/")
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request("GET", f"/{target}")
            connection.getresponse().read()
            connection.close()
        expected = "file/vpn" if route.lure == "file/backup" else route.lure
        (hit, *_) = canary.wait_hits(1, honeypot__lure__visitor=ip, honeypot__lure__id=expected)
        assert at(hit, "honeypot.lure.session") == session_of(luring, ip)
        assert at(hit, "honeypot.lure.what") == route.path


_ADDRESS = rb"http://127\.0\.0\.1:[0-9]+/[^\s\"'()<>]+"


def _contents(body: bytes) -> list[bytes]:
    """A file, and all files in it."""
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return [body]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [inner for name in archive.namelist() for inner in _contents(archive.read(name))]
