"""Searches: by tags, and by an identifier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any, Final

from ....hospital import vr as vrs
from ....hospital.attributes import QUERY_RETRIEVE_LEVEL, UNIQUE_KEYS, Level
from ....hospital.charset import SPECIFIC_CHARACTER_SET, UTF_8
from ....hospital.dialect import QueryDialect
from ....hospital.elements import DataSet, Element
from ....hospital.errors import QueryError
from ....hospital.products.find import ProductArchive
from ..message import Response
from .bodies import array
from .describing import Form, expanded, numbered
from .file import listed
from .problems import UNHANDLED, Fault, Problem
from .service import NAMES, PLURALS, Call, Handler, json_response
from .tags import tag_named
from .view import Item, View

LONGEST_LOOKUP: Final = 1024
"""Characters of an identifier that is looked up."""
WITH_WILDCARDS: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Value representations in which wildcards are looked for."""
MAX_KEYS: Final = 256
"""Tags of one search."""
BY_NAME: Final = {name: level for level, singular in NAMES.items() for name in (singular.lower(), PLURALS[level])} | {
    "image": Level.IMAGE
}
"""Levels by the names that the API takes, in lower case."""
_ROOT: Final = tuple(Level)


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "POST", "/tools/find", find
    yield "POST", "/tools/lookup", lookup


def cased(dialect: QueryDialect, *, sensitive: bool) -> QueryDialect:
    """The dialect of a search that tells upper from lower case, or does not."""
    insensitive = frozenset[str]() if sensitive else frozenset(vrs.TEXT)
    return replace(dialect, comparison=replace(dialect.comparison, insensitive_vrs=insensitive))


async def find(call: Call) -> Response:
    """POST /tools/find."""
    body = await call.json_object()
    for name, kind, said in (("Level", str, "a string"), ("Query", dict | list, "a JSON object")):
        if not isinstance(body.get(name), kind):
            raise Problem(Fault.REQUEST, f'Field "{name}" is missing, or should be {said}')
    if not isinstance(body["Query"], dict):
        raise Problem(Fault.INTERNAL, UNHANDLED)
    expand, full = _flag(body, "Expand"), _flag(body, "Full")
    short, sensitive = _flag(body, "Short"), _flag(body, "CaseSensitive")
    limit, since = _whole(body, "Limit"), _whole(body, "Since")
    level = BY_NAME.get(body["Level"].lower())
    if level is None:
        raise Problem(Fault.RANGE)
    identifier = _identifier(level, body["Query"])
    view = await call.view()
    archive = call.service.sensitive if sensitive else call.service.folding
    items = _some(_found(call, view, archive, identifier), since, limit)
    form: Form = "full" if full else "short" if short else "named"
    keys = {f"{tag_named(name) or 0:08X}": value for name, value in list(body["Query"].items())[:MAX_KEYS]}
    found = [item async for item in items]
    call.queried(level, len(found), keys=keys, limit=limit or None, offset=since or None)
    if not expand:
        return json_response([item.id for item in found])
    return await array(expanded(call.service, view, listed(found), form))


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if isinstance(value, str | list | dict):
        raise Problem(Fault.INTERNAL, UNHANDLED)
    return bool(value)


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(Fault.REQUEST, f'Field "{name}" should be an integer')
    if value < 0:
        raise Problem(Fault.RANGE, f'Field "{name}" should be a positive integer')
    return value


def _identifier(level: Level, query: dict[str, Any]) -> DataSet:
    found: DataSet = {}
    for name, value in list(query.items())[:MAX_KEYS]:
        if not isinstance(value, str):
            raise Problem(Fault.REQUEST, f'Tag "{name}" should be associated with a string')
        tag = tag_named(name)
        if tag is None:
            raise Problem(Fault.TAG)
        if ("*" in value or "?" in value) and (vrs.of_tag(tag) not in WITH_WILDCARDS or tag >> 16 & 1):
            raise Problem(Fault.RANGE, f"Wildcards are not allowed on tag {numbered(tag).lower()}")
        found[tag] = Element(tag, vrs.of_tag(tag), value.encode("utf-8", "replace"))
    found[QUERY_RETRIEVE_LEVEL] = Element(QUERY_RETRIEVE_LEVEL, "CS", level.name.encode())
    found[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", UTF_8.encode())
    return found


async def _found(call: Call, view: View, archive: ProductArchive, identifier: DataSet) -> AsyncIterator[Item]:
    try:
        for resource in archive.search(_ROOT, identifier, now=view.now, visitor=call.visitor):
            if resource is None:
                await asyncio.sleep(0)
                continue
            item = view.of_resource(resource)
            if item is not None:
                yield item
    except QueryError:
        raise Problem(Fault.INTERNAL, UNHANDLED) from None


async def _some(items: AsyncIterator[Item], since: int, limit: int) -> AsyncIterator[Item]:
    at = 0
    async for item in items:
        if at >= since:
            yield item
        at += 1
        if limit and at >= since + limit:
            return


async def lookup(call: Call) -> Response:
    """POST /tools/lookup: everything that has an identifier."""
    text = (await call.body()).decode("utf-8", "replace").strip()[:LONGEST_LOOKUP]
    if "*" in text or "?" in text:
        raise Problem(Fault.RANGE, "Wildcards are not allowed on tag 0010,0020")
    view = await call.view()
    found = []
    for item in [item async for item in _named(call, view, text)] if text else []:
        found.append({"ID": item.id, "Path": f"/{PLURALS[item.level]}/{item.id}", "Type": NAMES[item.level]})
    call.queried(None, len(found), keys={"lookup": text})
    return json_response(found)


async def _named(call: Call, view: View, text: str) -> AsyncIterator[Item]:
    for level, tag in UNIQUE_KEYS.items():
        identifier = _identifier(level, {})
        identifier[tag] = Element(tag, vrs.of_tag(tag), text.encode("utf-8", "replace"))
        # Only patients' identifiers have letters; without regard to their case, no index helps.
        folds = level == Level.PATIENT and text.upper() != text.lower()
        async for item in _found(call, view, call.service.folding if folds else call.service.product, identifier):
            if item.ids[-1].strip().upper() == text.upper():
                yield item
