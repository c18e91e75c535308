"""Files as they leave: with what bait puts into them for whoever takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ...holdings import StoredObject
from ...lured import handed_out
from ..message import Part, Response, Stored
from .file import File, content_of
from .service import Call
from .uuids import uuid_of
from .view import Item, View


async def leaving(call: Call, view: View, item: Item, file: File) -> tuple[bytes, StoredObject]:
    """A file's head, and its data set for this visitor."""
    data = await asyncio.to_thread(content_of, file.path)
    origin, key = ("captured", file.path.name) if file.captured else ("hospital", file.sop_uid)
    stored = StoredObject(data[file.start :], file.syntax, origin, key)
    reference = view.reference(item)
    if reference is not None:
        stored = await handed_out(call.service.backing.lures, stored, reference, call.request.record)
    return bytes(data[: file.start]), stored


async def file_response(call: Call, view: View, item: Item, file: File, kind: str) -> Response:
    """It as an attachment."""
    name = uuid_of(call.service, "attachment", item.id)
    head, stored = await leaving(call, view, item, file)
    fields = [("Content-Type", kind), ("Content-Disposition", f'filename="{name}.dcm"')]
    return Response(200, fields, _parts(head, stored), length=len(head) + len(stored.data))


async def _parts(head: bytes, stored: StoredObject) -> AsyncIterator[Part]:
    yield head
    yield Stored(stored.data, stored.reference)
