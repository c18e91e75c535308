"""One SQL statement for a query: the columns to answer and to compare, and what narrows the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from dicomhawk.hospital.answer import Field, Layout, Match
from dicomhawk.hospital.attributes import PATIENT_NAME, Attribute
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.matching import Matcher, compile_key
from dicomhawk.hospital.sources import Source, unable

_MATCH_KEY, _PATIENT_KEY = 0, 1  # places of the first two columns


class Selection:
    """Built key by key. `key` is the column that tells matches apart; the patient's table is ``p``."""

    def __init__(self, key: str, now: float, visitor: str | None = None) -> None:
        self.conditions = Conditions(now=now, visitor=visitor or "")
        self.unsupported: list[int] = []
        self._columns = [key, "p.patient_key"]
        self._tests: list[tuple[int, Matcher]] = []

    def answer(self, attribute: Attribute) -> Field:
        """Answer with the value of `attribute`."""
        self._columns.append(attribute.sql)
        return Field(attribute.tag, attribute.vr, column=len(self._columns) - 1)

    def compare(self, attribute: Attribute, text: str, *, column: int | None = None) -> bool:
        """Demand that the value of `attribute` matches a key's `text`; whether that excludes anything.

        `column`: its place, if it is answered, too.
        """
        matcher = compile_key(attribute.vr, text)
        if matcher is None:
            return False
        if column is None:
            column = self.answer(attribute).column or 0
        self._tests.append((column, matcher))
        if attribute.tag == PATIENT_NAME:
            self.conditions.add_name("p.patient_key", "p", matcher)
        elif matcher.hint is not None and attribute.column is not None:
            self.conditions.add(attribute.column, matcher.hint, attribute.within)
        return True

    def unknown(self, tag: int, vr: str) -> Field:
        """Answer a key that isn't supported: with nothing, and the warning."""
        self.unsupported.append(tag)
        return Field(tag, vr)

    def matches(
        self, sources: Sequence[Source], tables: str, layout: Layout, *, repeats: bool = False
    ) -> Iterator[Match]:
        """The matches in `tables` (a FROM clause); `repeats`: several rows may be one match.

        Raises `QueryError` if a source can't be read. Closing the iterator ends the query.
        """
        tests = self._tests
        for source in sources:
            where = " AND ".join((*self.conditions.terms, *source.terms))
            sql = f"SELECT {', '.join(self._columns)} FROM {tables} WHERE {where}"  # noqa: S608 - names of ours
            passed_over = source.passed_over
            seen: set[Any] = set()
            cursor = source.connection.cursor()
            try:
                for row in cursor.execute(sql, self.conditions.parameters):
                    if passed_over and row[_PATIENT_KEY] in passed_over:
                        continue
                    if not all(matcher.matches(row[column]) for column, matcher in tests):
                        continue
                    if repeats:
                        if row[_MATCH_KEY] in seen:
                            continue
                        seen.add(row[_MATCH_KEY])
                    yield Match(row, layout)
            except sqlite3.Error as error:
                raise unable() from error
            finally:
                cursor.close()
