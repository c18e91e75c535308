"""Rules and the allow-list, edited as files. Nothing else on these pages changes anything."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ...analyst.techniques.rules import Rules
from ...settings import SettingsError
from ..editing import Refused, Shelf, shelves
from ..shown import path, query
from ..site import site_of


def rules(request: Request) -> Response:
    """What there is."""
    site = site_of(request)
    problem, known = "", []
    try:
        known = list(Rules.load(site.settings.analyst.rules).all)
    except SettingsError as error:
        problem = str(error)
    return site.page(
        request,
        "rules.html",
        shelves=[(shelf, shelf.files()) for shelf in shelves(site.settings)],
        rules=known,
        problem=problem,
    )


def choose(request: Request) -> Response:
    """Go on to the file that was named."""
    shelf = _shelf(request)
    return RedirectResponse(
        path("rules", shelf.name, request.query_params.get("name", "").strip() or "new.toml"), 303
    )


def edit(request: Request) -> Response:
    """A file in a form."""
    shelf, name = _shelf(request), request.path_params["file"]
    try:
        text = shelf.read(name)
    except Refused as error:
        raise HTTPException(404, str(error)) from None
    return site_of(request).page(
        request,
        "rule.html",
        shelf=shelf,
        name=name,
        text=text or "",
        new=text is None,
        wrong="",
        saved=request.query_params.get("saved", ""),
    )


def save(request: Request) -> Response:
    """Keep what the form has, if it is right."""
    shelf, name = _shelf(request), request.path_params["file"]
    text = request.scope["state"]["form"].get("text", "")
    try:
        shelf.write(name, text)
    except Refused as error:
        return site_of(request).page(
            request,
            "rule.html",
            status=422,
            shelf=shelf,
            name=name,
            text=text,
            new=False,
            wrong=str(error),
            saved="",
        )
    return RedirectResponse(path("rules", shelf.name, name) + query(saved="1"), 303)


def _shelf(request: Request) -> Shelf:
    wanted = request.path_params["shelf"]
    for shelf in shelves(site_of(request).settings):
        if shelf.name == wanted:
            return shelf
    raise HTTPException(404, "There are no such rules.")


ROUTES = [
    Route("/rules", rules),
    Route("/rules/{shelf}", choose),
    Route("/rules/{shelf}/{file}", edit, methods=["GET"]),
    Route("/rules/{shelf}/{file}", save, methods=["POST"]),
]
