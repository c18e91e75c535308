"""Metadata and attachments, with what their visitor put there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ....hospital.attributes import Level
from ..message import BodyBroken, BodyTooLarge, Response
from ..state import StateFull
from .describing import metadata
from .file import content_of, opened
from .instances import RAW
from .problems import Fault, Problem, Refusal
from .sending import file_response
from .service import LEVELS, Call, Handler, json_response, text_response
from .uuids import new_uuid, uuid_of
from .view import Item, View

METADATA: Final = {
    "IndexInSeries": 1, "ReceptionDate": 2, "RemoteAET": 3, "ExpectedNumberOfInstances": 4, "ModifiedFrom": 5,
    "AnonymizedFrom": 6, "LastUpdate": 7, "Origin": 8, "TransferSyntax": 9, "SopClassUid": 10, "RemoteIP": 11,
    "CalledAET": 12, "HttpUsername": 13, "HttpHost": 14, "PixelDataOffset": 15,
}  # fmt: skip
"""Names of what is known of resources."""
_BY_NUMBER: Final = {str(number): name for name, number in METADATA.items()}
FIRST_OWN: Final = 1024
"""Numbers from which on users may have their own."""
LAST_OWN: Final = 65535
MAX_OWN: Final = 64 << 10
"""Bytes of a visitor's own metadata or attachment that are kept; more of it is in the transcript alone."""
_REVISION: Final = re.compile(r"\d+-.*", re.ASCII | re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d+", re.ASCII)
_ATTACHMENTS: Final = ("dicom", "dicom-as-json", "dicom-until-pixel-data")
_DICOM: Final = ("dicom", "1")
_OPERATIONS: Final = (
    *("compress", "compressed-data", "compressed-md5", "compressed-size", "data", "info", "is-compressed", "md5"),
    *("size", "uncompress", "verify-md5", "uuid"),
)


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for name, level in LEVELS.items():
        own = f"/{name}/{{id}}"
        yield "GET", f"{own}/metadata", _all_metadata(level)
        yield "GET", f"{own}/metadata/{{name}}", _metadata(level)
        yield "PUT", f"{own}/metadata/{{name}}", _put(level, "metadata")
        yield "DELETE", f"{own}/metadata/{{name}}", _delete(level, "metadata")
        yield "GET", f"{own}/attachments", _all_attachments(level)
        yield "GET", f"{own}/attachments/{{name}}", _attachment(level)
        yield "PUT", f"{own}/attachments/{{name}}", _put(level, "attachments")
        yield "DELETE", f"{own}/attachments/{{name}}", _delete(level, "attachments")
        for operation in ("compress", "uncompress", "verify-md5"):
            yield "POST", f"{own}/attachments/{{name}}/{operation}", _nothing(level, operation)
        for operation in ("compressed-data", "compressed-md5", "compressed-size", "data", "info", "is-compressed"):
            yield "GET", f"{own}/attachments/{{name}}/{operation}", _part(level, operation)
        for operation in ("md5", "size"):
            yield "GET", f"{own}/attachments/{{name}}/{operation}", _part(level, operation)


async def _found(call: Call, level: Level) -> tuple[View, Item]:
    view = await call.view()
    found = await view.find(level, call.arguments["id"])
    if found is None:
        raise Problem(Fault.RESOURCE)
    return view, found


def _key(item: Item, kind: str, name: str = "") -> str:
    return f"orthanc/{kind}/{item.id}/{name}"


def _own(call: Call, item: Item, kind: str) -> dict[str, Any]:
    prefix = _key(item, kind)
    return {key.removeprefix(prefix): value for key, value in call.state.items(call.visitor, prefix).items()}


def _is_own(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 6 and FIRST_OWN <= int(name) <= LAST_OWN


def _value(document: Any) -> bytes:
    return base64.b64decode(document["data"])


def _tagged(response: Response, revision: int, value: bytes, md5: str | None = None) -> Response:
    tag = f"{revision}-{md5}" if md5 else _tag_of(revision, value)
    response.headers.insert(0, ("ETag", f'"{tag}"'))
    return response


def _tag_of(revision: int, value: bytes) -> str:
    return f"{revision}-{hashlib.md5(value, usedforsecurity=False).hexdigest()}"


async def known(call: Call, view: View, item: Item) -> dict[str, str]:
    """All metadata of an item."""
    posted = call.state.get(call.visitor, f"orthanc/posted/{item.id}") if view.uploaded(item) else None
    file = await opened(call.service, view, item) if item.level == Level.IMAGE else None
    found = metadata(call.service, view, item, file, posted)
    return found | {
        name: _value(each).decode("utf-8", "replace") for name, each in _own(call, item, "metadata").items()
    }


def _all_metadata(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view, item = await _found(call, level)
        found = await known(call, view, item)
        return json_response(found if call.has("expand") else list(found))

    return handler


def _metadata(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view, item = await _found(call, level)
        name = call.arguments["name"]
        _check_named(name, "metadata")
        name = _BY_NUMBER.get(name, name)
        own = call.state.get(call.visitor, _key(item, "metadata", name))
        if own is not None:
            return _tagged(Response(200, [("Content-Type", "text/plain")], _value(own)), own["revision"], _value(own))
        found = (await known(call, view, item)).get(name)
        if found is None:
            raise Refusal
        return _tagged(text_response(found), 0, found.encode())

    return handler


def _all_attachments(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        _, item = await _found(call, level)
        own = list(_own(call, item, "attachments"))
        return json_response((["dicom"] if level == Level.IMAGE else []) + own)

    return handler


def _named(level: Level, name: str) -> bool:
    """Whether a name is that of the file; raises `Problem` if it is none of any attachment."""
    if name in _ATTACHMENTS or _NUMBER.fullmatch(name) is not None:
        return level == Level.IMAGE and name in _DICOM
    raise Problem(Fault.INEXISTENT)


def _attachment(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view, item = await _found(call, level)
        if _named(level, call.arguments["name"]):
            digest = await _md5(call, view, item)
            return _tagged(json_response(list(_OPERATIONS)), 0, b"", digest)
        own = call.state.get(call.visitor, _key(item, "attachments", call.arguments["name"]))
        if own is None:
            raise Problem(Fault.RESOURCE)
        return _tagged(json_response(list(_OPERATIONS)), own["revision"], _value(own))

    return handler


async def _md5(call: Call, view: View, item: Item) -> str:
    file = await opened(call.service, view, item)
    if file is None:
        raise Refusal
    return await asyncio.to_thread(_digest, file.path)


def _digest(path: Path) -> str:
    return hashlib.md5(content_of(path), usedforsecurity=False).hexdigest()


def _part(level: Level, operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        view, item = await _found(call, level)
        name = call.arguments["name"]
        if not _named(level, name):
            if operation == "data" and call.state.get(call.visitor, _key(item, "attachments", name)) is None:
                raise Problem(Fault.RESOURCE)
            return _own_part(call, item, name, operation)
        file = await opened(call.service, view, item)
        digest = await _md5(call, view, item)
        assert file is not None
        if operation in ("data", "compressed-data"):
            call.retrieved("file", item, mime_type="application/dicom", instances=1, bytes=file.size)
            if operation == "data":
                response = await file_response(call, view, item, file, "application/dicom")
            else:
                response = await file_response(call, view, item, file, RAW)
                response.headers = [("Content-Type", RAW)]
        else:
            response = _described(operation, digest, file.size, uuid_of(call.service, "attachment", item.id), 1)
        return _tagged(response, 0, b"", digest)

    return handler


def _described(operation: str, digest: str, size: int, name: str, kind: int) -> Response:
    if operation == "info":
        return json_response(
            {
                "CompressedMD5": digest,
                "CompressedSize": size,
                "ContentType": kind,
                "UncompressedMD5": digest,
                "UncompressedSize": size,
                "Uuid": name,
            }
        )
    if operation in ("md5", "compressed-md5"):
        return text_response(digest)
    return text_response(str(size) if operation in ("size", "compressed-size") else "0")


def _own_part(call: Call, item: Item, name: str, operation: str) -> Response:
    own = call.state.get(call.visitor, _key(item, "attachments", name))
    if own is None:
        raise Refusal
    value = _value(own)
    if operation in ("data", "compressed-data"):
        fields = [("Content-Type", RAW)]
        if operation == "data":
            fields.append(("Content-Disposition", f'filename="{own["uuid"]}"'))
        response = Response(200, fields, value)
    else:
        digest = hashlib.md5(value, usedforsecurity=False).hexdigest()
        response = _described(operation, digest, len(value), own["uuid"], int(name))
    return _tagged(response, own["revision"], value)


def _check_named(name: str, kind: str) -> None:
    """Raises `Problem` if there can't be any metadata or attachment of that name."""
    known = METADATA if kind == "metadata" else _ATTACHMENTS
    if _NUMBER.fullmatch(name) is None and name not in known:
        raise Problem(Fault.INEXISTENT)


def _put(level: Level, kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        _, item = await _found(call, level)
        name = call.arguments["name"]
        try:
            value = await call.request.body.read(MAX_OWN)
        except BodyTooLarge:
            call.changed(f"put {kind}")
            raise Problem(Fault.FULL) from None
        except BodyBroken:
            raise Refusal(400) from None
        call.changed(f"put {kind}", detail=value[:4000].decode("utf-8", "replace"))
        _check_named(name, kind)
        if not _is_own(name):
            raise Refusal(403)
        document = {"data": base64.b64encode(value).decode(), "uuid": new_uuid(), "revision": 0}
        before = call.state.get(call.visitor, _key(item, kind, name))
        _check_revision(call, before)
        try:
            call.state.put(call.visitor, _key(item, kind, name), document)
        except StateFull:
            raise Problem(Fault.FULL) from None
        revision = 1 if before else 0  # the index of the product doesn't remember it
        response = text_response("") if kind == "metadata" else text_response("{}", "application/json")
        return _tagged(response, revision, value)

    return handler


def _check_revision(call: Call, before: Any) -> None:
    """Raises `Problem` if the visitor wants to replace something else than what is there."""
    wanted = call.request.headers.get("If-Match")
    if wanted is None or before is None:
        return
    said = wanted.strip().strip('"')
    if not _REVISION.fullmatch(said):
        expected = 'The "if-match" HTTP header should contain the ETag (revision followed by MD5 hash)'
        raise Problem(Fault.RANGE, f"{expected}, but found: {said}")
    if said != _tag_of(before["revision"], _value(before)):
        raise Problem(Fault.REVISION)


def _delete(level: Level, kind: str) -> Handler:
    async def handler(call: Call) -> Response:
        _, item = await _found(call, level)
        name = call.arguments["name"]
        call.changed(f"delete {kind}")
        _check_named(name, kind)
        if not _is_own(name):
            raise Refusal(403)
        _check_revision(call, call.state.get(call.visitor, _key(item, kind, name)))
        if not call.state.delete(call.visitor, _key(item, kind, name)):
            raise Problem(Fault.RESOURCE)
        return text_response("")

    return handler


def _nothing(level: Level, operation: str) -> Handler:
    async def handler(call: Call) -> Response:
        view, item = await _found(call, level)
        name = call.arguments["name"]
        if _named(level, name):
            if await opened(call.service, view, item) is None:
                raise Problem(Fault.RESOURCE)
        elif call.state.get(call.visitor, _key(item, "attachments", name)) is None:
            raise Refusal(400) if operation == "verify-md5" else Problem(Fault.RESOURCE)
        return text_response("{}", "application/json")

    return handler
