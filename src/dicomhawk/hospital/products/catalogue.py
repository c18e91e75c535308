"""The hospital's catalogue as a product would have stored it: resources, and objects made of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import EllipsisType
from typing import Any, Final

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.attributes import ATTRIBUTES, MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY, UNIQUE_KEYS, Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET, UTF_8, character_set
from dicomhawk.hospital.dialect import QueryDialect
from dicomhawk.hospital.elements import DataSet, Element
from dicomhawk.hospital.matching import Stored
from dicomhawk.hospital.products.index import Entry, Indexer
from dicomhawk.hospital.products.objects import StoredObject
from dicomhawk.hospital.products.resource import Resource

REMEMBERED_TEXTS: Final = 2048
"""Texts that are not ASCII and whose form in an index is remembered: descriptions and physicians repeat."""

ORDINARY_LENGTH: Final = 64
"""Characters of a text that every product keeps whole."""

COMPUTED: Final = frozenset(
    (
        0x00201200,
        0x00201202,
        0x00201204,
        0x00201206,
        0x00201208,
        0x00201209,
        MODALITIES_IN_STUDY,
        SOP_CLASSES_IN_STUDY,
    )
)
"""Attributes that no object has."""

_STORED: Final = tuple(attribute for tag, attribute in sorted(ATTRIBUTES.items()) if tag not in COMPUTED)
_PATIENT: Final = "JOIN patient p ON p.patient_key = t.patient_key"
_STUDY: Final = f"JOIN study t ON t.study_key = e.study_key {_PATIENT}"
FROM: Final = {
    Level.PATIENT: "patient p",
    Level.STUDY: f"study t {_PATIENT}",
    Level.SERIES: f"series e {_STUDY}",
    Level.IMAGE: f"instance i JOIN series e ON e.series_key = i.series_key {_STUDY}",
}
"""The tables that a row of each level comes from, under the names that `ATTRIBUTES` uses."""
KEYS: Final = {
    Level.PATIENT: "p.patient_key",
    Level.STUDY: "t.study_key",
    Level.SERIES: "e.series_key",
    Level.IMAGE: "i.instance_key",
}
_ALIASES: Final = "ptei"
IDS: Final = tuple(ATTRIBUTES[tag].sql for tag in UNIQUE_KEYS.values())
"""Identifiers, from the patient's down."""
_OBJECT: Final = (
    f"SELECT {', '.join(attribute.sql for attribute in _STORED)} FROM {FROM[Level.IMAGE]} "  # noqa: S608 - names of ours
    "WHERE i.instance_key = ?"
)


class CatalogueObjects:
    """Makes objects and entries of the rows of a catalogue."""

    def __init__(self, catalogue: Catalogue, dialect: QueryDialect) -> None:
        self.catalogue = catalogue
        self.dialect = dialect
        self._charset = catalogue.info("character_set") or "ISO_IR 100"
        self.shared = lru_cache(REMEMBERED_TEXTS)(self._shared) if dialect.texts.answers_in is not None else None
        """The value kept of an attribute that has this text; ``...``: it depends on what else the object has."""

    def load(self, instance_key: int) -> StoredObject:
        """The object of an instance's row. Raises `sqlite3.Error`."""
        row = self.catalogue.connection.execute(_OBJECT, (instance_key,)).fetchone()
        return self.made(zip(_STORED, row or (), strict=False))

    def made(self, values: Iterable[tuple[Any, Any]]) -> StoredObject:
        """An object with these attributes and values of columns."""
        head: DataSet = {}
        declared = self._charset
        for attribute, value in values:
            if value is None:
                continue
            raw = _number(attribute.vr, value)
            if raw is None:
                text = str(value)
                raw = character_set(self._charset).encode(text)
                if raw is None:
                    raw, declared = text.encode(), UTF_8
            head[attribute.tag] = Element(attribute.tag, attribute.vr, raw)
        if declared != self._charset:
            return self._in_utf_8(head)
        head[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", declared.encode("ascii", "replace"))
        return StoredObject(head, self.dialect)

    def _shared(self, tag: int, text: str) -> str | EllipsisType | None:
        alone = self.made(((ATTRIBUTES[tag], text),))
        found = alone.value(tag)
        return found if self._in_utf_8(dict(alone.head)).value(tag) == found else ...

    def _in_utf_8(self, head: DataSet) -> StoredObject:
        own = character_set(self._charset)
        for tag, element in head.items():
            if isinstance(element.value, bytes) and not element.value.isascii():
                try:
                    element.value.decode()
                except UnicodeDecodeError:
                    head[tag] = element._replace(value=own.decode(element.value).encode())
        head[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", UTF_8.encode())
        return StoredObject(head, self.dialect)

    def study_through(self, series_key: int, now: float) -> CatalogueResource:
        """The study of a series, whose object is one of that series. Raises `sqlite3.Error`."""
        execute = self.catalogue.connection.execute
        key, *ids = execute(
            f"SELECT t.study_key, {', '.join(IDS[:2])} FROM {FROM[Level.SERIES]} WHERE e.series_key = ?",  # noqa: S608
            (series_key,),
        ).fetchone()
        of_study = [attribute for attribute in _STORED if attribute.level <= Level.STUDY]
        columns = ", ".join(attribute.sql for attribute in of_study)
        row = execute(f"SELECT {columns} FROM {FROM[Level.STUDY]} WHERE t.study_key = ?", (key,)).fetchone()  # noqa: S608
        values = {attribute.tag: value for attribute, value in zip(of_study, row, strict=True)}
        study = CatalogueResource(self, Level.STUDY, key, tuple(map(str, ids)), values, now)
        study.series = CatalogueResource(self, Level.SERIES, series_key, study.ids, {}, now)
        return study

    def patients(self, patient_id: str, study_uid: str) -> set[int]:
        """Keys of the patients with this ID or study. Raises `sqlite3.Error`."""
        execute = self.catalogue.connection.execute
        found: set[int] = set()
        if patient_id:
            found |= {
                key for (key,) in execute("SELECT patient_key FROM patient WHERE patient_id = ?", (patient_id,))
            }
        if study_uid:
            found |= {key for (key,) in execute("SELECT patient_key FROM study WHERE study_uid = ?", (study_uid,))}
        return found

    def entries(self, patient_key: int, indexer: Indexer) -> Iterator[tuple[float, Entry]]:
        """Everything of a patient: when it becomes visible, and its entry. Raises `sqlite3.Error`."""
        rows = self.catalogue.connection.execute(
            "SELECT i.instance_key, max(p.visible_from, t.visible_from, e.visible_from, i.visible_from), "  # noqa: S608
            f"i.sop_class_uid FROM {FROM[Level.IMAGE]} WHERE p.patient_key = ? ORDER BY 1",
            (patient_key,),
        ).fetchall()
        for key, visible_from, sop_class in rows:

            def load(key: int = key) -> StoredObject:
                return self.load(key)

            yield visible_from, indexer.entry(load(), load, sop_class, key, uploaded=False)


class CatalogueResource(Resource):
    """A patient, study, series or instance of the catalogue."""

    __slots__ = ("_first", "_now", "_objects", "_row", "_values", "key", "level", "series")

    def __init__(
        self,
        objects: CatalogueObjects,
        level: Level,
        key: int,
        ids: tuple[str, ...],
        values: Mapping[int, Stored],
        now: float,
    ) -> None:
        """`values`: those of its row that were asked for, by tag."""
        self.ids = ids
        self.level = level
        self.key = key
        self._objects = objects
        self._values = values
        self._row: StoredObject | None = None
        self._now = now
        self._first: StoredObject | None = None
        self.series: CatalogueResource | None = None

    @property
    def charset(self) -> str:
        return self._of_row().charset

    def kept(self, tag: int) -> str | None:
        attribute = ATTRIBUTES.get(tag)
        if attribute is None:
            return None
        if attribute.level > self.level:
            return self.object().value(tag)
        value = self._values.get(tag)
        if value is None or (isinstance(value, str) and len(value) <= ORDINARY_LENGTH and value.isascii()):
            return value
        shared = self._objects.shared
        found = shared(tag, value) if shared is not None and isinstance(value, str) else ...
        return self._of_row().value(tag) if found is ... else found

    def _of_row(self) -> StoredObject:
        if self._row is None:
            self._row = self._objects.made((ATTRIBUTES[tag], value) for tag, value in self._values.items())
        return self._row

    def object(self) -> StoredObject:
        if self.series is not None:
            return self.series.object()
        if self._first is None:
            self._first = self._objects.load(self._first_instance())
        return self._first

    def count(self, tag: int) -> str | None:
        attribute = ATTRIBUTES[tag]
        if attribute.level != self.level:
            return None
        sql = f"SELECT {attribute.sql} FROM {FROM[self.level]} WHERE {KEYS[self.level]} = :key"  # noqa: S608
        parameters = {"key": self.key, "now": self._now}
        (value,) = self._objects.catalogue.connection.execute(sql, parameters).fetchone()
        return "" if value is None else str(value)

    def _first_instance(self) -> int:
        sql = (
            f"SELECT min(i.instance_key) FROM {FROM[Level.IMAGE]} "  # noqa: S608 - names of ours
            f"WHERE {KEYS[self.level]} = :key AND {' AND '.join(visible(Level.IMAGE))}"
        )
        parameters = {"key": self.key, "now": self._now}
        (key,) = self._objects.catalogue.connection.execute(sql, parameters).fetchone()
        return key or 0


def visible(level: Level) -> list[str]:
    """Terms by which a row of a level is visible at ``:now``, as is everything above it."""
    # The plus keeps the planner from walking an index of times that nearly all have passed.
    return [f"+{_ALIASES[each]}.visible_from <= :now" for each in Level if each <= level]


def _number(vr: str, value: Any) -> bytes | None:
    if vr in vrs.WORD and isinstance(value, int) and vr in ("US", "SS", "UL", "SL"):
        size = vrs.WORD[vr]
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return None
