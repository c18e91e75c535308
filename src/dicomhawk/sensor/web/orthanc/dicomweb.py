"""The DICOMweb services in the manner of Orthanc's plug-in for them: its errors, and its layout of JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from ..backing import Backing
from ..message import Part, Request, Response, Site, Stored
from .explorer import pages
from .jsoncpp import TAB, styled
from .problems import Fault, Problem
from .routing import normalized

MAX_STYLED: Final = 8 << 20
"""Bytes of JSON that are laid out anew; more, which are metadata of some thousand instances, go as they come."""
HOST: Final = "http://localhost"
"""Where the plug-in says that it is, unless it is told otherwise."""
CLIENT: Final = "app/client/index.html"
"""The page that the plug-in names as its own."""
_LEFT_OUT: Final = ("00080054", "00080056")
_RETRIEVE_URL: Final = "00081190"
_FAULTS: Final = {400: Fault.REQUEST, 404: Fault.RESOURCE, 406: Fault.REQUEST, 415: Fault.MEDIA}


def plugged_in(backing: Backing, site: Site) -> Site:
    """`site`, whose answers below the persona's paths of DICOMweb are put as the plug-in puts them."""
    prefix, uri = backing.persona.dicomweb.prefix, backing.persona.dicomweb.uri

    async def serve(request: Request) -> Response:
        path = normalized(request.path)
        if not prefix or not (path == uri or f"{path}/".startswith(f"{prefix}/")):
            return await site(request)
        below = path.removeprefix(prefix).strip("/")
        if path != uri and not below:
            return Problem(Fault.RESOURCE).response(request.method, path)
        if below == "servers" and request.method == "GET":
            return Response(200, [("Content-Type", "application/json")], b"[]\n")
        if below == "info" and request.method == "GET":
            return Response(200, [("Content-Type", "application/json")], _info(prefix))
        if below.startswith("app/") and request.method == "GET":
            if below != CLIENT:
                return Problem(Fault.INEXISTENT).response(request.method, path)
            return Response(200, [("Content-Type", "text/html")], pages()["dicomweb.html"][1])
        response = await site(request)
        if response.status >= 400 and response.status != 405:
            fault = Fault.RESOURCE if path == uri else _FAULTS.get(response.status, Fault.INTERNAL)
            return Problem(fault).response(request.method, path)
        kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
        if response.status == 200 and kind.startswith("application/dicom+json"):
            return await _laid_out(response)
        return response

    return serve


def _info(prefix: str) -> bytes:
    return f"{styled({'DicomWebRoot': f'{prefix}/', 'OrthancApiRoot': './../'}, TAB)}\n".encode()


async def _laid_out(response: Response) -> Response:
    body = response.body
    if isinstance(body, bytes | memoryview | Stored):
        begun, rest = bytes(body.data if isinstance(body, Stored) else body), None
    else:
        begun, rest = await _begun(body)
    if rest is None:
        try:
            return Response(200, response.headers, _styled(json.loads(begun)))
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
    found = {tag: value for tag, value in item.items() if tag not in _LEFT_OUT}
    url = found.get(_RETRIEVE_URL)
    if isinstance(url, dict) and isinstance(url.get("Value"), list):
        moved = [HOST + urlsplit(str(each)).path for each in url["Value"]]
        found[_RETRIEVE_URL] = url | {"Value": moved}
    return found
