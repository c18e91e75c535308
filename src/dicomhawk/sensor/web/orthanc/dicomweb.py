"""The DICOMweb services in the manner of Orthanc's plug-in for them: its errors, and its layout of JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import urlsplit

from ....hospital.attributes import SERIES_UID, SOP_UID, STUDY_UID, Level
from ...listing import Listing, is_uid
from ..backing import Backing
from ..message import Part, Request, Response, Site, Stored
from ..state import State, path_of
from . import servers
from .explorer import pages
from .jsoncpp import TAB, styled
from .problems import Fault, Problem
from .routing import METHODS, UNKNOWN, normalized, table

MAX_STYLED: Final = 8 << 20
"""Bytes of JSON that are laid out anew; more, which are metadata of some thousand instances, go as they come."""
HOST: Final = "http://localhost"
"""Where the plug-in says that it is, unless it is told otherwise."""
CLIENT: Final = "app/client/index.html"
"""The page that the plug-in names as its own."""
_LEFT_OUT: Final = ("00080054", "00080056")
_RETRIEVE_URL: Final = "00081190"
_CLASS, _CHARACTER_SET, _FAILED, _REFERENCED = "00081150", "00080005", "00081198", "00081199"
_SERIES_UID, _INSTANCE_UID = "0020000E", "00080018"
_IF_KNOWN: Final = ("00280008", "00280010", "00280011", "00280100", "00400244", "00400245")
_OF_STUDIES: Final = {"00080061", "00201206", "00201208"}
_OF_SERIES: Final = {"00201209"}
"""Attributes of studies and of series that aren't repeated below them."""
_UIDS: Final = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}
_EVERYTHING: Final = ("includefield", "all")
_BULK: Final = "BulkDataURI"
JSON: Final = "application/dicom+json"
_PICTURES: Final = ("application/dicom", "image/png", "image/jpeg", "image/jpg")
_CANNOT: Final = "This WADO-RS plugin cannot generate the following content type: "


class What(Enum):
    """What the plug-in has at a path."""

    SEARCH = auto()
    OBJECTS = auto()
    METADATA = auto()
    FRAMES = auto()
    RENDERED = auto()
    BULK = auto()
    SERVERS = auto()


_STUDY: Final = "/studies/{study}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"
_SERVICES: Final = table(
    [
        ("GET", "/wado", What.SEARCH),
        ("GET", "/info", What.SEARCH),
        ("GET POST", "/studies", What.SEARCH),
        *(("GET", path, What.SEARCH) for path in ("/series", "/instances")),
        *(("GET", f"{_STUDY}/{kind}", What.SEARCH) for kind in ("series", "instances")),
        ("GET", f"{_SERIES}/instances", What.SEARCH),
        ("GET POST", _STUDY, What.OBJECTS),
        *(("GET", path, What.OBJECTS) for path in (_SERIES, _INSTANCE)),
        *(("GET", f"{path}/metadata", What.METADATA) for path in (_STUDY, _SERIES, _INSTANCE)),
        *(("GET", f"{path}/rendered", What.RENDERED) for path in (_STUDY, _SERIES, _INSTANCE)),
        ("GET", f"{_INSTANCE}/frames", What.FRAMES),
        ("GET", f"{_INSTANCE}/frames/{{frames}}", What.FRAMES),
        ("GET", f"{_INSTANCE}/frames/{{frames}}/rendered", What.RENDERED),
        *(("GET", f"{_INSTANCE}/{name}/*", What.BULK) for name in ("bulk", "bulkdata")),
        ("GET", "/servers", What.SERVERS),
        ("GET PUT DELETE", "/servers/{name}", What.SERVERS),
        *(("POST", f"/servers/{{name}}/{each}", What.SERVERS) for each in (*servers.OPERATIONS, "delete")),
    ]
)
_FAULTS: Final = {400: Fault.REQUEST, 404: Fault.RESOURCE, 406: Fault.REQUEST, 415: Fault.MEDIA}


def plugged_in(backing: Backing, site: Site) -> Site:
    """`site`, whose answers below the persona's paths of DICOMweb are put as the plug-in puts them."""
    prefix, uri = backing.persona.dicomweb.prefix, backing.persona.dicomweb.uri

    state = State(path_of(backing.settings), clock=backing.clock)

    async def serve(request: Request) -> Response:
        path = normalized(request.path)
        if uri and path == f"{uri}/":
            return Problem(Fault.RESOURCE).response(request.method, path)
        if not prefix or not (path == uri or f"{path}/".startswith(f"{prefix}/")):
            return await site(request)
        below = path.removeprefix(prefix).strip("/")
        if request.method not in METHODS:
            return Response(400 if request.method in UNKNOWN else 404)
        if below.startswith("app/") and request.method == "GET":
            if below != CLIENT:
                return Problem(Fault.INEXISTENT).response(request.method, path)
            return Response(200, [("Content-Type", "text/html")], pages()["dicomweb.html"][1])
        found = _SERVICES.find(request.method, "/wado" if path == uri else below)
        if found is None:
            return Problem(Fault.RESOURCE).response(request.method, path)
        if found.handler is None:
            return Response(405, [("Allow", ",".join(found.allowed))])
        if below == "info":
            return Response(200, [("Content-Type", "application/json")], _info(prefix))
        try:
            if found.handler is What.SERVERS:
                return await servers.answer(state, request, *below.split("/")[1:])
            if request.method == "GET":
                _check_accepted(found.handler, request.headers.get("Accept"))
                _check_numbers(request, found.arguments)
                if path == uri:
                    request = await _of_object(backing, request)
        except Problem as problem:
            return problem.response(request.method, path)
        if found.handler is What.SEARCH and request.method == "GET" and path != uri:
            request = _of_all(request, prefix, below, found.arguments)
        response = await site(_by_our_names(request))
        kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
        if request.method == "POST" and kind.endswith("json"):
            return await _stored(response)
        if request.method == "POST" and response.status == 400 and "boundary" not in _kind_of(request):
            return Problem(Fault.MEDIA).response(request.method, path)
        if response.status == 404 and found.arguments:
            instance = found.arguments.get("instance")
            if "frames" in found.arguments and instance and await _place(backing, request.visitor, instance):
                return Problem(Fault.RANGE).response(request.method, path)
            found.arguments.pop("frames", None)
            what, uid = list(found.arguments.items())[-1]
            details = f"Accessing an inexistent {what} with WADO-RS: {uid}"
            return Problem(Fault.INEXISTENT, details).response(request.method, path)
        if response.status >= 400:
            fault = Fault.RESOURCE if path == uri else _FAULTS.get(response.status, Fault.INTERNAL)
            return Problem(fault).response(request.method, path)
        if response.status == 200 and kind.startswith(("application/dicom+json", "application/json")):
            return await _laid_out(response)
        return response

    return serve


def _of_all(request: Request, prefix: str, below: str, above: dict[str, str]) -> Request:
    """A search, which the plug-in answers alike within a study or a series and without; it has no more to tell."""
    what = below.rsplit("/", 1)[-1]
    if what not in ("studies", "series", "instances"):
        return request
    query = [(name, value) for name, value in request.query if (name.lower(), value.lower()) != _EVERYTHING]
    query += [(_UIDS[level], uid) for level, uid in above.items()]
    return replace(request, path=f"{prefix}/{what}", query=tuple(query))


def _by_our_names(request: Request) -> Request:
    """A request for bulk data, which the plug-in has below another name."""
    if "/bulk/" not in request.path:
        return request
    before, _, tag = request.path.partition("/bulk/")
    return replace(request, path=f"{before}/bulkdata/{tag.upper()}")


def _kind_of(request: Request) -> str:
    return (request.headers.get("Content-Type") or "").lower()


def _check_numbers(request: Request, arguments: dict[str, str]) -> None:
    """Raises `Problem` for what should be a number, and is none."""
    numbers = [request.argument(name) for name in ("limit", "offset")]
    numbers += arguments.get("frames", "1").split(",")
    if not all(text is None or text.strip().isdecimal() for text in numbers):
        raise Problem(Fault.FILE)


async def _place(backing: Backing, visitor: str, sop_uid: str) -> dict[str, str]:
    """Study and series of an instance, by their parameters of WADO-URI; empty: there is no such instance."""
    if not is_uid(sop_uid):
        return {}
    keys = {SOP_UID: sop_uid, STUDY_UID: "", SERIES_UID: ""}
    async with aclosing(Listing(backing.holdings, visitor).matches(Level.IMAGE, keys, limit=1)) as matches:
        async for values in matches:
            return {"studyUID": str(values[STUDY_UID].value), "seriesUID": str(values[SERIES_UID].value)}
    return {}


async def _of_object(backing: Backing, request: Request) -> Request:
    """A request by WADO-URI, for which the plug-in needs no more than the instance. Raises `Problem`."""
    kind = request.argument("contentType")
    if kind and kind not in _PICTURES:
        raise Problem(Fault.REQUEST, f'WADO-URI: Unsupported content type: "{kind}"')
    sop_uid = request.argument("objectUID")
    if not sop_uid or request.argument("studyUID"):
        return request
    place = await _place(backing, request.visitor, sop_uid)
    rest = [(name, value) for name, value in request.query if name not in place]
    return replace(request, query=(*rest, *place.items()))


def _check_accepted(what: What, accept: str | None) -> None:
    """Raises `Problem` for what the plug-in doesn't make, which it decides by the first type that is asked for."""
    if accept is None:
        return
    kind, *parameters = [each.strip() for each in accept.lower().split(";")]
    given = (each.partition("=") for each in parameters)
    inner = next((value.strip(' "') for name, _, value in given if name.strip() == "type"), None)
    if what is What.BULK:
        if kind not in ("multipart/related", "*/*"):
            raise Problem(
                Fault.REQUEST, f"This WADO-RS plugin cannot generate the following bulk data type: {accept}"
            )
    elif what is What.FRAMES:
        if kind not in ("multipart/related", "*/*"):
            raise Problem(Fault.RANGE, "expecting 'Accept: multipart/related' HTTP header")
    elif what is What.OBJECTS:
        if kind not in ("multipart/related", "*/*"):
            raise Problem(Fault.REQUEST, f"{_CANNOT}{accept}")
        if inner not in (None, "application/dicom"):
            raise Problem(
                Fault.REQUEST,
                f"This WADO-RS plugin only supports application/dicom return type for DICOM retrieval ({accept})",
            )
    elif what is What.METADATA and kind not in ("application/json", "application/dicom+json", "*/*"):
        if kind != "multipart/related":
            raise Problem(Fault.REQUEST, f"{_CANNOT}{accept}")
        if inner != "application/dicom+xml":
            raise Problem(
                Fault.REQUEST,
                "This WADO-RS plugin only supports application/dicom+xml type for multipart/related accept "
                f"({accept})",
            )
    elif what is What.RENDERED and not kind.startswith(("image/", "*/*")):
        raise Problem(Fault.RANGE)


def _info(prefix: str) -> bytes:
    return f"{styled({'DicomWebRoot': f'{prefix}/', 'OrthancApiRoot': './../'}, TAB)}\n".encode()


async def _stored(response: Response) -> Response:
    """What has become of objects that were sent, with the sequences that the plug-in always has."""
    body = response.body
    found = json.loads(bytes(body)) if isinstance(body, bytes | memoryview) else {}
    status = response.status
    if status in (200, 202, 409):
        failed = found.get(_FAILED, {}).get("Value", [])
        readable = [item for item in failed if item.get(_CLASS, {}).get("Value")]
        status = 400 if len(readable) < len(failed) else 409 if failed else 200
        found = {tag: each for tag, each in found.items() if tag != _FAILED and each.get("Value")}
        found |= {_FAILED: {"vr": "SQ", "Value": readable}} if readable else {}
    empty = {tag: {"vr": "SQ"} for tag in (_FAILED, _REFERENCED)}
    found = {_CHARACTER_SET: {"vr": "CS", "Value": ["ISO_IR 100"]}, **empty, **found}
    for item in (found, *found[_REFERENCED].get("Value", ())):
        _move(item)
    text = f"{styled(found, TAB)}\n".encode()
    return Response(status, [("Content-Type", JSON)] if status == 200 else [], text)


async def _laid_out(response: Response) -> Response:
    body = response.body
    if isinstance(body, bytes | memoryview | Stored):
        begun, rest = bytes(body.data if isinstance(body, Stored) else body), None
    else:
        begun, rest = await _begun(body)
    if rest is None:
        try:
            return Response(200, [("Content-Type", JSON)], _styled(json.loads(begun)))
        except (ValueError, RecursionError):
            return Response(200, response.headers, begun)
    return Response(200, response.headers, rest, response.length, close=response.close)


async def _begun(body: AsyncIterator[Part]) -> tuple[bytes, AsyncIterator[Part] | None]:
    """All of a body, or, if that is too much, the whole of it as it was."""
    parts: list[Part] = []
    size = 0
    async for part in body:
        parts.append(part)
        size += len(part.data if isinstance(part, Stored) else part)
        if size > MAX_STYLED:
            return b"", _joined(parts, body)
    return b"".join(part.data if isinstance(part, Stored) else part for part in parts), None


async def _joined(parts: list[Part], rest: AsyncIterator[Part]) -> AsyncIterator[Part]:
    for part in parts:
        yield part
    async for part in rest:
        yield part


def _styled(value: Any) -> bytes:
    if not isinstance(value, list):
        return f"{styled(value, TAB)}\n".encode()
    items = (f"{styled(_as_plugin(item), TAB)}\n" for item in value)
    return f"[{','.join(items)}]".encode()


def _as_plugin(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    left_out: set[str] = set(_LEFT_OUT)
    if _RETRIEVE_URL in item:  # what a search has found
        left_out |= {tag for tag in _IF_KNOWN if "Value" not in item.get(tag, ())}
        left_out |= _OF_STUDIES if _SERIES_UID in item else set()
        left_out |= _OF_SERIES if _INSTANCE_UID in item else set()
    found = {tag: value for tag, value in item.items() if tag not in left_out}
    _move(found)
    for tag, element in found.items():
        if isinstance(element, dict) and _BULK in element:
            found[tag] = element | {_BULK: HOST + _bulk(urlsplit(str(element[_BULK])).path)}
    return found


def _bulk(path: str) -> str:
    before, mark, tag = path.partition("/bulkdata/")
    return f"{before}/bulk/{tag.lower()}" if mark else path


def _move(item: dict[str, Any]) -> None:
    """Have its Retrieve URL be where the plug-in says that it is."""
    url = item.get(_RETRIEVE_URL)
    if isinstance(url, dict) and isinstance(url.get("Value"), list):
        moved = [HOST + urlsplit(str(each)).path for each in url["Value"]]
        item[_RETRIEVE_URL] = url | {"Value": moved}
