"""What is in an instance: its tags, its file and what is known of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from ....hospital.attributes import Level
from ....hospital.elements import Element
from ....hospital.pixels import PIXEL_DATA, Pixels, PixelsError
from ....hospital.products.objects import StoredObject
from ....hospital.vr import NUL_PADDED
from ..message import Response
from .bodies import streamed
from .describing import Form, numbered
from .file import File, ahead, content_of, listed, opened
from .jsoncpp import INDENTATION, styled
from .problems import Fault, Problem, Refusal
from .sending import file_response
from .service import JSON, LEVELS, Call, Handler, json_response
from .tags import described, tag_named
from .view import Item, View

MAX_ASKED: Final = 256
"""Tags that one request may name."""
MAX_SHARED: Final = 2000
"""Instances whose tags are compared: those of a long series."""
RAW: Final = "application/octet-stream"
_MODULES: Final = {
    Level.PATIENT: frozenset(
        (
            *(0x00081120, 0x00100010, 0x00100020, 0x00100021, 0x00100024, 0x00100030, 0x00100032, 0x00100040),
            *(0x00101000, 0x00101001, 0x00101002, 0x00102160, 0x00102201, 0x00102202, 0x00102292, 0x00102293),
            *(0x00102294, 0x00102297, 0x00102298, 0x00102299, 0x00104000, 0x00120062, 0x00120063, 0x00120064),
        )
    ),
    Level.STUDY: frozenset(
        (
            *(0x0020000D, 0x00080020, 0x00080030, 0x00080050, 0x00080051, 0x00080090, 0x00080096, 0x00081030),
            *(0x00081032, 0x00081048, 0x00081049, 0x00081060, 0x00081062, 0x00081110, 0x00200010, 0x00321034),
            0x00401012,
        )
    ),
    Level.SERIES: frozenset(
        (
            *(0x00080021, 0x00080031, 0x00080060, 0x0008103E, 0x0008103F, 0x00081050, 0x00081052, 0x00081070),
            *(0x00081072, 0x00081111, 0x00081250, 0x00102210, 0x00180015, 0x00181030, 0x00185100, 0x0020000E),
            *(0x00200011, 0x00200060, 0x00280108, 0x00400244, 0x00400245, 0x00400253, 0x00400254, 0x00400260),
            *(0x00400275, 0x00400280),
        )
    ),
    Level.IMAGE: frozenset(
        (
            *(0x00080005, 0x00080012, 0x00080013, 0x00080014, 0x00080016, 0x00080018, 0x0008001A, 0x0008001B),
            *(0x00080110, 0x00080201, 0x0018A001, 0x00200013, 0x00280303, 0x0040A390, 0x01000410, 0x01000420),
            *(0x01000424, 0x01000426, 0x04000500, 0x04000561, 0x4FFE0001, 0xFFFAFFFA),
        )
    ),
}
"""Tags of the modules of patient, study, series and SOP instance that Orthanc shows (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1
and C.12.1)."""


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/instances/{id}/tags", tags
    yield "GET", "/instances/{id}/simplified-tags", simplified_tags
    yield "GET", "/instances/{id}/header", header
    yield "GET", "/instances/{id}/content", content
    yield "GET", "/instances/{id}/content/*", content
    for path in ("/instances/{id}/content", "/instances/{id}/content/*"):
        yield "POST PUT DELETE", path, nothing
    yield "GET", "/instances/{id}/file", file
    for name, level in LEVELS.items():
        yield "GET", f"/{name}/{{id}}/module", _module(level, level)
        if level < Level.IMAGE:
            yield "GET", f"/{name}/{{id}}/shared-tags", _shared_tags(level)
            yield "GET", f"/{name}/{{id}}/instances-tags", _instances_tags(level)
    yield "GET", "/studies/{id}/module-patient", _module(Level.STUDY, Level.PATIENT)


async def instance_file(call: Call) -> tuple[View, Item, File]:
    """The file of the instance that a path names. Raises `Problem`."""
    view = await call.view()
    item = await view.find(Level.IMAGE, call.arguments["id"])
    found = None if item is None else await opened(call.service, view, item)
    if item is None or found is None:
        raise Problem(Fault.RESOURCE)
    return view, item, found


def asked_form(call: Call) -> Form:
    """The form of tags that the query asks for."""
    return "named" if call.has("simplify") else "short" if call.has("short") else "full"


def long_tags(call: Call) -> frozenset[int]:
    """The tags whose values are wanted however long they are. Raises `Problem`."""
    asked = call.request.argument("ignore-length")
    return frozenset() if asked is None else frozenset(_tag(each) for each in asked.split(",")[:MAX_ASKED])


async def tags(call: Call) -> Response:
    """All tags of an instance."""
    _, item, found = await instance_file(call)
    long = long_tags(call)
    call.retrieved("metadata", item, mime_type=JSON)
    return json_response(described(found.head, asked_form(call), pixels=bool(found.pixels), long=long))


async def simplified_tags(call: Call) -> Response:
    """The same, by their names."""
    _, item, found = await instance_file(call)
    long = long_tags(call)
    call.retrieved("metadata", item, mime_type=JSON)
    return json_response(described(found.head, "named", pixels=bool(found.pixels), long=long))


async def header(call: Call) -> Response:
    """The file meta information."""
    _, item, found = await instance_file(call)
    call.retrieved("metadata", item, mime_type=JSON)
    meta = StoredObject(found.meta, call.service.product.dialect)
    form = asked_form(call)
    return json_response(described(meta, form))


async def file(call: Call) -> Response:
    """The file itself."""
    view, item, found = await instance_file(call)
    call.retrieved("file", item, mime_type="application/dicom", instances=1, bytes=found.size)
    return await file_response(call, view, item, found, "application/dicom")


async def content(call: Call) -> Response:
    """The names of all tags, or the value of one, also within sequences."""
    _, item, found = await instance_file(call)
    value = await content_at(found, [part for part in call.arguments.get("rest", "").split("/") if part])
    if isinstance(value, list):
        return json_response(value)
    call.retrieved("metadata", item, mime_type=RAW)
    return Response(200, [("Content-Type", RAW)], value)


async def content_at(found: File, path: Sequence[str]) -> list[str] | bytes | memoryview:
    """The names of what is at a path within an instance, or the value that is there. Raises `Problem`, `Refusal`."""
    source = found.head
    if not path:
        return _names(source) + ([numbered(PIXEL_DATA, "-")] if found.pixels else [])
    for here, number in pairwise((*path, "")) if len(path) > 1 else ((path[0], ""),):
        tag = _tag(here) if not here.isdigit() or len(here) == 8 else None
        if tag is None:
            continue
        element = source.head.get(tag)
        if tag == PIXEL_DATA:
            return await _pixels(found, number)
        if element is None:
            raise Refusal
        if not isinstance(element.value, tuple):
            if number:
                raise Refusal
            return element.value + b"\0" if len(element.value) % 2 and element.vr in NUL_PADDED else element.value
        if not number:
            return [str(place) for place in range(len(element.value))]
        if not number.isdigit() or len(number) > 6 or int(number) >= len(element.value):
            raise Refusal
        source = source.within(element.value[int(number)])
    return _names(source)


def _names(source: StoredObject) -> list[str]:
    return [numbered(tag, "-") for tag in sorted(source.head)]


async def nothing(_: Call) -> Response:
    """Below what is told of contents there is nothing else, which isn't said of methods alone."""
    raise Problem(Fault.RESOURCE)


def _tag(text: str) -> int:
    found = tag_named(text)
    if found is None:
        raise Problem(Fault.TAG)
    return found


async def _pixels(found: File, number: str) -> list[str] | memoryview:
    """The numbers of the parts of the pixel data, or one: all samples, or an item of what is compressed."""
    pixels = await frames_of(found)
    try:
        items = pixels.items() if pixels.encapsulated else [pixels.samples()]
    except PixelsError:
        raise Refusal from None
    if not number:
        return [str(place) for place in range(len(items))]
    if not number.isdigit() or len(number) > 6 or int(number) >= len(items):
        raise Refusal
    return items[int(number)]


async def frames_of(found: File) -> Pixels:
    """The frames of a file. Raises `Refusal`."""
    data = await asyncio.to_thread(content_of, found.path)
    try:
        return Pixels(data[found.start :], found.syntax)
    except PixelsError:
        raise Refusal from None


def _module(level: Level, module: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        found = await view.find(level, call.arguments["id"])
        while found is not None and found.level < Level.IMAGE:  # the last of each level, as the product takes it
            found = next(iter(view.children(found)[-1:]), None)
        file = None if found is None else await opened(call.service, view, found)
        if file is None:
            raise Problem(Fault.RESOURCE)
        wanted = _MODULES[module]
        long = long_tags(call)
        return json_response(described(file.head, asked_form(call), value_of=wanted.__contains__, long=long))

    return handler


def _shared_tags(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        found = await call.item(view, level)
        call.retrieved("metadata", found, mime_type=JSON)
        shared: dict[int, Element] | None = None
        number = 0
        source: StoredObject | None = None
        async for each in ahead(call.service, view, listed(view.instances(found))):
            file = await opened(call.service, view, each)
            number += 1
            if file is None or number > MAX_SHARED:
                continue
            source = file.head
            head = file.head.head
            if shared is None:
                shared = {tag: element for tag, element in head.items() if not isinstance(element.value, tuple)}
            else:
                shared = {tag: element for tag, element in shared.items() if head.get(tag) == element}
        if source is None or shared is None:
            return json_response({})
        wanted = shared.keys()
        return json_response(described(source, asked_form(call), value_of=wanted.__contains__))

    return handler


def _instances_tags(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        found = await call.item(view, level)
        long = long_tags(call)
        call.retrieved("metadata", found, mime_type=JSON)
        form = asked_form(call)
        items = sorted(view.instances(found), key=lambda item: item.id)
        return await streamed(_members(call, view, items, form, long), JSON)

    return handler


async def _members(
    call: Call, view: View, items: list[Item], form: Form, long: frozenset[int]
) -> AsyncIterator[bytes]:
    begun = False
    async for item in ahead(call.service, view, listed(items)):
        file = await opened(call.service, view, item)
        if file is None:
            continue
        value: Mapping[str, Any] = described(file.head, form, pixels=bool(file.pixels), long=long)
        text = styled(value, margin=INDENTATION)
        yield f"{',' if begun else '{'}\n{INDENTATION}{json.dumps(item.id)} : \n{INDENTATION}{text}".encode()
        begun = True
        await asyncio.sleep(0)
    yield b"\n}" if begun else b"{}"
