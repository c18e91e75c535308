"""The archive as folders (RFC 4918), as far down as its lists of patients and studies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from ....hospital.attributes import Level
from ..message import Response
from .bodies import streamed
from .nodes import number
from .problems import Fault, Problem, Refusal
from .routing import UNKNOWN, components
from .service import Call, readable
from .uuids import new_uuid

ROOT: Final = "webdav"
METHODS: Final = ("PROPFIND", "PROPPATCH", "MKCOL", "LOCK", "UNLOCK", "PUT", "DELETE")
FOLDERS: Final = ("by-dates", "by-patients", "by-studies", "by-uids", "uploads")
_ALLOWED: Final = "GET, PUT, DELETE, OPTIONS, PROPFIND, HEAD, LOCK, UNLOCK, PROPPATCH, MKCOL"
_TYPE: Final = "application/xml; charset=UTF-8"
_BEGIN: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
_END: Final = "</D:multistatus>\n"
_NAMES: Final = {
    "by-patients": (Level.PATIENT, (0x00100020, 0x00100010)),
    "by-studies": (Level.STUDY, (0x00100020, 0x00100010, 0x00081030)),
    "by-uids": (Level.STUDY, (0x0020000D,)),
}


async def answer(call: Call) -> Response:
    """The answer to a request for a path below ``/webdav``."""
    method, parts = call.request.method, components(call.uri)[1:]
    if method == "PROPFIND":
        return await _listing(call, parts)
    if method == "OPTIONS" and not parts:
        return Response(200, [("DAV", "1,2"), ("Allow", _ALLOWED)])
    if method == "POST":
        raise Problem(Fault.RESOURCE)
    if method not in METHODS:
        raise Refusal(400 if method in UNKNOWN else 404)
    body = await call.body()
    call.changed(f"webdav {method.lower()}", detail=body.decode("utf-8", "replace"))
    if method == "PROPPATCH":
        text = (
            f"{_BEGIN}  <D:response>\n    <D:href>{escape(call.uri)}</D:href>\n    <D:propstat />\n  </D:response>\n"
        )
        return Response(207, [("Content-Type", "application/xml")], f"{text}{_END}".encode())
    if method == "LOCK":
        return _lock(call.uri)
    inside = parts[:1] == ["uploads"] and len(parts) > 1
    if method == "UNLOCK" or (method == "DELETE" and inside):
        return Response(204, [("Content-Length", "0")])
    return Response(201 if inside else 403)


async def _listing(call: Call, parts: list[str]) -> Response:
    depth = call.request.headers.get("Depth")
    if depth is None:
        raise Problem(Fault.NETWORK, "WebDAV PROPFIND without depth")
    deep = number(depth)
    if len(parts) > 1 or (parts and parts[0] not in FOLDERS):
        raise Refusal
    response = await streamed(_pieces(call, parts[0] if parts else "", deep > 0), _TYPE)
    response.status = 207
    return response


async def _pieces(call: Call, folder: str, deep: bool) -> AsyncIterator[bytes]:
    here = f"/{ROOT}/{folder}/" if folder else f"/{ROOT}/"
    yield (_BEGIN + _collection(here, folder or ROOT, call.now)).encode()
    if deep:
        for name in FOLDERS if not folder else ():
            yield _collection(here + name, name, call.now).encode()
        async for name, moment in _names(call, folder):
            yield _collection(here + quote(name), name, moment).encode("utf-8", "replace")
    yield _END.encode()


async def _names(call: Call, folder: str) -> AsyncIterator[tuple[str, float]]:
    if folder not in (*_NAMES, "by-dates"):
        return
    view = await call.view()
    level, tags = _NAMES.get(folder, (Level.STUDY, (0x00080020,)))
    years: set[str] = set()
    async for items in view.listing(level):
        for item in items:
            resource = view.resource(item, tags)
            values = [readable(str(resource.kept(tag) or "")) for tag in tags]
            if folder == "by-dates":
                years.add(values[0][:4])
            else:
                yield " - ".join(values).replace("/", " "), view.newest(item)
        await asyncio.sleep(0)
    for year in sorted(filter(None, years)):
        yield year, call.now


def _collection(path: str, name: str, moment: float) -> str:
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"  <D:response>\n    <D:href>{escape(path)}</D:href>\n    <D:propstat>\n"
        "      <D:status>HTTP/1.1 200 OK</D:status>\n      <D:prop>\n"
        f"        <D:displayname>{escape(name)}</D:displayname>\n"
        f"        <D:creationdate>{stamp}</D:creationdate>\n"
        f"        <D:getlastmodified>{stamp}</D:getlastmodified>\n"
        "        <D:resourcetype>\n          <D:collection />\n        </D:resourcetype>\n"
        "      </D:prop>\n    </D:propstat>\n  </D:response>\n"
    )


def _lock(uri: str) -> Response:
    token = f"opaquelocktoken:0x{new_uuid().replace('-', '')}"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<D:prop xmlns:D="DAV:">\n  <D:lockdiscovery>\n    <D:activelock>\n'
        "      <D:locktype>\n        <D:write />\n      </D:locktype>\n"
        "      <D:lockscope>\n        <D:exclusive />\n      </D:lockscope>\n"
        "      <D:depth>0</D:depth>\n      <D:timeout>Second-3599</D:timeout>\n"
        f"      <D:lockroot>\n        <D:href>{escape(uri)}</D:href>\n      </D:lockroot>\n      <D:owner />\n"
        f"      <D:locktoken>\n        <D:href>{token}</D:href>\n      </D:locktoken>\n"
        "    </D:activelock>\n  </D:lockdiscovery>\n</D:prop>\n"
    )
    return Response(201, [("Lock-Token", token), ("Content-Type", "application/xml")], text.encode())
