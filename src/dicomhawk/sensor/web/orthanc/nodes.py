"""Patients, studies, series and instances: lists, each of them, and what is above and below."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from ....hospital.attributes import Level
from ..message import Response
from ..state import StateFull
from .bodies import array
from .describing import Form, described_text, expanded
from .file import listed
from .problems import Fault, Problem, Refusal
from .service import LEVELS, NAMES, PLURALS, Call, Handler, json_response, styled_response
from .view import GONE, Item, View

ID_LINE: Final = len('   "01234567-01234567-01234567-01234567-01234567"') + len(",\n")
"""Bytes that an id takes in a list."""


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    for name, level in LEVELS.items():
        yield "GET", f"/{name}", _listing(level)
        yield "GET", f"/{name}/{{id}}", _single(level)
        yield "DELETE", f"/{name}/{{id}}", _deletion(level)
        yield "GET", f"/{name}/{{id}}/statistics", _statistics(level)
        for below in Level:
            if below > level:
                yield "GET", f"/{name}/{{id}}/{PLURALS[below]}", _children(level, below)
            elif below < level:
                yield "GET", f"/{name}/{{id}}/{NAMES[below].lower()}", _parent(level, below)


def _listing(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        since, limit = _range(call, PLURALS[level])
        view = await call.view()
        items = _some(view, level, since, limit)
        total, length = await view.count(level), None
        if limit is None:
            call.queried(level, total)
            length = total * ID_LINE + len("[]")
        else:
            call.queried(level, max(0, min(limit, total - since)), offset=since, limit=limit)
        if call.has("expand"):
            return await array(expanded(call.service, view, items, asked_form(call)))
        return await array(_ids(items), length)

    return handler


def _range(call: Call, name: str) -> tuple[int, int | None]:
    since, limit = call.request.argument("since"), call.request.argument("limit")
    if since is None and limit is None:
        return 0, None
    for argument, value in (("limit", limit), ("since", since)):
        if value is None:
            raise Problem(Fault.REQUEST, f'Missing "{argument}" argument for GET request against: /{name}/')
    return number(since), number(limit)


def number(text: str | None, most: int = (1 << 63) - 1) -> int:
    """A number in a query, as the standard library of C++ reads it. Raises `Problem`."""
    try:
        found = int(text or "")
    except ValueError:
        raise Problem(Fault.TYPE, "Syntax error in some user-supplied data") from None
    return min(max(found, 0), most) if found >= -most else 0


async def _some(view: View, level: Level, since: int, limit: int | None) -> AsyncIterator[Item]:
    """The items from number `since`, at most `limit` of them."""
    at = 0
    end = None if limit is None else since + limit
    if end == since:
        return
    async for items in view.listing(level):
        last = None if end is None else max(0, end - at)
        for item in items[max(0, since - at) : last]:
            yield item
        at += len(items)
        if end is not None and at >= end:
            return


async def _ids(items: AsyncIterator[Item]) -> AsyncIterator[str]:
    async for item in items:
        yield f'"{item.id}"'


def asked_form(call: Call) -> Form:
    """The form of the main tags that the query asks for."""
    return "full" if call.has("full") else "short" if call.has("short") else "named"


def _single(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await view.find(level, call.arguments["id"])
        if item is None:
            raise Refusal
        call.queried(level, 1)
        return styled_response(await described_text(call.service, view, item, asked_form(call)))

    return handler


def _children(level: Level, below: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await call.item(view, level)
        items = view.below(item, below)
        call.queried(below, len(items))
        return await array(expanded(call.service, view, listed(items), asked_form(call)))

    return handler


def _parent(level: Level, above: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await call.item(view, level)
        return styled_response(await described_text(call.service, view, view.above(item, above), asked_form(call)))

    return handler


def _statistics(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await call.item(view, level)
        instances, size = await view.size(item)
        found: dict[str, Any] = {}
        for name in ("DicomDiskSize", "DicomUncompressedSize", "DiskSize", "UncompressedSize"):
            found[name] = str(size)
            found[f"{name}MB"] = size >> 20
        if level < Level.IMAGE:
            found["CountInstances"] = instances
        if level < Level.SERIES:
            found["CountSeries"] = len(view.below(item, Level.SERIES))
        if level < Level.STUDY:
            found["CountStudies"] = len(view.children(item))
        return json_response(found)

    return handler


def _deletion(level: Level) -> Handler:
    async def handler(call: Call) -> Response:
        view = await call.view()
        item = await view.find(level, call.arguments["id"])
        call.changed("delete", outcome="success" if item is not None else "failure")
        if item is None:
            raise Refusal
        return json_response({"RemainingAncestor": delete(call, view, item)})

    return handler


def delete(call: Call, view: View, item: Item) -> dict[str, str] | None:
    """Hide an item from its visitor, and what is empty without it; what remains above it."""
    remaining = None
    while item.level > Level.PATIENT:
        parent = view.above(item, Level(item.level - 1))
        if len(view.children(parent)) > 1:
            remaining = _reference(parent)
            break
        item = parent
    try:
        call.state.put(call.visitor, GONE + item.id, 1)
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    uploaded = [entry.key for entry in item.entries if entry.uploaded]
    call.service.backing.holdings.delete(call.visitor, item.ids, uploaded)
    return remaining


def _reference(item: Item) -> dict[str, str]:
    return {"ID": item.id, "Path": f"/{PLURALS[item.level]}/{item.id}", "Type": NAMES[item.level]}
