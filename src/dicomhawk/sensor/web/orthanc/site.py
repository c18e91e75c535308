"""The face of Orthanc: which handler answers what, and what becomes of those that fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from ..backing import Backing
from ..formdata import boundary_of
from ..message import Request, Response, Site
from ..state import StateError
from . import (
    archives,
    arrays,
    attachments,
    changes,
    changing,
    dicomweb,
    explorer,
    instances,
    jobs,
    nodes,
    pictures,
    remotes,
    search,
    slices,
    system,
    upload,
    webdav,
)
from .login import pair_of
from .problems import UNHANDLED, Fault, Problem, Refusal
from .routing import METHODS, UNKNOWN, components, normalized, table
from .service import Call, Handler, Service

_MODULES: Final = (
    *(system, nodes, instances, attachments, pictures, archives, search, changes, jobs, remotes, upload, changing),
    *(explorer, slices, arrays),
)


def face(backing: Backing) -> Site:
    """Orthanc's REST API over the hospital. The persona must have a dialect of queries."""
    product = backing.holdings.product
    if product is None:
        raise ValueError("the persona's product doesn't keep an index of its own")
    dialects = (search.cased(product.dialect, sensitive=each) for each in (False, True))
    folding, sensitive = map(product.with_dialect, dialects)
    service = Service(backing, product, folding, sensitive)
    service.routes = table((*_routes(), *dicomweb.routes(service)))

    async def serve(request: Request) -> Response:
        uri = normalized(request.path)
        try:
            return await _answer(service, request, uri)
        except Problem as problem:
            return problem.response(request.method, uri)
        except Refusal as refusal:
            return Response(refusal.status)
        except (sqlite3.Error, StateError):
            return Problem(Fault.INTERNAL, UNHANDLED).response(request.method, uri)

    return serve


def _routes() -> Iterable[tuple[str, str, Handler]]:
    for module in _MODULES:
        yield from module.routes()


async def _answer(service: Service, request: Request, uri: str) -> Response:
    pair = pair_of(request.headers.get("Authorization") or "")
    user = pair[0] if pair else ""
    if components(uri)[:1] == [webdav.ROOT]:
        return await webdav.answer(Call(service, request, uri, {}, user))
    form = request.method == "POST" and boundary_of(request.headers.get("Content-Type")) is not None
    if form and components(uri) != upload.PLACE:
        async for _ in request.body:
            pass
        return Response(200)  # each part is a request of its own, of whose answer nothing is told
    if request.method not in METHODS:
        raise Refusal(400 if request.method in UNKNOWN else 404)
    found = service.routes.find(request.method, uri)
    if found is None:
        raise Problem(Fault.RESOURCE)
    if found.handler is None:
        return Response(405, [("Allow", ",".join(found.allowed))])
    return await found.handler(Call(service, request, uri, found.arguments, user))
