"""QIDO-RS as the plug-in answers it: a search of the API's, and of each match what one of its instances has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from .....hospital import json_model
from .....hospital import vr as vrs
from .....hospital.attributes import ATTRIBUTES, MODALITIES_IN_STUDY, SERIES_UID, SOP_UID, STUDY_UID, Level
from .....hospital.charset import SPECIFIC_CHARACTER_SET
from .....hospital.elements import EXPLICIT_LE, decode
from .....hospital.products.catalogue import COMPUTED
from .....hospital.products.objects import StoredObject
from ...message import Pair, Response
from ..bodies import streamed
from ..describing import numbered
from ..file import opened
from ..jsoncpp import TAB, styled
from ..problems import Fault, Problem
from ..search import MAX_KEYS, MOST, found, identifier, some
from ..service import Call, readable
from ..tags import described, tag_named
from ..view import Item, View
from . import native
from .accept import is_xml
from .parts import Item as Part
from .parts import related

FACE: Final = "qido-rs"
JSON: Final = "application/dicom+json"
HOST: Final = "http://localhost"
"""Where the plug-in says that it is, unless it is told otherwise."""
LATIN_1: Final = "ISO_IR 100"
MAX_ASKED: Final = 500
"""Tags that one search may ask for: viewers ask for thirty."""
_MOST: Final = (1 << 32) - 1
"""Largest number that the plug-in can count to."""
_NUMBER: Final = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_TIMEZONE, _AVAILABILITY, _RETRIEVE_URL = 0x00080201, 0x00080056, 0x00081190
_SERIES, _INSTANCES, _OF_SERIES = 0x00201206, 0x00201208, 0x00201209
_FIELDS: Final = {
    Level.STUDY: frozenset(
        (
            *(0x00080020, 0x00080030, 0x00080050, _AVAILABILITY, 0x00080090, _TIMEZONE, 0x00100010, 0x00100020),
            *(0x00100030, 0x00100040, STUDY_UID, 0x00200010),
        )
    ),
    Level.SERIES: frozenset(
        (0x00080060, _TIMEZONE, 0x0008103E, SERIES_UID, 0x00200011, 0x00400244, 0x00400245, 0x00400275)
    ),
    Level.IMAGE: frozenset(
        (
            *(0x00080016, SOP_UID, _AVAILABILITY, _TIMEZONE, _RETRIEVE_URL, 0x00200013, 0x00280010, 0x00280011),
            *(0x00280100, 0x00280008),
        )
    ),
}
"""What is told of matches of a level without being asked for."""
_COUNTED: Final = {Level.STUDY: (MODALITIES_IN_STUDY, _SERIES, _INSTANCES), Level.SERIES: (_OF_SERIES,)}
_PATHS: Final = ("studies", "series", "instances")
_KEPT: Final = frozenset(ATTRIBUTES) - COMPUTED
"""What the catalogue has of objects."""
_NEVER: Final = frozenset((_TIMEZONE, _AVAILABILITY, _RETRIEVE_URL, 0x00400275))
"""What is always looked for, and the hospital's objects don't have, or not as text."""
_WHOLE: Final = frozenset(("US", "SS", "UL", "SL", "UV", "SV"))
_BROKEN: Final = frozenset(("FL", "FD"))


@dataclass(slots=True)
class Asked:
    """What a query asks for. `keys`: values by tag; `named`: those of them that are not of the path."""

    limit: int = 0
    offset: int = 0
    keys: dict[int, str] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)
    included: set[int] = field(default_factory=set)

    def fields(self, level: Level) -> frozenset[int]:
        """The tags that are told of a match."""
        wanted = self.included | self.keys.keys() | _FIELDS[level]
        if level > Level.STUDY and STUDY_UID not in self.named:
            wanted |= _FIELDS[Level.STUDY]
        if level > Level.SERIES and SERIES_UID not in self.named:
            wanted |= _FIELDS[Level.SERIES]
        return frozenset(wanted)


async def search(call: Call, level: Level) -> Response:
    """Studies, series or instances. Raises `Problem`."""
    asked = read(call.request.query)
    for name, tag in (("study", STUDY_UID), ("series", SERIES_UID)):
        if name in call.arguments:
            asked.keys[tag] = call.arguments[name]
    if max(asked.limit, asked.offset) > MOST:
        raise Problem(Fault.PLUGIN)
    try:
        keys = identifier(level, {numbered(tag): value for tag, value in asked.keys.items()})
        view = await call.view()
        items = some(found(call, view, call.service.folding, keys), asked.offset, asked.limit)
        matches = [item async for item in items]
    except Problem as problem:
        raise Problem(problem.fault) from None
    sent = {f"{tag:08X}": value for tag, value in asked.keys.items()}
    call.queried(level, len(matches), face=FACE, keys=sent, limit=asked.limit or None, offset=asked.offset or None)
    models = _models(call, view, matches, asked.fields(level))
    if is_xml(call.request.headers.get("Accept")):
        return await related(native.KIND, _documents(models))
    return await streamed(laid_out(models), JSON)


def read(query: Sequence[Pair]) -> Asked:
    """The arguments of a search. Raises `Problem`."""
    asked = Asked()
    for name, value in query:
        if name == "limit":
            asked.limit = _number(value)
        elif name == "offset":
            asked.offset = _number(value)
        elif name == "fuzzymatching":
            if value not in ("true", "false"):
                raise Problem(Fault.REQUEST, f"Not a proper value for fuzzy matching (true or false): {value}")
        elif name == "includefield":
            tags = (tag_named(each) for each in value.split(",")[:MAX_ASKED])
            asked.included.update(tag for tag in tags if tag is not None and len(asked.included) < MAX_ASKED)
        else:
            tag = tag_named(name)
            if tag is not None and len(asked.keys) < MAX_KEYS:
                value = value.replace("\\", "")
                for comma in (",", "%2c", "%2C"):
                    value = value.replace(comma, "\\")
                asked.keys[tag] = value
                asked.named.add(tag)
    return asked


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or abs(int(text)) > _MOST:
        raise Problem(Fault.FILE)
    return int(text) % (_MOST + 1)


async def _models(
    call: Call, view: View, items: Iterable[Item], fields: frozenset[int]
) -> AsyncIterator[json_model.JSON]:
    for item in items:
        values = await _values(call, view, item, fields)
        if values:
            ids = zip(_PATHS, item.ids[1:], strict=False)
            url = "".join(f"/{name}/{uid}" for name, uid in ids)
            values[_RETRIEVE_URL] = f"{HOST}{call.service.backing.persona.dicomweb.prefix}{url}"
            yield model(values)
        await asyncio.sleep(0)


def model(values: dict[int, str]) -> json_model.JSON:
    """The DICOM JSON Model of the data set that Orthanc makes of values: in Latin-1, unless they say another set."""
    own = values.get(SPECIFIC_CHARACTER_SET)
    if not own:
        values = {tag: text.encode("latin-1", "ignore").decode("latin-1") for tag, text in values.items()}
        values[SPECIFIC_CHARACTER_SET] = LATIN_1
    written: json_model.JSON = {}
    for tag, text in sorted(values.items()):
        vr = vrs.of_tag(tag)
        parts = _parsed(vr, text)
        written[f"{tag:08X}"] = {"vr": vr, "Value": parts} if parts else {"vr": vr}
    return written


def _parsed(vr: str, text: str) -> list[object]:
    if vr in _WHOLE or vr in _BROKEN:
        convert: Callable[[str], object] = int if vr in _WHOLE else float
        try:
            return [convert(each) for each in text.split("\\") if each]
        except ValueError:
            return []
    return json_model.text_values(vr, text)


async def _values(call: Call, view: View, item: Item, fields: frozenset[int]) -> dict[int, str]:
    """Values of an item by their tags: of all levels, as one of its instances has them."""
    kept, others = fields & _KEPT, fields - _KEPT - _NEVER
    resource = view.resource(item, kept)
    counts = {tag: resource.count(tag) or "" for tag in _COUNTED.get(item.level, ())}
    one = item
    # All series of one of the hospital's studies have the same of the study and of its patient.
    if item.level == Level.STUDY and (
        item.node is None or others or any(ATTRIBUTES[tag].level > Level.STUDY for tag in kept)
    ):
        one = next(iter(view.children(item)[-1:]), item)
    if one.node is None:
        return _told(one.entries[0].load(), fields) | counts
    source = resource if one is item else view.resource(one, kept)
    told = ((tag, source.kept(tag)) for tag in kept)
    values = {tag: readable(str(value)) for tag, value in told if value is not None}
    if others:
        values |= _told(await _head(call, view, one), others)
    return values | counts


async def _head(call: Call, view: View, item: Item) -> StoredObject | None:
    """What the first instance has beside its pixels."""
    first = next(view.instances(item), None)
    reference = None if first is None else view.reference(first)
    if first is None or reference is None:
        return None
    async with call.service.turns.of(call.visitor):
        (head,) = await call.service.backing.holdings.heads([reference])
    if head is not None:
        return StoredObject(decode(head, EXPLICIT_LE), call.service.product.dialect)
    file = await opened(call.service, view, first)
    return None if file is None else file.head


def _told(source: StoredObject | None, fields: frozenset[int]) -> dict[int, str]:
    if source is None:
        return {}
    texts = described(source, "short", value_of=fields.__contains__)
    return {int(name.replace(",", ""), 16): text for name, text in texts.items() if isinstance(text, str)}


async def laid_out(models: AsyncIterator[json_model.JSON]) -> AsyncIterator[bytes]:
    """An array of models as the plug-in lays it out."""
    before = "["
    async for each in models:
        yield f"{before}{styled(each, TAB)}\n".encode()
        before = ","
    yield b"[]" if before == "[" else b"]"


async def _documents(models: AsyncIterator[json_model.JSON]) -> AsyncIterator[Part]:
    async for each in models:
        yield Part([native.document(each)])
