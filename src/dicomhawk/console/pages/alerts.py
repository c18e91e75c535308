"""Alerts: those that were sent, held or silenced."""

from __future__ import annotations

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...settings.words import SEVERITIES
from ..listing import page_of
from ..site import site_of

_a = schema.alerts.c
STATES = ("due", "held", "digested", "allowed", "late", "withdrawn")


def alerts(request: Request) -> Response:
    """The last first."""
    site, given = site_of(request), request.query_params
    wanted = {name: given.get(name, "")[:200] for name in ("state", "severity", "rule")}
    query = select(schema.alerts)
    if wanted["state"] in STATES:
        query = query.where(_a.state == wanted["state"])
    if wanted["severity"] in SEVERITIES:
        query = query.where(_a.severity >= SEVERITIES.index(wanted["severity"]))
    if wanted["rule"]:
        query = query.where(_a.rule == wanted["rule"])
    page = page_of(site.findings, query, (_a.moment, _a.seq), given.get("behind", ""))
    states = dict(tuple(row) for row in site.findings.all(select(_a.state, func.count()).group_by(_a.state)))
    rules = [row[0] for row in site.findings.all(select(_a.rule).distinct().order_by(_a.rule).limit(200))]
    return site.page(
        request,
        "alerts.html",
        rows=page.rows,
        behind=page.behind,
        wanted=wanted,
        states=STATES,
        counts=states,
        rules=rules,
    )


ROUTES = [Route("/alerts", alerts)]
