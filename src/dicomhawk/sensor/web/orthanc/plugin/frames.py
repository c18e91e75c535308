"""WADO-RS as the plug-in answers it: frames."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from .....hospital.displays import DisplayError
from .....hospital.elements import EXPLICIT_BE, EXPLICIT_LE
from .....hospital.pixels import Pixels, PixelsError
from .....hospital.transcode import can_transcode
from .....hospital.vr import swapped
from ...dicomweb.frames import COMPRESSED
from ...message import Response
from ..file import opened
from ..instances import frames_of
from ..problems import Fault, Problem, Refusal
from ..service import Call
from ..view import Item, View
from . import accept, parts, places
from .wado import FACE, OCTETS, address

MAX_FRAMES: Final = 1000
"""Frames of one request: a viewer asks for one, or for a whole loop."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_MOST: Final = (1 << 31) - 1


def whole_number(text: str) -> int:
    """An integer as the plug-in reads it. Raises `Problem`."""
    if not _NUMBER.fullmatch(text) or abs(int(text)) > _MOST:
        raise Problem(Fault.FILE)
    return int(text)


async def frames(call: Call) -> Response:
    """The frames that the path lists, or all of them. Raises `Problem`."""
    numbers = _listed(call.arguments["frames"]) if "frames" in call.arguments else None
    view = await call.view()
    item = await places.instance(call, view)
    syntax = accept.syntax_of_frames(call.request.headers.get("Accept"))
    file = await opened(call.service, view, item)
    if file is None:
        raise Problem(Fault.INEXISTENT)
    try:
        pixels = await frames_of(file)
    except Refusal:
        raise Problem(Fault.NOT_IMPLEMENTED) from None
    sent = _sent(pixels.syntax, syntax)
    if numbers is None:
        # The plug-in counts all frames from 1 where it counts from 0: the last one isn't there.
        numbers = list(range(2, min(pixels.count, MAX_FRAMES) + 2))
    kind = f"{COMPRESSED.get(sent, OCTETS)}; transfer-syntax={sent}"
    return await parts.related(kind, _frames(call, view, item, pixels, numbers, sent))


def _listed(text: str) -> list[int]:
    found = []
    for each in text.lower().replace("%2c", ",").split(",")[:MAX_FRAMES]:
        number = whole_number(each)
        if number <= 0:
            raise Problem(Fault.RANGE, f"Invalid frame number (must be > 0): {each}")
        found.append(number)
    return found


def _sent(own: str, wanted: str) -> str:
    """The transfer syntax in which frames are sent. Raises `Problem`."""
    if wanted == accept.ANY:
        return own
    if wanted == own or can_transcode(EXPLICIT_LE, wanted):
        return wanted
    raise Problem(Fault.PLUGIN)


async def _frames(
    call: Call, view: View, item: Item, pixels: Pixels, numbers: Sequence[int], syntax: str
) -> AsyncIterator[parts.Item]:
    size = 0
    _, study, series, instance = item.ids
    url = f"{address(call)}/studies/{study}/series/{series}/instances/{instance}/frames"
    try:
        for number in numbers:
            data = await _frame(call, view, item, pixels, number, syntax)
            size += len(data)
            yield parts.Item([data], (("Content-Location", f"{url}/{number}"),))
    finally:
        call.retrieved("frames", item, face=FACE, mime_type=OCTETS, instances=1, bytes=size)


async def _frame(call: Call, view: View, item: Item, pixels: Pixels, number: int, syntax: str) -> bytes | memoryview:
    if not 1 <= number <= pixels.count:
        raise Problem(Fault.RANGE)
    try:
        if pixels.encapsulated and pixels.syntax != syntax:
            reference = view.reference(item)
            if reference is None:
                raise Problem(Fault.INEXISTENT)
            async with call.service.turns.of(call.visitor):
                return await call.service.backing.holdings.frame(reference, number)
        data = pixels.frame(number)
    except DisplayError:
        raise Problem(Fault.PLUGIN) from None
    except PixelsError:
        raise Problem(Fault.RANGE) from None
    return swapped("OW", bytes(data)) if pixels.syntax == EXPLICIT_BE != syntax else data
