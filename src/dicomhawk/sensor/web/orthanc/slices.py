"""The slices of a series in the order of their positions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ....hospital.attributes import Level
from ..message import Response
from .file import File, ahead, frames_in, listed, opened
from .problems import Fault, Problem
from .service import Call, Handler, json_response
from .view import Item, View

MAX_SLICES: Final = 5000
"""Instances of a series that are put in order."""
MAX_FRAMES: Final = 100_000
"""Frames that are listed: what a visitor stored may claim a hundred thousand for each of its objects."""
_POSITION, _ORIENTATION, _NUMBER = 0x00200032, 0x00200037, 0x00200013
_NEAR: Final = 1e-4


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/series/{id}/ordered-slices", ordered


async def ordered(call: Call) -> Response:
    """GET /series/{id}/ordered-slices."""
    view = await call.view()
    kind, slices = await in_order(call, view)
    frames = [(item.id, frames_in(file)) for item, file in slices]
    left = MAX_FRAMES
    for place, (name, count) in enumerate(frames):
        frames[place] = name, min(count, left)
        left -= frames[place][1]
    return json_response(
        {
            "Dicom": [f"/instances/{name}/file" for name, _ in frames],
            "Slices": [f"/instances/{name}/frames/{number}" for name, count in frames for number in range(count)],
            "SlicesShort": [[name, 0, count] for name, count in frames],
            "Type": kind,
        }
    )


async def in_order(call: Call, view: View) -> tuple[str, list[tuple[Item, File]]]:
    """By what the instances of the series that the path names are put in order, and these. Raises `Problem`."""
    series = await view.find(Level.SERIES, call.arguments["id"])
    if series is None:
        raise Problem(Fault.RESOURCE)
    found: list[tuple[Item, File]] = []
    async for item in ahead(call.service, view, listed(view.children(series)[:MAX_SLICES])):
        file = await opened(call.service, view, item)
        if file is not None:
            found.append((item, file))
    kind, places = _placed([file for _, file in found])
    return kind, [found[index] for index in sorted(range(len(found)), key=lambda index: places[index])]


def _placed(files: list[File]) -> tuple[str, list[float]]:
    """Whether slices are put in order by place or by number, and where each is."""
    places: list[float] = []
    normal: tuple[float, float, float] | None = None
    for file in files:
        position, orientation = _numbers(file, _POSITION), _numbers(file, _ORIENTATION)
        if len(position) != 3 or len(orientation) != 6:
            break
        row, column = orientation[:3], orientation[3:]
        own = (
            row[1] * column[2] - row[2] * column[1],
            row[2] * column[0] - row[0] * column[2],
            row[0] * column[1] - row[1] * column[0],
        )
        normal = normal or own
        if any(abs(one - other) > _NEAR for one, other in zip(own, normal, strict=True)):
            break
        places.append(sum(one * other for one, other in zip(position, normal, strict=True)))
    if len(places) == len(files) > 1 and len({round(place, 3) for place in places}) == len(places):
        return "Volume", places
    return "Sequence", [next(iter(_numbers(file, _NUMBER)), 0.0) for file in files]


def _numbers(file: File, tag: int) -> list[float]:
    try:
        return [float(part) for part in (file.head.value(tag) or "").split("\\")[:6]]
    except ValueError:
        return []
