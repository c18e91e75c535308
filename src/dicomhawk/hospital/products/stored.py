"""What a visitor stored, and what the hospital has of the same patients, as entries of an index."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from dicomhawk.hospital.attributes import MODALITIES_IN_STUDY, MODALITY, SOP_CLASSES_IN_STUDY, Level
from dicomhawk.hospital.deletions import Deletion, after, covers
from dicomhawk.hospital.products.catalogue import CatalogueObjects
from dicomhawk.hospital.products.index import READ_A_TURN, Entry, Indexer, Indexes, VisitorIndex, first_of_each
from dicomhawk.hospital.products.objects import StoredObject, Vault
from dicomhawk.hospital.products.resource import Resource
from dicomhawk.hospital.products.tree import InstanceRow
from dicomhawk.hospital.uploads import Uploads

_NEW: Final = (
    "SELECT i.instance_key, i.path, i.transfer_syntax_uid, i.sop_class_uid, p.patient_id, t.study_uid "  # noqa: S608 - a number of ours
    "FROM instance i JOIN series e ON e.series_key = i.series_key JOIN study t ON t.study_key = e.study_key "
    "JOIN patient p ON p.patient_key = t.patient_key "
    f"WHERE i.visitor = ? AND i.instance_key > ? ORDER BY i.instance_key LIMIT {READ_A_TURN}"
)
_INSTANCE: Final = (
    "SELECT i.instance_key, i.sop_uid, i.sop_class_uid, i.transfer_syntax_uid, t.study_uid, e.series_uid, i.path, "
    "i.size, i.visible_from, i.instance_number, NULL, NULL FROM instance i JOIN series e USING (series_key) "
    "JOIN study t USING (study_key) WHERE i.instance_key = ?"
)
_COUNTED: Final = {
    0x00201200: Level.STUDY,
    0x00201202: Level.SERIES,
    0x00201204: Level.IMAGE,
    0x00201206: Level.SERIES,
    0x00201208: Level.IMAGE,
    0x00201209: Level.IMAGE,
}
"""The resources that an attribute counts."""


class VisitorEntries:
    """The entries of visitors, read as they are asked for."""

    def __init__(self, uploads: Uploads, vault: Vault, objects: CatalogueObjects) -> None:
        self._uploads = uploads
        self._vault = vault
        self._objects = objects
        self._indexes = Indexes()

    def of(self, visitor: str) -> Generator[None, None, VisitorIndex | None]:
        """The index of `visitor` as it is now; None if there are no uploads and no deletions.

        Raises `sqlite3.Error`.
        """
        connection = self._uploads.connection
        row = connection.execute("SELECT replaced FROM visitor WHERE visitor = ?", (visitor,)).fetchone()
        if row is None:
            return None
        version = self._objects.catalogue.data_version()
        index = self._indexes.get(visitor)
        if index is None or index.replaced != row[0] or index.version != version:
            index = VisitorIndex(self._objects.dialect, row[0], version)
        while fresh := after(connection, visitor, index.deleted, READ_A_TURN):
            self._leave_out(index, fresh)
            yield
        while True:
            rows = connection.execute(_NEW, (visitor, index.newest)).fetchall()
            for key, path, syntax, sop_class, patient_id, study_uid in rows:
                index.newest = key
                index.entries.append(self._entry(index.indexer, path, syntax, sop_class, key))
                for patient in self._objects.patients(patient_id, study_uid) - index.touched:
                    self._touch(index, patient)
            if len(rows) < READ_A_TURN:
                break
            yield
        self._indexes.keep(visitor, index)
        return index

    def _leave_out(self, index: VisitorIndex, fresh: list[Deletion]) -> None:
        index.deleted = fresh[-1].key
        index.gone.update(each.ids for each in fresh)
        index.of_hospital = [each for each in index.of_hospital if not covers(index.gone, each[1].ids)]
        for each in fresh:
            for patient in self._objects.patients(each.ids[0], "") - index.touched:
                if each.ids[:1] in index.gone:
                    index.touched.add(patient)
                else:
                    self._touch(index, patient)

    def _touch(self, index: VisitorIndex, patient: int) -> None:
        index.touched.add(patient)
        entries = self._objects.entries(patient, index.indexer)
        index.of_hospital += [each for each in entries if not covers(index.gone, each[1].ids)]

    def instance(self, key: int) -> InstanceRow | None:
        """What there is to know of an uploaded instance. Raises `sqlite3.Error`."""
        row = self._uploads.connection.execute(_INSTANCE, (key,)).fetchone()
        return None if row is None else InstanceRow._make(row)

    def _entry(self, indexer: Indexer, path: str, syntax: str, sop_class: str, key: int) -> Entry:
        def load() -> StoredObject:
            return StoredObject(self._vault.head(path, syntax), self._objects.dialect)

        return indexer.entry(load(), load, sop_class, key, uploaded=True)


class StoredResource(Resource):
    """A resource of some entries, its objects. `entries` are in the order in which they were stored."""

    __slots__ = ("_indexer", "_keepers", "entries")

    def __init__(
        self, entries: Sequence[Entry], level: Level, indexer: Indexer, keepers: Sequence[Entry] = ()
    ) -> None:
        """`keepers`: by level, the entry whose values are kept of the resource or the one above; else the first."""
        self.ids = entries[0].ids[: level + 1]
        self.entries = entries
        self._keepers = keepers or (entries[0],) * len(Level)
        self._indexer = indexer

    @property
    def charset(self) -> str:
        return self.entries[0].charset

    def kept(self, tag: int) -> str | None:
        for level in reversed(Level):
            place = self._indexer.places[level].get(tag)
            if place is not None:
                return self._keepers[level].kept[level][place]
        return None

    def object(self) -> StoredObject:
        return self.entries[0].load()

    def count(self, tag: int) -> str | None:
        if tag == MODALITIES_IN_STUDY:
            series = first_of_each(self.entries, Level.SERIES).values()
            found = (StoredResource(each, Level.SERIES, self._indexer).kept(MODALITY) for each in series)
            return "\\".join(sorted({each for each in found if each is not None}))
        if tag == SOP_CLASSES_IN_STUDY:
            return "\\".join(sorted({entry.sop_class for entry in self.entries}))
        level = _COUNTED.get(tag)
        return None if level is None else str(len(first_of_each(self.entries, level)))


def visible(index: VisitorIndex, now: float) -> list[Entry]:
    """The entries of an index at `now`: the hospital's first, which were there before."""
    return [entry for visible_from, entry in index.of_hospital if visible_from <= now] + index.entries


def resources(entries: Sequence[Entry], level: Level, indexer: Indexer) -> list[StoredResource]:
    """The resources of a level, in the order of their first objects."""
    firsts: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        for above in Level:
            if above < level:
                firsts.setdefault(entry.ids[: above + 1], entry)
    return [
        StoredResource(each, level, indexer, [firsts.get(ids[: above + 1], each[0]) for above in Level])
        for ids, each in first_of_each(entries, level).items()
    ]
