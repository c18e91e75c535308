"""Sessions: all that are wanted, and one with everything that is known of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...analyst.origin import CATEGORIES
from ..asking import questions
from ..filters import Filter
from ..listing import counted, page_of
from ..site import Site, site_of

_s, _e = schema.sessions.c, schema.events.c
ORDERS: dict[str, tuple[str, tuple[ColumnElement[Any], ...]]] = {
    "": ("newest first", (_s.first, _s.session)),
    "interest": ("most interesting first", (_s.interest, _s.session)),
    "severity": ("worst first", (_s.severity, _s.first, _s.session)),
    "depth": ("deepest first", (_s.rank, _s.first, _s.session)),
}
EVENTS = 100
"""Of a timeline's page."""
MAX_PARTS = 200
"""Rows of what else is known of a session."""
_CHOICES = ("sensor", "country", "tool")
MAX_CHOICES = 500


def sessions(request: Request) -> Response:
    """Those that the form asks for."""
    site = site_of(request)
    wanted = Filter.of(request.query_params)
    label_of = {name: label for name, (label, _) in ORDERS.items()}
    order = wanted.order if wanted.order in ORDERS else ""
    query: Select[Any] = select(schema.sessions).where(*site.findings.run(wanted.conditions))
    page = page_of(site.findings, query, ORDERS[order][1], request.query_params.get("behind", ""))
    return site.page(
        request,
        "sessions.html",
        wanted=wanted,
        order=order,
        orders=label_of,
        rows=page.rows,
        behind=page.behind,
        number=site.findings.kept(("sessions", str(wanted)), lambda: counted(site.findings, query, "session")),
        choices=choices(site),
        categories=CATEGORIES,
    )


def choices(site: Site) -> dict[str, list[str]]:
    """The values of columns that a list can be narrowed by."""

    def found() -> dict[str, list[str]]:
        return site.findings.run(lambda connection: {name: _distinct(connection, name) for name in _CHOICES})

    return site.findings.kept("choices", found)


def _distinct(connection: Connection, name: str) -> list[str]:
    """The values of an indexed column. Each is looked up behind the one before: there are few, of many rows."""
    column = _s[name]
    found: list[str] = []
    value = connection.execute(select(func.min(column))).scalar()
    while value is not None and len(found) < MAX_CHOICES:
        if value:
            found.append(value)
        value = connection.execute(select(func.min(column)).where(column > value)).scalar()
    return found


def session(request: Request) -> Response:
    """One, with everything."""
    site = site_of(request)
    identifier = request.path_params["session"]
    row = site.findings.first(select(schema.sessions).where(_s.session == identifier))
    if row is None:
        raise HTTPException(404, "There is no such session; it may not have been analysed yet.")
    return site.page(
        request,
        "session.html",
        row=row,
        **site.findings.run(lambda connection: _parts(connection, identifier, row)),
        **_timeline(request, site, identifier),
    )


def timeline(request: Request) -> Response:
    """More of the timeline."""
    site, identifier = site_of(request), request.path_params["session"]
    return site.page(request, "timeline.html", identifier=identifier, **_timeline(request, site, identifier))


def _timeline(request: Request, site: Site, identifier: str) -> dict[str, Any]:
    query = select(schema.events).where(_e.session == identifier)
    action = request.query_params.get("action", "")
    if action:
        query = query.where(_e.action == action)
    behind = request.query_params.get("behind", "")
    page = page_of(site.findings, query, (_e.moment, _e.id), behind, ascending=True, rows=EVENTS)
    return {"events": page.rows, "behind": page.behind, "action": action}


def _parts(connection: Connection, identifier: str, row: Any) -> dict[str, Any]:
    def of(table: Any, *order: Any) -> list[Any]:
        query = select(table).where(table.c.session == identifier).order_by(*order).limit(MAX_PARTS)
        return list(connection.execute(query))

    captures, files = schema.captures, schema.files
    left = list(
        connection.execute(
            select(captures, files.c.type, files.c.size, files.c.severity, files.c.verdict)
            .join(files, files.c.sha256 == captures.c.sha256, isouter=True)
            .where(captures.c.session == identifier)
            .order_by(captures.c.moment)
            .limit(MAX_PARTS)
        )
    )
    lures = schema.lures
    taken = list(
        connection.execute(
            select(lures)
            .where(or_(lures.c.session == identifier, lures.c.origin_session == identifier))
            .order_by(lures.c.moment)
            .limit(MAX_PARTS)
        )
    )
    connections = list(
        connection.execute(
            select(_e.document)
            .where(and_(_e.session == identifier, _e.action == "connection.open"))
            .order_by(_e.moment, _e.id)
            .limit(MAX_PARTS)
        ).scalars()
    )
    counts = list(
        connection.execute(
            select(_e.action, func.count())
            .where(_e.session == identifier)
            .group_by(_e.action)
            .order_by(func.count().desc())
        )
    )
    actor = None
    if row.actor:
        actor = connection.execute(select(schema.actors).where(schema.actors.c.actor == row.actor)).first()
    return {
        "techniques": of(schema.techniques, schema.techniques.c.severity.desc(), schema.techniques.c.rule),
        "clients": of(schema.clients, schema.clients.c.kind, schema.clients.c.value),
        "titles": of(schema.ae_titles, schema.ae_titles.c.called, schema.ae_titles.c.calling),
        "credentials": of(schema.credentials, schema.credentials.c.first),
        "alerts": of(schema.alerts, schema.alerts.c.seq),
        "origin": connection.execute(select(schema.origins).where(schema.origins.c.address == row.address)).first(),
        "captures": left,
        "lures": taken,
        "connections": connections,
        "actions": counts,
        "questions": questions(connection, identifier),
        "actor": actor,
    }


def event(request: Request) -> Response:
    """One event, as it is."""
    site = site_of(request)
    row = site.findings.first(select(schema.events).where(_e.id == request.path_params["event"]))
    if row is None:
        raise HTTPException(404, "There is no such event.")
    return site.page(request, "event.html", row=row)


ROUTES = [
    Route("/sessions", sessions),
    Route("/sessions/{session}", session),
    Route("/sessions/{session}/timeline", timeline),
    Route("/events/{event}", event),
]
