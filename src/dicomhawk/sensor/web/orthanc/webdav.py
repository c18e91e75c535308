"""The archive as folders (RFC 4918)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from ....hospital.attributes import Level
from ..message import Response
from . import folders
from .bodies import streamed
from .file import opened
from .nodes import number
from .problems import Fault, Problem, Refusal
from .routing import UNKNOWN, components
from .sending import file_response
from .service import Call
from .uuids import new_uuid
from .view import View

ROOT: Final = "webdav"
METHODS: Final = ("PROPFIND", "PROPPATCH", "MKCOL", "LOCK", "UNLOCK", "PUT", "DELETE")
FOLDERS: Final = ("by-dates", "by-patients", "by-studies", "by-uids", "uploads")
_ALLOWED: Final = "GET, PUT, DELETE, OPTIONS, PROPFIND, HEAD, LOCK, UNLOCK, PROPPATCH, MKCOL"
_TYPE: Final = "application/xml; charset=UTF-8"
_BEGIN: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
_UNSEEN: Final = {"by-uids": 3, "by-patients": 2}
"""How many parts paths of folders have that seem to be there whatever they are called."""
_UNKNOWN: Final = "not-a-date-timeZ"
"""When a file was changed that is made as it is asked for."""
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
    if method in ("GET", "HEAD"):
        return await _file(call, parts)
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
    if parts and parts[0] not in FOLDERS:
        raise Refusal
    if len(parts) > 1:
        return await _deeper(call, parts, deep > 0)
    response = await streamed(_pieces(call, parts[0] if parts else "", deep > 0), _TYPE)
    response.status = 207
    return response


async def _deeper(call: Call, parts: list[str], deep: bool) -> Response:
    """A folder within the archive, or a file in one, with which the folder is told."""
    if parts[0] == "uploads":
        raise Refusal
    view = await call.view()
    try:
        here = await folders.entry(call, view, parts)
    except Refusal:
        # Of these folders it doesn't look whether they are there.
        if parts[-1].endswith(".dcm") or len(parts) > _UNSEEN.get(parts[0], 0):
            raise
        here, deep = folders.Entry(parts[-1], call.now), False
    response = await streamed(_within(call, view, parts, here, deep), _TYPE)
    response.status = 207
    return response


async def _within(call: Call, view: View, parts: list[str], here: folders.Entry, deep: bool) -> AsyncIterator[bytes]:
    above = parts if here.size is None else parts[:-1]
    path = f"/{ROOT}/{'/'.join(map(quote, above))}/"
    moment = here.moment
    yield (_BEGIN + _told(path, folders.Entry(above[-1], moment))).encode("utf-8", "replace")
    if here.size is not None:
        yield _told(path + quote(here.name), here).encode("utf-8", "replace")
    elif deep:
        async for each in folders.children(call, view, parts, here):
            yield _told(path + quote(each.name), each).encode("utf-8", "replace")
    yield _END.encode()


async def _file(call: Call, parts: list[str]) -> Response:
    """A file within the archive. Raises `Refusal`."""
    if len(parts) < 3 or parts[0] not in FOLDERS:
        raise Refusal
    view = await call.view()
    here = await folders.entry(call, view, parts)
    if here.item is None or here.size is None:
        raise Refusal
    told = here.item.level < Level.IMAGE
    fields = [("Content-Type", here.kind), ("Last-Modified", _UNKNOWN if told else _stamp(here.moment))]
    if call.request.method == "HEAD":
        return Response(200, fields)
    if told:
        return Response(200, fields, await folders.content(call, view, here.item))
    file = await opened(call.service, view, here.item)
    if file is None:
        raise Refusal
    response = await file_response(call, view, here.item, file, here.kind)
    call.retrieved("file", here.item, mime_type=here.kind, instances=1, bytes=file.size)
    response.headers = fields
    return response


async def _pieces(call: Call, folder: str, deep: bool) -> AsyncIterator[bytes]:
    here = f"/{ROOT}/{folder}/" if folder else f"/{ROOT}/"
    yield (_BEGIN + _told(here, folders.Entry(folder or ROOT, call.now))).encode()
    if deep:
        for name in FOLDERS if not folder else ():
            yield _told(here + name, folders.Entry(name, call.now)).encode()
        names = [each async for each in _names(call, folder)]
        for _, name, moment in sorted(names):
            yield _told(here + quote(name), folders.Entry(name, moment)).encode("utf-8", "replace")
    yield _END.encode()


async def _names(call: Call, folder: str) -> AsyncIterator[tuple[str, str, float]]:
    """By what they are put in order, names and moments."""
    if folder not in (*_NAMES, "by-dates"):
        return
    view = await call.view()
    level, tags = _NAMES.get(folder, (Level.STUDY, (0x00080020,)))
    years: set[str] = set()
    async for items in view.listing(level):
        for item in items:
            name = folders.named(view, item, tags)
            if folder == "by-dates":
                years.add(name[:4])
            else:
                yield item.id if folder == "by-uids" else name, name, view.newest(item)
        await asyncio.sleep(0)
    for year in sorted(filter(None, years)):
        yield year, year, call.now


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(path: str, entry: folders.Entry) -> str:
    stamp = _stamp(entry.moment)
    if entry.size is None:
        kind = "        <D:resourcetype>\n          <D:collection />\n        </D:resourcetype>\n"
    else:
        kind = f"        <D:resourcetype />\n        <D:getcontentlength>{entry.size}</D:getcontentlength>\n"
        kind += f"        <D:getcontenttype>{entry.kind}</D:getcontenttype>\n"
    return (
        f"  <D:response>\n    <D:href>{escape(path)}</D:href>\n    <D:propstat>\n"
        "      <D:status>HTTP/1.1 200 OK</D:status>\n      <D:prop>\n"
        f"        <D:displayname>{escape(entry.name)}</D:displayname>\n"
        f"        <D:creationdate>{stamp}</D:creationdate>\n"
        f"        <D:getlastmodified>{stamp}</D:getlastmodified>\n"
        f"{kind}      </D:prop>\n    </D:propstat>\n  </D:response>\n"
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
