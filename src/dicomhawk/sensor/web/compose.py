"""Which site a persona's web door has."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from . import ohif
from .backing import Backing
from .dicomweb import mounted
from .lured import baited
from .message import Request, Response, Site
from .windows import guarded
from .wire.outbound import Writer


def site_of(backing: Backing) -> Site:
    """What the persona serves: the face that it names, and bait."""
    site = guarded(backing, _face(backing))
    if backing.lures is None:
        return site
    return baited(site, backing.lures, behind=backing.persona.http.face == "orthanc")


def _face(backing: Backing) -> Site:
    face = backing.persona.http.face
    if face != "empty" and find_spec(f"{__package__}.{face}") is not None:
        module = import_module(f"{__package__}.{face}")
        made, gate = getattr(module, "face", None), getattr(module, "gate", None)
        if made is not None:
            # A face that answers DICOMweb in its own words says so.
            inner: Site = made(backing) if getattr(module, "DICOMWEB", False) else mounted(backing, made(backing))
            found = ohif.mounted(backing, inner)
            return found if gate is None else gate(backing, found)
    return mounted(backing, _nothing(backing))


def _nothing(backing: Backing) -> Site:
    """A server without pages."""
    writer = Writer(backing.persona.http, "")
    kind = backing.persona.http.errors.type

    async def site(request: Request) -> Response:
        page = writer.page(404, method=request.method, target=request.target)
        return Response(404, [("Content-Type", kind)] if kind and page else [], page)

    return site
