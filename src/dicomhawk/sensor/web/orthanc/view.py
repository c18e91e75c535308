"""The archive as one visitor sees it: the hospital, what the visitor stored, without what the visitor deleted."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Final

from ....hospital.attributes import Level
from ....hospital.digests import digest
from ....hospital.instances import InstanceRef
from ....hospital.products.catalogue import CatalogueResource
from ....hospital.products.find import ProductArchive
from ....hospital.products.index import Entry, Indexer, first_of_each
from ....hospital.products.resource import Resource
from ....hospital.products.stored import StoredResource, visible
from ....hospital.products.tree import InstanceRow, Node, Places, Tree
from ..state import State

_HEXADECIMAL: Final = frozenset("0123456789abcdef-")
GONE: Final = "orthanc/gone/"
"""Keys of what a visitor deleted; the rest of the key is its id."""
BETWEEN: Final = 0.004
"""Seconds between two looks at where instances are, which take some milliseconds each."""
TOTAL_KEPT: Final = 600.0
"""Seconds for which the size of the hospital is remembered."""
COUNTED_A_TURN: Final = 64
"""Series whose instances are counted before others have a turn."""


def public_id(ids: Sequence[str]) -> str:
    """What Orthanc calls the resource with these identifiers: their SHA-1 in five groups."""
    text = digest(ids).hex()
    return f"{text[:8]}-{text[8:16]}-{text[16:24]}-{text[24:32]}-{text[32:]}"


def is_public_id(name: str) -> bool:
    """Whether a text has the form of an id."""
    return sha1_of(name) is not None


def sha1_of(name: str) -> bytes | None:
    """The SHA-1 that an id is; None: it is none."""
    groups = name.split("-")
    if len(groups) != 5 or any(len(group) != 8 for group in groups) or not _HEXADECIMAL.issuperset(name):
        return None
    return bytes.fromhex("".join(groups))


class Item:
    """A patient, study, series or instance: a `node` of the hospital's, or `entries`."""

    __slots__ = ("_id", "entries", "ids", "level", "node")

    def __init__(self, level: Level, ids: tuple[str, ...], node: Node | None, entries: Sequence[Entry] = ()) -> None:
        self.level = level
        self.ids = ids
        self.node = node
        self.entries = entries
        self._id = ""

    @property
    def id(self) -> str:
        """What Orthanc calls it."""
        if not self._id:
            self._id = public_id(self.ids)
        return self._id


def _of_node(node: Node) -> Item:
    return Item(node.level, node.ids, node)


class View:
    """See the module's docstring. Reads raise `sqlite3.Error`."""

    def __init__(
        self,
        library: Library,
        visitor: str,
        now: float,
        entries: list[Entry],
        indexer: Indexer,
        touched: frozenset[int],
        gone: frozenset[str],
    ) -> None:
        self.visitor = visitor
        self.now = now
        self.library = library
        self._tree = library.tree
        self._indexer = indexer
        self._touched = touched
        self._gone = gone
        self._entries = (
            [entry for entry in entries if entry.uploaded or not self._is_gone(entry.ids)] if gone else entries
        )
        self._grouped: dict[Level, dict[tuple[str, ...], list[Entry]]] = {}

    async def listing(self, level: Level) -> AsyncIterator[list[Item]]:
        """All of a level, in the order in which they came, some at a time."""
        after: int | None = 0
        while after is not None:
            nodes, after = self._tree.after(level, after, self.now)
            yield [_of_node(node) for node in nodes if self._shows(node)]
            await asyncio.sleep(0)
        yield [Item(level, ids, None, entries) for ids, entries in self._groups(level).items()]

    async def count(self, level: Level) -> int:
        """How many there are; of what is deleted, exactly."""
        hidden = 0
        for patient in self._touched:
            hidden += self._hidden(patient, level)
            await asyncio.sleep(0)
        for name in self._gone:
            hidden += self._deleted(name, level)
            await asyncio.sleep(0)
        return self._tree.count(level, self.now) - hidden + len(self._groups(level))

    async def find(self, level: Level, name: str) -> Item | None:
        """What is called so."""
        sha1 = sha1_of(name)
        if sha1 is None:
            return None
        for ids, entries in self._groups(level).items():
            if digest(ids) == sha1:
                return Item(level, ids, None, entries)
        node = await self.library.named(level, sha1, self.now)
        return _of_node(node) if node is not None and self._shows(node) else None

    async def find_any(self, name: str) -> Item | None:
        """What is called so, at whatever level."""
        for level in Level:
            found = await self.find(level, name)
            if found is not None:
                return found
        return None

    def of_resource(self, resource: Resource) -> Item | None:
        """What a search found; None: it is deleted."""
        if isinstance(resource, CatalogueResource):
            nodes = self._tree.at(resource.level, [resource.key], self.now)
            return next((_of_node(node) for node in nodes if self._shows(node)), None)
        level = Level(len(resource.ids) - 1)
        entries = self._groups(level).get(resource.ids)
        return None if entries is None else Item(level, resource.ids, None, entries)

    def children(self, item: Item) -> list[Item]:
        """What is directly below."""
        if item.node is not None:
            return [_of_node(node) for node in self._tree.children(item.node, self.now) if self._shows(node)]
        level = Level(item.level + 1)
        return [Item(level, ids, None, each) for ids, each in first_of_each(item.entries, level).items()]

    def below(self, item: Item, level: Level) -> list[Item]:
        """What is below at a level: of each further level, the children of the last parent come first."""
        found = [item]
        while found and found[0].level < level:
            found = [child for parent in reversed(found) for child in self.children(parent)]
        return found

    def instances(self, item: Item) -> Iterator[Item]:
        """The instances of an item, series by series."""
        if item.level == Level.IMAGE:
            yield item
            return
        for child in self.children(item):
            yield from self.instances(child)

    def above(self, item: Item, level: Level) -> Item:
        """What it belongs to."""
        if item.node is not None:
            return _of_node(self._tree.above(item.node, level))
        ids = item.ids[: level + 1]
        return Item(level, ids, None, self._groups(level)[ids])

    def resource(self, item: Item, tags: Iterable[int]) -> Resource:
        """Its values; `tags`: those that will be asked for."""
        if item.node is not None:
            return self._tree.resource(item.node, tags, self.now)
        return StoredResource(item.entries, item.level, self._indexer)

    def row(self, item: Item) -> InstanceRow | None:
        """What is known of an instance; None: it has just been replaced."""
        if item.node is not None:
            return self._tree.instance(item.node.key)
        return self._row(item.entries[0])

    def reference(self, item: Item) -> InstanceRef | None:
        """An instance, for `Holdings`."""
        row = self.row(item)
        if row is None:
            return None
        return InstanceRef(*row[:8], "upload" if self.uploaded(item) else "catalogue")

    def uploaded(self, item: Item) -> bool:
        """Whether the visitor has stored it, or some of it."""
        return any(entry.uploaded for entry in item.entries)

    def newest(self, item: Item) -> float:
        """When its last object came (POSIX seconds)."""
        if item.node is not None:
            return self._tree.newest(item.node, self.now)
        row = self._row(item.entries[-1])
        return self.now if row is None else row.visible_from

    async def size(self, item: Item) -> tuple[int, int]:
        """Number of instances, and how many bytes they have: of what isn't there yet, those of its pixels."""
        if item.node is not None and item.level != Level.IMAGE and not self._gone:
            return self._tree.size(item.node, self.now)
        number = size = 0
        for each in self.instances(item):
            row = self.row(each)
            size += (row.size or 0) if row is not None else 0
            number += 1
            if number % COUNTED_A_TURN == 0:
                await asyncio.sleep(0)
        return number, size

    @property
    def is_whole(self) -> bool:
        """Whether the visitor has deleted nothing: what is shown of the hospital is as others see it."""
        return not self._gone

    @property
    def version(self) -> int:
        """A number that changes with the hospital's catalogue."""
        return self._tree.version()

    @property
    def is_plain(self) -> bool:
        """Whether the visitor sees the hospital and nothing else."""
        return not (self._entries or self._gone or self._touched)

    def number(self, series: Item) -> int:
        """How many instances a series has."""
        return self._tree.size(series.node, self.now)[0] if series.node is not None else len(series.entries)

    def stored(self) -> Iterator[tuple[Item, float]]:
        """The instances that entries are, in the order in which they came, and when that was."""
        for entry in self._entries:
            item = Item(Level.IMAGE, entry.ids, None, (entry,))
            row = self._row(entry)
            yield item, row.visible_from if row is not None else self.now

    async def total(self) -> int:
        """About how many bytes all of it has."""
        if self.library.total is None or self.now - self.library.total[0] > TOTAL_KEPT:
            total = 0
            async for items in self.listing(Level.PATIENT):
                for item in items:
                    total += self._tree.size(item.node, self.now)[1] if item.node is not None else 0
                await asyncio.sleep(0)
            self.library.total = self.now, total
        stored = [self._row(entry) for entry in self._entries if entry.uploaded]
        return self.library.total[1] + sum(row.size or 0 for row in stored if row is not None)

    def _row(self, entry: Entry) -> InstanceRow | None:
        return self.library.product.visitors.instance(entry.key) if entry.uploaded else self._tree.instance(entry.key)

    def _groups(self, level: Level) -> dict[tuple[str, ...], list[Entry]]:
        if level not in self._grouped:
            self._grouped[level] = first_of_each(self._entries, level)
        return self._grouped[level]

    def _shows(self, node: Node) -> bool:
        return node.patient_key not in self._touched and not (self._gone and self._is_gone(node.ids))

    def _is_gone(self, ids: tuple[str, ...]) -> bool:
        """Whether it, or what it belongs to, is deleted."""
        return any(public_id(ids[:length]) in self._gone for length in range(1, len(ids) + 1))

    def _hidden(self, patient: int, level: Level) -> int:
        """How many nodes of a level the hospital has of a patient that entries stand for."""
        nodes = self._tree.at(Level.PATIENT, [patient], self.now)
        while nodes and nodes[0].level < level:
            nodes = [child for node in nodes for child in self._tree.children(node, self.now)]
        return len(nodes)

    def _deleted(self, name: str, level: Level) -> int:
        """How many nodes of a level the hospital has of what is deleted, unless that is deleted from higher up."""
        sha1 = sha1_of(name)
        for each in Level if sha1 is not None else ():
            node = self.library.known(each, sha1 or b"", self.now)
            if node is None:
                continue
            higher = (public_id(node.ids[:length]) in self._gone for length in range(1, len(node.ids)))
            if node.level > level or node.patient_key in self._touched or any(higher):
                return 0
            nodes = [node]
            while nodes and nodes[0].level < level:
                nodes = [child for parent in nodes for child in self._tree.children(parent, self.now)]
            return len(nodes)
        return 0


class Library:
    """The archive of one worker; `state` has what visitors deleted."""

    def __init__(self, product: ProductArchive, state: State) -> None:
        self.product = product
        self.tree = Tree(product.objects)
        self.total: tuple[float, int] | None = None
        """When the hospital's bytes were counted, and how many there were."""
        self.log: object = None
        """What the changes are kept in."""
        self._state = state
        self._places = Places(product.objects.catalogue)
        self._growing = asyncio.Lock()
        self._begun = False

    async def view(self, visitor: str, now: float) -> View:
        """What `visitor` sees. Raises `sqlite3.Error`, `StateError`."""
        product = self.product
        if not self._begun:
            self._begun = True
            self._grow(self._places.extend())
        gone = frozenset(key.removeprefix(GONE) for key in self._state.keys(visitor, GONE))
        reading = product.visitors.of(visitor)
        while True:
            try:
                next(reading)
            except StopIteration as end:
                index = end.value
                break
            await asyncio.sleep(0)
        if index is None:
            return View(self, visitor, now, [], Indexer(product.dialect), frozenset(), gone)
        return View(self, visitor, now, visible(index, now), index.indexer, frozenset(index.touched), gone)

    def _grow(self, steps: Iterator[None]) -> None:
        """Learn where instances are, bit by bit, from when somebody comes on: before one is asked for by its id."""
        try:
            next(steps)
        except (StopIteration, sqlite3.Error):
            return
        asyncio.get_running_loop().call_later(BETWEEN, self._grow, steps)

    async def named(self, level: Level, sha1: bytes, now: float) -> Node | None:
        """The hospital's node with that digest."""
        if level != Level.IMAGE:
            return self.tree.named(level, sha1, now)
        found = self.known(level, sha1, now)
        if found is None:
            async with self._growing:
                for _ in self._places.extend():
                    await asyncio.sleep(0)
            found = self.known(level, sha1, now)
        return found

    def known(self, level: Level, sha1: bytes, now: float) -> Node | None:
        """The same, of instances only those that were taken in before."""
        if level != Level.IMAGE:
            return self.tree.named(level, sha1, now)
        nodes = self.tree.at(level, self._places.keys(sha1), now)
        return next((node for node in nodes if digest(node.ids) == sha1), None)
