"""Actors: sessions that belong together, whatever address they came from."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ..listing import counted, page_of
from ..site import site_of

_a, _s, _t = schema.actors.c, schema.sessions.c, schema.traits.c
ORDERS = {
    "": ("seen last first", (_a.last, _a.actor)),
    "sessions": ("most sessions first", (_a.sessions, _a.actor)),
    "severity": ("worst first", (_a.severity, _a.rank, _a.actor)),
}
MAX_ROWS = 100


def actors(request: Request) -> Response:
    """All of them."""
    site, given = site_of(request), request.query_params
    order = given.get("order", "")
    order = order if order in ORDERS else ""
    query = select(schema.actors)
    text = given.get("text", "")[:200]
    if text:
        query = query.where(_a.label.icontains(text, autoescape=True) | (_a.actor == text))
    page = page_of(site.findings, query, ORDERS[order][1], given.get("behind", ""))
    return site.page(
        request,
        "actors.html",
        rows=page.rows,
        behind=page.behind,
        order=order,
        text=text,
        orders={name: label for name, (label, _) in ORDERS.items()},
        number=counted(site.findings, query, "actor"),
    )


def actor(request: Request) -> Response:
    """One, with what its sessions have in common."""
    site, identifier = site_of(request), request.path_params["actor"]
    row = site.findings.first(select(schema.actors).where(_a.actor == identifier))
    if row is None:
        raise HTTPException(404, "There is no such actor.")
    own = select(_s.session).where(_s.actor == identifier)
    return site.page(
        request,
        "actor.html",
        row=row,
        sessions=site.findings.all(
            select(schema.sessions).where(_s.actor == identifier).order_by(_s.first.desc()).limit(MAX_ROWS)
        ),
        addresses=site.findings.all(
            select(_s.address, func.count(), func.min(_s.first), func.max(_s.last))
            .where(_s.actor == identifier)
            .group_by(_s.address)
            .order_by(func.count().desc(), _s.address)
            .limit(MAX_ROWS)
        ),
        traits=site.findings.all(
            select(_t.kind, _t.value, func.count().label("sessions"))
            .where(_t.session.in_(own))
            .group_by(_t.kind, _t.value)
            .order_by(func.count().desc(), _t.kind, _t.value)
            .limit(MAX_ROWS)
        ),
    )


ROUTES = [Route("/actors", actors), Route("/actors/{actor}", actor)]
