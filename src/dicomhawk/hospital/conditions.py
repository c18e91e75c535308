"""From the hints of matchers to SQL: what an index can answer before the exact comparison."""

from __future__ import annotations

import json
from typing import Final

from dicomhawk.hospital.matching import Hint, Matcher
from dicomhawk.hospital.schema import NAME_COLUMNS

_LAST: Final = "\U0010ffff"
"""Sorts behind whatever follows a prefix."""


class Conditions:
    """The terms of a WHERE clause and their named parameters."""

    def __init__(self, *terms: str, **parameters: str | int | float) -> None:
        self.terms = list(terms)
        self.parameters: dict[str, str | int | float] = dict(parameters)

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
                found = " UNION ALL ".join(
                    f"SELECT patient_key FROM patient WHERE {self._condition(column, hint)}"  # noqa: S608
                    for column in columns
                )
                self.terms.append(f"{key} IN ({found})")

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
