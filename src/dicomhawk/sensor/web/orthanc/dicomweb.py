"""What Orthanc's plug-in for DICOMweb has at which path, and what becomes of objects that are sent to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from ....hospital.attributes import Level
from ..dicomweb import service as generic
from ..message import Response, Site
from . import servers
from .explorer import pages
from .jsoncpp import TAB, styled
from .plugin.accept import RELATED, content_type
from .plugin.frames import frames
from .plugin.qido import HOST, JSON, LATIN_1, search
from .plugin.rendered import by_uri, rendered
from .plugin.wado import bulk, metadata, objects
from .problems import Fault, Problem
from .service import Call, Handler, Service
from .stock import CLIENT, LIBRARIES, filled, type_of

PAGE: Final = "index.html"
"""The page that the plug-in names as its own."""
_RETRIEVE_URL: Final = "00081190"
_CLASS, _CHARACTER_SET, _FAILED, _REFERENCED = "00081150", "00080005", "00081198", "00081199"

_FAULTS: Final = {400: Fault.REQUEST, 404: Fault.RESOURCE, 406: Fault.REQUEST, 415: Fault.MEDIA}


def routes(service: Service) -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers, below the persona's prefix."""
    prefix, uri = service.backing.persona.dicomweb.prefix, service.backing.persona.dicomweb.uri
    if uri:
        yield "GET", uri, by_uri
    if not prefix:
        return
    study = f"{prefix}/studies/{{study}}"
    series = f"{study}/series/{{series}}"
    instance = f"{series}/instances/{{instance}}"
    store = _store(service, prefix)
    yield "GET", f"{prefix}/studies", partial(search, level=Level.STUDY)
    yield "POST", f"{prefix}/studies", store
    yield "POST", study, store
    for path in (f"{prefix}/series", f"{study}/series"):
        yield "GET", path, partial(search, level=Level.SERIES)
    for path in (f"{prefix}/instances", f"{study}/instances", f"{series}/instances"):
        yield "GET", path, partial(search, level=Level.IMAGE)
    for path in (study, series, instance):
        yield "GET", path, objects
        yield "GET", f"{path}/metadata", metadata
        yield "GET", f"{path}/rendered", rendered
    yield "GET", f"{instance}/frames", frames
    yield "GET", f"{instance}/frames/{{frames}}", frames
    yield "GET", f"{instance}/frames/{{frames}}/rendered", rendered
    yield "GET", f"{instance}/bulk/*", bulk
    yield "GET", f"{prefix}/info", partial(_info, prefix=prefix)
    yield "GET", f"{prefix}/app/client/*", _client
    yield "GET", f"{prefix}/app/libs/*", _libs
    yield "GET", f"{prefix}/servers", _servers
    yield "GET PUT DELETE", f"{prefix}/servers/{{name}}", _servers
    for operation in (*servers.OPERATIONS, "delete"):
        yield "POST", f"{prefix}/servers/{{name}}/{operation}", partial(_servers, operation=operation)


async def _servers(call: Call, operation: str = "") -> Response:
    return await servers.answer(call.state, call.request, call.arguments.get("name", ""), operation)


async def _info(_: Call, prefix: str) -> Response:
    text = f"{styled({'DicomWebRoot': f'{prefix}/', 'OrthancApiRoot': './../'}, TAB)}\n"
    return Response(200, [("Content-Type", "application/json")], text.encode())


async def _client(call: Call) -> Response:
    name = call.arguments["rest"]
    if name not in CLIENT:
        raise Problem(Fault.INEXISTENT)
    content = pages()["dicomweb.html"][1] if name == PAGE else b""
    return Response(200, [("Content-Type", type_of(name))], filled(name, CLIENT[name], content))


async def _libs(call: Call) -> Response:
    name = call.arguments["rest"]
    if name not in LIBRARIES:
        raise Problem(Fault.INEXISTENT)
    return Response(200, [("Content-Type", type_of(name))], filled(name, LIBRARIES[name]))


def _store(service: Service, prefix: str) -> Handler:
    site: Site = generic(service.backing, prefix)

    async def store(call: Call) -> Response:
        kind, given = content_type(call.request.headers.get("Content-Type") or "")
        wanted = kind == RELATED and given.get("type") == "application/dicom"
        if not wanted or not given.get("boundary"):
            raise Problem(Fault.MEDIA)
        response = await site(call.request)
        kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
        if kind.endswith("json"):
            return await _stored(response)
        if response.status == 400:  # parts that end nowhere are no parts
            return await _stored(Response(200, body=b"{}"))
        raise Problem(_FAULTS.get(response.status, Fault.INTERNAL))

    return store


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
    found = {_CHARACTER_SET: {"vr": "CS", "Value": [LATIN_1]}, **empty, **found}
    kept = found[_REFERENCED].get("Value", ())
    if kept and _RETRIEVE_URL not in found and _RETRIEVE_URL in kept[0]:
        first = kept[0][_RETRIEVE_URL]["Value"][0].partition("/series/")[0]
        found[_RETRIEVE_URL] = {"vr": "UR", "Value": [first]}
    for item in (found, *kept):
        _move(item)
    text = f"{styled(found, TAB)}\n".encode()
    return Response(status, [("Content-Type", JSON)] if status == 200 else [], text)


def _move(item: dict[str, Any]) -> None:
    """Have its Retrieve URL be where the plug-in says that it is."""
    url = item.get(_RETRIEVE_URL)
    if isinstance(url, dict) and isinstance(url.get("Value"), list):
        moved = [HOST + urlsplit(str(each)).path for each in url["Value"]]
        item[_RETRIEVE_URL] = url | {"Value": moved}
