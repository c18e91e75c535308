"""What was tried, counted over all sessions: credentials, AE titles, clients."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, distinct, func, or_, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ..charts import bars
from ..listing import page_of
from ..site import site_of

_c, _t, _k, _s = schema.credentials.c, schema.ae_titles.c, schema.clients.c, schema.sessions.c
KINDS = ("dfp", "ja4", "ja3", "user-agent", "browser")


def credentials(request: Request) -> Response:
    """Pairs of user names and passwords, the most tried first."""
    site, given = site_of(request), request.query_params
    inner = select(
        _c.username,
        _c.password,
        func.sum(_c.times).label("times"),
        func.count(distinct(_c.session)).label("sessions"),
        func.sum(_c.succeeded).label("succeeded"),
        func.max(_c.lure).label("lure"),
        func.min(_c.first).label("first"),
        func.min(_c.service).label("service"),
    )
    wanted = {name: given.get(name, "")[:200] for name in ("text", "service", "only")}
    if wanted["text"]:
        text = wanted["text"]
        inner = inner.where(
            or_(_c.username.icontains(text, autoescape=True), _c.password.icontains(text, autoescape=True))
        )
    if wanted["service"]:
        inner = inner.where(_c.service == wanted["service"])
    if wanted["only"] == "succeeded":
        inner = inner.where(_c.succeeded > 0)
    if wanted["only"] == "lures":
        inner = inner.where(_c.lure != "")
    rows = inner.group_by(_c.username, _c.password).subquery()
    keys = (rows.c.times, rows.c.username, rows.c.password)
    page = page_of(site.findings, select(rows), keys, given.get("behind", ""))
    services = site.findings.kept(
        "services", lambda: [row[0] for row in site.findings.all(select(_c.service).distinct().limit(50))]
    )
    return site.page(
        request, "credentials.html", rows=page.rows, behind=page.behind, wanted=wanted, services=services
    )


def ae_titles(request: Request) -> Response:
    """Called and calling AE titles, the most tried first."""
    site, given = site_of(request), request.query_params
    side = "calling" if given.get("side") == "calling" else "called"
    title = _t[side]
    rows = (
        select(
            title.label("title"),
            func.sum(_t.accepted + _t.rejected).label("times"),
            func.sum(_t.accepted).label("accepted"),
            func.sum(_t.rejected).label("rejected"),
        )
        .group_by(title)
        .subquery()
    )
    page = page_of(site.findings, select(rows), (rows.c.times, rows.c.title), given.get("behind", ""))
    return site.page(
        request,
        "ae_titles.html",
        rows=page.rows,
        behind=page.behind,
        side=side,
        bars=bars([(row.title, row.times) for row in page.rows]),
    )


def clients(request: Request) -> Response:
    """Fingerprints and what they are known to be, the most frequent first."""
    site, given = site_of(request), request.query_params
    kind = given.get("kind", "")
    inner: Select[Any] = select(
        _k.kind,
        _k.value,
        func.max(_k.tool).label("tool"),
        func.count().label("sessions"),
        func.sum(_k.times).label("times"),
    )
    if kind in KINDS:
        inner = inner.where(_k.kind == kind)
    rows = inner.group_by(_k.kind, _k.value).subquery()
    page = page_of(site.findings, select(rows), (rows.c.sessions, rows.c.kind, rows.c.value), given.get("behind", ""))
    tools = site.findings.kept(
        "tools",
        lambda: site.findings.all(
            select(_s.tool, func.count(), func.count(distinct(_s.address)))
            .group_by(_s.tool)
            .order_by(func.count().desc())
            .limit(15)
        ),
    )
    return site.page(
        request,
        "clients.html",
        rows=page.rows,
        behind=page.behind,
        kind=kind,
        kinds=KINDS,
        tools=tools,
        bars=bars([(tool, number) for tool, number, _ in tools]),
    )


ROUTES = [
    Route("/credentials", credentials),
    Route("/ae-titles", ae_titles),
    Route("/clients", clients),
]
