"""Captured files, and what they turned out to be. Their bytes are never served here."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database import schema
from ...settings.words import SEVERITIES
from ..listing import counted, page_of
from ..shown import parsed
from ..site import site_of

_f, _c = schema.files.c, schema.captures.c
ORDERS = {
    "": ("seen last first", "last"),
    "severity": ("worst first", "severity"),
    "size": ("largest first", "size"),
}
SHA256 = re.compile(r"[0-9a-f]{64}")
DIFFERENCE = ".difference"
"""Behind the digest in the name of the picture of what differs from the hospital's own image."""
MAX_CAPTURES = 100


def files(request: Request) -> Response:
    """All of them."""
    site, given = site_of(request), request.query_params
    order = given.get("order", "")
    order = order if order in ORDERS else ""
    seen = (
        select(
            _c.sha256,
            func.max(_c.moment).label("last"),
            func.count().label("times"),
            func.max(_c.name).label("name"),
        )
        .group_by(_c.sha256)
        .subquery()
    )
    query: Any = select(schema.files, seen.c.last, seen.c.times, seen.c.name).join(seen, seen.c.sha256 == _f.sha256)
    wanted = {name: given.get(name, "")[:200] for name in ("text", "severity", "type")}
    if wanted["severity"] in SEVERITIES:
        query = query.where(_f.severity >= SEVERITIES.index(wanted["severity"]))
    if wanted["type"]:
        query = query.where(_f.type == wanted["type"])
    if wanted["text"]:
        text = wanted["text"]
        query = query.where(
            _f.sha256.startswith(text.lower(), autoescape=True)
            | _f.verdict.icontains(text, autoescape=True)
            | seen.c.name.icontains(text, autoescape=True)
        )
    key = {"last": seen.c.last, "severity": _f.severity, "size": _f.size}[ORDERS[order][1]]
    page = page_of(site.findings, query, (key, _f.sha256), given.get("behind", ""))
    return site.page(
        request,
        "files.html",
        rows=page.rows,
        behind=page.behind,
        order=order,
        orders={name: label for name, (label, _) in ORDERS.items()},
        wanted=wanted,
        number=counted(site.findings, query, "file"),
        types=[
            row[0] for row in site.findings.all(select(_f.type).distinct().order_by(_f.type).limit(200)) if row[0]
        ],
        previews={row.sha256 for row in page.rows if site.images.has_preview(row.sha256)},
    )


def file(request: Request) -> Response:
    """One, with its examination and who sent it."""
    site, sha256 = site_of(request), request.path_params["sha256"]
    if not SHA256.fullmatch(sha256):
        raise HTTPException(404, "That is not a SHA-256.")
    row = site.findings.first(select(schema.files).where(_f.sha256 == sha256))
    captures = site.findings.all(
        select(schema.captures, schema.sessions.c.address, schema.sessions.c.category)
        .join(schema.sessions, schema.sessions.c.session == _c.session)
        .where(_c.sha256 == sha256)
        .order_by(_c.moment.desc())
        .limit(MAX_CAPTURES)
    )
    if row is None and not captures:
        raise HTTPException(404, "No such file was captured.")
    report = parsed(row.report) if row is not None else None
    report = report if isinstance(report, dict) else {}
    findings = [each for each in report.get("findings", []) if isinstance(each, dict)]
    lookups = schema.lookups.c
    return site.page(
        request,
        "file.html",
        sha256=sha256,
        row=row,
        captures=captures,
        findings=sorted(findings, key=_worst_first),
        rest={key: value for key, value in report.items() if key != "findings"},
        preview=site.images.has_preview(sha256),
        difference=site.images.has_preview(sha256 + DIFFERENCE),
        lookups=[
            (found.provider, found.fetched, parsed(found.answer))
            for found in site.findings.all(select(schema.lookups).where(lookups.subject == sha256))
        ],
    )


def _worst_first(finding: dict[str, Any]) -> int:
    severity = finding.get("severity")
    return -severity if isinstance(severity, int) else 0


ROUTES = [Route("/files", files), Route("/files/{sha256}", file)]
