"""Bait in front of a site and behind one, without a sensor."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dicomhawk.evidence import events as ev
from dicomhawk.evidence.fields import Event
from dicomhawk.evidence.recorder import ConnectionRecord
from dicomhawk.lures.bait import Lures
from dicomhawk.lures.ledger import Taker
from dicomhawk.sensor.web.lured import MAX_FORM, baited
from dicomhawk.sensor.web.message import BodyTooLarge, Headers, Request, Response
from tests.lures.laying import ANNA, BERT, laid, path_of


class Record:
    """What goes on record of a visitor."""

    def __init__(self, taker: Taker) -> None:
        self.address, self.session, self.connection = taker
        self.events: list[Event] = []

    def emit(self, event: Event, duration: int | None = None) -> None:
        self.events.append(event)


class Body:
    def __init__(self, data: bytes) -> None:
        self.data = data

    async def read(self, limit: int) -> bytes:
        if len(self.data) > limit:
            raise BodyTooLarge
        return self.data

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("a site that isn't interested reads nothing")


class Face:
    """A site that knows one page."""

    def __init__(self, page: Response | None = None) -> None:
        self.page, self.asked = page, 0

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        return self.page or Response(404, [("Content-Type", "text/plain")], b"nothing")


@pytest.fixture
def lures(tmp_path: Path) -> Iterator[Lures]:
    with laid(tmp_path, "apache", number=4, canary_url="http://c.example") as found:
        yield found


def ask(
    lures: Lures,
    face: Face,
    path: str,
    taker: Taker = ANNA,
    *,
    method: str = "GET",
    body: bytes = b"",
    behind: bool = False,
    target: str | None = None,
    **headers: str,
) -> tuple[Response, list[Any]]:
    record = Record(taker)
    request = Request(
        method=method,
        target=path if target is None else target,
        path=path,
        headers=Headers(headers.items()),
        body=Body(body),
        visitor=taker.address,
        record=cast(ConnectionRecord, record),
    )
    return asyncio.run(cast(Any, baited(face, lures, behind=behind)(request))), record.events


def test_in_front_bait_comes_first_and_the_rest_is_the_face_s(lures: Lures) -> None:
    face = Face()
    response, events = ask(lures, face, "/.env")
    assert response.status == 200 and face.asked == 0
    assert [type(event) for event in events] == [ev.LureTaken]
    response, events = ask(lures, face, "/worklist")
    assert response.body == b"nothing" and face.asked == 1 and events == []


def test_behind_the_face_answers_what_it_knows(lures: Lures) -> None:
    forbidden = Face(Response(401, [], b""))
    response, events = ask(lures, forbidden, "/.env", behind=True)
    assert response.status == 401 and events == []
    response, events = ask(lures, Face(), "/.env", behind=True)
    assert response.status == 200 and len(events) == 1
    assert ask(lures, Face(), "/.env", behind=True, method="HEAD")[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "BREW"])
def test_other_methods_are_the_face_s(lures: Lures, method: str) -> None:
    face = Face()
    ask(lures, face, "/.env", method=method)
    assert face.asked == 1


def test_what_is_typed_into_a_form_is_on_record(lures: Lures, tmp_path: Path) -> None:
    number = next(n for n in range(50) if _has_form(tmp_path / str(n), n))
    with laid(tmp_path, "apache", number=number) as found:
        path = path_of(found, "route/phpmyadmin") + "index.php"
        pair = next(one for one in found.credentials if one.place == "environment")
        form = f"pma_username={pair.username}&pma_password={pair.password}&server=1".encode()
        response, events = ask(found, Face(), path, method="POST", body=form)
        assert response.status == 200 and b"#1045" in cast(bytes, response.body)
        login = next(event for event in events if isinstance(event, ev.HttpLogin))
        assert (login.username, login.password, login.outcome) == (pair.username, pair.password, "failure")
        assert [event.lure for event in events if isinstance(event, ev.LureTaken)] == ["route/phpmyadmin", pair.lure]
        for strange in (b"", b"\xff" * 100, b"&" * 1000, b"a" * (MAX_FORM + 1), b"=&" * 60):
            assert ask(found, Face(), path, method="POST", body=strange)[0].status == 200


def _has_form(data: Path, number: int) -> bool:
    with laid(data, "apache", number=number) as found:
        return any(route.lure == "route/phpmyadmin" for route in found.routes.by_path.values())


@pytest.mark.parametrize("kind", ["application/dicom+json", "text/html; charset=utf-8", "application/json"])
def test_what_one_is_told_and_another_asks_is_on_record(lures: Lures, kind: str) -> None:
    uid = f"{lures.scene.deployment.uid_root}.3.77.1"
    page = Face(Response(200, [("Content-Type", kind)], f'{{"x": "{uid}"}}'.encode()))
    ask(lures, page, "/studies", ANNA)
    _, events = ask(lures, Face(), f"/studies/{uid}/metadata", BERT)
    (event,) = events
    assert isinstance(event, ev.LureReused)
    assert (event.lure_kind, event.detail, event.minted, event.visitor) == ("uid", uid, ANNA.session, ANNA.address)
    assert ask(lures, Face(), f"/studies/{uid}/metadata", ANNA)[1] == []


@pytest.mark.parametrize(
    "kind", ["application/dicom+json", 'multipart/related; type="application/dicom+xml"; boundary=b']
)
def test_what_a_list_tells_while_it_is_sent_is_told(lures: Lures, kind: str) -> None:
    uids = [f"{lures.scene.deployment.uid_root}.3.78.{number}" for number in range(3)]

    async def pieces() -> AsyncIterator[bytes]:
        for uid in uids:
            yield f'{{"x": "{uid}"}}'.encode()

    async def sent(page: Response) -> bytes:
        return b"".join([part async for part in cast(AsyncIterator[bytes], page.body)])

    lures.watch.told(BERT, "uid", uids)
    page, _ = ask(lures, Face(Response(200, [("Content-Type", kind)], pieces())), "/studies", ANNA)
    assert asyncio.run(sent(page)).count(b"{") == 3
    for uid in uids:
        assert ask(lures, Face(), f"/studies/{uid}/series", ANNA)[1] == []


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_told_packed_is_told(lures: Lures, coding: str) -> None:
    uids = [f"{lures.scene.deployment.uid_root}.3.79.{number}" for number in range(30_000)]
    text = json.dumps(uids).encode()
    packed = gzip.compress(text) if coding == "gzip" else zlib.compress(text)
    lures.watch.told(BERT, "uid", uids[-1:])
    headers = [("Content-Type", "application/dicom+json"), ("Content-Encoding", coding)]
    ask(lures, Face(Response(200, headers, packed)), "/studies", ANNA)
    assert len(text) > 1 << 20
    assert ask(lures, Face(), f"/studies/{uids[-1]}/series", ANNA)[1] == []


def test_a_credential_in_a_page_is_told_with_it(lures: Lures) -> None:
    credential = next(one for one in lures.credentials if one.place == "page")
    page = Face(Response(200, [("Content-Type", "text/html")], f"<!-- {lures.comment()} -->".encode()))
    assert credential.password in lures.comment()
    ask(lures, page, "/login", ANNA)
    (reuse,) = lures.watch.came_back(BERT, "credential", credential.lure, credential.lure)
    assert reuse.told.session == ANNA.session


def test_files_are_not_looked_through(lures: Lures) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise AssertionError("nobody may read it here")
        yield b""

    for page in (
        Response(200, [("Content-Type", "text/html")], pieces()),
        Response(200, [("Content-Type", "application/dicom")], b"x"),
        Response(200, [], b"x"),
        Response(500, [("Content-Type", "text/html")], b"x"),
    ):
        assert ask(lures, Face(page), "/x")[0] is page


@pytest.mark.parametrize(
    "path", ["/", "", "//", "/..", "/.env/", "/.ENV", "/.env\0", "/%2e%65nv", "/x" * 2000, "/\udcff"]
)
def test_strange_paths_are_the_face_s(lures: Lures, path: str) -> None:
    face = Face()
    assert ask(lures, face, path)[0].status == 404 and face.asked == 1
