"""How the deployment is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...analyst.database import schema
from ...analyst.payload.sandbox import layers
from ...analyst.writing import NOT_ANALYSED
from ...outputs.forwarding.status import read_status
from ..findings import NoFindings
from ..site import Site, site_of
from ..watching import disk, folders, list_dates, list_warning, persona_gate, processes, readings, trouble

WEEK = 7 * 86_400_000_000
MAX_SEGMENTS = 20


def health(request: Request) -> Response:
    """Disk, processes, the analyst, and what went wrong."""
    site = site_of(request)
    found = site.findings.kept("health", lambda: _found(site))
    return site.page(request, "health.html", now=site.now, **found)


def _found(site: Site) -> dict[str, Any]:
    free, total = disk(site.settings)
    found: dict[str, Any] = {
        "version": __version__,
        "free": free,
        "total": total,
        "folders": folders(site.settings),
        "processes": processes(site.settings),
        "gate": persona_gate(site.settings),
        "problem": "",
        "segments": [],
        "behind": 0,
        "torn": 0,
        "events": 0,
        "last": None,
        "stale": 0,
        "failed": 0,
        "unexamined": 0,
        "trouble": [],
        "made": [],
        "outputs": read_status(site.settings, site.now),
        "sandbox": layers(),
        "strict": site.settings.analyst.sandbox == "strict",
        "lists": list_dates(),
        "lists_warning": list_warning(site.now),
    }
    try:
        found |= _of_findings(site)
    except NoFindings as error:
        found["problem"] = str(error)
    return found


def _of_findings(site: Site) -> dict[str, Any]:
    findings = site.findings
    segments = readings(site.settings, findings)
    events, files, sessions = schema.events.c, schema.files.c, schema.sessions.c
    return {
        "segments": segments[:MAX_SEGMENTS],
        "behind": sum(each.behind for each in segments),
        "torn": sum(each.torn for each in segments),
        "events": findings.value(select(func.max(events.seq))) or 0,
        "last": findings.value(select(func.max(events.moment))),
        "stale": findings.value(select(func.count()).select_from(schema.sessions).where(sessions.stale)) or 0,
        "failed": findings.value(
            select(func.count()).select_from(schema.sessions).where(sessions.verdict == NOT_ANALYSED)
        )
        or 0,
        "unexamined": findings.value(select(func.count()).select_from(schema.files).where(files.examined.is_(None)))
        or 0,
        "trouble": trouble(findings, site.now - WEEK),
        "made": [tuple(row) for row in findings.all(select(schema.meta).order_by(schema.meta.c.name))],
    }


ROUTES = [Route("/health", health)]
