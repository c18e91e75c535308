"""Searching the hospital's catalogue in the order of a product, a piece at a time.

Where an index says which rows may match, and they are not too many, their keys are put in order and the rows read
from the first on. Else the whole table is gone through in that order. Either way what is read at once is bounded,
and the first answer doesn't wait for the last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from dicomhawk.hospital.attributes import ATTRIBUTES, UNIQUE_KEYS, Level
from dicomhawk.hospital.budget import Budget
from dicomhawk.hospital.dialect import Order, QueryDialect
from dicomhawk.hospital.digests import digest
from dicomhawk.hospital.products.catalogue import COMPUTED, ORDINARY_LENGTH, CatalogueObjects, CatalogueResource
from dicomhawk.hospital.products.narrowing import Narrow, condition, narrows
from dicomhawk.hospital.products.request import Test
from dicomhawk.hospital.products.resource import Resource
from dicomhawk.hospital.sources import unable

FIRST_ROWS: Final = 32
"""Rows that are read at first: few, so that the first answer comes soon."""

MOST_ROWS: Final = 256
"""Rows that are read and compared before others have a turn, later; some 2 ms. With patterns, fewer."""

MOST_CANDIDATES: Final = 8192
"""Keys that are put in order; some 5 ms. If there are more, every hundredth row of a million is one."""

FEW_CANDIDATES: Final = 64
"""Keys that need not become fewer."""

COLLECTED_A_TURN: Final = 512
"""Keys that are read from an index, or patients looked at, before others have a turn; less than 1 ms."""

TRIED: Final = 2048
"""Rows after which it is clear whether going through the whole table finds enough."""

SELDOM: Final = 128
"""If not even one row in so many may match, the patients are looked at first: they are fewer than the studies."""

_TABLES: Final = {Level.PATIENT: "patient", Level.STUDY: "study", Level.SERIES: "series", Level.IMAGE: "instance"}
_ALIASES: Final = {Level.PATIENT: "p", Level.STUDY: "t", Level.SERIES: "e", Level.IMAGE: "i"}
_KEYS: Final = {level: f"{alias}.{_TABLES[level]}_key" for level, alias in _ALIASES.items()}
_IDS: Final = tuple(ATTRIBUTES[tag].sql for tag in UNIQUE_KEYS.values())
_LAST: Final = (1 << 63) - 1

Batch = Generator[list[tuple[Any, ...]] | None, None, None]


class Quick(NamedTuple):
    """A test for the ordinary values of an attribute; `absent`: what no value comes to."""

    tag: int
    passes: Callable[[str], bool]
    absent: bool


class Matching(NamedTuple):
    """How resources are compared: `exact` alone says it all, the `quick` ones everything if `complete`."""

    tests: Sequence[Test]
    exact: Callable[[Resource], bool]
    quick: Sequence[Quick]
    complete: bool

    @property
    def patterns(self) -> int:
        """How many values are compared one after the other."""
        return sum(test.as_sent.patterns for test in self.tests)


class Search:
    """The resources of `level` in the catalogue that match, whose kept `tags` are asked for."""

    def __init__(
        self, objects: CatalogueObjects, level: Level, matching: Matching, tags: Iterable[int], now: float
    ) -> None:
        self._objects = objects
        self._dialect: QueryDialect = objects.dialect
        self._connection = objects.catalogue.connection
        self._level = level
        self._now = now
        self._matching = matching
        wanted = {test.tag for test in matching.tests} | set(tags)
        known = (ATTRIBUTES[tag] for tag in sorted(wanted) if tag in ATTRIBUTES and tag not in COMPUTED)
        attributes = [attribute for attribute in known if attribute.level <= level]
        self._tags = [attribute.tag for attribute in attributes]
        self._columns = ", ".join((_KEYS[level], "p.patient_key", *_IDS[: level + 1], *(a.sql for a in attributes)))
        first = level + 3
        self._quick = [
            (first + self._tags.index(quick.tag), quick.passes, quick.absent)
            for quick in matching.quick
            if quick.tag in self._tags
        ]
        self._sure = matching.complete and len(self._quick) == len(matching.quick)
        self._narrows = narrows(matching.tests, level, self._dialect)
        self._parameters: dict[str, Any] = {"now": now}
        # The plus keeps the planner from walking an index of times that nearly all have passed.
        self._terms = [f"+{_ALIASES[each]}.visible_from <= :now" for each in Level if each <= level]
        self._of_patients: list[str] = []
        for narrow in self._narrows:
            term = condition(narrow, self._parameters)
            if term is not None:
                (self._of_patients if narrow.level == Level.PATIENT else self._terms).append(term)
        self._terms += self._of_patients
        self._most = max(MOST_ROWS // (1 + matching.patterns), FIRST_ROWS)

    def run(
        self, order: Order, passed_over: frozenset[int]
    ) -> Generator[tuple[bytes, CatalogueResource] | None, None, None]:
        """Resources that match, in `order`; None: let others have a turn. Raises `QueryError`.

        Those of the patients `passed_over` are left out. With `Order.DIGEST` each comes with its digest.
        """
        column = "place" if order is Order.DIGEST else f"{_TABLES[self._level]}_key"
        if order is Order.DIGEST and self._level == Level.IMAGE:
            batches = self._of_instances(passed_over)
        else:
            batches = self._ordered(self._level, column)
        for rows in _in_turns(batches):
            if rows is None:
                yield None
                continue
            for row in rows:
                resource = self._matched(row, passed_over)
                if resource is not None:
                    yield (digest(resource.ids) if order is Order.DIGEST else b""), resource

    def run_by_study(
        self, order: Order, passed_over: frozenset[int]
    ) -> Generator[tuple[str, CatalogueResource] | None, None, None]:
        """Of each study, by their UIDs, the first series in `order` that matches, and the study's UID."""
        first = "e.place" if order is Order.DIGEST else "e.series_key"
        for rows in _in_turns(self._ordered(Level.STUDY, "study_uid", f", t.study_uid, {first}")):
            if rows is None:
                yield None
                continue
            before = None
            for row in rows:
                if row[3] != before:
                    resource = self._matched(row, passed_over)
                    if resource is not None:
                        before = row[3]
                        yield row[3], resource

    def _matched(self, row: tuple[Any, ...], passed_over: frozenset[int]) -> CatalogueResource | None:
        if row[1] in passed_over:
            return None
        sure = self._sure
        for place, passes, absent in self._quick:
            value = row[place]
            if value is None:
                if not absent:
                    return None
            elif type(value) is str and len(value) <= ORDINARY_LENGTH and value.isascii():
                if not passes(value):
                    return None
            else:
                sure = False
        resource = self._resource(row)
        return resource if sure or self._matching.exact(resource) else None

    def _resource(self, row: tuple[Any, ...]) -> CatalogueResource:
        level = self._level
        values = dict(zip(self._tags, row[level + 3 :], strict=False))
        return CatalogueResource(self._objects, level, row[0], row[2 : level + 3], values, self._now)

    def _of_instances(self, passed_over: frozenset[int]) -> Batch:
        """Instances by their digests, which the catalogue doesn't have: all that match are put in order."""
        found: list[tuple[bytes, int]] = []
        for rows in _in_turns(self._ordered(self._level, "instance_key")):
            if rows is None:
                yield None
                continue
            matched = (self._matched(row, passed_over) for row in rows)
            found += ((digest(resource.ids), resource.key) for resource in matched if resource is not None)
        found.sort()
        yield from self._by_keys(self._level, [key for _, key in found], "")

    def _ordered(self, level: Level, column: str, more: str = "") -> Batch:
        """Rows that may match, in the order of a column of the table of `level`, and then of `more`."""
        keys = yield from self._candidates(level, column)
        if keys is not None:
            yield from self._by_keys(level, keys, more)
        else:
            yield from self._through(level, column, more)

    def _candidates(self, level: Level, column: str) -> Generator[None, None, list[int] | None]:
        """Keys of the rows that may match, in order; None: no index says it, or they are too many."""
        found: dict[int, Any] | None = None
        for narrow in sorted(self._narrows, key=lambda narrow: not narrow.points):
            if narrow.level > level or not narrow.is_indexed:
                continue
            keys = yield from self._collected(narrow, level, column)
            if keys is not None:
                found = keys if found is None else {key: keys[key] for key in found.keys() & keys.keys()}
                if len(found) <= FEW_CANDIDATES:
                    break
        if found is None:
            return None
        return _sorted(found)

    def _collected(self, narrow: Narrow, level: Level, column: str) -> Generator[None, None, dict[int, Any] | None]:
        """By key, the values of `column` in the rows that `narrow` finds; None: they are too many."""
        selected, tables = self._keys_below(narrow.level, level, column)
        statements: list[tuple[str, tuple[str, ...]]] = []
        if narrow.points:
            points = f"json_each(?) k CROSS JOIN {tables}"
            statements.append((f"{points} WHERE {narrow.column} = k.value", (json.dumps(narrow.points),)))
        statements += ((f"{tables} WHERE {narrow.column} BETWEEN ? AND ?", each) for each in narrow.ranges)
        found: dict[int, Any] = {}
        for statement, parameters in statements:
            for rows in self._read(selected + statement, parameters, COLLECTED_A_TURN):
                found.update(rows)
                if len(found) > MOST_CANDIDATES:
                    return None
                if len(rows) == COLLECTED_A_TURN:
                    yield
        return found

    def _looked_up(self, level: Level, column: str) -> Generator[None, None, dict[int, Any] | None]:
        """The same of all patients that may match, whom no index finds."""
        selected, tables = self._keys_below(Level.PATIENT, level, column, "NOT INDEXED")
        sql = f"{selected}{tables} WHERE p.patient_key > :after AND p.patient_key <= :last"
        sql += f" AND {' AND '.join(self._of_patients)}"
        found: dict[int, Any] = {}
        after, last = -1, 0
        while last != _LAST:
            last = self._end("patient", "patient_key", after, COLLECTED_A_TURN) or _LAST
            found.update(self._all(sql, self._parameters | {"after": after, "last": last}))
            if len(found) > MOST_CANDIDATES:
                return None
            yield
            after = last
        return found

    def _keys_below(self, above: Level, level: Level, column: str, index: str = "") -> tuple[str, str]:
        """What to select, and from which tables, for the keys and a column of `level` in rows of a level `above`."""
        joins = [f"{_TABLES[above]} {_ALIASES[above]} {index}", *_downwards(above, level)]
        selected = f"SELECT {_KEYS[level]}, {_ALIASES[level]}.{column} FROM "  # noqa: S608 - names of ours
        return selected, " CROSS JOIN ".join(joins)

    def _by_keys(self, level: Level, keys: Sequence[int], more: str) -> Batch:
        """The rows with these keys, in their order."""
        tables = f"json_each(:keys) k CROSS JOIN {self._tables(level, f'ON {_KEYS[level]} = k.value')}"
        sql = f"SELECT {self._columns} FROM {tables} WHERE {' AND '.join(self._terms)}"  # noqa: S608 - names of ours
        if more:
            sql += f" ORDER BY k.key{more}"
        start, size = 0, FIRST_ROWS
        while start < len(keys):
            yield self._all(sql, self._parameters | {"keys": json.dumps(keys[start : start + size])})
            start, size = start + size, min(2 * size, self._most)

    def _through(self, level: Level, column: str, more: str) -> Batch:
        """All rows that may match, in the order of `column`."""
        table, alias = _TABLES[level], _ALIASES[level]
        by = f"INDEXED BY {table}_by_{column.removeprefix('study_')}"
        tables = self._tables(level, "NOT INDEXED" if column == f"{table}_key" else by)
        sql = (
            f"SELECT {self._columns} FROM {tables} "  # noqa: S608 - names of ours
            f"WHERE {alias}.{column} > :after AND {alias}.{column} <= :last "
            f"AND {' AND '.join(self._terms)} ORDER BY {alias}.{column}{more}"
        )
        after, end = ("", "\U0010ffff") if column == "study_uid" else (-1, _LAST)
        size, gone, found, last = FIRST_ROWS, 0, 0, after
        may_look = level > Level.PATIENT and bool(self._of_patients)
        while last != end:
            if may_look and gone >= TRIED and found * SELDOM < gone:
                may_look = False
                keys = yield from self._looked_up(level, column)
                if keys is not None:
                    rest = {key: value for key, value in keys.items() if value > after}
                    yield from self._by_keys(level, _sorted(rest), more)
                    return
            last = self._end(table, column, after, size) or end
            rows = self._all(sql, self._parameters | {"after": after, "last": last})
            yield rows
            after, gone, found = last, gone + size, found + len(rows)
            size = min(2 * size, self._most)

    def _end(self, table: str, column: str, after: Any, size: int) -> Any:
        """The value of a column so many rows after one; None: there aren't as many."""
        sql = f"SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT 1 OFFSET ?"  # noqa: S608
        rows = self._all(sql, (after, size - 1))
        return rows[0][0] if rows else None

    def _tables(self, level: Level, more: str) -> str:
        """The tables down to that of resources, of which that of `level` comes first, and `more` is said of it."""
        joins = [f"{_TABLES[level]} {_ALIASES[level]} {more}"]
        for above in sorted((each for each in Level if each < level), reverse=True):
            below = _ALIASES[Level(above + 1)]
            joins.append(f"{_TABLES[above]} {_ALIASES[above]} ON {_KEYS[above]} = {below}.{_TABLES[above]}_key")
        return " CROSS JOIN ".join([*joins, *_downwards(level, self._level)])  # the left side is the outer loop

    def _all(self, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement that has few. Raises `QueryError`."""
        return next(self._read(sql, parameters, _LAST >> 32), [])

    def _read(self, sql: str, parameters: Any, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement, so many at a time. Raises `QueryError`."""
        budget = Budget(self._connection)
        cursor = self._connection.cursor()
        try:
            budget.begin()
            cursor.execute(sql, parameters)
            while True:
                rows = cursor.fetchmany(size)
                budget.pause()
                if not rows:
                    return
                yield rows
                budget.begin()
        except sqlite3.Error as error:
            raise unable() from error
        finally:
            budget.pause()
            cursor.close()


def _in_turns(batches: Batch) -> Batch:
    """The batches, and between them the moments for others to have a turn."""
    begun = False
    for rows in batches:
        if begun and rows is not None:
            yield None
        begun = begun or rows is not None
        yield rows


def _downwards(above: Level, level: Level) -> list[str]:
    """The tables below one, down to that of `level`, with their conditions."""
    return [
        f"{_TABLES[each]} {_ALIASES[each]} "
        f"ON {_ALIASES[each]}.{_TABLES[Level(each - 1)]}_key = {_KEYS[Level(each - 1)]}"
        for each in Level
        if above < each <= level
    ]


def _sorted(keys: dict[int, Any]) -> list[int]:
    """Keys in the order of their values."""
    return sorted(keys, key=lambda key: (keys[key], key))
