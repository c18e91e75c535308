"""The index of what a visitor stored, in the order in which it came, as a product would keep it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from dicomhawk.hospital.attributes import UNIQUE_KEYS, Level
from dicomhawk.hospital.dialect import QueryDialect
from dicomhawk.hospital.products.objects import StoredObject

MAX_ENTRIES: Final = 100_000
"""Objects of all visitors together whose entries are kept between queries; an entry costs some 500 bytes."""

READ_A_TURN: Final = 16
"""Objects read before others have a turn; some 3 ms."""

Values: TypeAlias = tuple[str | None, ...]


class Entry(NamedTuple):
    """One object: its identifiers from the patient down, and by level what the index keeps of it."""

    ids: tuple[str, str, str, str]
    charset: str
    kept: tuple[Values, Values, Values, Values]
    load: Callable[[], StoredObject]
    sop_class: str
    key: int
    """Primary key of its row."""
    uploaded: bool
    """Whether that is among the uploads, not in the catalogue."""


class Indexer:
    """Makes entries; `dialect` says of which attributes."""

    def __init__(self, dialect: QueryDialect) -> None:
        self.tags = tuple(tuple(sorted(dialect.indexed.get(level, ()))) for level in Level)
        self.places = [{tag: place for place, tag in enumerate(tags)} for tags in self.tags]
        self._shared: dict[Values, Values] = {}

    def entry(
        self, found: StoredObject, load: Callable[[], StoredObject], sop_class: str, key: int, *, uploaded: bool
    ) -> Entry:
        """The entry of an object."""
        ids = tuple((found.value(tag) or "") for tag in UNIQUE_KEYS.values())
        groups = (tuple(map(found.value, tags)) for tags in self.tags)
        kept = tuple(self._shared.setdefault(group, group) for group in groups)
        return Entry(ids, found.charset, kept, load, sop_class, key, uploaded)  # type: ignore[arg-type]


class VisitorIndex:
    """The entries of one visitor."""

    __slots__ = ("deleted", "entries", "gone", "indexer", "newest", "of_hospital", "replaced", "touched", "version")

    def __init__(self, dialect: QueryDialect, replaced: int, version: int) -> None:
        self.indexer = Indexer(dialect)
        self.entries: list[Entry] = []
        self.newest = 0
        self.replaced = replaced
        self.version = version
        self.touched: set[int] = set()
        """Keys of the hospital's patients of which the visitor has stored or deleted something."""
        self.of_hospital: list[tuple[float, Entry]] = []
        """What the hospital has of these patients and isn't deleted, and from when on it is visible."""
        self.deleted = 0
        """Key of the last deletion that is taken in."""
        self.gone: set[tuple[str, ...]] = set()
        """Identifiers of what the visitor deleted, from the patient's down."""


class Indexes:
    """Indexes of visitors, those last used kept; as many as `MAX_ENTRIES` allows."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[str, VisitorIndex] = OrderedDict()

    def get(self, visitor: str) -> VisitorIndex | None:
        """What is there of a visitor."""
        return self._indexes.get(visitor)

    def keep(self, visitor: str, index: VisitorIndex) -> None:
        """Keep an index; others have to go if there are too many entries."""
        self._indexes[visitor] = index
        self._indexes.move_to_end(visitor)
        total = sum(len(each.entries) for each in self._indexes.values())
        while total > MAX_ENTRIES and len(self._indexes) > 1:
            _, oldest = self._indexes.popitem(last=False)
            total -= len(oldest.entries)


def first_of_each(entries: Iterable[Entry], level: Level) -> dict[tuple[str, ...], list[Entry]]:
    """The entries of each resource of a level, in the order of the first ones."""
    found: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.ids[: level + 1], []).append(entry)
    return found
