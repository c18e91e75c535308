"""WADO-RS and WADO-URI as the plug-in answers them: pictures, and objects that a query names."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, Final, cast

from .....hospital.attributes import Level
from .....hospital.displays import MAX_SIDE, DisplayError, Function, Media, Region, Window
from .....hospital.displays import View as Display
from ...message import Response, Stored
from ..file import opened
from ..pictures import window_of
from ..problems import Fault, Problem, Refusal
from ..sending import leaving
from ..service import Call
from ..view import Item, View
from . import places
from .frames import whole_number
from .parts import whole
from .wado import DICOM, FACE

URI_FACE: Final = "wado-uri"
_TRANSACTION: Final = "in WADO-RS Retrieve Rendered Transaction"
_FUNCTIONS: Final[dict[str, Function]] = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_MEDIA: Final = ("image/png", "image/jpeg")
_KINDS: Final = {"image/png": "image/png", "image/jpeg": "image/jpeg", "image/jpg": "image/jpeg"}
_DECIMAL: Final = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE: Final = 1 << 20


async def rendered(call: Call) -> Response:
    """A picture of a frame, or of the first one of what is above. Raises `Problem`."""
    number = whole_number(call.arguments["frames"]) if "frames" in call.arguments else 1
    view = await call.view()
    above = await places.place(call, view)
    item = min(view.instances(above), key=lambda each: each.id)
    media: Media = "image/jpeg"
    for accept in call.request.headers.all("Accept"):
        if accept != "*/*":
            if accept not in _MEDIA:
                raise Problem(Fault.RANGE)
            media = cast(Media, accept)
    display = replace(_display(call), media=media)
    if number <= 0:
        raise Problem(Fault.RANGE, f"Inexistent frame index in this image: {number}")
    made = await _made(call, view, item, number, display, Fault.RANGE)
    call.retrieved("rendered", above, face=FACE, mime_type=media, instances=1, bytes=len(made))
    return Response(200, [("Content-Type", media)], made)


async def _made(call: Call, view: View, item: Item, number: int, display: Display, fault: Fault) -> bytes:
    reference = view.reference(item)
    if reference is None:
        raise Problem(fault)
    try:
        async with call.service.turns.of(call.visitor):
            return await call.service.backing.holdings.display(reference, number, display)
    except DisplayError:
        raise Problem(fault) from None


def _display(call: Call) -> Display:
    found = Display()
    for name, value in call.request.query:
        if name == "viewport":
            found = replace(found, **_viewport(value))
        elif name == "quality":
            if not re.fullmatch(r"\+?\d{1,9}", value, re.ASCII) or not 1 <= int(value) <= 100:
                details = f'The value of "quality" {_TRANSACTION} must be between 1 and 100, found: {value}'
                raise Problem(Fault.RANGE, details)
            found = replace(found, quality=int(value))
        elif name == "window":
            found = replace(found, window=_window(value))
    return found


def _window(text: str) -> Window:
    tokens = text.split(",")
    named = f'"window" {_TRANSACTION}'
    if len(tokens) != 3:
        raise Problem(Fault.RANGE, f"The number arguments to {named} must be 3")
    if not all(_DECIMAL.fullmatch(token) for token in tokens[:2]):
        raise Problem(Fault.RANGE, f"The first and second arguments to {named} must be floats: {text}")
    function = _FUNCTIONS.get(tokens[2])
    if function is None:
        details = f"The third argument to {named} must be linear, linear-exact or sigmoid: {tokens[2]}"
        raise Problem(Fault.RANGE, details)
    return Window(float(tokens[0]), float(tokens[1]), function)


def _viewport(text: str) -> dict[str, Any]:
    tokens = text.split(",")
    named = f'"viewport" {_TRANSACTION}'
    if len(tokens) not in (2, 6):
        raise Problem(Fault.RANGE, f"The number arguments to {named} must be 2 or 6")
    sides = []
    for token in tokens[:2]:
        try:
            side = whole_number(token) if token else 0
        except Problem:
            raise Problem(Fault.RANGE, f"Out-of-range value for {named}: {token}") from None
        if side < 0:
            raise Problem(Fault.RANGE, f"Negative values disallowed for {named}: {token}")
        sides.append(min(side, MAX_SIDE))
    found: dict[str, Any] = {"columns": sides[0], "rows": sides[1]}
    if len(tokens) == 6:
        for token in tokens[2:]:
            if token and not _DECIMAL.fullmatch(token):
                raise Problem(Fault.RANGE, f"Out-of-range value for {named}: {token}")
        left, top, width, height = (min(abs(math.floor(float(token or 0) + 0.5)), _WHOLE) for token in tokens[2:])
        found |= {"region": Region(left, top, width or _WHOLE, height or _WHOLE)}
        found |= {"flip": tokens[5].startswith("-"), "mirror": tokens[4].startswith("-")}
    return found


async def by_uri(call: Call) -> Response:
    """WADO-URI: an instance, or a picture of its first frame. Raises `Problem`."""
    given = {"contentType": "image/jpg"} | dict(call.request.query)
    view = await call.view()
    item = await _located(call, view, given)
    kind = given["contentType"]
    if kind == DICOM:
        return await _object(call, view, item)
    if kind not in _KINDS:
        raise Problem(Fault.REQUEST, f'WADO-URI: Unsupported content type: "{kind}"')
    media = cast(Media, _KINDS[kind])
    file = await opened(call.service, view, item)
    if file is None:
        raise Problem(Fault.PLUGIN)
    try:
        display = replace(Display(media=media), **window_of(lambda _: None, file))
    except Refusal:
        raise Problem(Fault.PLUGIN) from None
    made = await _made(call, view, item, 1, display, Fault.PLUGIN)
    call.retrieved("rendered", item, face=URI_FACE, mime_type=media, instances=1, bytes=len(made))
    return Response(200, [("Content-Type", "image/png")], made)  # which it says of JPEG, too


async def _located(call: Call, view: View, given: dict[str, str]) -> Item:
    uid = given.get("objectUID", "")
    item = await places.called(call, view, Level.IMAGE, uid) if given.get("requestType") == "WADO" else None
    if item is None:
        raise Problem(Fault.RESOURCE)
    for level, name in ((Level.SERIES, "seriesUID"), (Level.STUDY, "studyUID")):
        if given.get(name) and item.ids[level] != given[name]:
            raise Problem(Fault.RESOURCE)
    return item


async def _object(call: Call, view: View, item: Item) -> Response:
    file = await opened(call.service, view, item)
    if file is None:
        raise Problem(Fault.PLUGIN)
    head, stored = await leaving(call, view, item, file)
    size = len(head) + len(stored.data)
    call.retrieved("file", item, face=URI_FACE, mime_type=DICOM, instances=1, bytes=size)
    body = whole([head, Stored(stored.data, stored.reference)])
    return Response(200, [("Content-Type", DICOM)], body, length=size)
