"""The identifiers of responses, as a product words them."""

from __future__ import annotations

import struct
from typing import Final, cast

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.answer import Layout, Match
from dicomhawk.hospital.attributes import QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, Level
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET
from dicomhawk.hospital.dialect import QueryDialect, Reading, RetrieveAE, Unknown
from dicomhawk.hospital.elements import DataSet, Element, encode
from dicomhawk.hospital.products import texts
from dicomhawk.hospital.products.objects import StoredObject
from dicomhawk.hospital.products.request import Query, failed
from dicomhawk.hospital.products.resource import Resource

UNWRITABLE: Final = 0xC000
"""Status of a query where the items of an object's sequence can't be written."""
COUNTS: Final = {
    Level.PATIENT: (0x00201200, 0x00201202, 0x00201204),
    Level.STUDY: (0x00080061, 0x00080062, 0x00201206, 0x00201208),
    Level.SERIES: (0x00201209,),
    Level.IMAGE: (),
}
"""Attributes that are computed, by the level at which they are."""

_COUNTED: Final = frozenset(tag for tags in COUNTS.values() for tag in tags)
_PACKED: Final = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "FL": "<f", "FD": "<d"}
_OPAQUE: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))


_NEVER_EMPTY: Final = frozenset((*_PACKED, "AT", "OD", "OF", "OL"))
"""VRs of which an empty value can't be written within an item, where the data set's VRs count."""


class _Encoder:
    """Stands where a `Layout` does: the row is the data set of the answer."""

    unsupported: tuple[int, ...] = ()

    def encode(self, row: DataSet, syntax: str) -> bytes:
        """The data set in a transfer syntax."""
        return encode(row, syntax)


_ENCODER: Final = cast(Layout, _Encoder())


class Answers:
    """Makes answers to one query; `ae_title` is the archive's."""

    def __init__(self, query: Query, dialect: QueryDialect, ae_title: str) -> None:
        self._query = query
        self._dialect = dialect
        self._ae_title = ae_title
        indexed = frozenset().union(*dialect.indexed.values())
        self._from_index = {tag for level, tags in dialect.indexed.items() if level <= query.level for tag in tags}
        if not dialect.others_from_object:
            self._from_index = set(indexed)
        self.needs_object = dialect.others_from_object and (
            any(key.is_sequence or (key.tag not in indexed and key.tag not in _COUNTED) for key in query.keys)
            or any(test.tag not in indexed for test in query.tests)
        )
        self.tags = frozenset(key.tag for key in query.keys if not key.is_sequence)

    def says_nothing(self, resource: Resource) -> bool:
        """Whether there is nothing in an answer that is known of the resource, where that matters."""
        if not self._dialect.ends_with_nothing or resource.charset:
            return False
        return self._from_index.isdisjoint(self.tags)

    @property
    def may_fail(self) -> bool:
        """Whether no answer can be made of some objects, which then end the query before its first answer."""
        fails = self._dialect.reading is Reading.REPRESENTATION and self._dialect.sequences
        return fails and any(key.is_sequence for key in self._query.keys)

    def match(self, resource: Resource) -> Match:
        """The match that a resource is. Raises `QueryError`, if `may_fail`."""
        return Match(cast(tuple[str], self._data_set(resource)), _ENCODER)

    def _data_set(self, resource: Resource) -> DataSet:
        dialect, query = self._dialect, self._query
        values: dict[int, str] = {}
        if dialect.retrieve_ae is RetrieveAE.UNLESS_ASKED:
            values[RETRIEVE_AE_TITLE] = self._ae_title
        found: DataSet = {}
        source = resource.object() if self.needs_object else None
        for key in query.keys:
            tag = key.tag
            if key.is_sequence:
                items = source.items(tag) if source is not None and dialect.sequences else None
                if items is not None and tag >> 16 & 1 and dialect.reading is Reading.REPRESENTATION:
                    raise failed(UNWRITABLE)
                if source is not None and items is not None:
                    found[tag] = Element(tag, "SQ", self._items(items, source))
                continue
            if tag & 0xFFFF == 0:
                continue
            known = tag in self._from_index
            value = source.value(tag) if source is not None else resource.kept(tag) if known else None
            if value is None and not known and dialect.unknown is Unknown.OMITTED:
                continue
            values[tag] = value or ""
        if dialect.counts:
            for tag in COUNTS[query.level]:
                if tag in self.tags:
                    values[tag] = resource.count(tag) or ""
        if dialect.retrieve_ae is RetrieveAE.ALWAYS:
            values[RETRIEVE_AE_TITLE] = self._ae_title
        charset = self._write(values, found, resource)
        found[QUERY_RETRIEVE_LEVEL] = _text(QUERY_RETRIEVE_LEVEL, "CS", query.level_text)
        if charset:
            found[SPECIFIC_CHARACTER_SET] = _text(SPECIFIC_CHARACTER_SET, "CS", charset)
        return found

    def _write(self, values: dict[int, str], found: DataSet, resource: Resource) -> str:
        """Put the values into `found`; their character set."""
        target = self._dialect.texts.answers_in
        if target is None:
            target = resource.charset
            values, target = self._in_set_of_request(values, target)
        else:
            values = {tag: texts.from_utf_8(value, target) for tag, value in values.items()}
        for tag, value in values.items():
            element = _element(tag, value, self._dialect.reading)
            if element is not None:
                found[tag] = element
        return target

    def _in_set_of_request(self, values: dict[int, str], own: str) -> tuple[dict[int, str], str]:
        """The values in the request's character set, and what the answer says of it.

        Where a value can't be said in it, those that come before it have been converted all the same; it, those after
        it, and what the answer says stay as they are.
        """
        rules = self._dialect.texts
        asked = self._query.charset
        if own == asked or (asked == texts.UTF_8 and texts.is_plain(own)) or not texts.convertible(own, rules):
            return values, own
        for target in (asked, ""):  # what is plain ASCII can be said in any set
            if own != target and texts.convertible(target, rules):
                values, complete = _converted(values, own, target)
                if complete:
                    return values, "" if "\\" in target or target == texts.ASCII else target
        return values, own

    def _items(self, items: tuple[DataSet, ...], source: StoredObject) -> tuple[DataSet, ...]:
        made: list[DataSet] = []
        for item in items:
            within: DataSet = {}
            stored = source.within(item)
            for tag, element in item.items():
                written = self._element_of_item(tag, element, stored)
                if written is not None:
                    within[tag] = written
            made.append(within)
        return tuple(made)

    def _element_of_item(self, tag: int, element: Element, stored: StoredObject) -> Element | None:
        """An element of an item as it comes back, if it does. Raises `QueryError`."""
        strict = self._dialect.reading is Reading.REPRESENTATION
        is_private = bool(tag >> 16 & 1)
        if tag & 0xFFFF == 0 or (not strict and (is_private or vrs.of_tag(tag) in _OPAQUE)):
            return None
        if isinstance(element.value, tuple):
            if is_private:
                raise failed(UNWRITABLE)
            return Element(tag, "SQ", self._items(element.value, stored))
        value = texts.from_utf_8(stored.value(tag) or "", self._dialect.texts.answers_in or "")
        written = _element(tag, value, self._dialect.reading)
        if strict and (written is None or (not value and written.vr in _NEVER_EMPTY)):
            raise failed(UNWRITABLE)
        return written


def _converted(values: dict[int, str], source: str, target: str) -> tuple[dict[int, str], bool]:
    """The values in another set, by their tags up to the first that can't be said there, and whether that is all."""
    found = dict(values)
    for tag, value in sorted(values.items()):
        if not value.isascii() and texts.affected(vrs.of_tag(tag)):
            text = texts.converted(value, source, target)
            if text is None:
                return found, False
            found[tag] = text
    return found, True


def _text(tag: int, vr: str, value: str) -> Element:
    return Element(tag, vr, value.encode("latin-1", "replace"))


def _element(tag: int, value: str, reading: Reading) -> Element | None:
    """The element for a value; None if it can't be written in the attribute's VR."""
    vr = vrs.of_tag(tag)
    if reading is Reading.REPRESENTATION and tag >> 16 & 1:
        vr = "UN"  # nobody says whose it is
    form = _PACKED.get(vr)
    if not value or (form is None and vr != "AT"):
        return _text(tag, vr, value)
    try:
        if form is None:
            return Element(tag, vr, struct.pack("<HH", *(int(half, 16) for half in value.split(","))))
        values = value.split("\\") if vr == "US" and vrs.may_be_signed(tag) else [value]
        numbers = (float(each) if form[1] in "fd" else int(each) for each in values)
        return Element(tag, vr, b"".join(struct.pack(form, number) for number in numbers))
    except (ValueError, struct.error):
        return None
