"""The file of an instance: its size, its head, and where its pixels are."""

from __future__ import annotations

import asyncio
import mmap
import os
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from ....hospital.attributes import Level
from ....hospital.elements import DataSet, decode
from ....hospital.part10 import HEAD_SIZE, Part10Error, meta_of
from ....hospital.pixels import PIXEL_DATA
from ....hospital.products.objects import StoredObject
from ...holdings import MAPPED_FROM
from .service import Service
from .view import Item, View

AHEAD: Final = 8
"""Instances that are rendered before their turn: what keeps the processes busy that do it."""
REMEMBERED: Final = 64
"""Files whose heads are kept: those of a page of an explorer."""
_FRAMES: Final = 0x00280008
_PIXEL_TAGS: Final = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")


@dataclass(frozen=True, slots=True)
class File:
    """A Part 10 file. `captured`: a visitor has made it."""

    path: Path
    size: int
    meta: DataSet
    head: StoredObject
    syntax: str
    start: int
    """Where the data set begins."""
    pixels: int
    """Where the element of the pixels begins; 0: there is none, or not within the first bytes."""
    captured: bool
    sop_uid: str


_kept: WeakKeyDictionary[Service, OrderedDict[Path, File]] = WeakKeyDictionary()


async def opened(service: Service, view: View, item: Item) -> File | None:
    """The file of an instance, rendered if need be; None if it can't be had."""
    reference = view.reference(item)
    if reference is None:
        return None
    async with service.turns.of(view.visitor):
        path = await service.backing.holdings.file(reference)
    if path is None:
        return None
    kept = _kept.setdefault(service, OrderedDict())
    found = kept.get(path)
    if found is None:
        captured = reference.origin == "upload"
        found = _read(service, path, reference.transfer_syntax_uid, captured, reference.sop_uid)
        await asyncio.sleep(0)
        if found is None:
            return None
        kept[path] = found
        while len(kept) > REMEMBERED:
            kept.popitem(last=False)
    return found


def frames_in(file: File) -> int:
    """How many frames its head says that it has."""
    text = file.head.value(_FRAMES) or "1"
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def content_of(path: Path) -> memoryview:
    """All of a file; a long one is mapped, as visitors may have stored some of many gigabytes. Raises `OSError`."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < MAPPED_FROM:
            return memoryview(file.read())
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


async def listed(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Items that are known, as those are that come one by one."""
    for item in items:
        yield item


async def ahead(service: Service, view: View, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The same items; those that come next are rendered meanwhile."""
    waiting: deque[Item] = deque()
    async for item in items:
        if item.level == Level.IMAGE:
            reference = view.reference(item)
            if reference is not None:
                service.backing.holdings.prefetch(reference)
        waiting.append(item)
        if item.level != Level.IMAGE or len(waiting) > AHEAD:
            yield waiting.popleft()
    for item in waiting:
        yield item


def _read(service: Service, path: Path, syntax: str, captured: bool, sop_uid: str) -> File | None:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(HEAD_SIZE)
        meta, start = meta_of(data, lenient=True)
    except (OSError, Part10Error):
        return None
    head = decode(data[start:], syntax, stop_at=PIXEL_DATA, head=True, lenient=True)
    pixels = max((data.rfind(tag, start) for tag in _PIXEL_TAGS), default=0)
    return File(
        path,
        size,
        meta,
        StoredObject(head, service.product.dialect),
        syntax,
        start,
        max(pixels, 0),
        captured,
        sop_uid,
    )
