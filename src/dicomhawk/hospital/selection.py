"""One SQL statement for a query: the columns to answer and to compare, and what narrows the rows."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from dicomhawk.hospital.answer import Field, Layout, Match
from dicomhawk.hospital.attributes import PATIENT_NAME, Attribute
from dicomhawk.hospital.budget import ROWS_A_TURN, Budget
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.errors import QueryError, QueryProblem
from dicomhawk.hospital.matching import MAX_PATTERNS, Hint, Stored, compile_key
from dicomhawk.hospital.schema import TABLES
from dicomhawk.hospital.sources import Source, unable

REMEMBERED: Final = 64
"""Values of a column whose comparison with such a key is remembered; those of a patient or study repeat."""

STRETCH: Final = 4096
"""Rows that one statement goes through where no index narrows them; some 5 ms."""

_MATCH_KEY, _PATIENT_KEY = 0, 1  # places of the first two columns
_LAST: Final = (1 << 63) - 1


class Selection:
    """Built key by key. `key` is the column that tells matches apart; the patient's table is ``p``."""

    def __init__(self, key: str, now: float, visitor: str | None = None) -> None:
        self.conditions = Conditions(now=now, visitor=visitor or "")
        self.unsupported: list[int] = []
        self._columns = [key, "p.patient_key"]
        self._tests: list[tuple[int, Callable[[Stored], bool]]] = []
        self._patterns = 0
        self._by_children: list[tuple[str, Hint, str]] = []
        self._narrowed = False  # whether an index may find the rows

    def answer(self, attribute: Attribute) -> Field:
        """Answer with the value of `attribute`."""
        self._columns.append(attribute.sql)
        return Field(attribute.tag, attribute.vr, column=len(self._columns) - 1)

    def compare(self, attribute: Attribute, text: str, *, column: int | None = None) -> bool:
        """Demand that the value of `attribute` matches a key's `text`; whether that excludes anything.

        `column`: its place, if it is answered, too. Raises `QueryError` if that is too much to compare.
        """
        matcher = compile_key(attribute.vr, text)
        if matcher is None:
            return False
        if column is None:
            column = self.answer(attribute).column or 0
        matches = matcher.matches
        if matcher.patterns:
            self._patterns += matcher.patterns
            if self._patterns > MAX_PATTERNS:
                raise QueryError(QueryProblem.UNABLE_TO_PROCESS, "Too many values to match")
            matches = lru_cache(REMEMBERED, typed=True)(matches)
        self._tests.append((column, matches))
        if attribute.tag == PATIENT_NAME:
            self._narrowed |= any(hint.kind != "contains" for _, hint in matcher.group_hints)
            self.conditions.add_name("p.patient_key", "p", matcher)
        elif matcher.hint is not None and attribute.column is not None:
            if attribute.within == "{}":
                self._narrowed |= matcher.hint.kind != "contains"
                self.conditions.add(attribute.column, matcher.hint)
            else:
                self._by_children.append((attribute.column, matcher.hint, attribute.within))
        return True

    def narrow_by_children(self) -> None:
        """Narrow by what is below a row, too: worth it only where its rows come once each."""
        for column, hint, within in self._by_children:
            self.conditions.add(column, hint, within)

    def unknown(self, tag: int, vr: str) -> Field:
        """Answer a key that isn't supported: with nothing, and the warning."""
        self.unsupported.append(tag)
        return Field(tag, vr)

    def matches(
        self, sources: Sequence[Source], tables: str, layout: Layout, *, repeats: bool = False
    ) -> Generator[Match | None, None, None]:
        """The matches in `tables` (a FROM clause); `repeats`: several rows may be one match.

        None: nothing yet, and time to let others have a turn. Raises `QueryError` if a source can't be read or
        takes too long. Closing the iterator ends the query.
        """
        tests = self._tests
        rows_a_turn = ROWS_A_TURN // (1 + self._patterns)
        for source in sources:
            passed_over = source.passed_over
            seen: set[Any] = set()
            in_vain = 0
            budget = Budget(source.connection)
            cursor = source.connection.cursor()
            try:
                where = [*self.conditions.where(source.connection), *source.terms]
                for number, stretch in enumerate(self._stretches(source.connection)):
                    if number:
                        yield None
                    terms, parameters = where, self.conditions.parameters
                    if stretch is not None:
                        key = self._columns[_MATCH_KEY]
                        terms = [*terms, f"{key} > :after", f"{key} <= :last"]
                        parameters = parameters | {"after": stretch[0], "last": stretch[1]}
                    sql = f"SELECT {', '.join(self._columns)} FROM {tables} WHERE {' AND '.join(terms)}"  # noqa: S608
                    budget.begin()
                    for row in cursor.execute(sql, parameters):
                        if in_vain >= rows_a_turn or budget.spent:
                            budget.pause()
                            yield None
                            budget.begin()
                            in_vain = 0
                        in_vain += 1
                        if passed_over and row[_PATIENT_KEY] in passed_over:
                            continue
                        if not all(test(row[column]) for column, test in tests):
                            continue
                        if repeats:
                            if row[_MATCH_KEY] in seen:
                                continue
                            seen.add(row[_MATCH_KEY])
                        in_vain -= 1
                        budget.pause()
                        yield Match(row, layout)
                        budget.resume()
                    budget.pause()
            except sqlite3.Error as error:
                raise unable() from error
            finally:
                with contextlib.suppress(sqlite3.Error):  # the connection may be closed
                    budget.pause()
                cursor.close()

    def _stretches(self, connection: sqlite3.Connection) -> Iterator[tuple[int, int] | None]:
        """Where no index narrows rows: the keys behind which, and up to which, a statement looks; else None, once.
        Raises `sqlite3.Error`."""
        if self._narrowed:
            yield None
            return
        column = self._columns[_MATCH_KEY].partition(".")[2]
        table = next(name for name in TABLES.values() if name.endswith(column.removesuffix("_key")))
        sql = f"SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT 1 OFFSET ?"  # noqa: S608
        after = -1
        while True:
            found = connection.execute(sql, (after, STRETCH - 1)).fetchone()
            yield after, found[0] if found else _LAST
            if not found:
                return
            after = found[0]
