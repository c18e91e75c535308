"""Pictures of instances and of their frames, and their samples as text and arrays."""

from __future__ import annotations

import asyncio
import gzip
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ....hospital.displays import DisplayError, Manner, Media
from ....hospital.displays import View as Display
from ....hospital.elements import decode
from ....hospital.pixels import Pixels, PixelsError
from ..message import Request, Response
from .file import content_of, frames_in
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
MAX_SAMPLES: Final = 4 << 20
"""Samples that are written as text or as an array: a large radiograph has as many."""
MAX_DOCUMENT: Final = 64 << 20
"""Bytes of an object whose document is sent."""
QUALITY: Final = 90


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/instances/{id}/frames", frames
    yield "GET", "/instances/{id}/frames/{frame}", names
    yield "GET", "/instances/{id}/pdf", pdf
    for prefix in ("/instances/{id}", "/instances/{id}/frames/{frame}"):
        for kind, manner in KINDS.items():
            yield "GET", f"{prefix}/{kind}", _picture(manner)
        yield "GET", f"{prefix}/matlab", matlab
        yield "GET", f"{prefix}/numpy", numpy
    yield "GET", "/instances/{id}/frames/{frame}/raw", raw
    yield "GET", "/instances/{id}/frames/{frame}/raw.gz", packed


async def frames(call: Call) -> Response:
    """The numbers of the frames."""
    _, _, found = await instance_file(call)
    return json_response(list(range(max(frames_in(found), 1))))


async def names(call: Call) -> Response:
    """What there is of a frame."""
    return json_response(list(NAMES))


def _number(call: Call) -> int:
    text = call.arguments.get("frame", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise Refusal
    return int(text)


def media_of(request: Request) -> Media | None:
    """The type of pictures that a client takes: of PNG and JPEG the first; None: neither."""
    accepted = [each.split(";")[0].strip() for each in ",".join(request.headers.all("Accept")).split(",")]
    for each in accepted or ["*/*"]:
        if each in ("*/*", "image/*", "image/png", ""):
            return "image/png"
        if each == "image/jpeg":
            return "image/jpeg"
    return None


def _picture(manner: Manner) -> Handler:
    async def handler(call: Call) -> Response:
        number = _number(call)
        view, item, _ = await instance_file(call)
        media = media_of(call.request)
        reference = view.reference(item)
        if media is None or reference is None:
            raise Refusal
        if media == "image/jpeg" and manner in ("uint16", "int16"):
            raise Refusal
        display = Display(media=media, manner=manner, quality=QUALITY)
        try:
            async with call.service.turns.of(call.visitor):
                made = await call.service.backing.holdings.display(reference, number + 1, display)
        except DisplayError as error:
            if error.absent:
                raise Refusal from None
            raise Refusal(415) from None
        call.retrieved("rendered", item, mime_type=media, instances=1, bytes=len(made))
        return Response(200, [("Content-Type", media)], made)

    return handler


async def _samples(call: Call) -> tuple[Pixels, int, bytes]:
    number = _number(call)
    _, item, found = await instance_file(call)
    try:
        pixels = await frames_of(found)
    except Refusal:
        raise Problem(Fault.NOT_IMPLEMENTED) from None
    try:
        data = bytes(pixels.frame(number + 1))
    except PixelsError:
        raise Refusal from None
    call.retrieved("frame", item, instances=1, bytes=len(data))
    return pixels, number, data


async def raw(call: Call) -> Response:
    """The samples of a frame, or its compressed stream."""
    _, _, data = await _samples(call)
    return Response(200, [("Content-Type", RAW)], data)


async def packed(call: Call) -> Response:
    """The same, compressed."""
    _, _, data = await _samples(call)
    made = await asyncio.to_thread(gzip.compress, data, 6, mtime=0)
    return Response(200, [("Content-Type", "application/gzip")], made)


async def matlab(call: Call) -> Response:
    """The samples of a frame as text for Matlab and Octave."""
    pixels, _, data = await _samples(call)
    made = await asyncio.to_thread(_matlab, pixels, data)
    return Response(200, [("Content-Type", "text/plain")], made)


async def numpy(call: Call) -> Response:
    """The samples of a frame as an array for NumPy."""
    pixels, _, data = await _samples(call)
    made = await asyncio.to_thread(_numpy, pixels, data)
    return Response(200, [("Content-Type", RAW)], made)


def _values(pixels: Pixels, data: bytes) -> tuple[Any, ...]:
    shape = pixels.shape
    codes = {8: "b" if shape.signed else "B", 16: "h" if shape.signed else "H"}
    code = codes.get(shape.bits_allocated)
    number = shape.rows * shape.columns * shape.samples
    if code is None or pixels.encapsulated or not 0 < number <= MAX_SAMPLES or shape.planar:
        raise Problem(Fault.NOT_IMPLEMENTED)
    size = struct.calcsize(f"<{number}{code}")
    if len(data) < size:
        raise Refusal
    return struct.unpack(f"<{number}{code}", data[:size])


def _matlab(pixels: Pixels, data: bytes) -> bytes:
    values, shape = _values(pixels, data), pixels.shape
    width = shape.columns * shape.samples
    rows = (" ".join(map(str, values[start : start + width])) for start in range(0, len(values), width))
    return f"double([ {' ; '.join(rows)} ])".encode()


def _numpy(pixels: Pixels, data: bytes) -> bytes:
    values, shape = _values(pixels, data), pixels.shape
    kind = f"(1, {shape.rows},{shape.columns},{shape.samples})"
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {kind}, }}"
    padded = text.ljust(-(len(text) + 11) % 64 + len(text)) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()
    return head + struct.pack(f"<{len(values)}f", *values)


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
    return element.value if element is not None and isinstance(element.value, bytes) else None
