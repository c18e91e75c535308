"""From the keys of a query to what an index can answer: conditions that everything which matches fulfils."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from dicomhawk.hospital.attributes import ATTRIBUTES, PATIENT_ID, PATIENT_NAME, SERIES_UID, SOP_UID, STUDY_UID, Level
from dicomhawk.hospital.dialect import ComparedOn, QueryDialect, TooLong
from dicomhawk.hospital.products.compare import LAST, Compared, Range
from dicomhawk.hospital.products.request import Test
from dicomhawk.hospital.schema import NAME_COLUMNS

INDEXED: Final = frozenset(
    (PATIENT_ID, PATIENT_NAME, STUDY_UID, SERIES_UID, SOP_UID, 0x00100030, 0x00080020, 0x00080050, 0x00200010)
)
"""Attributes whose columns begin an index."""

FEW_POINTS: Final = 16
"""Values of a list that are worth a condition where no index is used."""

_TEXTUAL: Final = frozenset(("AE", "AS", "CS", "DA", "LO", "SH", "TM", "UI"))
"""VRs whose columns have the text of the attribute, so that an index narrows as the test does."""

_DOTLESS: Final = "\u0131"
"""The one letter whose capital is an ASCII letter, and that folding leaves as it is."""


class Narrow(NamedTuple):
    """A stored text of `column`, in the table of `level`, that is one of `points` or in one of `ranges`.

    `infix`: instead, it has these small letters in it, or some that aren't ASCII.
    """

    tag: int
    level: Level
    column: str
    points: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    infix: str = ""

    @property
    def is_indexed(self) -> bool:
        """Whether an index finds the rows."""
        return self.tag in INDEXED and not self.infix


def narrows(tests: Iterable[Test], level: Level, dialect: QueryDialect) -> list[Narrow]:
    """What `tests` imply for the rows of `level` and those above it."""
    return [narrow for test in tests for narrow in _narrows(test, dialect) if narrow.level <= level]


def _narrows(test: Test, dialect: QueryDialect) -> Iterator[Narrow]:
    attribute, compared = ATTRIBUTES.get(test.tag), test.as_sent
    if attribute is None or (dialect.compared_on is ComparedOn.INSTANCE and compared.test("")):
        return  # what isn't there matches, too
    if test.tag == PATIENT_NAME:
        if compared.begins:
            column = f"p.{NAME_COLUMNS[0]}"
            yield Narrow(test.tag, attribute.level, column, ranges=tuple(_of_names(compared.begins.lower())))
        elif compared.infix:
            yield Narrow(test.tag, attribute.level, attribute.sql, infix=compared.infix.lower())
        return
    if attribute.vr not in _TEXTUAL or attribute.column is None or attribute.within != "{}":
        return
    points, ranges = _uncut(compared, dialect, attribute.vr)
    texts = [*points, *(text for each in ranges for text in each if text != LAST)]
    if compared.narrows and all(text.removesuffix(LAST).isascii() for text in texts):
        yield Narrow(test.tag, attribute.level, attribute.column, points, ranges)


def _uncut(compared: Compared, dialect: QueryDialect, vr: str) -> tuple[tuple[str, ...], tuple[Range, ...]]:
    """The points and ranges, where the archive may have cut what the catalogue has whole."""
    longest = dialect.longest.get(vr)
    if longest is None or dialect.too_long is not TooLong.CUT:
        return compared.points, compared.ranges
    whole = tuple(text for text in compared.points if len(text) < longest)
    cut = tuple((text, text + LAST) for text in compared.points if len(text) >= longest)
    return whole, compared.ranges + cut


def _of_names(begins: str) -> Iterator[Range]:
    """Ranges of folded names that begin with these small letters, in whatever way they were written."""
    yield begins, begins + LAST
    # A mark behind the last letter makes another letter of it.
    yield begins[:-1] + "\x80", begins[:-1] + LAST
    for place, letter in enumerate(begins[:-1]):
        if letter == "i":
            yield begins[:place] + _DOTLESS, begins[:place] + _DOTLESS + LAST


def condition(narrow: Narrow, parameters: dict[str, str | int | float]) -> str | None:
    """The condition for a row, for which no index is used; its parameters are added. None: not worth it."""

    def parameter(value: str) -> str:
        name = f"n{len(parameters)}"
        parameters[name] = value
        return f":{name}"

    if narrow.infix:
        column, text = narrow.column, narrow.infix
        # The length in bytes tells what isn't ASCII. Of that the folded group says enough, but for other groups, the
        # letter that folding leaves as it is, and a mark behind the last letter.
        return (
            f"CASE WHEN length({column}) = length(CAST({column} AS BLOB)) "
            f"THEN instr(lower({column}), {parameter(text)}) "
            f"ELSE instr({column}, '=') + instr({column}, {parameter(_DOTLESS)}) "
            f"+ instr(p.{NAME_COLUMNS[0]}, {parameter(text[:-1])}) END IS NOT 0"
        )
    column = f"+{narrow.column}"
    if len(narrow.points) > FEW_POINTS:
        return None
    ways = [f"{column} BETWEEN {parameter(low)} AND {parameter(high)}" for low, high in narrow.ranges]
    if narrow.points:
        ways.append(f"{column} IN ({', '.join(map(parameter, narrow.points))})")
    return f"({' OR '.join(ways)})" if ways else "0"
