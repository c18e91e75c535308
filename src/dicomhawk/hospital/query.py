"""Queries over the catalogue (PS3.4 section C.4.1): the matches of a C-FIND.

A query becomes one SQL statement that narrows by what the indexes know, and an exact comparison of each row in
Python. What a visitor stored is a second catalogue, of the same shape, in which the patients it touches are
complete; those patients are passed over in the hospital's own.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import Final

from dicomhawk.hospital.answer import PLAIN, Answering, Field, Layout, Match, encode_match
from dicomhawk.hospital.attributes import (
    ATTRIBUTES,
    INSTANCE_AVAILABILITY,
    QUERY_RETRIEVE_LEVEL,
    RETRIEVE_AE_TITLE,
    Level,
)
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET, of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import QueryError, QueryProblem
from dicomhawk.hospital.matching import key_text
from dicomhawk.hospital.request_keys import TooManyError, key_texts, without_single_value
from dicomhawk.hospital.selection import Selection
from dicomhawk.hospital.sources import sources
from dicomhawk.hospital.uploads import Uploads

__all__ = [
    "Answering",
    "Match",
    "Model",
    "QueryError",
    "QueryProblem",
    "encode_match",
    "find",
]

ONLINE: Final = "ONLINE"
"""Instance Availability (0008,0056) of all that the archive has."""

_FROM: Final = {
    Level.PATIENT: "patient p",
    Level.STUDY: "study t JOIN patient p ON p.patient_key = t.patient_key",
    Level.SERIES: "series e JOIN study t ON t.study_key = e.study_key "
    "JOIN patient p ON p.patient_key = t.patient_key",
    Level.IMAGE: "instance i JOIN series e ON e.series_key = i.series_key "
    "JOIN study t ON t.study_key = e.study_key JOIN patient p ON p.patient_key = t.patient_key",
}
_ALIASES: Final = {Level.PATIENT: "p", Level.STUDY: "t", Level.SERIES: "e", Level.IMAGE: "i"}
_KEYS: Final = {
    Level.PATIENT: "p.patient_key",
    Level.STUDY: "t.study_key",
    Level.SERIES: "e.series_key",
    Level.IMAGE: "i.instance_key",
}


_NO_KEYS: Final = frozenset((QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, SPECIFIC_CHARACTER_SET))


class Model(Enum):
    """The information models of PS3.4 section C.3, by their levels."""

    PATIENT_ROOT = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE)
    STUDY_ROOT = (Level.STUDY, Level.SERIES, Level.IMAGE)
    PATIENT_STUDY_ONLY = (Level.PATIENT, Level.STUDY)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that a query can be made at."""
        levels: tuple[Level, ...] = self.value
        return levels


def find(
    catalogue: Catalogue,
    model: Model,
    identifier: DataSet,
    *,
    now: float,
    uploads: Uploads | None = None,
    visitor: str | None = None,
    relational: bool = False,
    answering: Answering = PLAIN,
) -> Generator[Match | None, None, None]:
    """The matches of a C-FIND (PS3.4 section C.4.1), as they are found; None: nothing yet, let others have a turn.

    `identifier` is the request's, decoded; `now` a POSIX time: rows that become visible later don't exist. What
    `visitor` stored is in the answers, too. With `relational`, keys of all levels are matched, and the unique
    keys of the levels above may be absent (section C.4.1.2.2.1). Raises `QueryError` at once; closing the
    iterator ends the query.
    """
    try:
        texts = key_texts(identifier)
    except TooManyError as error:
        raise QueryError(QueryProblem.UNABLE_TO_PROCESS, str(error)) from None
    level = _level(model, identifier)
    missing = () if relational else without_single_value(model.levels, level, texts)
    if missing:
        comment = f"No single value of a unique key above {level.name}"
        raise QueryError(QueryProblem.IDENTIFIER_MISMATCH, comment, missing)
    selection = Selection(_KEYS[level], now, visitor)
    fields, lowest = _fields(selection, level, identifier, texts, relational, answering)
    selection.conditions.terms += _visible(lowest)
    if lowest <= Level.STUDY:  # below, that would be asked again for every row of the study
        selection.narrow_by_children()
    layout = Layout(fields, answering, tuple(selection.unsupported))
    return selection.matches(sources(catalogue, uploads, visitor), _FROM[lowest], layout, repeats=lowest > level)


def _level(model: Model, identifier: DataSet) -> Level:
    element = identifier.get(QUERY_RETRIEVE_LEVEL)
    name = key_text(element, of_data_set({})) if element is not None else ""
    for level in model.levels:
        if level.name == name:
            return level
    comment = f"Query/Retrieve Level is not one of {model.name}" if name else "Query/Retrieve Level is missing"
    raise QueryError(QueryProblem.IDENTIFIER_MISMATCH, comment, (QUERY_RETRIEVE_LEVEL,))


def _visible(level: Level) -> list[str]:
    # The plus keeps the planner from walking an index of times that nearly all have passed.
    return [f"+{_ALIASES[each]}.visible_from <= :now" for each in Level if each <= level]


def _fields(
    selection: Selection,
    level: Level,
    identifier: DataSet,
    texts: dict[int, str],
    relational: bool,
    answering: Answering,
) -> tuple[list[Field], Level]:
    """The fields of the answers, and the lowest level whose rows are compared."""
    lowest = level
    fields = [Field(QUERY_RETRIEVE_LEVEL, "CS", constant=level.name)]
    if answering.retrieve_ae:
        fields.append(Field(RETRIEVE_AE_TITLE, "AE", constant=answering.retrieve_ae))
    for tag, element in identifier.items():
        attribute = ATTRIBUTES.get(tag)
        if attribute is None:
            special = _special(tag, answering)
            fields += [selection.unknown(tag, element.vr)] if special is None else special
        elif attribute.level <= level:
            field = selection.answer(attribute)
            selection.compare(attribute, texts[tag], column=field.column)
            fields.append(field)
        elif relational and selection.compare(attribute, texts[tag]):
            lowest = max(lowest, attribute.level)
            fields.append(Field(tag, attribute.vr))
        else:
            fields.append(selection.unknown(tag, attribute.vr))
    return fields, lowest


def _special(tag: int, answering: Answering) -> list[Field] | None:
    """The fields for a key that isn't an attribute of the catalogue; None: not supported."""
    if tag == INSTANCE_AVAILABILITY:
        return [Field(tag, "CS", constant=ONLINE)]
    if tag == RETRIEVE_AE_TITLE and not answering.retrieve_ae:
        return [Field(tag, "AE")]
    if tag in _NO_KEYS or tag & 0xFFFF == 0:
        return []
    return None
