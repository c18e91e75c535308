"""How the API describes patients, studies, series and instances."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from ....hospital.attributes import Level
from ....hospital.products.resource import Resource
from ....hospital.registry import is_retired, keyword_for_tag
from .file import File, ahead, opened
from .jsoncpp import styled
from .service import NAMES, Service, readable, stamp
from .uuids import uuid_of
from .view import Item, View

UNKNOWN: Final = "Unknown Tag & Data"
RETIRED: Final = "RETIRED_"
"""What the dictionary of DCMTK, of which names come, has before those of attributes that are no more in use."""
_RETIRED_LATER: Final = frozenset(
    (
        *(0x00380004, 0x00701807, 0x00701808, 0x30040010, 0x30040012, 0x30060085, 0x30060088, 0x3008002B),
        0x30100090,
    )
)
STABLE_AGE: Final = 60.0
"""Seconds after which nothing more is expected to come (StableAge)."""
LONGEST_INDEX: Final = 9
"""Digits of a number that is taken for one."""

Form = Literal["named", "full", "short"]
"""Of tags: names with values; numbers with names, types and values; numbers with values."""
REMEMBERED: Final = 2048
"""Descriptions that a worker remembers."""
LONGEST_REMEMBERED: Final = 1 << 14
"""Characters of one."""

_Key = tuple[Level, int, Form]
_State = tuple[int, float, bool]
_texts: WeakKeyDictionary[Service, OrderedDict[_Key, tuple[_State, str]]] = WeakKeyDictionary()
_PARENTS: Final = {Level.STUDY: "ParentPatient", Level.SERIES: "ParentStudy", Level.IMAGE: "ParentSeries"}
_CHILDREN: Final = {Level.PATIENT: "Studies", Level.STUDY: "Series", Level.SERIES: "Instances"}
_IMAGES_IN_ACQUISITION, _TEMPORAL_POSITIONS = 0x00201002, 0x00200105
_SLICES, _TIME_SLICES, _CARDIAC = 0x00540081, 0x00540101, 0x00181090
_INSTANCE_NUMBER, _IMAGE_INDEX = 0x00200013, 0x00541330


@lru_cache(maxsize=4096)
def keyword(tag: int) -> str:
    """The name of an attribute."""
    name = keyword_for_tag(tag) or UNKNOWN
    return f"{RETIRED}{name}" if is_retired(tag) and tag not in _RETIRED_LATER else name


def numbered(tag: int, separator: str = ",") -> str:
    """A tag as the API writes it."""
    return f"{tag >> 16:04x}{separator}{tag & 0xFFFF:04x}"


def main_tags(service: Service, level: Level) -> tuple[int, ...]:
    """The tags that are kept of a level."""
    indexed = service.product.dialect.indexed
    patients = indexed[Level.PATIENT] if level == Level.STUDY else frozenset[int]()
    return tuple(sorted(indexed[level] - patients))


def described_tags(tags: Iterable[int], value_of: Callable[[int], str | None], form: Form) -> dict[str, Any]:
    """Values of tags, of those that have any."""
    found: dict[str, Any] = {}
    for tag in tags:
        value = value_of(tag)
        if value is None:
            continue
        text = readable(str(value))
        if form == "named":
            found[keyword(tag)] = text
        elif form == "short":
            found[numbered(tag)] = text
        else:
            found[numbered(tag)] = {"Name": keyword(tag), "Type": "String", "Value": text}
    return found


def form_of(options: Mapping[str, Any]) -> Form:
    """The form that a query, or the body of a search, asks for."""
    return "full" if options.get("Full", options.get("full")) else "short" if options.get("Short") else "named"


async def described_text(service: Service, view: View, item: Item, form: Form = "named") -> str:
    """An item as the API has it, laid out; of the hospital's studies and what is above and below, this is remembered
    until something more of them has come: lists are long, and are asked for again and again."""
    if item.level == Level.IMAGE or item.node is None or not view.is_whole:
        return styled(await described(service, view, item, form))
    newest = view.newest(item)
    state = view.version, newest, _is_stable(view, newest)
    kept = _texts.setdefault(service, OrderedDict())
    key = item.level, item.node.key, form
    known = kept.get(key)
    if known is not None and known[0] == state:
        return known[1]
    text = styled(await described(service, view, item, form))
    if len(text) <= LONGEST_REMEMBERED:
        kept[key] = state, text
        kept.move_to_end(key)
        while len(kept) > REMEMBERED:
            kept.popitem(last=False)
    return text


async def expanded(
    service: Service, view: View, items: AsyncIterator[Item], form: Form = "named"
) -> AsyncIterator[str]:
    """Items as `described_text` has them, while others have their turns."""
    async for item in ahead(service, view, items):
        yield await described_text(service, view, item, form)
        await asyncio.sleep(0)


async def described(service: Service, view: View, item: Item, form: Form = "named") -> dict[str, Any]:
    """An item as the API has it."""
    found: dict[str, Any] = {"ID": item.id, "Type": NAMES[item.level]}
    if item.level > Level.PATIENT:
        found[_PARENTS[item.level]] = view.above(item, Level(item.level - 1)).id
    if item.level == Level.IMAGE:
        return found | await _instance(service, view, item, form)
    tags = main_tags(service, item.level)
    wanted = (*tags, *main_tags(service, Level.PATIENT)) if item.level == Level.STUDY else tags
    resource = view.resource(item, wanted)
    children = view.children(item)
    newest = view.newest(item)
    found[_CHILDREN[item.level]] = [child.id for child in children]
    found["IsStable"] = _is_stable(view, newest)
    found["LastUpdate"] = stamp(newest)
    found["MainDicomTags"] = described_tags(tags, resource.kept, form)
    if item.level == Level.STUDY:
        found["PatientMainDicomTags"] = described_tags(main_tags(service, Level.PATIENT), resource.kept, form)
    if item.level == Level.SERIES:
        expected = expected_instances(resource)
        found["ExpectedNumberOfInstances"] = expected
        found["Status"] = _status(expected, len(children))
    return found


def _is_stable(view: View, newest: float) -> bool:
    return view.now - newest >= STABLE_AGE


async def _instance(service: Service, view: View, item: Item, form: Form) -> dict[str, Any]:
    file = await opened(service, view, item)
    tags = main_tags(service, Level.IMAGE)
    value_of = file.head.value if file is not None else view.resource(item, tags).kept
    number = _index(value_of)
    return {
        "FileSize": file.size if file is not None else 0,
        "FileUuid": uuid_of(service, "attachment", item.id),
        "IndexInSeries": number,
        "MainDicomTags": described_tags(tags, value_of, form),
    }


def metadata(
    service: Service, view: View, item: Item, file: File | None, posted: Mapping[str, str] | None
) -> dict[str, str]:
    """What is known of an item beside its tags, in the order of Orthanc's numbers for it."""
    if item.level != Level.IMAGE:
        newest = stamp(view.newest(item))
        if item.level != Level.SERIES:
            return {"LastUpdate": newest}
        first = next(view.instances(item), None)
        row = None if first is None else view.row(first)
        found = {} if row is None or row.device_ae is None else {"RemoteAET": row.device_ae}
        if posted is not None:
            found["RemoteAET"] = ""
        return found | {"LastUpdate": newest}
    row = view.row(item)
    found = {}
    if row is None:
        return found
    number = _index(file.head.value) if file is not None else row.instance_number
    if number is not None:
        found["IndexInSeries"] = str(number)
    found["ReceptionDate"] = stamp(row.visible_from)
    if posted is not None or row.device_ae is not None:
        found["RemoteAET"] = row.device_ae or ""
    found["Origin"] = "DicomProtocol" if posted is None else "RestApi"
    found["TransferSyntax"] = row.transfer_syntax_uid
    found["SopClassUid"] = row.sop_class_uid
    if posted is not None:
        found |= {"RemoteIP": view.visitor, **posted}
    else:
        found["RemoteIP"] = row.device_host or view.visitor
        found["CalledAET"] = service.product.ae_title
    if file is not None and file.pixels:
        found["PixelDataOffset"] = str(file.pixels)
    return found


def expected_instances(resource: Resource) -> int | None:
    """How many instances a series says that it has."""
    for one, other in ((_IMAGES_IN_ACQUISITION, _TEMPORAL_POSITIONS), (_SLICES, _TIME_SLICES), (_CARDIAC, 0)):
        first = _whole(resource.kept(one))
        second = _whole(resource.kept(other)) if other else 1
        if first is not None and second is not None:
            return first * second
    return None


def _status(expected: int | None, number: int) -> str:
    if expected is None:
        return "Unknown"
    return "Complete" if number == expected else "Missing" if number < expected else "Inconsistent"


def _index(value_of: Callable[[int], str | None]) -> int | None:
    for tag in (_INSTANCE_NUMBER, _IMAGE_INDEX):
        number = _whole(value_of(tag))
        if number is not None:
            return number
    return None


def _whole(value: str | None) -> int | None:
    text = "" if value is None else str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_INDEX else None
