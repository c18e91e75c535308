"""Bait: what was laid out, and who took it."""

from __future__ import annotations

from sqlalchemy import distinct, func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ..listing import page_of
from ..site import site_of

_l, _s = schema.lures.c, schema.sessions.c
MAX_KINDS = 200


def lures(request: Request) -> Response:
    """Each lure with its hits, and the hits themselves, the last first."""
    site, given = site_of(request), request.query_params
    wanted = {name: given.get(name, "")[:200] for name in ("lure", "action", "token")}
    query = select(schema.lures, _s.address, _s.category, _s.country).join(
        schema.sessions, _s.session == _l.session, isouter=True
    )
    for name in wanted:
        if wanted[name]:
            query = query.where(_l[name] == wanted[name])
    page = page_of(site.findings, query, (_l.moment, _l.event), given.get("behind", ""))
    kinds = site.findings.kept(
        "lures",
        lambda: site.findings.all(
            select(
                _l.lure,
                func.count().label("hits"),
                func.count(distinct(_l.session)).label("sessions"),
                func.count(distinct(_l.token)).label("tokens"),
                func.max(_l.moment).label("last"),
            )
            .group_by(_l.lure)
            .order_by(func.count().desc())
            .limit(MAX_KINDS)
        ),
    )
    actions = site.findings.kept(
        "lure actions", lambda: [row[0] for row in site.findings.all(select(_l.action).distinct().limit(20))]
    )
    return site.page(
        request, "lures.html", rows=page.rows, behind=page.behind, wanted=wanted, kinds=kinds, actions=actions
    )


ROUTES = [Route("/lures", lures)]
