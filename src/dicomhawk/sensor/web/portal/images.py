"""The viewer, and the pictures in it: made by the sensor, in the window that is asked for."""

from __future__ import annotations

import re
from typing import Any, Final

from ....evidence import events as ev
from ....hospital.displays import DisplayError, View, Window
from ....hospital.elements import DataSet, decode
from ....hospital.instances import InstanceRef
from ....hospital.pixels import PIXEL_DATA
from ..message import Response
from . import listing as li
from .desk import FACE, Visit
from .records import named_study

THUMBNAIL: Final = 128
"""Pixels of the longer side."""
LARGEST: Final = 2048
"""Pixels of a picture's longer side at most: no screen of that age showed more."""
HEAD: Final = 64 << 10
"""Bytes of an object in which its window is looked for."""
MAX_SHAPES: Final = 4096
"""Objects whose windows a worker remembers."""
MAX_RATE: Final = 60
"""Frames a second that a browser shows at most."""
_QUALITY: Final = 88
_CENTER, _WIDTH, _RATE, _FRAME_TIME = 0x00281050, 0x00281051, 0x00082144, 0x00181063
_PHOTOMETRIC: Final = 0x00280004
_NUMBER: Final = re.compile(r"-?\d{1,6}(\.\d{1,4})?", re.ASCII)
PRESETS: Final = {
    "CT": (("default", 0, 0), ("soft", 40, 400), ("lung", -600, 1500), ("bone", 400, 1800), ("brain", 40, 80)),
    "": (("default", 0, 0),),
}
"""Windows by modality: key of the text, center, width; 0 for the object's own."""


async def viewer(visit: Visit) -> Response:
    """The viewer with the series that is named, or the first that has images."""
    desk = visit.desk
    found = await named_study(visit)
    if found is None:
        return visit.failed(404, "no_study")
    every = await desk.listing.pictured(found.uid, visit.visitor)
    if not every:
        return visit.failed(404, "no_images")
    wanted = visit.asked("series")
    at = next((number for number, values in enumerate(every) if values.get(li.SERIES) == wanted), None)
    if at is None:
        at = max(range(len(every)), key=lambda number: int(every[number].get(li.IN_SERIES) or 0)) if not wanted else 0
    chosen = every[at]
    uid, modality = str(chosen[li.SERIES]), str(chosen.get(li.MODALITY) or "")
    images = await desk.listing.images(found.uid, uid, visit.visitor)
    href, of = desk.pages.href, desk.of
    stack = {
        "u": href("image", study=found.uid, series=uid),
        "i": [[sop, frames] for sop, frames in images],
        "n": desk.skin.parameters["object"],
        "f": desk.skin.parameters["frame"],
        "c": desk.skin.parameters["level"],
        "w": desk.skin.parameters["window"],
        "s": desk.skin.parameters["size"],
        "h": desk.skin.shape_header,
        "m": modality,
        "t": f"{chosen.get(li.SERIES_NUMBER) or ''} {chosen.get(li.SERIES_TEXT) or ''}".strip(),
        "x": [of("viewer.image"), of("viewer.frame"), of("viewer.none")],
    }
    presets = [(of(f"window.{key}"), center, width) for key, center, width in PRESETS.get(modality, PRESETS[""])]
    return visit.shown(
        "viewer.html",
        of("viewer.title"),
        area="worklist",
        study=found,
        series=[_listed(visit, found.uid, number, values) for number, values in enumerate(every)],
        first=uid,
        stacks=stack,
        presets=presets,
        plain=href("image", study=found.uid, series=uid, object=images[0][0] if images else ""),
    )


def _listed(visit: Visit, study: str, number: int, values: dict[int, Any]) -> dict[str, Any]:
    uid, href = str(values.get(li.SERIES)), visit.desk.pages.href
    return {
        "uid": uid,
        "index": number,
        "link": href("viewer", study=study, series=uid),
        "picture": href("thumbnail", study=study, series=uid),
        "number": values.get(li.SERIES_NUMBER) or "",
        "text": values.get(li.SERIES_TEXT) or "",
        "count": values.get(li.IN_SERIES) or 0,
    }


async def image(visit: Visit) -> Response:
    """One image, or one frame of it."""
    center, width = _decimal(visit.asked("level")), _decimal(visit.asked("window"))
    size = visit.asked("size")
    side = min(int(size), LARGEST) if size.isdecimal() and size.isascii() and len(size) < 6 else LARGEST
    frame = visit.asked("frame", "1")
    number = int(frame) if frame.isdecimal() and frame.isascii() and len(frame) < 6 else 1
    window = Window(center, width) if center is not None and width is not None and width >= 1 else None
    named = visit.desk.listing.instances(
        visit.visitor, visit.asked("study"), visit.asked("series"), visit.asked("object")
    )
    if not named:
        return _none(visit, 404)
    instance = named[0]
    try:
        view = View(media="image/jpeg", window=window, quality=_QUALITY)
        if side < LARGEST:
            view = View(media="image/jpeg", window=window, quality=_QUALITY, columns=side, rows=side)
        async with visit.turn():
            picture = await visit.desk.holdings.display(instance, number, view)
    except DisplayError:
        _told(visit, instance, "rendered", 0)
        return _none(visit, 404)
    _told(visit, instance, "rendered", len(picture))
    shape = await _window_of(visit, instance)
    if window is not None:
        shape = (window.center, window.width, *shape[2:])
    more = {visit.desk.skin.shape_header: ";".join(f"{part:g}" for part in shape)}
    more["Cache-Control"] = "private, max-age=600"
    return visit.answer(picture, "image/jpeg", more=more, cached=True)


async def thumbnail(visit: Visit) -> Response:
    """A small picture of a series: of its image in the middle."""
    named = visit.desk.listing.instances(visit.visitor, visit.asked("study"), visit.asked("series"))
    if not named:
        return _none(visit, 404)
    instance = named[len(named) // 2]
    try:
        view = View(media="image/jpeg", columns=THUMBNAIL, rows=THUMBNAIL, quality=80)
        async with visit.turn():
            picture = await visit.desk.holdings.display(instance, 1, view)
    except DisplayError:
        return _none(visit, 404)
    _told(visit, instance, "thumbnail", len(picture))
    return visit.answer(picture, "image/jpeg", more={"Cache-Control": "private, max-age=3600"}, cached=True)


async def _window_of(visit: Visit, instance: InstanceRef) -> tuple[float, ...]:
    """Center, width, frames a second, and whether it is in colours: what the viewer begins with; zeros: unknown."""
    shapes, key = visit.desk.shapes, (instance.origin, instance.sop_uid, instance.path)
    if key not in shapes:
        stored = await visit.desk.holdings.fetch(instance, instance.transfer_syntax_uid)
        if stored is None:
            return (0, 0, 0, 0)
        if len(shapes) >= MAX_SHAPES:
            shapes.clear()
        head = decode(bytes(stored.data[:HEAD]), stored.transfer_syntax, stop_at=PIXEL_DATA, head=True)
        shapes[key] = _shape(head)
    return shapes[key]


def _shape(head: DataSet) -> tuple[float, ...]:
    time = _decimal(_first(head, _FRAME_TIME)) or 0
    rate = _decimal(_first(head, _RATE)) or (1000 / time if time > 0 else 0)
    colours = not _first(head, _PHOTOMETRIC).startswith("MONOCHROME")
    center, width = _decimal(_first(head, _CENTER)) or 0, _decimal(_first(head, _WIDTH)) or 0
    return center, width, round(min(rate, MAX_RATE)), int(colours)


def _first(head: DataSet, tag: int) -> str:
    """The first value of an attribute, as text."""
    element = head.get(tag)
    value = element.value if element is not None and isinstance(element.value, bytes) else b""
    return value[:80].decode("latin-1").split("\\")[0].strip(" \0")


def _decimal(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _none(visit: Visit, status: int) -> Response:
    return visit.answer(b"", "image/jpeg", status=status)


def _told(visit: Visit, instance: InstanceRef, what: str, size: int) -> None:
    visit.emit(
        ev.WebRetrieve(
            face=FACE,
            what=what,
            level="IMAGE",
            study_uid=instance.study_uid,
            series_uid=instance.series_uid,
            sop_instance=instance.sop_uid,
            mime_type="image/jpeg",
            instances=1,
            bytes=size,
            outcome="success" if size else "failure",
        )
    )
