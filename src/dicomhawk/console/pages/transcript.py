"""A session's connections, byte for byte, and what was downloaded over them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...evidence.documents import value_at
from ...evidence.transcript import Record, SentObject, TranscriptError, read_connection
from ...hospital.catalogue import CatalogueError
from ..dissection import dissected
from ..pdus import hexdump
from ..shown import parsed
from ..site import Site, site_of

_e = schema.events.c
UNITS = 40
"""Of one page."""
CUT = 1024
"""Bytes of a unit that are shown at once."""
MAX_UNITS = 100_000
MAX_CONNECTIONS = 100
"""Connections of a session that are looked through for objects."""
SECONDS = 3.0
"""How long they are looked through."""
MAX_OBJECTS = 60
"""Objects of which pictures are shown."""
NO_IMAGES = frozenset(("SR", "KO", "PR", "ECG", "DOC"))
"""Modalities of objects that aren't images."""


@dataclass
class Fetched:
    """An object that was sent. `known`: what the catalogue has of it."""

    origin: str
    key: str
    size: int
    us: int
    known: Any = None


def transcript(request: Request) -> Response:
    """A connection, some units at a time."""
    site = site_of(request)
    opened = _opened(site, request.path_params["session"], request.path_params["connection"])
    start = request.query_params.get("from", "0")
    first = min(int(start), MAX_UNITS) if start.isascii() and start.isdecimal() and len(start) < 9 else 0
    whole = request.query_params.get("whole", "")
    protocol = str(value_at(opened, "network.protocol") or "")
    try:
        found = list(islice(dissected(_records(site, opened), protocol), first, first + UNITS + 1))
    except TranscriptError:
        raise HTTPException(404, "Its transcript is gone: the vault keeps to its budget.") from None
    units = []
    for number, unit in enumerate(found[:UNITS], first):
        shown = unit.data if whole == str(number) else unit.data[:CUT]
        units.append({"number": number, "unit": unit, "hex": hexdump(shown), "shown": len(shown)})
    return site.page(
        request,
        "transcript.html",
        session=request.path_params["session"],
        connection=request.path_params["connection"],
        opened=opened,
        protocol=protocol,
        units=units,
        first=first,
        behind=first + UNITS if len(found) > UNITS else None,
        before=max(0, first - UNITS) if first else None,
    )


def fetched(request: Request) -> Response:
    """What was sent to a visitor, with pictures."""
    site, identifier = site_of(request), request.path_params["session"]
    documents = site.findings.all(
        select(_e.document)
        .where(_e.session == identifier, _e.action == "connection.open")
        .order_by(_e.moment, _e.id)
        .limit(MAX_CONNECTIONS)
    )
    deadline = time.monotonic() + SECONDS
    found: dict[tuple[str, str], Fetched] = {}
    gone = 0
    complete = len(documents) < MAX_CONNECTIONS
    for (document,) in documents:
        try:
            for record in _records(site, parsed(document)):
                if isinstance(record, SentObject):
                    key = record.reference.origin, record.reference.key
                    sent = found.setdefault(key, Fetched(*key, 0, record.us))
                    sent.size += record.length
                if time.monotonic() > deadline:
                    complete = False
                    break
        except TranscriptError:
            gone += 1
        if time.monotonic() > deadline:
            break
    objects = sorted(found.values(), key=lambda each: each.us)
    try:
        known = site.images.instances([each.key for each in objects if each.origin == "hospital"][:MAX_OBJECTS])
    except CatalogueError:
        known = {}
    for each in objects:
        each.known = known.get(each.key)
    return site.page(
        request,
        "fetched.html",
        identifier=identifier,
        objects=objects[:MAX_OBJECTS],
        number=len(objects),
        without=NO_IMAGES,
        gone=gone,
        complete=complete,
    )


def _opened(site: Site, session: str, connection: str) -> dict[str, Any]:
    """The event by which a connection of a session began."""
    rows = site.findings.all(
        select(_e.document)
        .where(_e.session == session, _e.action == "connection.open", _e.connection == connection)
        .order_by(_e.moment, _e.id)
    )
    document = parsed(rows[0].document) if rows else None
    if not isinstance(document, dict):
        raise HTTPException(404, "There is no such connection.")
    return document


def _records(site: Site, opened: Any) -> Iterator[Record]:
    """Raises `TranscriptError`."""
    segment, offset = (value_at(opened, f"honeypot.transcript.{name}") for name in ("segment", "offset"))
    connection = value_at(opened, "honeypot.connection")
    if not isinstance(segment, str) or not isinstance(offset, int) or "/" in segment or offset < 0:
        raise TranscriptError("it says of no transcript")
    yield from read_connection(site.settings.vault_dir / "transcripts", segment, offset, str(connection))


ROUTES = [
    Route("/sessions/{session}/transcript/{connection}", transcript),
    Route("/sessions/{session}/fetched", fetched),
]
