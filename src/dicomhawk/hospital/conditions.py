"""From the hints of matchers to SQL: what an index can answer before the exact comparison."""

from __future__ import annotations

import json
import sqlite3
from typing import Final, NamedTuple

from dicomhawk.hospital.matching import Hint, Matcher
from dicomhawk.hospital.schema import NAME_COLUMNS

_LAST: Final = "\U0010ffff"
"""Sorts behind whatever follows a prefix."""

MANY_PATIENTS: Final = 4096
"""Patients whose names are looked up before anything else is; with more, other keys narrow better."""


class _Names(NamedTuple):
    term: str
    by_row: str
    found: str


class Conditions:
    """The terms of a WHERE clause and their named parameters."""

    def __init__(self, *terms: str, **parameters: str | int | float) -> None:
        self.terms = list(terms)
        self.parameters: dict[str, str | int | float] = dict(parameters)
        self._names: list[_Names] = []

    def where(self, connection: sqlite3.Connection) -> list[str]:
        """The terms for a database: names that many patients have are compared row by row. Raises `sqlite3.Error`."""
        terms = list(self.terms)
        for names in self._names:
            counted = f"SELECT count(*) FROM ({names.found} LIMIT {MANY_PATIENTS})"  # noqa: S608 - a number of ours
            if connection.execute(counted, self.parameters).fetchone()[0] == MANY_PATIENTS:
                terms[terms.index(names.term)] = names.by_row
        return terms

    def add(self, column: str, hint: Hint, within: str = "{}") -> None:
        """Demand `hint` of `column`, in the place that `within` has for the condition."""
        self.terms.append(within.format(self._condition(column, hint)))

    def add_name(self, key: str, table: str, matcher: Matcher) -> None:
        """Demand the hints of a matcher of names of the patient with primary key `key`; `table` has the names."""
        for group, hint in matcher.group_hints:
            columns = NAME_COLUMNS if group is None else NAME_COLUMNS[group : group + 1]
            if hint.kind == "contains":  # no index helps: look at the rows as they come
                found = " OR ".join(self._condition(f"{table}.{column}", hint) for column in columns)
                self.terms.append(f"({found})")
            else:
                condition = self._condition("{0}", hint)
                found = " UNION ALL ".join(
                    f"SELECT patient_key FROM patient WHERE {condition.format(column)}"  # noqa: S608
                    for column in columns
                )
                by_row = " OR ".join(condition.format(f"+{table}.{column}") for column in columns)
                self.terms.append(f"{key} IN ({found})")
                self._names.append(_Names(self.terms[-1], f"({by_row})", found))

    def _condition(self, column: str, hint: Hint) -> str:
        values = hint.values
        if hint.kind == "in":
            if len(values) == 1:
                return f"{column} = {self._parameter(values[0])}"
            # One parameter for any number of values, so that a long list isn't a new statement each time.
            return f"{column} IN (SELECT value FROM json_each({self._parameter(json.dumps(values))}))"  # noqa: S608
        if hint.kind == "between":
            return f"{column} BETWEEN {self._parameter(values[0])} AND {self._parameter(values[1])}"
        if hint.kind == "prefix":
            first = str(values[0])
            return f"{column} >= {self._parameter(first)} AND {column} < {self._parameter(first + _LAST)}"
        return f"instr({column}, {self._parameter(values[0])}) > 0"

    def _parameter(self, value: str | int) -> str:
        name = f"k{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"
