"""Where visitors came from: addresses, networks, countries."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, Select, cast, distinct, func, or_, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ..charts import bars
from ..listing import counted, page_of
from ..shown import CATEGORIES, parsed
from ..site import site_of
from .sessions import choices

_s, _o = schema.sessions.c, schema.origins.c
MAX_SESSIONS = 100


def _summed() -> Any:
    return (
        select(
            _s.address,
            func.count().label("sessions"),
            func.sum(_s.connections).label("connections"),
            func.min(_s.first).label("first"),
            func.max(_s.last).label("last"),
            func.max(_s.rank).label("rank"),
            func.max(_s.severity).label("severity"),
        )
        .group_by(_s.address)
        .subquery()
    )


def origins(request: Request) -> Response:
    """Addresses, those seen last first."""
    site, given = site_of(request), request.query_params
    sums = _summed()
    query: Select[Any] = select(
        schema.origins, sums.c.sessions, sums.c.connections, sums.c.first, sums.c.last, sums.c.rank, sums.c.severity
    ).join(sums, sums.c.address == _o.address)
    wanted = {name: given.get(name, "")[:200] for name in ("category", "operator", "country", "text", "order")}
    for name in ("category", "operator", "country"):
        if wanted[name]:
            query = query.where(_o[name] == wanted[name])
    if text := wanted["text"]:
        query = query.where(
            or_(
                _o.address.startswith(text, autoescape=True),
                _o.network.icontains(text, autoescape=True),
                _o.name.icontains(text, autoescape=True),
            )
        )
    keys = {
        "": (sums.c.last, _o.address),
        "sessions": (sums.c.sessions, _o.address),
        "depth": (sums.c.rank, sums.c.last, _o.address),
    }
    page = page_of(site.findings, query, keys.get(wanted["order"], keys[""]), given.get("behind", ""))
    return site.page(
        request,
        "origins.html",
        rows=page.rows,
        behind=page.behind,
        wanted=wanted,
        number=site.findings.kept(("origins", str(wanted)), lambda: counted(site.findings, query)),
        categories=CATEGORIES,
        choices=choices(site),
        operators=site.findings.kept(
            "operators",
            lambda: [
                row[0]
                for row in site.findings.all(select(_o.operator).distinct().where(_o.operator != "").limit(500))
            ],
        ),
    )


def origin(request: Request) -> Response:
    """One address."""
    site, address = site_of(request), request.path_params["address"]
    row = site.findings.first(select(schema.origins).where(_o.address == address))
    sessions = site.findings.all(
        select(schema.sessions).where(_s.address == address).order_by(_s.first.desc()).limit(MAX_SESSIONS)
    )
    if row is None and not sessions:
        raise HTTPException(404, "This address has not been seen.")
    lookups = schema.lookups.c
    return site.page(
        request,
        "origin.html",
        address=address,
        row=row,
        sessions=sessions,
        number=site.findings.value(select(func.count()).select_from(schema.sessions).where(_s.address == address)),
        lookups=[
            (found.provider, found.fetched, parsed(found.answer))
            for found in site.findings.all(select(schema.lookups).where(lookups.subject == address))
        ],
    )


def countries(request: Request) -> Response:
    """Countries, those with most addresses first."""
    site = site_of(request)

    def found() -> list[Any]:
        return site.findings.all(
            select(
                _s.country,
                func.count(distinct(_s.address)).label("addresses"),
                func.count().label("sessions"),
                func.sum(_s.connections).label("connections"),
                func.sum(cast(_s.interaction, Integer)).label("interactions"),
                func.max(_s.last).label("last"),
            )
            .group_by(_s.country)
            .order_by(func.count(distinct(_s.address)).desc(), _s.country)
        )

    rows = site.findings.kept("countries", found)
    return site.page(
        request, "countries.html", rows=rows, bars=bars([(row.country or "not known", row.addresses) for row in rows])
    )


ROUTES = [
    Route("/origins", origins),
    Route("/origins/{address}", origin),
    Route("/countries", countries),
]
