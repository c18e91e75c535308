"""The instances of a retrieval: counted at first, and read as they are sent."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from dicomhawk.hospital.attributes import Level
from dicomhawk.hospital.budget import Budget
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.matching import Stored
from dicomhawk.hospital.sources import Source, unable

BATCH: Final = 64
"""Instances that are read at once; some tenths of a millisecond."""

Order: TypeAlias = Literal["number", "arrival", "newest-first"]
"""By series and instance number; as they were stored; or down the tree, of each node's children the newest first."""

_SERIES: Final = "series e JOIN study t ON t.study_key = e.study_key JOIN patient p ON p.patient_key = t.patient_key"
_ALL: Final = f"instance i JOIN series e ON e.series_key = i.series_key {_SERIES.removeprefix('series e ')}"
_VISIBLE: Final = "+i.visible_from <= :now"
_BY_NUMBER: Final = "t.study_key, e.series_number, e.series_key", "i.instance_number, i.instance_key"
_TREE: Final = ("p.patient_key", "t.study_key", "e.series_key", "i.instance_key")
_INSTANCE: Final = (
    "SELECT i.instance_key, i.sop_uid, i.sop_class_uid, i.transfer_syntax_uid, t.study_uid, e.series_uid, "  # noqa: S608
    f"i.path, i.size FROM {_ALL} WHERE i.instance_key IN (SELECT value FROM json_each(:keys))"
)


class InstanceRef(NamedTuple):
    """An instance to send. `path` is relative to the folder of its origin; None: rendered on demand."""

    instance_key: int
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    study_uid: str
    series_uid: str
    path: str | None
    size: int | None
    origin: str  # "catalogue" or "upload"


@dataclass
class Chosen:
    """What a retrieval means: `conditions` on patient ``p``, study ``t``, series ``e`` and perhaps instance ``i``.

    `level`: of what was asked for. `of_instances`: there are conditions on instances. `tests` compare the value of an
    SQL expression exactly. `listed`: values of the column `listed_column` that must each be found; with `repeated`
    what has them comes in their order, and as often as they are there.
    """

    conditions: Conditions
    level: Level
    of_instances: bool = False
    tests: list[tuple[str, Callable[[Stored], bool]]] = field(default_factory=list)
    listed: tuple[str, ...] = ()
    listed_column: str = "NULL"
    repeated: bool = False


class Instances:
    """What `retrieve` found, in its order. No statement is open between two instances.

    Its length is the number of instances at the beginning; one that is replaced before its turn isn't among
    those iterated over. Both raise `QueryError` if a source can't be read or takes too long.
    """

    def __init__(self, sources: Sequence[Source], chosen: Chosen, order: Order) -> None:
        self._parameters = chosen.conditions.parameters
        self._series_order, self._within_series = _orders(order, chosen.level)
        # The number of instances named one by one is bounded, and their order may be none of series.
        self._each = chosen.of_instances or bool(chosen.tests) or order == "arrival"
        self._runs: list[tuple[Source, array[int]]] = []  # keys of the instances if each was chosen, else of series
        self._length = 0
        missing = set(chosen.listed)
        by_value: dict[str, list[tuple[Source, int, int]]] = {}
        for source in sources:
            for _, key, number, value in self._rows_of(source, chosen):
                missing.discard(value)
                if chosen.repeated:
                    by_value.setdefault(value, []).append((source, key, number))
                else:
                    self._add(source, key, number)
        for value in chosen.listed if chosen.repeated else ():
            for source, key, number in by_value.get(value, ()):
                self._add(source, key, number)
        self.all_found = not missing
        """Whether every listed value was found."""

    def _add(self, source: Source, key: int, number: int) -> None:
        if not self._runs or self._runs[-1][0] is not source:
            self._runs.append((source, array("q")))
        self._runs[-1][1].append(key)
        self._length += number

    def _rows_of(self, source: Source, chosen: Chosen) -> Iterator[tuple[Any, ...]]:
        """Key of the patient, of the series or instance, number of instances, and the listed value."""
        terms = [*chosen.conditions.terms, *source.terms]
        tested = [sql for sql, _ in chosen.tests]
        if self._each:
            columns = ["p.patient_key", "i.instance_key", "1", chosen.listed_column, *tested]
            order = f"{self._series_order}, {self._within_series}"
            tables, terms = _ALL, [*terms, _VISIBLE]
        else:
            number = f"(SELECT count(*) FROM instance i WHERE i.series_key = e.series_key AND {_VISIBLE})"  # noqa: S608
            columns = ["p.patient_key", "e.series_key", number, chosen.listed_column]
            tables, order = _SERIES, self._series_order
        sql = f"SELECT {', '.join(columns)} FROM {tables} WHERE {' AND '.join(terms)} ORDER BY {order}"  # noqa: S608
        for row in _rows(source, sql, self._parameters):
            if row[0] in source.passed_over or not row[2]:
                continue
            if all(test(value) for (_, test), value in zip(chosen.tests, row[4:], strict=True)):
                yield row[:4]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[InstanceRef]:
        for source, keys in self._runs:
            for of_series in [keys] if self._each else (self._of_series(source, key) for key in keys):
                for start in range(0, len(of_series), BATCH):
                    yield from _batch(source, of_series[start : start + BATCH])

    def _of_series(self, source: Source, series_key: int) -> array[int]:
        sql = (
            "SELECT i.instance_key FROM instance i "  # noqa: S608 - names of ours
            f"WHERE i.series_key = :series AND {_VISIBLE} ORDER BY {self._within_series}"
        )
        rows = _rows(source, sql, self._parameters | {"series": series_key})
        return array("q", (key for (key,) in rows))


def _orders(order: Order, level: Level) -> tuple[str, str]:
    """Of series, and of the instances of one, as SQL has it."""
    if order == "number":
        return _BY_NUMBER
    if order == "arrival":
        return "NULL", "i.instance_key"
    *upper, last = (f"{key} DESC" if place > level else key for place, key in enumerate(_TREE))
    return ", ".join(upper[level:] or ["NULL"]), last


def _batch(source: Source, keys: array[int]) -> Iterator[InstanceRef]:
    found = {row[0]: row for row in _rows(source, _INSTANCE, {"keys": json.dumps(list(keys))})}
    for key in keys:
        if key not in found:
            continue
        row = found[key][1:]
        if source.upload_keys is None or key < source.upload_keys:
            yield InstanceRef._make((key, *row, "catalogue"))
        else:
            yield InstanceRef._make((key - source.upload_keys, *row, "upload"))


def _rows(source: Source, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    budget = Budget(source.connection)
    try:
        budget.begin()
        try:
            return source.connection.execute(sql, parameters).fetchall()
        finally:
            budget.pause()
    except sqlite3.Error as error:
        raise unable() from error
