"""Where visitors came from: addresses, networks, countries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...analyst.origin import CATEGORIES
from ..charts import bars, by_address
from ..listing import counted, page_of
from ..shown import parsed
from ..site import site_of
from .sessions import choices

_s, _o = schema.sessions.c, schema.origins.c
MAX_SESSIONS = 100


def origins(request: Request) -> Response:
    """Addresses, those seen last first."""
    site, given = site_of(request), request.query_params
    wanted = {name: given.get(name, "")[:200] for name in ("category", "operator", "country", "text", "order")}
    sums = by_address()
    query: Select[Any] = select(sums)
    known = _wanted(wanted)
    if known is not None:
        query = query.where(sums.c.address.in_(known))
    keys = {
        "": (sums.c.last, sums.c.address),
        "sessions": (sums.c.sessions, sums.c.address),
        "depth": (sums.c.rank, sums.c.last, sums.c.address),
    }
    page = page_of(site.findings, query, keys.get(wanted["order"], keys[""]), given.get("behind", ""))
    facts = site.findings.all(select(schema.origins).where(_o.address.in_([row.address for row in page.rows])))
    return site.page(
        request,
        "origins.html",
        rows=page.rows,
        facts={row.address: row for row in facts},
        behind=page.behind,
        wanted=wanted,
        number=counted(site.findings, select(_o.address) if known is None else known, "address", "addresses"),
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


def _wanted(wanted: Mapping[str, str]) -> Select[tuple[str]] | None:
    """Addresses that are as the form says; None: all."""
    conditions: list[ColumnElement[bool]] = [
        _o[name] == wanted[name] for name in ("category", "operator", "country") if wanted[name]
    ]
    if text := wanted["text"]:
        conditions.append(
            or_(
                _o.address.startswith(text, autoescape=True),
                _o.network.icontains(text, autoescape=True),
                _o.name.icontains(text, autoescape=True),
            )
        )
    return select(_o.address).where(*conditions) if conditions else None


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

    sums = by_address(beside=(_s.country,)).c

    def found() -> list[Any]:
        return site.findings.all(
            select(
                sums.country,
                func.count().label("addresses"),
                func.sum(sums.sessions).label("sessions"),
                func.sum(sums.connections).label("connections"),
                func.sum(sums.interactions).label("interactions"),
                func.max(sums.last).label("last"),
            )
            .group_by(sums.country)
            .order_by(func.count().desc(), sums.country)
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
