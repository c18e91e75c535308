"""What one visitor stores, no other can reach: by no route of any face, whatever was stored through which door.

To everybody but its visitor an object is as if it had never been: each route answers for its UIDs what it answers for
UIDs that nobody has.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import uvloop
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import build_context

from dicomhawk.sensor.web.orthanc.site import _routes
from dicomhawk.sensor.web.portal.site import _PAGES
from tests.sensor.proxy import new_address
from tests.sensor.scu import STUDY_FIND, STUDY_GET, Received, associate, find, get, keys
from tests.sensor.web.conftest import WebSensor
from tests.sensor.web.crowd import Account, Got, Portal, Visitor
from tests.sensor.web.orthanc.client import part10, secondary_capture
from tests.support import Sensor

SC = SecondaryCaptureImageStorage
MARK = "Zq7Marker"
BASIC = "Basic " + base64.b64encode(b"orthanc:orthanc").decode()
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD")


class Object(NamedTuple):
    """An object that was stored, or one that never was."""

    patient: str
    study: str
    series: str
    sop: str

    @property
    def values(self) -> dict[str, str]:
        """For a table of routes."""
        return {"P": self.patient, "S": self.study, "E": self.series, "I": self.sop}


def made() -> tuple[Any, Object]:
    """An object of nobody else's."""
    dataset = secondary_capture(PatientName=f"{MARK}^Own", StudyDescription=MARK, StudyDate="20240105")
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    return dataset, Object(str(dataset.PatientID), *map(str, uids))


def visitor_of(sensor: Sensor, address: str) -> Visitor:
    return Visitor(sensor.web_port, address, Account(), 1)


async def ask(visitor: Visitor, method: str, target: str, body: bytes = b"", **headers: str) -> Got:
    return await visitor.ask("", target, method=method, body=body, **headers)


def c_store(sensor: Sensor, ip: str) -> Object:
    dataset, found = made()
    part10(dataset)  # with file meta information
    with associate(sensor.address, [build_context(SC, [ExplicitVRLittleEndian])], ip=ip) as association:
        assert association.send_c_store(dataset).Status == 0
    return found


def by_stow(sensor: Sensor, ip: str) -> Object:
    dataset, found = made()
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + part10(dataset) + b"\r\n--b--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    visitor = visitor_of(sensor, ip)
    got = uvloop.run(ask(visitor, "POST", "/dicom-web/studies", body, Content_Type=kind, Accept="*/*"))
    assert got.status == 200, got
    return found


def by_rest(sensor: Sensor, ip: str) -> Object:
    dataset, found = made()
    got = uvloop.run(ask(visitor_of(sensor, ip), "POST", "/instances", part10(dataset), Authorization=BASIC))
    assert got.status == 200, got
    return found


def plain(got: Got, one: Object) -> tuple[int, str, bytes]:
    """A response without the names of the object that was asked for."""
    body = got.body
    for name in (*one.values.values(), *orthanc_ids(one).values()):
        body = body.replace(name.encode(), b"?")
    return got.status, got.headers.get("content-type", ""), body


def orthanc_ids(one: Object) -> dict[str, str]:
    """Orthanc's own names of an object and what it belongs to: five groups of a SHA-1 over the UIDs above it."""
    found = {}
    for number, level in enumerate(("patients", "studies", "series", "instances"), 1):
        digest = hashlib.sha1("|".join(one[:number]).encode()).hexdigest()
        found[level] = "-".join(digest[at : at + 8] for at in range(0, 40, 8))
    return found


def told(got: Got, one: Object) -> bool:
    """Whether a response has something of the object in it."""
    names = (MARK, *one.values.values(), *orthanc_ids(one).values())
    return any(name.encode() in got.body for name in names)


SEARCHES = (
    *("/studies?StudyInstanceUID={S}", "/studies?PatientID={P}", f"/studies?PatientName={MARK}*"),
    *("/studies?limit=1000", "/series?StudyInstanceUID={S}", "/series?SeriesInstanceUID={E}"),
    *("/instances?StudyInstanceUID={S}&includefield=all", "/studies/{S}/series", "/studies/{S}/instances"),
    *("/instances?SOPInstanceUID={I}", "/studies/{S}/series/{E}/instances", "/patients?PatientID={P}"),
    "/studies?00100020={P}&fuzzymatching=true",
)
RESOURCES = tuple(
    base + about
    for base, more in (
        ("/studies/{S}", ()),
        ("/studies/{S}/series/{E}", ()),
        (
            "/studies/{S}/series/{E}/instances/{I}",
            ("/frames/1", "/frames/1/rendered", "/frames/1/thumbnail", "/bulkdata/7FE00010"),
        ),
    )
    for about in ("", "/metadata", "/rendered", "/thumbnail", "/bulkdata", "/pixeldata", *more)
)
URI = "/wado?requestType=WADO&studyUID={S}&seriesUID={E}&objectUID={I}"
URIS = (URI, f"{URI}&contentType=application/dicom", f"{URI}&contentType=image/jpeg")
WEB = (*(f"/dicom-web{path}" for path in (*SEARCHES, *RESOURCES)), *URIS)
SHOWN = (
    "/dicom-web/studies/{S}/metadata",
    "/dicom-web/studies?PatientID={P}",
    URI,
    "/dicom-web/studies/{S}/rendered",
)
"""Some that show it to its visitor."""


@pytest.mark.parametrize("store", [c_store, by_stow])
def test_dicomweb(web_sensor: WebSensor, store: Callable[[Sensor, str], Object]) -> None:
    sensor, owner, other = web_sensor("plain"), new_address(), new_address()
    one, nobody = store(sensor, owner), made()[1]

    async def story() -> None:
        its, strange = visitor_of(sensor, owner), visitor_of(sensor, other)
        for path in SHOWN:
            assert (await ask(its, "GET", path.format(**one.values))).status == 200, path
        for path in WEB:
            for method in ("GET", "HEAD", "DELETE") if "{I}" in path else ("GET",):
                got = await ask(strange, method, path.format(**one.values), Accept="*/*")
                never = await ask(strange, method, path.format(**nobody.values), Accept="*/*")
                assert plain(got, one) == plain(never, nobody), (method, path)
                assert not told(Got(got.status, {}, plain(got, one)[2]), one), (method, path)
        for path in SHOWN:
            assert (await ask(its, "GET", path.format(**one.values))).status == 200, path

    uvloop.run(story())


def test_portal(web_sensor: WebSensor) -> None:
    sensor, owner, other = web_sensor("plain"), new_address(), new_address()
    one, nobody = c_store(sensor, owner), made()[1]
    portal = Portal(sensor.data, [])

    def targets(found: Object) -> Iterator[str]:
        uids = {"study": found.study, "series": found.series, "object": found.sop}
        for page in set(_PAGES) - {"logout", "audit"}:
            for names in (("study",), ("study", "series"), ("study", "series", "object"), ("series",), ("object",)):
                yield portal.href(page, **{name: uids[name] for name in names})
        yield portal.href("worklist", identifier=found.patient, period="all")
        yield portal.href("download", study=found.study, format="zip")

    async def story() -> None:
        its, strange, thief = (visitor_of(sensor, ip) for ip in (owner, other, new_address()))
        for each in (its, strange):
            await portal.sign_in(each, "administrator")
        thief.cookies = dict(its.cookies)  # a session is somebody's, too, but files belong to addresses
        seen = portal.href("study", study=one.study)
        assert (await ask(its, "GET", seen)).status == 200
        for who in (strange, thief):
            for mine, nobodys in zip(targets(one), targets(nobody), strict=True):
                got, never = await ask(who, "GET", mine), await ask(who, "GET", nobodys)
                assert got.status == never.status, (mine, got.status, never.status)
                assert MARK.encode() not in got.body, mine
            found = await ask(who, "GET", portal.href("worklist", name=f"{MARK}*", period="all"))
            assert one.study.encode() not in found.body
        assert (await ask(its, "GET", seen)).status == 200

    uvloop.run(story())


def test_dimse(web_sensor: WebSensor) -> None:
    sensor, owner, other = web_sensor("plain"), new_address(), new_address()
    for store in (c_store, by_stow):
        one = store(sensor, owner)
        levels = (
            ("STUDY", keys(StudyInstanceUID=one.study)),
            ("STUDY", keys(PatientID=one.patient, StudyInstanceUID="")),
            ("STUDY", keys(PatientName=f"{MARK}*", StudyInstanceUID="")),
            ("SERIES", keys(StudyInstanceUID=one.study, SeriesInstanceUID="")),
            ("IMAGE", keys(StudyInstanceUID=one.study, SeriesInstanceUID=one.series, SOPInstanceUID="")),
        )
        for ip, is_its in ((owner, True), (other, False)):
            received = Received()
            with associate(
                sensor.address, [STUDY_FIND, STUDY_GET, SC], ip=ip, scp=[SC], handlers=[received.handler]
            ) as association:
                for level, identifier in levels:
                    identifier.QueryRetrieveLevel = level
                    assert bool(find(association, identifier)[0]) == is_its, (level, identifier)
                for level, identifier in levels[:1]:
                    identifier.QueryRetrieveLevel = level
                    get(association, identifier)
            assert list(received.objects) == ([one.sop] if is_its else [])


def _orthanc_targets(one: Object) -> Iterator[tuple[str, str]]:
    ids = orthanc_ids(one)
    parts = {"name": "dicom", "frame": "0", "key": "x"}
    for method, path, _ in _routes():
        level = path.split("/")[1]
        if "{id}" in path and level in ids:
            yield method, path.replace("*", "0010-0010").format(**parts, id=ids[level])


@pytest.mark.parametrize("store", [c_store, by_rest])
def test_orthanc(web_sensor: WebSensor, store: Callable[[Sensor, str], Object]) -> None:
    sensor, owner, other = web_sensor("orthanc"), new_address(), new_address()
    one, nobody = store(sensor, owner), made()[1]
    ids = orthanc_ids(one)
    bodies = {"POST": b"{}", "PUT": b"x"}

    async def story() -> None:
        its, strange = visitor_of(sensor, owner), visitor_of(sensor, other)
        for each in (its, strange):
            each.headers["Authorization"] = BASIC
        shown = [f"/{level}/{name}" for level, name in ids.items()]
        shown += [f"/instances/{ids['instances']}/{about}" for about in ("file", "preview", "tags", "frames/0/raw")]
        shown += [f"/studies/{ids['studies']}/archive", f"/patients/{ids['patients']}/media"]
        for path in shown:
            assert (await ask(its, "GET", path)).status == 200, path
        # All that names it.
        for (method, mine), (_, nobodys) in zip(_orthanc_targets(one), _orthanc_targets(nobody), strict=True):
            got = await ask(strange, method, mine, bodies.get(method, b""))
            never = await ask(strange, method, nobodys, bodies.get(method, b""))
            assert plain(got, one) == plain(never, nobody), (method, mine)
        # All that lists.
        for method, path, _ in _routes():
            if method == "GET" and "{" not in path and "*" not in path:
                for query in ("", "?last", f"?since=0&limit=5&name={MARK}"):
                    assert not told(await ask(strange, "GET", path + query), one), path
        for level in ("Patient", "Study", "Series", "Instance"):
            wanted = {"Level": level, "Query": {"PatientID": one.patient}, "Expand": True}
            assert (await ask(strange, "POST", "/tools/find", json.dumps(wanted).encode())).json == []
        for name in one.values.values():
            assert (await ask(strange, "POST", "/tools/lookup", name.encode())).json == []
        for call in ("create-archive", "create-media", "bulk-content", "bulk-delete"):
            for name in ids.values():
                body = json.dumps([name] if "create" in call else {"Resources": [name]}).encode()
                assert not told(await ask(strange, "POST", f"/tools/{call}", body), one), call
        for path in ("/webdav/by-patients/", "/webdav/by-uids/", f"/webdav/by-uids/{one.study}/"):
            got = await ask(strange, "PROPFIND", path, b"", Depth="1")
            assert MARK.encode() not in got.body
        for path in shown:
            assert (await ask(its, "GET", path)).status == 200, path

    uvloop.run(story())


def test_addresses_are_compared_whole(web_sensor: WebSensor) -> None:
    """No field of a request makes somebody another visitor."""
    sensor, owner, other = web_sensor("plain"), new_address(), new_address()
    one = by_stow(sensor, owner)
    path = f"/dicom-web/studies/{one.study}/metadata"

    async def story() -> None:
        for name in ("X_Forwarded_For", "X_Real_IP", "Forwarded", "Client_IP", "True_Client_IP", "X_Client_IP"):
            value = f"for={owner}" if name == "Forwarded" else owner
            assert (await ask(visitor_of(sensor, other), "GET", path, **{name: value})).status == 404, name

    uvloop.run(story())
    with socket.create_connection(("127.0.0.1", sensor.web_port), 30, source_address=(other, 0)) as sock:
        sock.sendall(f"PROXY TCP4 {owner} 127.0.0.1 1 2\r\nGET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert MARK.encode() not in sock.recv(1 << 16)
