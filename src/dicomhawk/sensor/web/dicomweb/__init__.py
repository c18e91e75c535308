"""DICOMweb (PS3.18): QIDO-RS, WADO-RS, STOW-RS and WADO-URI, over the archive that DIMSE asks."""

from __future__ import annotations

import re

from ....hospital.attributes import Level
from ....persona.model.dicomweb import AET, DicomWeb
from ..backing import Backing
from ..message import Request, Response, Site
from .capabilities import capabilities
from .errors import Refused, error
from .frames import Frames
from .objects import Retrieval
from .paths import Resource, resource
from .rendered import Rendered
from .search import Search
from .service import Service
from .store import Storing
from .uri import Uri

__all__ = ["by_uri", "mounted", "service"]

_READ = ("GET", "HEAD")


def service(backing: Backing, prefix: str) -> Site:
    """The RESTful services below `prefix`, in which the AE title's place is filled in."""
    at = Service(backing, prefix)

    async def site(request: Request) -> Response:
        try:
            return await _answer(at, request)
        except Refused as refused:
            return refused.response(at.persona)

    return site


def by_uri(backing: Backing) -> Site:
    """WADO-URI, whatever the path."""
    at = Service(backing, "")

    async def site(request: Request) -> Response:
        try:
            if request.method not in _READ:
                raise Refused(405, "Method Not Allowed", (("Allow", "GET, HEAD, OPTIONS"),))
            return await Uri(at, request).response()
        except Refused as refused:
            return refused.response(at.persona)

    return site


def mounted(backing: Backing, others: Site) -> Site:
    """The persona's DICOMweb services at their paths, and `others` at all further ones."""
    persona = backing.persona.dicomweb
    titles = dict.fromkeys((backing.deployment.ae_title, *persona.aets))
    places: list[tuple[re.Pattern[str], dict[str, Site]]] = []
    if persona.prefix:
        sites = {title: service(backing, persona.prefix.replace(AET, title)) for title in titles}
        places.append((_form(persona.prefix, "(?:/.*)?"), sites))
    if persona.uri:
        places.append((_form(persona.uri, "/?"), dict.fromkeys(titles, by_uri(backing))))

    async def site(request: Request) -> Response:
        for form, sites in places:
            found = form.fullmatch(request.path)
            if found is not None:
                title = found[1] if form.groups else backing.deployment.ae_title
                at = sites.get(title)
                return _unknown(persona, title) if at is None else await at(request)
        return await others(request)

    return site


def _form(path: str, rest: str) -> re.Pattern[str]:
    """A path, in which an AE title may stand, with what may follow."""
    return re.compile(re.escape(path).replace(re.escape(AET), "([^/]{1,64})") + rest, re.DOTALL)


def _unknown(persona: DicomWeb, title: str) -> Response:
    shown = re.sub(r"[^A-Za-z0-9_. -]", "_", title)
    return error(persona, 404, persona.unknown_aet.replace(AET, shown))


async def _answer(at: Service, request: Request) -> Response:
    found = resource(request.path.removeprefix(at.prefix))
    beyond = found is not None and (found.what == "count" or found.level == Level.PATIENT)
    if found is None or (beyond and not at.persona.counts):
        raise Refused(404, "Not Found")
    if request.method == "OPTIONS" or (found.what == "root" and request.method in _READ):
        return capabilities(at, request)
    if request.method == "POST" and _is_store(found):
        return await Storing(at, request, found.study).response()
    if request.method not in _READ:
        allowed = "GET, HEAD, OPTIONS" + (", POST" if _is_store(found) else "")
        raise Refused(405, "Method Not Allowed", (("Allow", allowed),))
    match found.what:
        case "search":
            return await Search(at, request, found).response()
        case "count":
            return await Search(at, request, found).count()
        case "objects":
            return await Retrieval(at, request, found).objects()
        case "metadata":
            return await Retrieval(at, request, found).metadata()
        case "frames":
            return await Frames(at, request, found).frames()
        case "bulkdata" | "pixeldata":
            return await Frames(at, request, found).bulkdata()
        case _:
            return await Rendered(at, request, found).picture()


def _is_store(found: Resource) -> bool:
    """Whether objects can be stored there: at all studies, or at one."""
    whole_study = found.what == "objects" and not found.series
    return whole_study or (found.what == "search" and found.level == Level.STUDY)
