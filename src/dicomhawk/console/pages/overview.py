"""The first page: what the last days were like."""

from __future__ import annotations

from typing import Any

from sqlalchemy import distinct, func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...settings.words import DEPTHS
from ..charts import bars, by_address, over_time
from ..findings import Findings
from ..site import Site, site_of

DAYS = (1, 7, 30, 90, 365)
DAY = 86_400_000_000
_s = schema.sessions.c


def overview(request: Request) -> Response:
    """Sums, what they are made of, and what of it is worth reading."""
    site = site_of(request)
    days = _days(request)
    since = site.now - days * DAY
    return site.page(
        request,
        "overview.html",
        days=days,
        choices=DAYS,
        **site.findings.kept(("overview", days), lambda: _sums(site, since, days)),
        interesting=site.findings.all(
            select(schema.sessions).where(_s.first >= since).order_by(_s.interest.desc()).limit(8)
        ),
        alerts=site.findings.all(
            select(schema.alerts)
            .where(schema.alerts.c.state != "allowed")
            .order_by(schema.alerts.c.moment.desc())
            .limit(6)
        ),
    )


def _days(request: Request) -> int:
    given = request.query_params.get("days", "7")
    return int(given) if given.isdecimal() and int(given) in DAYS else 7


def _sums(site: Site, since: int, days: int) -> dict[str, Any]:
    findings = site.findings
    sums = by_address(_s.first >= since, beside=(_s.category,))
    categories = findings.all(
        select(
            sums.c.category,
            func.sum(sums.c.sessions).label("sessions"),
            func.count().label("addresses"),
            func.sum(sums.c.connections).label("connections"),
            func.sum(sums.c.interactions).label("interactions"),
        )
        .group_by(sums.c.category)
        .order_by(func.sum(sums.c.sessions).desc())
    )
    depths = dict(
        tuple(row) for row in findings.all(select(_s.rank, func.count()).where(_s.first >= since).group_by(_s.rank))
    )
    rules = schema.techniques.c
    techniques: list[Any] = findings.all(
        select(rules.rule, func.max(rules.name), func.max(rules.severity), func.count())
        .where(rules.first >= since)
        .group_by(rules.rule)
        .order_by(func.count().desc())
        .limit(8)
    )
    return {
        "tiles": _tiles(findings, since, categories),
        "time": over_time(findings, since, site.now, DAY if days > 7 else DAY // 24),
        "categories": categories,
        "category_bars": bars([(row.category, row.sessions) for row in categories]),
        "depth_bars": bars([(DEPTHS[rank], depths.get(rank, 0)) for rank in range(len(DEPTHS))]),
        "techniques": techniques,
    }


def _tiles(findings: Findings, since: int, categories: list[Any]) -> dict[str, int]:
    captures, alerts, lures = schema.captures.c, schema.alerts.c, schema.lures.c
    return {
        "sessions": sum(row.sessions for row in categories),
        "interactions": sum(row.interactions or 0 for row in categories),
        "addresses": sum(row.addresses for row in categories),
        "connections": sum(row.connections or 0 for row in categories),
        "files": findings.value(select(func.count(distinct(captures.sha256))).where(captures.moment >= since)) or 0,
        "lures": findings.value(select(func.count()).select_from(schema.lures).where(lures.moment >= since)) or 0,
        "alerts": findings.value(
            select(func.count()).select_from(schema.alerts).where(alerts.moment >= since, alerts.state != "allowed")
        )
        or 0,
    }


ROUTES = [Route("/", overview)]
