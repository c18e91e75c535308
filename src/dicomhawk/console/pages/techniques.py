"""Techniques that were seen, by their rules."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ..charts import bars
from ..listing import page_of
from ..shown import parsed
from ..site import site_of

_t, _s = schema.techniques.c, schema.sessions.c


def techniques(request: Request) -> Response:
    """Each rule that matched, the worst first."""
    site = site_of(request)
    rows = site.findings.kept(
        "techniques",
        lambda: site.findings.all(
            select(
                _t.rule,
                func.max(_t.name).label("name"),
                func.max(_t.severity).label("severity"),
                func.max(_t.attack).label("attack"),
                func.count().label("sessions"),
                func.sum(_t.times).label("times"),
                func.min(_t.first).label("first"),
                func.max(_t.last).label("last"),
            )
            .group_by(_t.rule)
            .order_by(func.max(_t.severity).desc(), func.count().desc(), _t.rule)
        ),
    )
    return site.page(request, "techniques.html", rows=rows, bars=bars([(row.rule, row.sessions) for row in rows]))


def technique(request: Request) -> Response:
    """The sessions in which a rule matched, the last first."""
    site, rule = site_of(request), request.path_params["rule"]
    query = (
        select(schema.techniques, _s.address, _s.category, _s.country, _s.verdict, _s.rank)
        .join(schema.sessions, _s.session == _t.session)
        .where(_t.rule == rule)
    )
    page = page_of(site.findings, query, (_t.first, _t.session), request.query_params.get("behind", ""))
    if not page.rows:
        raise HTTPException(404, "This rule has matched nothing, or nothing more.")
    return site.page(
        request,
        "technique.html",
        rule=rule,
        rows=page.rows,
        behind=page.behind,
        attack=parsed(page.rows[0].attack) or [],
        number=site.findings.value(select(func.count()).select_from(schema.techniques).where(_t.rule == rule)),
    )


ROUTES = [Route("/techniques", techniques), Route("/techniques/{rule}", technique)]
