"""The console as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..hospital.catalogue import CatalogueError
from ..settings import Settings
from .access import Access, secrets_of
from .findings import NoFindings
from .guard import Guard
from .pages import ROUTES
from .site import STATIC, Site, site_of


class _Static(StaticFiles):
    """Our own scripts and styles, whose addresses change with them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings, access: Access | None = None) -> Starlette:
    """The console of a data folder. Raises `SettingsError`."""
    site = Site(settings, access or Access(secrets_of(settings)[0]))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        site.close()

    app = Starlette(
        routes=[*ROUTES, Mount("/static", _Static(directory=STATIC))],
        middleware=[Middleware(Guard, access=site.access, names=settings.console.names)],
        exception_handlers={HTTPException: _http_error, NoFindings: _no_findings, CatalogueError: _no_findings},
        lifespan=lifespan,
    )
    app.state.site = site
    return app


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {404: "There is no such page", 405: "That can't be asked for here"}
    return site_of(request).page(
        request,
        "error.html",
        status=error.status_code,
        title=titles.get(error.status_code, "That didn't work"),
        text=error.detail,
    )


def _no_findings(request: Request, error: Exception) -> Response:
    return site_of(request).page(request, "error.html", status=503, title="Nothing to show yet", text=str(error))
