"""The report, made for who asks and given as a file: its page has styles of its own, which ours don't allow."""

from __future__ import annotations

import tempfile
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analyst.database.store import open_database
from ...analyst.report.formats import written
from ...analyst.report.gather import report as gather
from ...analyst.report.selection import Selection, moment_of
from ...settings import SettingsError
from ..site import site_of
from .downloads import attachment
from .sessions import choices

FORMATS = {"html": "HTML, one file", "csv": "CSV, in a ZIP archive", "json": "JSON", "md": "Markdown"}
_MEDIA = {"html": "text/html", "csv": "application/zip", "json": "application/json", "md": "text/markdown"}


def form(request: Request, wrong: str = "") -> Response:
    """What the report shall be about."""
    site, given = site_of(request), request.query_params
    wanted = {name: given.get(name, "")[:200] for name in ("from", "to", "format", "one", "other")}
    return site.page(
        request,
        "report.html",
        status=422 if wrong else 200,
        wanted=wanted,
        wrong=wrong,
        formats=FORMATS,
        sensors=choices(site)["sensor"],
    )


def download(request: Request) -> Response:
    """The report as a file."""
    site, given = site_of(request), request.query_params
    kind = given.get("format", "html")
    kind = kind if kind in FORMATS else "html"
    one, other = given.get("one", "")[:200], given.get("other", "")[:200]
    try:
        selection = Selection(
            start=moment_of(given["from"]) if given.get("from") else None,
            end=moment_of(given["to"], end=True) if given.get("to") else None,
            sensors=tuple(sensor for sensor in (one, other) if sensor),
            compare=bool(one and other),
        )
        engine = open_database(site.settings.database_url, read_only=True)
        try:
            made = gather(engine, selection)
        finally:
            engine.dispose()
        with tempfile.TemporaryDirectory(prefix="dicomhawk.") as folder:
            name = f"report.{'zip' if kind == 'csv' else kind}"
            target = Path(folder) / name
            written.write(made, kind, target)
            return attachment(target.open("rb"), name, _MEDIA[kind])
    except SettingsError as error:
        return form(request, str(error))


ROUTES = [Route("/report", form), Route("/report/file", download)]
