"""WADO-RS as the plug-in answers it: objects, their attributes, and single values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from .....hospital import json_model
from .....hospital.attributes import Level
from .....hospital.contents import LARGE, attributes_of
from .....hospital.displays import DisplayError
from .....hospital.elements import EXPLICIT_LE, DataSet, ElementsError, decode
from .....hospital.pixels import PIXEL_DATA
from .....hospital.transcode import can_transcode, transcode
from ....holdings import StoredObject
from ....lured import handed_out
from ...message import Part, Response, Stored
from ..bodies import streamed
from ..file import content_of, opened
from ..instances import content_at
from ..jsoncpp import styled
from ..problems import Fault, Problem, Refusal
from ..sending import leaving
from ..service import Call
from ..tags import tag_named
from ..view import Item, View
from . import accept, native, parts, places
from .qido import HOST, JSON, laid_out

FACE: Final = "wado-rs"
DICOM: Final = "application/dicom"
OCTETS: Final = "application/octet-stream"
BATCH: Final = 16
"""Instances whose attributes are made at a time; others have their turn in between."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_OPAQUE_FROM: Final = 1
"""Bytes from which on a binary value is not in the JSON."""


async def objects(call: Call) -> Response:
    """A study, series or instance as objects. Raises `Problem`."""
    syntax = accept.syntax_of_objects(call.request.headers.get("Accept"))
    view = await call.view()
    item = await places.place(call, view)
    return await parts.related(DICOM, _objects(call, view, item, syntax))


async def _objects(call: Call, view: View, above: Item, syntax: str) -> AsyncIterator[parts.Item]:
    number = size = 0
    try:
        for item in view.below(above, Level.IMAGE):
            content = await _object(call, view, item, syntax)
            if content is not None:
                number, size = number + 1, size + sum(map(parts.size_of, content))
                yield parts.Item(content)
    finally:
        call.retrieved("file", above, face=FACE, mime_type=DICOM, instances=number, bytes=size)


async def _object(call: Call, view: View, item: Item, syntax: str) -> list[Part] | None:
    """A file; None: there is none any more. Raises `Problem`."""
    reference = view.reference(item)
    if reference is None:
        return None
    own = reference.transfer_syntax_uid
    if syntax in (accept.ANY, own):
        file = await opened(call.service, view, item)
        if file is None:
            return None
        head, stored = await leaving(call, view, item, file)
        return [head, Stored(stored.data, stored.reference)]
    holdings = call.service.backing.holdings
    async with call.service.turns.of(call.visitor):
        found = await holdings.fetch(reference, syntax, decodes=(own,))
        if found is None and can_transcode(EXPLICIT_LE, syntax) and not can_transcode(own, syntax):
            found = await _decoded(call, view, item, syntax)
    if found is None:
        raise Problem(Fault.PLUGIN)
    found = await handed_out(call.service.backing.lures, found, reference, call.request.record)
    meta = holdings.file_meta(reference.sop_class_uid, reference.sop_uid, found.transfer_syntax)
    return [meta, Stored(found.data, found.reference)]


async def _decoded(call: Call, view: View, item: Item, syntax: str) -> StoredObject | None:
    """A compressed object without its compression, in a transfer syntax; None: it can't be had so."""
    reference, file = view.reference(item), await opened(call.service, view, item)
    if reference is None or file is None:
        return None
    try:
        data = await call.service.backing.holdings.uncompressed(reference)
        if syntax != EXPLICIT_LE:
            data = await asyncio.to_thread(transcode, data, EXPLICIT_LE, syntax)
    except (DisplayError, ElementsError):
        return None
    origin, key = ("captured", file.path.name) if file.captured else ("hospital", file.sop_uid)
    return StoredObject(memoryview(data), syntax, origin, key)


async def metadata(call: Call) -> Response:
    """The attributes of all instances of a study or series, or of one. Raises `Problem`."""
    in_xml = accept.is_xml_of_metadata(call.request.headers.get("Accept"))
    view = await call.view()
    item = await places.place(call, view)
    models = _models(call, view, item)
    if in_xml:
        return await parts.related(native.KIND, _documents(models))
    return await streamed(laid_out(models), JSON)


async def _documents(models: AsyncIterator[json_model.JSON]) -> AsyncIterator[parts.Item]:
    async for each in models:
        yield parts.Item([native.document(each)])


async def _models(call: Call, view: View, above: Item) -> AsyncIterator[json_model.JSON]:
    number = 0
    try:
        items = [item for each in _series(view, above) for item in view.instances(each)]
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            for item, head in zip(batch, await _heads(call, view, batch), strict=True):
                found = head if head is not None else await _attributes(call, view, item)
                if found is not None:
                    yield json_model.model(found, _manner(call, item))
                    number += 1
                await asyncio.sleep(0)
    finally:
        call.retrieved("metadata", above, face=FACE, mime_type=JSON, instances=number)


def _series(view: View, above: Item) -> Sequence[Item]:
    return view.children(above) if above.level == Level.STUDY else [above]


async def _heads(call: Call, view: View, items: Sequence[Item]) -> list[DataSet | None]:
    """The attributes of the hospital's instances that have no files yet."""
    references = [view.reference(item) for item in items]
    known = [each for each in references if each is not None]
    async with call.service.turns.of(call.visitor):
        heads = await call.service.backing.holdings.heads(known)
    found = iter(None if head is None else decode(head, EXPLICIT_LE) for head in heads)
    return [None if each is None else next(found) for each in references]


async def _attributes(call: Call, view: View, item: Item) -> DataSet | None:
    """The attributes of an instance that is a file; of pixels that are compressed there is nothing to tell."""
    file = await opened(call.service, view, item)
    if file is None:
        return None
    data = (await asyncio.to_thread(content_of, file.path))[file.start :]
    if len(data) < LARGE or not file.captured:
        found = attributes_of(data, file.syntax)
    else:
        found = await asyncio.to_thread(attributes_of, data, file.syntax)
    compressed = not can_transcode(file.syntax, EXPLICIT_LE)
    return {tag: element for tag, element in found.items() if not (compressed and tag == PIXEL_DATA)}


def _manner(call: Call, item: Item) -> json_model.Manner:
    _, study, series, instance = item.ids
    url = f"{address(call)}/studies/{study}/series/{series}/instances/{instance}/bulk/"

    def bulk(path: str) -> str:
        steps = path.lower().split("/")
        return url + "/".join(str(int(step) + 1) if place % 2 else step for place, step in enumerate(steps))

    return json_model.Manner(bulk=bulk, bulk_from=_OPAQUE_FROM, character_set="own")


def address(call: Call) -> str:
    """Where the plug-in says that it is."""
    return HOST + call.service.backing.persona.dicomweb.prefix


async def bulk(call: Call) -> Response:
    """One value, or each fragment of the pixels. Raises `Problem`."""
    accept.check_bulk(call.request.headers.get("Accept"))
    view = await call.view()
    item = await places.instance(call, view)
    file = await opened(call.service, view, item)
    if file is None:
        raise Problem(Fault.INEXISTENT)
    path = call.arguments["rest"].split("/")
    try:
        if len(path) == 1 and tag_named(path[0]) == PIXEL_DATA:
            numbers = await content_at(file, path)
            values = [await content_at(file, [path[0], str(number)]) for number in numbers]
        else:
            values = [await content_at(file, _steps(path))]
    except Refusal:
        raise Problem(Fault.INEXISTENT) from None
    written = [_bytes(value) for value in values]
    call.retrieved("bulkdata", item, face=FACE, mime_type=OCTETS, instances=1, bytes=sum(map(len, written)))
    return await parts.related(OCTETS, _each(written))


def _steps(path: Sequence[str]) -> list[str]:
    """A path, in which the plug-in counts items from 1, and the API from 0. Raises `Problem`."""
    whole = "/".join(path)
    if len(path) % 2 == 0:
        details = f"Bulk data URI in WADO-RS should have an odd number of items: {whole}"
        raise Problem(Fault.REQUEST, details)
    found = list(path)
    for place in range(1, len(path), 2):
        if not _NUMBER.fullmatch(path[place]):
            raise Problem(Fault.REQUEST, f"Bad sequence index in bulk data URI: {whole}")
        found[place] = str(int(path[place]) - 1)
    return found


def _bytes(value: list[str] | bytes | memoryview) -> bytes | memoryview:
    return styled(value).encode() if isinstance(value, list) else value


async def _each(values: Sequence[bytes | memoryview]) -> AsyncIterator[parts.Item]:
    for value in values:
        yield parts.Item([value])
