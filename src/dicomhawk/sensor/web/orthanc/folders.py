"""What is below the folders that show the archive over WebDAV: studies and series as folders, objects as files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from ....hospital.attributes import SERIES_UID, SOP_UID, STUDY_UID, Level
from .describing import described
from .file import opened
from .jsoncpp import TAB, styled
from .problems import Problem, Refusal
from .search import found, identified, identifier
from .service import Call, readable
from .view import Item, View, public_id

MAX_LISTED: Final = 20_000
"""Files of a folder that are told."""
_TAGS: Final = {
    Level.PATIENT: (0x00100020, 0x00100010),
    Level.STUDY: (0x00080020, 0x00081030),
    Level.SERIES: (0x00080060, 0x0008103E),
}
"""What the folder of a patient, study or series is called by, below another one."""
_WHOLE: Final = (0x00100020, 0x00100010, 0x00081030)
"""What that of a study is called by, where there is no patient's above it."""
_UIDS: Final = {Level.STUDY: STUDY_UID, Level.SERIES: SERIES_UID, Level.IMAGE: SOP_UID}
_JSON: Final = {"study.json": Level.STUDY, "series.json": Level.SERIES}


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, or the file of an instance or about a study or series; `size`: bytes of a file."""

    name: str
    moment: float
    item: Item | None = None
    size: int | None = None

    @property
    def kind(self) -> str:
        """The type of a file."""
        return "application/json" if self.name in _JSON else "application/dicom"


def named(view: View, item: Item, tags: tuple[int, ...]) -> str:
    """The name of a folder, in which only what is ASCII remains."""
    resource = view.resource(item, tags)
    values = [readable(str(resource.kept(tag) or "")) for tag in tags]
    return " - ".join(values).replace("/", "").encode("ascii", "ignore").decode().strip()


async def entry(call: Call, view: View, parts: list[str]) -> Entry:
    """What a path names that is deeper than the lists of patients, studies and years. Raises `Refusal`."""
    place, first, rest = parts[0], parts[1], parts[2:]
    if place == "by-dates":
        if not (first.isascii() and first.isdecimal() and len(first) == 4):
            raise Refusal(400)
        if not rest:
            return Entry(first, call.now)
        if len(rest[0]) != 7 or rest[0][:5] != f"{first}-" or not rest[0][5:].isdecimal():
            raise Refusal(500)
        if len(rest) == 1:
            return Entry(rest[0], call.now)
        studies = _of_month(call, view, rest[0])
        item = await _called(studies, lambda each: named(view, each, _WHOLE), rest[1])
        return await _below(call, view, item, rest[1:], uids=False)
    if place == "by-uids":
        item = await _called(identified(call, view, Level.STUDY, first), lambda each: each.ids[1], first)
        return await _below(call, view, item, parts[1:], uids=True)
    patients = _patients(call, view, first)
    if place == "by-patients":
        item = await _called(patients, lambda each: named(view, each, _TAGS[Level.PATIENT]), first)
    else:
        studies = _studies(view, patients)
        item = await _called(studies, lambda each: named(view, each, _WHOLE), first)
    return await _below(call, view, item, parts[1:], uids=False)


async def children(call: Call, view: View, parts: list[str], here: Entry) -> AsyncIterator[Entry]:
    """What is in a folder, in order."""
    if here.item is None:
        async for each in _dated(call, view, parts):
            yield each
        return
    uids = parts[0] == "by-uids"
    if uids:
        yield await _about(call, view, here.item)
    if here.item.level == Level.SERIES:
        items = view.children(here.item)
        for item in (sorted(items, key=lambda each: each.ids[-1]) if uids else items)[:MAX_LISTED]:
            yield await _file(call, view, item, uids)
            await asyncio.sleep(0)
        return
    below = [
        Entry(item.ids[-1] if uids else named(view, item, _TAGS[item.level]), view.newest(item), item)
        for item in view.children(here.item)
    ]
    for each in sorted(below, key=lambda one: one.name):
        yield each


async def content(call: Call, view: View, item: Item) -> bytes:
    """The file about a study or series."""
    return f"{styled(await described(call.service, view, item), TAB)}\n".replace("\n", "\r\n").encode()


async def _dated(call: Call, view: View, parts: list[str]) -> AsyncIterator[Entry]:
    if len(parts) == 3:
        names = {named(view, item, _WHOLE): item async for item in _of_month(call, view, parts[2])}
        for name, item in sorted(names.items()):
            yield Entry(name, view.newest(item), item)
        return
    for month in range(1, 13):
        name = f"{parts[1]}-{month:02}"
        async for _ in _of_month(call, view, name):
            yield Entry(name, call.now)
            break


def _of_month(call: Call, view: View, name: str) -> AsyncIterator[Item]:
    first, last = (f"{name.replace('-', '')}{day}" for day in ("01", "31"))
    keys = identifier(Level.STUDY, {"StudyDate": f"{first}-{last}"})
    return found(call, view, call.service.product, keys)


async def _patients(call: Call, view: View, name: str) -> AsyncIterator[Item]:
    """The patients with an identifier that a folder's name may begin with."""
    text = name.split(" - ")[0] if not name.startswith("- ") else ""
    if not text:
        nobody = await view.find(Level.PATIENT, public_id(("",)))
        if nobody is not None:
            yield nobody
        return
    try:
        async for item in identified(call, view, Level.PATIENT, text):
            yield item
    except Problem:
        return


async def _studies(view: View, patients: AsyncIterator[Item]) -> AsyncIterator[Item]:
    async for patient in patients:
        for item in view.children(patient):
            yield item


async def _called(items: AsyncIterator[Item], name_of: Callable[[Item], str], name: str) -> Item:
    async for item in items:
        if name_of(item) == name:
            return item
    raise Refusal


async def _below(call: Call, view: View, item: Item, parts: list[str], *, uids: bool) -> Entry:
    """What the rest of a path names, of which the first part is the item."""
    name = parts[0]
    for part in parts[1:]:
        if uids and _JSON.get(part) == item.level and part == parts[-1]:
            return await _about(call, view, item)
        if item.level == Level.IMAGE:
            raise Refusal
        level = Level(item.level + 1)
        if level == Level.IMAGE:
            if not part.endswith(".dcm"):
                raise Refusal
            wanted, name = part.removesuffix(".dcm"), part
            item = next((each for each in view.children(item) if _stem(each, uids) == wanted), None) or _nothing()
        else:
            name_of = (lambda each: each.ids[-1]) if uids else (lambda each: named(view, each, _TAGS[each.level]))
            item = next((each for each in view.children(item) if name_of(each) == part), None) or _nothing()
            name = part
    if item.level == Level.IMAGE:
        return await _file(call, view, item, uids)
    return Entry(name, view.newest(item), item)


def _nothing() -> Item:
    raise Refusal


async def _about(call: Call, view: View, item: Item) -> Entry:
    name = next(name for name, level in _JSON.items() if level == item.level)
    return Entry(name, call.now, item, len(await content(call, view, item)))


def _stem(item: Item, uids: bool) -> str:
    """What the file of an instance is called."""
    return item.ids[-1] if uids else item.id


async def _file(call: Call, view: View, item: Item, uids: bool) -> Entry:
    file = await opened(call.service, view, item)
    size = 0 if file is None else file.size
    return Entry(f"{_stem(item, uids)}.dcm", view.newest(item), item, size)
