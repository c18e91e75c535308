"""A query as a product reads it: its level, and its keys."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.attributes import (
    MODALITIES_IN_STUDY,
    QUERY_RETRIEVE_LEVEL,
    UNIQUE_KEYS,
    Level,
)
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET
from dicomhawk.hospital.dialect import KeysAbove, QueryDialect, Reading
from dicomhawk.hospital.elements import DataSet, Element
from dicomhawk.hospital.errors import MAX_KEYS, MAX_VALUES, QueryError, QueryProblem
from dicomhawk.hospital.matching import MAX_PATTERNS
from dicomhawk.hospital.products import texts
from dicomhawk.hospital.products.compare import NOTHING, TEMPORAL, Compared, WildcardError, compile_key
from dicomhawk.hospital.products.objects import OPAQUE, declared, text_of, unpadded

FIRST_GROUP: Final = 0x0008
"""Group of the first attributes that a data set may have (PS3.5 section 7.1)."""

_PADDING: Final = 0xFFFCFFFC
"""Data Set Trailing Padding, which is no key (PS3.10 section 7.2)."""
_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


class Key(NamedTuple):
    """A key with its value: text with one character for each byte, without padding."""

    tag: int
    vr: str
    value: str
    is_sequence: bool
    matches_nothing: bool = False
    """It has a value that the product can't read."""


class Test(NamedTuple):
    """What a key demands: in the set of the request, and in UTF-8."""

    tag: int
    as_sent: Compared
    in_utf_8: Compared


class Query(NamedTuple):
    """A query. `above`: for the unique keys above its level, their tests; None for one that is missing.

    `modalities`: the test for Modalities in Study, where that is compared with the series.
    """

    level: Level
    level_text: str
    in_model: bool
    charset: str
    keys: list[Key]
    tests: list[Test]
    above: list[tuple[Level, Test | None]]
    modalities: Test | None


def read(identifier: DataSet, levels: tuple[Level, ...], dialect: QueryDialect) -> Query:
    """The query in an identifier, in an information model with these levels. Raises `QueryError`."""
    if len(identifier) > MAX_KEYS:
        raise failed(0xC000)
    level, text = _level(identifier, dialect)
    in_model = level in levels
    if not in_model and dialect.failures.level_not_in_model is not None and not dialect.failures.only_when_reached:
        raise failed(dialect.failures.level_not_in_model)
    charset = declared(identifier.get(SPECIFIC_CHARACTER_SET), dialect.reading)
    keys = [
        _key(element, charset, dialect)
        for tag, element in sorted(identifier.items())
        if tag >> 16 >= FIRST_GROUP and tag not in (QUERY_RETRIEVE_LEVEL, SPECIFIC_CHARACTER_SET, _PADDING)
    ]
    if sum(key.value.count("\\") for key in keys) >= MAX_VALUES:
        raise failed(0xC000)
    try:
        tests, above, modalities = _tests(keys, charset, level, levels, dialect)
    except WildcardError as error:
        raise failed(error.status) from None
    everything = [*tests, *(test for _, test in above if test is not None), *filter(None, [modalities])]
    if sum(test.as_sent.patterns for test in everything) > MAX_PATTERNS:
        raise failed(0xC000)
    return Query(level, text, in_model, charset, keys, tests, above, modalities)


def as_read(identifier: DataSet, dialect: QueryDialect) -> tuple[DataSet, frozenset[int]]:
    """The identifier of a retrieval with texts as the product reads them, without those that are none for it; and the
    tags of those that match nothing."""
    if dialect.reading is Reading.ATTRIBUTE:
        return identifier, frozenset()
    charset = declared(identifier.get(SPECIFIC_CHARACTER_SET), dialect.reading)
    found: DataSet = {}
    unreadable: set[int] = set()
    for tag, element in identifier.items():
        own = vrs.of_tag(tag)
        if own not in vrs.TEXT:
            found[tag] = element
            continue
        key = _key(element, charset, dialect)
        if key.matches_nothing:
            unreadable.add(tag)
        if element.vr in vrs.TEXT and not isinstance(element.value, tuple):
            found[tag] = element._replace(value=element.value.partition(b"\0")[0])
        elif key.value or dialect.reading is Reading.TEXT:
            found[tag] = Element(tag, own, key.value.encode("latin-1"))
    return found, frozenset(unreadable)


def failed(status: int) -> QueryError:
    """The error for a query that ends with this status."""
    return QueryError(QueryProblem.UNABLE_TO_PROCESS, "", status=status)


def _level(identifier: DataSet, dialect: QueryDialect) -> tuple[Level, str]:
    element = identifier.get(QUERY_RETRIEVE_LEVEL)
    if element is None:
        raise failed(dialect.failures.no_level)
    key = _key(element, "", dialect)
    if key.matches_nothing:
        raise failed(dialect.failures.unknown_level)
    text = key.value
    if not text:
        raise failed(dialect.failures.empty_level)
    wanted = text if dialect.level_case else text.upper()
    for name, level in dialect.level_names.items():
        if wanted == name or (dialect.level_prefixes and wanted.startswith(name)):
            return level, text if dialect.level_as_asked else level.name
    raise failed(dialect.failures.unknown_level)


def _key(element: Element, charset: str, dialect: QueryDialect) -> Key:
    vr = vrs.of_tag(element.tag)
    if dialect.reading is Reading.TEXT:
        text = "" if isinstance(element.value, tuple) else text_of(element, charset, dialect) or ""
        padding = b" \0" if element.vr in vrs.NUL_PADDED and element.vr in vrs.TEXT else b" "
        has_value = bool(element.value if isinstance(element.value, tuple) else element.value.rstrip(padding))
        return Key(element.tag, vr, text, is_sequence=False, matches_nothing=has_value and not text)
    if dialect.reading is Reading.REPRESENTATION and not isinstance(element.value, tuple):
        return Key(element.tag, vr, text_of(element, charset, dialect) or "", is_sequence=False)
    if isinstance(element.value, tuple):
        return Key(element.tag, "SQ", "", is_sequence=True)
    if vr in _NUMBERS:
        form = f"<{_NUMBERS[vr]}"
        whole = len(element.value) // struct.calcsize(form) * struct.calcsize(form)
        numbers = struct.iter_unpack(form, element.value[:whole])
        return Key(element.tag, vr, "\\".join(str(number) for (number,) in numbers), is_sequence=False)
    if vr in OPAQUE:
        return Key(element.tag, vr, "", is_sequence=False)
    value = unpadded(vr, element.value)
    if dialect.texts.answers_in is not None and texts.affected(vr):
        value = texts.to_utf_8(value, charset, dialect.texts.undeclared)
    return Key(element.tag, vr, value, vr == "SQ")


def _tests(
    keys: list[Key], charset: str, level: Level, levels: tuple[Level, ...], dialect: QueryDialect
) -> tuple[list[Test], list[tuple[Level, Test | None]], Test | None]:
    tests: list[Test] = []
    unique: dict[int, Test | None] = {}
    modalities = None
    for key in keys:
        if key.tag & 0xFFFF == 0 or (dialect.keys is not None and _level_of_key(key.tag, dialect) is None):
            continue
        test = _test(key, charset, dialect)
        if key.tag in UNIQUE_KEYS.values():
            unique[key.tag] = test
        if test is None:
            continue
        if dialect.modalities_by_series and level == Level.STUDY and key.tag == MODALITIES_IN_STUDY:
            modalities = test
        elif dialect.keys_above is KeysAbove.COMPARED or _is_compared(key.tag, level, levels, dialect):
            tests.append(test)
    above: list[tuple[Level, Test | None]] = []
    if dialect.keys_above is KeysAbove.UNIQUE or dialect.failures.missing_unique_key is not None:
        for each in levels:
            if each < level:
                if UNIQUE_KEYS[each] not in unique:
                    above.append((each, None))
                    break
                found = unique[UNIQUE_KEYS[each]]
                if found is not None:
                    above.append((each, found))
    return tests, above, modalities


def _level_of_key(tag: int, dialect: QueryDialect) -> Level | None:
    assert dialect.keys is not None
    return next((level for level, tags in dialect.keys.items() if tag in tags), None)


def _is_compared(tag: int, level: Level, levels: tuple[Level, ...], dialect: QueryDialect) -> bool:
    """Whether a key is compared that isn't the unique one of a level above."""
    if dialect.keys is None:
        return True
    own = _level_of_key(tag, dialect)
    # In the Study Root model, patients' attributes are those of the study (PS3.4 section C.6.2.1).
    return own == level or (own == Level.PATIENT and level == Level.STUDY == levels[0])


def _test(key: Key, charset: str, dialect: QueryDialect) -> Test | None:
    rules = dialect.comparison
    if key.matches_nothing:
        return Test(key.tag, NOTHING, NOTHING)
    if key.vr == "SQ" and key.value:
        raise failed(0xC000)
    value = key.value if rules.leading_spaces else key.value.strip(" \0")
    if not value or key.is_sequence or (rules.dates_as_text and key.vr in TEMPORAL and value == "-"):
        return None
    as_sent = compile_key(key.tag, key.vr, value, rules)
    if dialect.texts.answers_in is not None or value.isascii() or not texts.affected(key.vr):
        return Test(key.tag, as_sent, as_sent)
    if texts.is_plain(charset) or not texts.convertible(charset, dialect.texts):
        return Test(key.tag, as_sent, as_sent)
    utf_8 = texts.converted(value, charset, texts.UTF_8)
    return Test(key.tag, as_sent, as_sent if utf_8 is None else compile_key(key.tag, key.vr, utf_8, rules))
