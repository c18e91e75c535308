"""The live feed: events as the analyst reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ...analyst.database import schema
from ..findings import NoFindings
from ..site import Site, site_of

_e = schema.events.c
POLL_SECONDS = 1.0
SLICES = 5
"""Looks at whether the console ends, between two looks into the database."""
AT_ONCE = 100
"""Events that are sent at a time; of what came beyond these only the number is told."""
FIRST = 60
"""Events that the page begins with."""
MAX_STREAMS = 16
HEARTBEAT_POLLS = 15
"""Polls without an event after which a comment shows that the line is alive."""
LEVELS = (("all", 0), ("noteworthy", 40), ("serious", 60))
"""Least severity of an event (0 to 99, as the catalogue of events has it)."""
_streams = anyio.CapacityLimiter(MAX_STREAMS)


def feed(request: Request) -> Response:
    """The last events, and a stream of those to come."""
    site = site_of(request)
    least = _least(request)
    newest = site.findings.value(select(func.max(_e.seq))) or 0
    rows = site.findings.all(_query(least).where(_e.seq <= newest).order_by(_e.seq.desc()).limit(FIRST))
    return site.page(request, "feed.html", rows=rows, newest=newest, least=least, levels=LEVELS)


async def stream(request: Request) -> Response:
    """Server-sent events. It goes on behind ``Last-Event-ID``, or ``after``."""
    site = site_of(request)
    given = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
    if _streams.borrowed_tokens >= MAX_STREAMS:
        return PlainTextResponse("Too many feeds at once.\n", 503, {"Retry-After": "10"})
    return StreamingResponse(
        _events(request, site, after, _least(request)),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(request: Request, site: Site, after: int | None, least: int) -> AsyncIterator[str]:
    quiet = 0
    async with _streams:
        yield "retry: 3000\n\n"
        while not site.ending and not await request.is_disconnected():
            try:
                after, sent = await anyio.to_thread.run_sync(_newer, site, after, least)
            except NoFindings:
                sent = []
            for message in sent:
                yield message
            quiet = 0 if sent else quiet + 1
            if quiet >= HEARTBEAT_POLLS:
                quiet = 0
                yield ":\n\n"
            for _ in range(SLICES):
                await anyio.sleep(POLL_SECONDS / SLICES)
                if site.ending:
                    return


def _newer(site: Site, after: int | None, least: int) -> tuple[int, list[str]]:
    """The number of the last event that there is, and messages of those behind `after`."""
    newest = int(site.findings.value(select(func.max(_e.seq))) or 0)
    if after is None or newest <= after:
        return newest, []
    rows = site.findings.all(
        _query(least).where(_e.seq > after, _e.seq <= newest).order_by(_e.seq.desc()).limit(AT_ONCE)
    )
    part = site.templates.get_template("feed_row.html")
    messages = []
    for row in reversed(rows):
        text = json.dumps({"html": part.render(row=row), "seq": row.seq})
        messages.append(f"id: {row.seq}\ndata: {text}\n\n")
    if len(rows) == AT_ONCE:
        skipped = newest - after - AT_ONCE
        messages.insert(0, f"event: skipped\ndata: {json.dumps({'number': max(skipped, 0)})}\n\n")
    return newest, messages


def _query(least: int) -> Any:
    query = select(schema.events)
    return query.where(_e.severity >= least) if least else query


def _least(request: Request) -> int:
    given = request.query_params.get("least", "")
    return next((number for _, number in LEVELS if str(number) == given), 0)


ROUTES = [Route("/feed", feed), Route("/feed/stream", stream)]
