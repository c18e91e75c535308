"""What all pages share: settings, findings, images, and how a page is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ..analyst.narrative import sentence
from ..analyst.origin import CATEGORIES
from ..analyst.report.cells import many
from ..settings import Settings
from ..settings.words import DEPTHS, SEVERITIES
from . import shown
from .access import Access
from .findings import Findings
from .images import Images

STATIC = Path(__file__).parent / "static"
THEMES = ("dark", "light")

NAVIGATION = (
    (
        "Watch",
        (("/", "Overview"), ("/feed", "Live feed"), ("/alerts", "Alerts")),
    ),
    (
        "Investigate",
        (
            ("/sessions", "Sessions"),
            ("/origins", "Origins"),
            ("/actors", "Actors"),
            ("/countries", "Countries"),
            ("/clients", "Clients"),
            ("/ae-titles", "AE titles"),
            ("/credentials", "Credentials"),
            ("/files", "Files"),
            ("/lures", "Lures"),
            ("/techniques", "Techniques"),
        ),
    ),
    (
        "Deployment",
        (("/hospital", "Hospital"), ("/health", "Health"), ("/rules", "Rules"), ("/report", "Report")),
    ),
)


class Site:
    """One console. `clock` gives POSIX time."""

    def __init__(self, settings: Settings, access: Access, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.access = access
        self.clock = clock
        self.ending = False
        """Whether the console is about to end: whoever waits for more shall not."""
        self.findings = Findings(settings.database_url)
        self.images = Images(settings)
        self.templates = _templates()

    @property
    def now(self) -> int:
        """Microseconds since the epoch."""
        return int(self.clock() * 1_000_000)

    def page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page; of one that a script asked for to put into another, what is in its block ``results`` only."""
        theme = request.cookies.get("theme", "")
        session = request.scope.get("state", {}).get("session")
        deployment = self.settings.deployment
        text = self.templates.get_template(template).render(
            context,
            base="part.html" if _is_part(request) else "base.html",
            at=request.url.path,
            theme=theme if theme in THEMES else "",
            csrf=session.csrf if session else "",
            sensor=self.settings.sensor_name or (deployment.hospital if deployment else ""),
        )
        return HTMLResponse(text, status)

    def close(self) -> None:
        """Close what is open."""
        self.images.close()
        self.findings.close()


def site_of(request: Request) -> Site:
    """The site that a request is to."""
    found: Site = request.app.state.site
    return found


def told(event: Any) -> str:
    """An event as a sentence; empty if it isn't one of ours."""
    try:
        return sentence(event)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def _is_part(request: Request) -> bool:
    headers = request.headers
    return "hx-request" in headers and "hx-history-restore-request" not in headers


def _templates() -> Environment:
    def finalize(value: Any) -> Any:
        # Markup is ours, or was made of pieces that were looked at.
        return shown.visible(value, "\n") if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("dicomhawk.console"),
        autoescape=True,
        finalize=finalize,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown.shown,
        "lines": shown.lines,
        "exact": shown.exact,
        "moment": shown.moment,
        "lasted": shown.lasted,
        "size": shown.size,
        "count": shown.count,
        "counted": many,
        "because": shown.because,
        "severity": shown.severity,
        "depth": shown.depth,
        "parsed": shown.parsed,
        "pretty": shown.pretty,
    }
    environment.globals |= {
        "path": shown.path,
        "query": shown.query,
        "told": told,
        "static": _static_addresses(),
        "navigation": NAVIGATION,
        "SEVERITIES": SEVERITIES,
        "DEPTHS": DEPTHS,
        "CATEGORIES": CATEGORIES,
    }
    environment.globals["m"] = environment.get_template("macros.html").module
    return environment


def _static_addresses() -> dict[str, str]:
    """Addresses of our own scripts and styles, which change with what is in them."""
    return {
        file.name: f"/static/{file.name}?{sha256(file.read_bytes()).hexdigest()[:12]}" for file in STATIC.iterdir()
    }
