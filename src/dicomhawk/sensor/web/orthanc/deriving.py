"""New objects of others: made when they are asked for, kept in the vault, and seen by their visitor alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from ....hospital.attributes import ATTRIBUTES, Level
from ....hospital.charset import SPECIFIC_CHARACTER_SET
from ....hospital.elements import DataSet, Element, ElementsError, plain_text
from ....hospital.part10 import HEAD_SIZE
from ....hospital.world.draw import draw
from ..state import StateFull
from .altering import IDENTIFIERS, Alteration, altered, element
from .file import content_of, opened
from .problems import Fault, Problem
from .service import Call
from .system import new_uid
from .tags import tag_named
from .upload import Refused, identified, keep
from .uuids import new_uuid
from .view import Item, View, public_id

MOST: Final = 200
"""Instances that one call makes: a CT with its reconstructions; each has to be rendered."""
LARGEST: Final = 64 << 20
"""Bytes of an object that is altered in memory."""
MAX_BYTES: Final = 128 << 20
"""Bytes that are made for one visitor in all: it costs a visitor nothing to ask."""
_MOMENTS: Final = (0x00080020, 0x00080021, 0x00080022, 0x00080023)
"""Dates of study, series, acquisition and content; their times are 0x10 behind."""
_KINDS: Final = ((Level.STUDY, 2), (Level.SERIES, 3), (Level.IMAGE, 4))
_MADE: Final = "orthanc/made"
_ANONYMIZED: Final = "orthanc/anonymized"


async def made(call: Call, view: View, items: Sequence[Item], alteration: Alteration) -> list[tuple[str, ...]]:
    """Identifiers of what was made of each instance of some items. Raises `Problem`."""
    instances = []
    for item in items:
        if item.level < Level.IMAGE and (await view.size(item))[0] > MOST:
            raise Problem(Fault.FULL)
        instances += list(view.instances(item))
    if len(instances) > MOST:
        raise Problem(Fault.FULL)
    if alteration.anonymizes:
        alteration.name_patient(_next_number(call))
    found = []
    came = "AnonymizedFrom" if alteration.anonymizes else "ModifiedFrom"
    for instance in instances:
        _, content = await single(call, view, instance, alteration)
        found.append(await stored(call, content, {came: instance.id}))
    return found


async def single(call: Call, view: View, item: Item, alteration: Alteration) -> tuple[DataSet, bytes]:
    """What is made of one instance: its attributes, and its file. Raises `Problem`."""
    file = await opened(call.service, view, item)
    if file is None:
        raise Problem(Fault.RESOURCE)
    if file.size > LARGEST:
        raise Problem(Fault.FULL)
    try:
        data = await asyncio.to_thread(content_of, file.path)
        head, content = await asyncio.to_thread(altered, data[file.start :], file.syntax, alteration)
    except (OSError, ElementsError):
        raise Problem(Fault.FILE) from None
    return head, part10(call, head, content, file.syntax)


def part10(call: Call, head: DataSet, content: bytes, syntax: str) -> bytes:
    """The file of a data set that is ready."""
    uids = plain_text(head, 0x00080016), plain_text(head, 0x00080018)
    return call.service.backing.holdings.file_meta(*uids, syntax) + content


async def stored(call: Call, content: bytes, came: Mapping[str, str] = MappingProxyType({})) -> tuple[str, ...]:
    """Let the visitor find a file that was made; its identifiers. `came`: its metadata. Raises `Problem`."""

    def add(before: Any) -> int:
        size = int(before or 0) + len(content)
        if size > MAX_BYTES:
            raise Problem(Fault.FULL)
        return size

    try:
        call.state.update(call.visitor, _MADE, add)
    except StateFull:
        raise Problem(Fault.FULL) from None
    try:
        identity = identified(call, content[:HEAD_SIZE], content)
    except Refused as refused:
        raise refused.problem from None
    sink = call.request.record.open_object(b"")
    try:
        await asyncio.to_thread(sink.write, content)
        captured = sink.finish()
    except BaseException:
        sink.abort()
        raise
    try:
        await keep(call, identity, captured, came)
    except Refused as refused:
        raise refused.problem from None
    return identity.ids


async def created(call: Call, tags: Mapping[str, object], view: View, above: Item | None) -> DataSet:
    """A new data set with these tags, and with those of what it is to be in. Raises `Problem`."""
    charset = call.service.backing.holdings.character_set
    head: DataSet = {
        SPECIFIC_CHARACTER_SET: Element(SPECIFIC_CHARACTER_SET, "CS", charset.encode("ascii", "replace"))
    }
    now = datetime.fromtimestamp(call.now, UTC)
    values: dict[int, object] = {}
    for tag in _MOMENTS:
        values[tag], values[tag + 0x10] = f"{now:%Y%m%d}", f"{now:%H%M%S}.000000"
    values[0x00080012], values[0x00080013] = values[_MOMENTS[0]], values[_MOMENTS[0] + 0x10]
    values[IDENTIFIERS[Level.PATIENT]] = new_uuid()
    values |= {IDENTIFIERS[level]: new_uid(call, kind) for level, kind in _KINDS}
    given: set[int] = set()
    for name, value in tags.items():
        known = tag_named(name)
        if known is None:
            raise Problem(Fault.TAG)
        values[known] = value
        given.add(known)
    for tag, value in values.items():
        head[tag] = element(head, tag, value)
    first = next(view.instances(above), None) if above is not None else None
    file = await opened(call.service, view, first) if first is not None else None
    if above is not None and file is not None:
        levels = {tag: attribute.level for tag, attribute in ATTRIBUTES.items()}
        shared = {tag: each for tag, each in file.head.head.items() if levels.get(tag, Level.IMAGE) <= above.level}
        head |= {tag: each for tag, each in shared.items() if tag not in given}
    return head


def named(ids: Sequence[str], level: Level) -> str:
    """What the API calls the resource of a level that an object with these identifiers is in."""
    return public_id(ids[: level + 1])


def _next_number(call: Call) -> int:
    first = draw(call.service.backing.deployment.seed, "orthanc", "anonymized").randint(1, 60)
    try:
        before = call.state.update(call.visitor, _ANONYMIZED, lambda number: int(number or first) + 1)
    except StateFull:
        raise Problem(Fault.FULL) from None
    return int(before or first)
