"""What is in an instance: its tags, its file and what is known of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from ....hospital.attributes import Level
from ....hospital.elements import Element
from ....hospital.pixels import PIXEL_DATA, Pixels, PixelsError
from ....hospital.products.objects import StoredObject
from ..message import Part, Response
from .bodies import streamed
from .describing import Form, numbered
from .file import File, ahead, content_of, listed, opened
from .jsoncpp import INDENTATION, styled
from .problems import Fault, Problem, Refusal
from .sending import file_response
from .service import JSON, LEVELS, Call, Handler, json_response
from .tags import described, tag_named
from .view import Item, View

MAX_SHARED: Final = 2000
"""Instances whose tags are compared: those of a long series."""
RAW: Final = "application/octet-stream"
_MODULES: Final = {
    Level.PATIENT: frozenset((0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00101000, 0x00104000, 0x00102160)),
    Level.STUDY: frozenset(
        (0x0020000D, 0x00080020, 0x00080030, 0x00080090, 0x00200010, 0x00080050, 0x00081030, 0x00081048, 0x00081060)
    ),
    Level.SERIES: frozenset(
        (
            *(0x0020000E, 0x00080060, 0x00200011, 0x00200060, 0x00080021, 0x00080031, 0x00081050, 0x00181030),
            *(0x0008103E, 0x00081070, 0x00180015, 0x00185100, 0x00280108, 0x00280109, 0x00400244, 0x00400245),
            *(0x00400253, 0x00400254),
        )
    ),
    Level.IMAGE: frozenset((0x00080016, 0x00080018, 0x00200013, 0x00080012, 0x00080013, 0x00080005)),
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


async def tags(call: Call) -> Response:
    """All tags of an instance."""
    _, item, found = await instance_file(call)
    call.retrieved("metadata", item, mime_type=JSON)
    return json_response(described(found.head, asked_form(call), pixels=bool(found.pixels)))


async def simplified_tags(call: Call) -> Response:
    """The same, by their names."""
    _, item, found = await instance_file(call)
    call.retrieved("metadata", item, mime_type=JSON)
    return json_response(described(found.head, "named", pixels=bool(found.pixels)))


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
    path = [part for part in call.arguments.get("rest", "").split("/") if part]
    source, names = found.head, [numbered(tag, "-") for tag in sorted(found.head.head)]
    if found.pixels:
        names.append(numbered(PIXEL_DATA, "-"))
    if not path:
        return json_response(names)
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
            call.retrieved("metadata", item, mime_type=RAW)
            return Response(200, [("Content-Type", RAW)], element.value)
        if not number:
            return json_response([str(place) for place in range(len(element.value))])
        if not number.isdigit() or len(number) > 6 or int(number) >= len(element.value):
            raise Refusal
        source = source.within(element.value[int(number)])
    return json_response([numbered(tag, "-") for tag in sorted(source.head)])


async def nothing(_: Call) -> Response:
    """Below what is told of contents there is nothing else, which isn't said of methods alone."""
    raise Problem(Fault.RESOURCE)


def _tag(text: str) -> int:
    found = tag_named(text)
    if found is None:
        raise Problem(Fault.TAG)
    return found


async def _pixels(found: File, number: str) -> Response:
    """The frames of the pixel data, or the bytes of one."""
    pixels = await frames_of(found)
    if not number:
        return json_response([str(place) for place in range(pixels.count if pixels.encapsulated else 1)])
    if not number.isdigit() or len(number) > 6:
        raise Refusal
    try:
        if not pixels.encapsulated and int(number) == 0:
            size = len(pixels.frame(pixels.count)) * pixels.count
            return Response(200, [("Content-Type", RAW)], _each_frame(pixels), length=size)
        if not pixels.encapsulated:
            raise Refusal
        data = bytes(pixels.frame(int(number) + 1))
    except PixelsError:
        raise Refusal from None
    return Response(200, [("Content-Type", RAW)], data)


async def _each_frame(pixels: Pixels) -> AsyncIterator[Part]:
    for number in range(pixels.count):
        yield pixels.frame(number + 1)


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
        first = None if found is None else next(view.instances(found), None)
        file = None if first is None else await opened(call.service, view, first)
        if file is None:
            raise Problem(Fault.RESOURCE)
        wanted = _MODULES[module]
        return json_response(described(file.head, asked_form(call), value_of=wanted.__contains__))

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
        call.retrieved("metadata", found, mime_type=JSON)
        form = asked_form(call)
        items = sorted(view.instances(found), key=lambda item: item.id)
        return await streamed(_members(call, view, items, form), JSON)

    return handler


async def _members(call: Call, view: View, items: list[Item], form: Form) -> AsyncIterator[bytes]:
    begun = False
    async for item in ahead(call.service, view, listed(items)):
        file = await opened(call.service, view, item)
        if file is None:
            continue
        value: Mapping[str, Any] = described(file.head, form, pixels=bool(file.pixels))
        text = styled(value, margin=INDENTATION)
        yield f"{',' if begun else '{'}\n{INDENTATION}{json.dumps(item.id)} : \n{INDENTATION}{text}".encode()
        begun = True
        await asyncio.sleep(0)
    yield b"\n}" if begun else b"{}"
