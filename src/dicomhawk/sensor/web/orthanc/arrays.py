"""Samples of frames for Matlab and Octave as text, and for NumPy as arrays."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ....hospital.displays import DisplayError
from ....hospital.pixels import PixelsError
from ..message import Part, Response
from .file import File, frames_in
from .instances import RAW, frames_of, instance_file
from .pictures import frame_number
from .problems import Fault, Problem, Refusal
from .service import Call, Handler
from .slices import in_order
from .view import Item, View
from .zipping import ZipWriter

MAX_SAMPLES: Final = 4 << 20
"""Samples of a frame: a large radiograph has as many."""
MAX_PACKED: Final = 64 << 20
"""Bytes of an array that is compressed: more would take seconds; it is refused."""
_MEMBER: Final = "arr_0.npy"
_RT_DOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
_CLASS, _INTERCEPT, _SLOPE = 0x00080016, 0x00281052, 0x00281053
_FLAGS: Final = {"": True, "1": True, "true": True, "0": False, "false": False}


class Format(NamedTuple):
    """How samples of a frame are."""

    rows: int
    columns: int
    samples: int
    code: str
    """Of `struct`."""

    @property
    def number(self) -> int:
        """Of samples."""
        return self.rows * self.columns * self.samples


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for prefix in ("/instances/{id}", "/instances/{id}/frames/{frame}"):
        yield "GET", f"{prefix}/matlab", matlab
    yield "GET", "/instances/{id}/frames/{frame}/numpy", frame_array
    yield "GET", "/instances/{id}/numpy", instance_array
    yield "GET", "/series/{id}/numpy", series_array


async def matlab(call: Call) -> Response:
    """The samples of a frame as text."""
    number = frame_number(call)
    view, item, file = await instance_file(call)
    form = await _format(file)
    data = await _frame(call, view, item, file, number)
    call.retrieved("frame", item, instances=1, bytes=len(data))
    made = await asyncio.to_thread(_matlab, form, data)
    return Response(200, [("Content-Type", "text/plain")], made)


async def frame_array(call: Call) -> Response:
    """The samples of a frame as an array."""
    text = call.arguments["frame"]
    packs, rescales = _flag(call, "compress", absent=False), _flag(call, "rescale", absent=True)
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Problem(Fault.RANGE, 'Expected an unsigned integer for the "frame" argument')
    view, item, file = await instance_file(call)
    return await _array(call, view, [(item, file)], [[int(text)]], "", packs=packs, rescales=rescales)


async def instance_array(call: Call) -> Response:
    """The samples of all frames of an instance as an array."""
    packs, rescales = _flag(call, "compress", absent=False), _flag(call, "rescale", absent=True)
    view, item, file = await instance_file(call)
    numbers = list(range(frames_in(file)))
    return await _array(call, view, [(item, file)], [numbers], f"{len(numbers)}, ", packs=packs, rescales=rescales)


async def series_array(call: Call) -> Response:
    """The samples of all frames of a series as an array."""
    packs, rescales = _flag(call, "compress", absent=False), _flag(call, "rescale", absent=True)
    view = await call.view()
    _, slices = await in_order(call, view)
    numbers = [list(range(frames_in(file))) for _, file in slices]
    depth = sum(map(len, numbers))
    return await _array(call, view, slices, numbers, f"{depth}, ", packs=packs, rescales=rescales)


def _flag(call: Call, name: str, *, absent: bool) -> bool:
    text = call.request.argument(name)
    if text is None:
        return absent
    if text not in _FLAGS:
        raise Problem(Fault.RANGE, f'Expected a Boolean for GET argument "{name}", found: {text}')
    return _FLAGS[text]


async def _array(
    call: Call,
    view: View,
    files: Sequence[tuple[Item, File]],
    numbers: Sequence[Sequence[int]],
    depth: str,
    *,
    packs: bool,
    rescales: bool,
) -> Response:
    if not files:
        raise Problem(Fault.RESOURCE)
    forms = [await _format(file) for _, file in files]
    for form in forms[1:]:
        if form[:2] != forms[0][:2]:
            raise Problem(Fault.IMAGE_SIZE, "The size of the frames varies across the instance(s)")
        if form != forms[0]:
            raise Problem(Fault.IMAGE_FORMAT, "The pixel format of the frames varies across the instance(s)")
    form = forms[0]
    for each, (item, file) in zip(numbers, files, strict=True):
        if each and each[-1] >= frames_in(file):
            raise Problem(Fault.RANGE)
        call.retrieved("frame", item, instances=1)
    floats = rescales and form.samples == 1
    head = _head(form, depth, floats=floats)
    frames = [(item, file, number) for (item, file), each in zip(files, numbers, strict=True) for number in each]
    first = await _converted(call, view, form, *frames[0], floats=floats)
    body = _body(call, view, form, head, first, frames[1:], floats=floats)
    length = len(head) + len(first) * len(frames)
    if not packs:
        return Response(200, [("Content-Type", RAW)], body, length=length)
    if length > MAX_PACKED:
        raise Problem(Fault.NOT_IMPLEMENTED)
    whole = b"".join([part async for part in body if isinstance(part, bytes)])
    writer = ZipWriter(datetime.fromtimestamp(call.now, UTC))
    before, packed = await asyncio.to_thread(writer.member, _MEMBER, b"", memoryview(whole))
    return Response(200, [("Content-Type", RAW)], before + packed + writer.directory())


async def _body(
    call: Call,
    view: View,
    form: Format,
    head: bytes,
    first: bytes,
    frames: Sequence[tuple[Item, File, int]],
    *,
    floats: bool,
) -> AsyncIterator[Part]:
    yield head
    yield first
    for item, file, number in frames:
        try:
            yield await _converted(call, view, form, item, file, number, floats=floats)
        except (Problem, Refusal):
            return  # what a visitor stored can't be decoded: the answer is cut off


async def _converted(
    call: Call, view: View, form: Format, item: Item, file: File, number: int, *, floats: bool
) -> bytes:
    data = await _frame(call, view, item, file, number)
    if not floats:
        return data
    return await asyncio.to_thread(_floats, form, data, *_rescale(file))


async def _format(file: File) -> Format:
    try:
        pixels = await frames_of(file)
    except Refusal:
        raise Problem(Fault.NOT_IMPLEMENTED) from None
    shape = pixels.shape
    codes = {(8, 1): "B", (8, 3): "B", (16, 1): "h" if shape.signed else "H"}
    code = codes.get((shape.bits_allocated, shape.samples))
    form = Format(shape.rows, shape.columns, shape.samples, code or "")
    if code is None or not 0 < form.number <= MAX_SAMPLES or shape.planar:
        raise Problem(Fault.NOT_IMPLEMENTED)
    try:
        if not pixels.encapsulated:
            pixels.frame(pixels.count)
    except PixelsError:
        raise Problem(Fault.RANGE) from None
    return form


async def _frame(call: Call, view: View, item: Item, file: File, number: int) -> bytes:
    """The samples of a frame, from 0. Raises `Problem`."""
    pixels = await frames_of(file)
    if number >= pixels.count:
        raise Problem(Fault.RANGE)
    try:
        if not pixels.encapsulated:
            return bytes(pixels.frame(number + 1))
        reference = view.reference(item)
        if reference is None:
            raise Problem(Fault.RESOURCE)
        async with call.service.turns.of(call.visitor):
            return await call.service.backing.holdings.frame(reference, number + 1)
    except PixelsError:
        raise Problem(Fault.RANGE) from None
    except DisplayError:
        raise Problem(Fault.NOT_IMPLEMENTED) from None


def _rescale(file: File) -> tuple[float, float]:
    """Intercept and slope."""
    if file.head.value(_CLASS) != _RT_DOSE:
        try:
            found = tuple(float(file.head.value(tag) or "") for tag in (_INTERCEPT, _SLOPE))
        except ValueError:
            return 0.0, 1.0
        if all(map(math.isfinite, found)) and max(map(abs, found)) < 1e30:
            return found[0], found[1]
    return 0.0, 1.0


def _values(form: Format, data: bytes) -> tuple[Any, ...]:
    size = struct.calcsize(f"<{form.number}{form.code}")
    if len(data) < size:
        raise Problem(Fault.NOT_IMPLEMENTED)
    return struct.unpack(f"<{form.number}{form.code}", data[:size])


def _floats(form: Format, data: bytes, intercept: float, slope: float) -> bytes:
    values = _values(form, data)
    if (intercept, slope) != (0.0, 1.0):
        values = tuple(value * slope + intercept for value in values)
    return struct.pack(f"<{len(values)}f", *values)


def _matlab(form: Format, data: bytes) -> bytes:
    values = _values(form, data)
    if form.samples > 1:
        sizes = f"{form.samples} {form.rows} {form.columns}"
        return f"double(permute(reshape([ {' '.join(map(str, values))} ], [ {sizes} ]), [ 3 2 1 ]))".encode()
    width = form.columns
    rows = (" ".join(map(str, values[start : start + width])) for start in range(0, len(values), width))
    return f"double([ {' ; '.join(rows)} ])".encode()


def _head(form: Format, depth: str, *, floats: bool) -> bytes:
    kind = "f4" if floats else {"B": "u1", "H": "u2", "h": "i2"}[form.code]
    shape = f"{depth}{form.rows},{form.columns},{form.samples}"
    text = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': ({shape}), }}"
    padded = text.ljust(-(len(text) + 11) % 64 + len(text)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()
