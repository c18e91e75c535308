"""The hospital: what a visitor would find there now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...hospital.archive import CATALOGUE
from ...hospital.catalogue import Catalogue
from ...hospital.present import newest, schedule
from ...hospital.rows import Instance, Patient, ScheduledStep, Series, Study
from ..site import Site, site_of

_CLASSES = (("patients", Patient), ("studies", Study), ("series", Series), ("instances", Instance))


def hospital(request: Request) -> Response:
    """Counts, today's schedule, the newest studies, and the devices."""
    site = site_of(request)
    found = site.findings.kept("hospital", lambda: _found(site))
    return site.page(request, "hospital.html", deployment=site.settings.deployment, **found)


def _found(site: Site) -> dict[str, Any]:
    """Raises `CatalogueError`."""
    now = site.clock()
    with Catalogue(site.settings.data / CATALOGUE) as catalogue:
        today = datetime.fromtimestamp(now).strftime("%Y%m%d")
        return {
            "now": int(now * 1_000_000),
            "today": today,
            "counts": [(name, catalogue.count(kind, now=now), catalogue.count(kind)) for name, kind in _CLASSES],
            "planned": catalogue.count(ScheduledStep, now=now),
            "steps": schedule(catalogue, today, now),
            "studies": newest(catalogue, now),
            "devices": catalogue.devices(),
        }


ROUTES = [Route("/hospital", hospital)]
