"""Which instances a C-GET or C-MOVE means (PS3.4 sections C.4.2 and C.4.3), and how products differ in that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from dicomhawk.hospital.attributes import (
    ATTRIBUTES,
    PATIENT_NAME,
    QUERY_RETRIEVE_LEVEL,
    UNIQUE_KEYS,
    Attribute,
    Level,
)
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.charset import of_data_set
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.dialect import Comparison
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import QueryError, QueryProblem
from dicomhawk.hospital.instances import Chosen, Instances, Order
from dicomhawk.hospital.matching import MAX_PATTERNS, Hint, Stored, compile_key, is_single, key_text, split
from dicomhawk.hospital.products import compare as products
from dicomhawk.hospital.query import Model
from dicomhawk.hospital.request_keys import TooManyError, key_texts, without_single_value
from dicomhawk.hospital.sources import sources
from dicomhawk.hospital.uploads import Uploads

ACCESSION_NUMBER: Final = 0x00080050

_ALIASES: Final = {Level.PATIENT: "p", Level.STUDY: "t", Level.SERIES: "e", Level.IMAGE: "i"}


class Fault(Enum):
    """What can be wrong with the identifier of a retrieval."""

    LEVEL_MISSING = "level-missing"
    LEVEL_UNKNOWN = "level-unknown"
    LEVEL_OUTSIDE = "level-outside"  # of the information model
    KEY_MISSING = "key-missing"
    NOT_ALL_FOUND = "not-all-found"  # of a list, where all must be
    UNREADABLE = "unreadable"


class RetrievalError(QueryError):
    """A retrieval that gets a failure, and which `fault` it has."""

    def __init__(self, fault: Fault, comment: str, tags: tuple[int, ...] = ()) -> None:
        unable = fault in (Fault.UNREADABLE, Fault.NOT_ALL_FOUND)
        kind = QueryProblem.UNABLE_TO_PROCESS if unable else QueryProblem.IDENTIFIER_MISMATCH
        super().__init__(kind, comment, tags)
        self.fault = fault


@dataclass(frozen=True)
class Rules:
    """How a retrieval's identifier is read. The defaults are PS3.4 taken literally."""

    order: Order = "number"
    level_case: bool = True
    """Whether Query/Retrieve Level must be in upper case."""
    level_prefix: bool = False
    """Whether a level is recognized by its beginning."""
    level_spaces: bool = False
    """Whether spaces before a level make it another."""
    level_names: Mapping[str, str] = field(default_factory=dict)
    """Further names of levels."""
    deduce_level: bool = False
    """Whether the lowest unique key stands for a level that isn't there; one without a value is unknown then."""
    levels_outside: bool = False
    """Whether levels are taken that the information model doesn't have."""
    keys: Literal["unique", "all"] = "unique"
    """Whether only unique keys select, or all of the level."""
    compare: Comparison | None = None
    """How keys are compared if all select; None: as PS3.4 has it."""
    unreadable: frozenset[int] = frozenset()
    """Tags of keys that match nothing."""
    supported: Mapping[Level, frozenset[int]] | None = None
    """Attributes that are keys then, by level; None: all that the catalogue has."""
    keys_above: Literal["single", "present", "ignored"] = "single"
    """Unique keys of the levels above: of one value; there, or nothing is found; without effect."""
    accession_number: Literal["no", "present", "filled"] = "no"
    """Whether at STUDY level an Accession Number takes the place of the unique key, if it is there or has a value."""
    id_case: bool = True
    """Whether upper and lower case differ in Patient ID and Accession Number."""
    empty_keys: bool = False
    """Whether a unique key without a value means what has none, or is missing."""
    all_of_list: bool = False
    """Whether each value of a list must be found."""
    wildcards_refused: bool = False
    """Whether a wildcard in a unique key is a failure, as if not all were found, or an ordinary character."""
    list_order: bool = False
    """Whether what a list names comes in its order, and as often as it is named."""


PLAIN: Final = Rules()


def retrieve(
    catalogue: Catalogue,
    model: Model,
    identifier: DataSet,
    *,
    now: float,
    uploads: Uploads | None = None,
    visitor: str | None = None,
    relational: bool = False,
    rules: Rules = PLAIN,
) -> Instances:
    """The instances that a C-GET or C-MOVE asks for, in the order of `rules`.

    They are counted now, and read while the result is iterated over. `now` and `visitor` as in `find`. With
    `relational`, the unique keys of the levels above may be absent. Raises `QueryError`, and `RetrievalError` for
    what is wrong with the identifier.
    """
    try:
        texts = key_texts(identifier)
    except TooManyError as error:
        raise RetrievalError(Fault.UNREADABLE, str(error)) from None
    level = _level(model, identifier, texts, rules)
    if rules.keys_above == "single" and not relational:
        missing = without_single_value(model.levels, level, texts)
        if missing:
            raise RetrievalError(Fault.KEY_MISSING, f"No single value of a unique key above {level.name}", missing)
    conditions = Conditions(*_visible(), now=now, visitor=visitor or "")
    chosen = Chosen(conditions, level)
    if rules.keys == "all":
        _by_all_keys(chosen, model, level, identifier, texts, rules)
    else:
        _by_unique_keys(chosen, model, level, texts, rules)
    if rules.keys_above == "present" and any(
        UNIQUE_KEYS[each] not in identifier for each in model.levels if each < level
    ):
        conditions.terms.append("0")
    found = Instances(sources(catalogue, uploads, visitor), chosen, rules.order)
    if rules.all_of_list and not found.all_found:
        raise RetrievalError(Fault.NOT_ALL_FOUND, "Not all are here")
    return found


def _by_unique_keys(chosen: Chosen, model: Model, level: Level, texts: dict[int, str], rules: Rules) -> None:
    """Choose by the unique key of the level, which may be a list, and those above, which are single values."""
    for each in model.levels:
        tag = UNIQUE_KEYS[each]
        if each < level and rules.keys_above != "ignored" and texts.get(tag) and ATTRIBUTES[tag].column is not None:
            chosen.conditions.add(ATTRIBUTES[tag].column or "", Hint("in", _values(ATTRIBUTES[tag], texts[tag])))
    tag = _key_of(level, texts, rules)
    attribute, text = ATTRIBUTES[tag], texts.get(tag, "")
    if not _says_what(attribute.vr, text) and not (rules.empty_keys and tag in texts):
        raise RetrievalError(Fault.KEY_MISSING, f"No value of the unique key of {level.name}", (tag,))
    values = tuple(text.split("\\")) if rules.empty_keys else _values(attribute, text)
    if rules.wildcards_refused and any("*" in value or "?" in value for value in values):
        raise RetrievalError(Fault.NOT_ALL_FOUND, "A wildcard")
    column = attribute.column or ""
    if not rules.id_case and attribute.vr != "UI":
        column, values = f"upper({column})", tuple(value.upper() for value in values)
    chosen.conditions.add(column, Hint("in", values))
    chosen.of_instances = level == Level.IMAGE
    if rules.list_order or rules.all_of_list:
        chosen.listed, chosen.listed_column = values, column
        chosen.repeated = rules.list_order


def _by_all_keys(
    chosen: Chosen,
    model: Model,
    level: Level,
    identifier: DataSet,
    texts: dict[int, str],
    rules: Rules,
) -> None:
    """Choose as a C-FIND at this level would: by its keys, and by the unique keys above it."""
    patterns = 0
    hint: Hint | None
    matches: Callable[[Stored], bool]
    for tag in identifier:
        attribute = ATTRIBUTES.get(tag)
        if attribute is None or attribute.field is None:
            continue
        if rules.supported is not None and tag not in rules.supported.get(attribute.level, ()):
            continue
        in_study_root = attribute.level == Level.PATIENT and model.levels[0] == level == Level.STUDY
        above = attribute.level < level and tag == UNIQUE_KEYS[attribute.level] and attribute.level in model.levels
        if attribute.level != level and not in_study_root and not above:
            continue
        if tag in rules.unreadable:
            hint, matches, more = Hint("in", ()), _never, 0
        elif rules.compare is None:
            matcher = compile_key(attribute.vr, texts[tag])
            if matcher is None:
                continue
            hint, matches, more = matcher.hint, matcher.matches, matcher.patterns
            if tag == PATIENT_NAME:
                chosen.conditions.add_name("p.patient_key", "p", matcher)
        elif texts[tag]:
            hint, matches, more = _compared(tag, attribute.vr, texts[tag], rules.compare)
        else:
            continue
        patterns += more
        if patterns > MAX_PATTERNS:
            raise RetrievalError(Fault.UNREADABLE, "Too many values to match")
        if hint is not None and attribute.column is not None:
            chosen.conditions.add(attribute.column, hint)
        chosen.tests.append((attribute.sql, _test(matches)))
    chosen.of_instances = True


def _compared(tag: int, vr: str, text: str, compare: Comparison) -> tuple[Hint | None, Callable[[Stored], bool], int]:
    try:
        found = products.compile_key(tag, vr, text, compare)
    except products.WildcardError:
        return Hint("in", ()), _never, 0
    hint = Hint("in", found.points) if found.narrows and not found.ranges else None
    return hint, lambda stored: found.test("" if stored is None else str(stored)), found.patterns


def _never(stored: Stored) -> bool:
    return False


def _test(matches: Callable[[Stored], bool]) -> Callable[[Stored], bool]:
    remembered: dict[Stored, bool] = {}

    def test(value: Stored) -> bool:
        # The values of a study or series come once for each of their instances.
        if value not in remembered:
            remembered.clear()
            remembered[value] = matches(value)
        return remembered[value]

    return test


def _key_of(level: Level, texts: dict[int, str], rules: Rules) -> int:
    if level != Level.STUDY or ACCESSION_NUMBER not in texts or rules.accession_number == "no":
        return UNIQUE_KEYS[level]
    return ACCESSION_NUMBER if rules.accession_number == "present" or texts[ACCESSION_NUMBER] else UNIQUE_KEYS[level]


def _level(model: Model, identifier: DataSet, texts: dict[int, str], rules: Rules) -> Level:
    element = identifier.get(QUERY_RETRIEVE_LEVEL)
    name = key_text(element, of_data_set({})) if element is not None else ""
    begins_with_space = element is not None and isinstance(element.value, bytes) and element.value[:1] == b" "
    unknown = QUERY_RETRIEVE_LEVEL in rules.unreadable or (rules.level_spaces and begins_with_space and bool(name))
    if unknown or (rules.deduce_level and element is not None and not name):
        raise RetrievalError(Fault.LEVEL_UNKNOWN, "Query/Retrieve Level is unknown", (QUERY_RETRIEVE_LEVEL,))
    if not name:
        if rules.deduce_level:
            for level in reversed(Level):
                tag = _key_of(level, texts, rules)
                if _says_what(ATTRIBUTES[tag].vr, texts.get(tag, "")) or (rules.empty_keys and tag in texts):
                    return level
        raise RetrievalError(Fault.LEVEL_MISSING, "Query/Retrieve Level is missing", (QUERY_RETRIEVE_LEVEL,))
    if not rules.level_case:
        name = name.upper()
    name = rules.level_names.get(name, name)
    for level in Level:
        if name == level.name or (rules.level_prefix and name.startswith(level.name)):
            if level in model.levels or rules.levels_outside:
                return level
            comment = f"Query/Retrieve Level is not one of {model.name}"
            raise RetrievalError(Fault.LEVEL_OUTSIDE, comment, (QUERY_RETRIEVE_LEVEL,))
    raise RetrievalError(Fault.LEVEL_UNKNOWN, "Query/Retrieve Level is unknown", (QUERY_RETRIEVE_LEVEL,))


def _values(attribute: Attribute, text: str) -> tuple[str, ...]:
    return tuple(filter(None, split(attribute.vr, text)))


def _says_what(vr: str, text: str) -> bool:
    """Whether a unique key of the level of a retrieval says what to send."""
    return is_single(vr, text) or (vr == "UI" and any(split(vr, text)) and text != "*")


def _visible() -> list[str]:
    # The plus keeps the planner from walking an index of times that nearly all have passed.
    return [f"+{_ALIASES[each]}.visible_from <= :now" for each in Level if each <= Level.SERIES]
