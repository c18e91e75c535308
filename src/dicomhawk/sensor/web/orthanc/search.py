"""Searches: by tags, and by an identifier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ....hospital import vr as vrs
from ....hospital.attributes import QUERY_RETRIEVE_LEVEL, UNIQUE_KEYS, Level
from ....hospital.charset import SPECIFIC_CHARACTER_SET, UTF_8
from ....hospital.dialect import QueryDialect
from ....hospital.elements import DataSet, Element
from ....hospital.errors import QueryError
from ....hospital.products.find import ProductArchive
from ....hospital.products.objects import OPAQUE, StoredObject
from ....hospital.products.request import FIRST_GROUP
from ..message import Response
from .bodies import array
from .describing import Form, expanded, numbered
from .file import listed
from .problems import UNHANDLED, Fault, Problem
from .service import NAMES, PLURALS, Call, Handler, json_response
from .tags import described, tag_named
from .view import Item, View, public_id

LONGEST_LOOKUP: Final = 1024
"""Characters of an identifier that is looked up."""
WITH_WILDCARDS: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Value representations in which wildcards are looked for."""
COMPARED_A_TURN: Final = 8
"""Objects that are looked into before others have a turn; some 2 ms."""
MOST: Final = (1 << 31) - 1
"""Largest number that a search takes."""
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
    if not isinstance(body.get("Level"), str):
        raise Problem(Fault.REQUEST, 'Field "Level" is missing, or should be a string')
    if "Query" not in body:
        raise Problem(Fault.REQUEST, 'Field "Query" is missing, or should be a JSON object')
    query = {} if body["Query"] is None else body["Query"]
    if not isinstance(query, dict):
        raise Problem(Fault.INTERNAL, UNHANDLED)
    expand, full = _flag(body, "Expand"), _flag(body, "Full")
    short, sensitive = _flag(body, "Short"), body.get("CaseSensitive", False)
    if not isinstance(sensitive, bool):
        raise Problem(Fault.REQUEST, 'Field "CaseSensitive" should be a Boolean')
    limit, since = _whole(body, "Limit"), _whole(body, "Since")
    level = BY_NAME.get(body["Level"].lower())
    if level is None:
        raise Problem(Fault.RANGE)
    wanted = identifier(level, query)
    view = await call.view()
    archive = call.service.sensitive if sensitive else call.service.folding
    items = some(found(call, view, archive, wanted), since, limit)
    form: Form = "full" if full else "short" if short else "named"
    keys = {f"{tag_named(name) or 0:08X}": value for name, value in list(query.items())[:MAX_KEYS]}
    matches = [item async for item in items]
    call.queried(level, len(matches), keys=keys, limit=limit or None, offset=since or None)
    if not expand:
        return json_response([item.id for item in matches])
    return await array(expanded(call.service, view, listed(matches), form))


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if isinstance(value, str | list | dict):
        raise Problem(Fault.INTERNAL, UNHANDLED)
    return bool(value)


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(Fault.REQUEST, f'Field "{name}" should be an integer')
    if value > MOST:
        raise Problem(Fault.INTERNAL, UNHANDLED)
    if value < 0:
        raise Problem(Fault.RANGE, f'Field "{name}" should be a positive integer')
    return value


def identifier(level: Level, query: dict[str, Any]) -> DataSet:
    """The keys of a search, by the names of their tags. Raises `Problem`."""
    keys: DataSet = {}
    for name, value in list(query.items())[:MAX_KEYS]:
        if not isinstance(value, str):
            raise Problem(Fault.REQUEST, f'Tag "{name}" should be associated with a string')
        tag = tag_named(name)
        if tag is None:
            raise Problem(Fault.TAG)
        vr = vrs.of_tag(tag)
        if ("*" in value or "?" in value) and (vr not in WITH_WILDCARDS or tag >> 16 & 1):
            raise Problem(Fault.RANGE, f"Wildcards are not allowed on tag {numbered(tag).lower()}")
        keys[tag] = Element(tag, vr, value.encode("utf-8", "replace"))
    keys[QUERY_RETRIEVE_LEVEL] = Element(QUERY_RETRIEVE_LEVEL, "CS", level.name.encode())
    return keys


async def found(call: Call, view: View, archive: ProductArchive, keys: DataSet) -> AsyncIterator[Item]:
    """What matches, in the order in which Orthanc finds it. Raises `Problem`."""
    told, texts = _parted(keys)
    compared = 0
    try:
        for resource in archive.search(_ROOT, told, now=view.now, visitor=call.visitor):
            if resource is None:
                await asyncio.sleep(0)
                continue
            if texts:
                compared += 1
                if compared % COMPARED_A_TURN == 0:
                    await asyncio.sleep(0)
                if not _has(resource.object(), texts, cased=archive is call.service.sensitive):
                    continue
            item = view.of_resource(resource)
            if item is not None:
                yield item
    except QueryError:
        raise Problem(Fault.INTERNAL, UNHANDLED) from None


def _parted(keys: DataSet) -> tuple[DataSet, dict[int, str]]:
    """The keys that a query over DICOM can have, too, and texts of those that are compared in another way: numbers,
    what is private, and the character set."""
    told, texts = dict(keys), dict[int, str]()
    for tag, element in keys.items():
        is_apart = tag >> 16 & 1 or tag >> 16 < FIRST_GROUP or tag == SPECIFIC_CHARACTER_SET
        if (is_apart or element.vr in OPAQUE or element.vr in vrs.WORD) and isinstance(element.value, bytes):
            del told[tag]
            if element.value:
                texts[tag] = element.value.decode("utf-8", "replace")
    told[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", UTF_8.encode())
    return told, texts


def _has(source: StoredObject, texts: Mapping[int, str], *, cased: bool) -> bool:
    """Whether an object has one of the values that each text names."""
    values = described(source, "short", value_of=texts.__contains__)
    for tag, text in texts.items():
        value = values.get(numbered(tag))
        wanted = text.split("\\")
        if not isinstance(value, str) or not any(
            each == value or (not cased and each.upper() == value.upper()) for each in wanted
        ):
            return False
    return True


async def some(items: AsyncIterator[Item], since: int, limit: int) -> AsyncIterator[Item]:
    """`limit` of the items behind the first `since`; 0: all of them."""
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
    named = []
    for item in [item async for item in _named(call, view, text)]:
        named.append({"ID": item.id, "Path": f"/{PLURALS[item.level]}/{item.id}", "Type": NAMES[item.level]})
    call.queried(None, len(named), keys={"lookup": text})
    return json_response(named)


async def _named(call: Call, view: View, text: str) -> AsyncIterator[Item]:
    if not text:  # only a patient can be without an identifier
        nobody = await view.find(Level.PATIENT, public_id(("",)))
        if nobody is not None:
            yield nobody
        return
    for level in UNIQUE_KEYS:
        async for item in identified(call, view, level, text):
            yield item


async def identified(call: Call, view: View, level: Level, text: str) -> AsyncIterator[Item]:
    """What of a level has that identifier, which is not empty."""
    tag = UNIQUE_KEYS[level]
    wanted = identifier(level, {})
    wanted[tag] = Element(tag, vrs.of_tag(tag), text.encode("utf-8", "replace"))
    # Only patients' identifiers have letters; without regard to their case, no index helps.
    folds = level == Level.PATIENT and text.upper() != text.lower()
    async for item in found(call, view, call.service.folding if folds else call.service.product, wanted):
        if item.ids[-1].strip().upper() == text.upper():
            yield item
