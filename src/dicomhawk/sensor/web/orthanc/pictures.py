"""Pictures of instances and of their frames, and their samples as text and arrays."""

from __future__ import annotations

import asyncio
import gzip
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ....hospital.displays import DisplayError, Manner, Media, Window
from ....hospital.displays import View as Display
from ....hospital.elements import EXPLICIT_LE, decode
from ....hospital.pixels import Pixels, PixelsError
from ....hospital.transcode import can_transcode
from ..message import Request, Response
from .file import File, content_of, frames_in
from .instances import RAW, frames_of, instance_file
from .problems import Fault, Problem, Refusal
from .service import Call, Handler, json_response

KINDS: Final[dict[str, Manner]] = {
    "image-int16": "int16",
    "image-uint16": "uint16",
    "image-uint8": "uint8",
    "preview": "stretch",
    "rendered": "window",
}
NAMES: Final = (
    "image-int16",
    "image-uint16",
    "image-uint8",
    "matlab",
    "numpy",
    "preview",
    "raw",
    "raw.gz",
    "rendered",
)
MAX_DOCUMENT: Final = 64 << 20
"""Bytes of an object whose document is sent."""
QUALITY: Final = 90
LARGEST: Final = 2048
"""Columns and rows of a picture that is made smaller or larger."""
_STREAMS: Final = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in (*range(50, 67), 70)), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "image/jls"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{number}" for number in range(90, 94)), "image/jp2"),
}
"""Types of compressed frames as they are."""
_SAMPLES, _STORED, _CENTER = 0x00280002, 0x00280101, 0x00281050


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/instances/{id}/frames", frames
    yield "GET", "/instances/{id}/frames/{frame}", names
    yield "GET", "/instances/{id}/pdf", pdf
    for prefix in ("/instances/{id}", "/instances/{id}/frames/{frame}"):
        for kind, manner in KINDS.items():
            yield "GET", f"{prefix}/{kind}", _picture(manner)
    yield "GET", "/instances/{id}/frames/{frame}/raw", raw
    yield "GET", "/instances/{id}/frames/{frame}/raw.gz", packed


async def frames(call: Call) -> Response:
    """The numbers of the frames."""
    _, _, found = await instance_file(call)
    return json_response(list(range(max(frames_in(found), 1))))


async def names(call: Call) -> Response:
    """What there is of a frame."""
    return json_response(list(NAMES))


def frame_number(call: Call) -> int:
    """The number of the frame that the path names, from 0. Raises `Refusal`."""
    text = call.arguments.get("frame", "0").removeprefix("+")
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise Refusal
    return int(text)


def media_of(request: Request) -> Media | None:
    """The type of pictures that a client takes: of PNG and JPEG the first; None: neither."""
    accepted = [each.split(";")[0].strip() for each in (request.headers.get("Accept") or "").split(",")]
    for each in accepted or ["*/*"]:
        if each in ("*/*", "image/*", "image/png", ""):
            return "image/png"
        if each == "image/jpeg":
            return "image/jpeg"
    return None


def _picture(manner: Manner) -> Handler:
    async def handler(call: Call) -> Response:
        number = frame_number(call)
        try:
            view, item, file = await instance_file(call)
        except Problem:
            raise Refusal from None
        media = media_of(call.request)
        reference = view.reference(item)
        if media is None or reference is None:
            raise Refusal
        if media == "image/jpeg" and manner in ("uint16", "int16"):
            raise Refusal
        quality = _quality(call.request.argument("quality"))
        display = Display(media=media, manner=manner, quality=quality)
        if manner == "window":
            display = replace(display, **window_of(call.request.argument, file))
        elif manner != "stretch" and _in_colour(file):
            raise Refusal(415)
        try:
            async with call.service.turns.of(call.visitor):
                made = await call.service.backing.holdings.display(reference, number + 1, display)
        except DisplayError as error:
            if error.absent and can_transcode(file.syntax, EXPLICIT_LE):
                raise Refusal from None
            if call.has("returnUnsupportedImage"):
                return Response(301, [("Location", "../" * call.uri.count("/", 1) + "app/images/unsupported.png")])
            raise Refusal(415) from None
        call.retrieved("rendered", item, mime_type=media, instances=1, bytes=len(made))
        return Response(200, [("Content-Type", media)], made)

    return handler


def _quality(text: str | None) -> int:
    if text is None:
        return QUALITY
    if re.fullmatch(r"\d{1,3}", text, re.ASCII) is None or not 1 <= int(text) <= 100:
        raise Refusal(415)
    return int(text)


def _in_colour(file: File) -> bool:
    return (file.head.value(_SAMPLES) or "1") != "1"


def window_of(argument: Callable[[str], str | None], file: File) -> dict[str, Any]:
    """The window and the size that arguments ask for, by their names in `displays.View`. Raises `Refusal`."""
    given = {name: argument(name) for name in ("window-center", "window-width", "width", "height")}
    try:
        values = {name: float(text) for name, text in given.items() if text is not None}
        columns, rows = (int(given[name] or 0) for name in ("width", "height"))
    except ValueError:
        raise Refusal from None
    if not all(map(math.isfinite, values.values())) or not all(0 <= size < 1 << 32 for size in (columns, rows)):
        raise Refusal
    found: dict[str, Any] = {"columns": min(columns, LARGEST), "rows": min(rows, LARGEST)}
    bits = file.head.value(_STORED) or ""
    if _in_colour(file):
        return found
    if "window-center" in values and "window-width" in values:
        return found | {"window": Window(values["window-center"], max(values["window-width"], 1.0))}
    if not file.head.value(_CENTER) and bits.isdecimal() and int(bits) <= 32:
        width = float(1 << int(bits))
        return found | {"window": Window(width / 2, width)}
    return found


async def _samples(call: Call) -> tuple[Pixels, bytes]:
    number = frame_number(call)
    _, item, found = await instance_file(call)
    try:
        pixels = await frames_of(found)
    except Refusal:
        raise Problem(Fault.NOT_IMPLEMENTED) from None
    try:
        data = bytes(pixels.frame(number + 1))
    except PixelsError:
        raise Problem(Fault.RANGE) from None
    call.retrieved("frame", item, instances=1, bytes=len(data))
    return pixels, data


async def raw(call: Call) -> Response:
    """The samples of a frame, or its compressed stream."""
    pixels, data = await _samples(call)
    return Response(200, [("Content-Type", _STREAMS.get(pixels.syntax, RAW))], data)


async def packed(call: Call) -> Response:
    """The same, compressed."""
    _, data = await _samples(call)
    made = await asyncio.to_thread(gzip.compress, data, 6, mtime=0)
    return Response(200, [("Content-Type", "application/gzip")], made)


async def pdf(call: Call) -> Response:
    """The document of an instance that encapsulates one."""
    _, item, found = await instance_file(call)
    if found.head.value(0x00080016) != "1.2.840.10008.5.1.4.1.1.104.1":
        raise Refusal
    if found.size > MAX_DOCUMENT:
        raise Refusal
    document = await asyncio.to_thread(_document, found.path, found.start, found.syntax)
    if document is None:
        raise Refusal
    call.retrieved("report", item, mime_type="application/pdf", instances=1, bytes=len(document))
    return Response(200, [("Content-Type", "application/pdf")], document)


def _document(path: Path, start: int, syntax: str) -> bytes | None:
    element = decode(content_of(path)[start:], syntax, head=True).get(0x00420011)
    if element is None or not isinstance(element.value, bytes):
        return None
    return element.value if element.value.endswith((b"\n", b"\r")) else element.value[:-1]
