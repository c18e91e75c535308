"""The instances of a retrieval: counted at first, and read as they are sent."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from dicomhawk.hospital.budget import Budget
from dicomhawk.hospital.conditions import Conditions
from dicomhawk.hospital.sources import Source, unable

BATCH: Final = 64
"""Instances that are read at once; some tenths of a millisecond."""

_SERIES: Final = "series e JOIN study t ON t.study_key = e.study_key JOIN patient p ON p.patient_key = t.patient_key"
_ALL: Final = f"instance i JOIN series e ON e.series_key = i.series_key {_SERIES.removeprefix('series e ')}"
_ORDER: Final = "ORDER BY t.study_key, e.series_number, e.series_key"
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


class Instances:
    """What `retrieve` found, by study, series and number. No statement is open between two instances.

    Its length is the number of instances at the beginning; one that is replaced before its turn isn't among
    those iterated over. Both raise `QueryError` if a source can't be read or takes too long.
    """

    def __init__(self, sources: Sequence[Source], above: Conditions, own: Sequence[str], *, named: bool) -> None:
        """`above` are the conditions on the series and what is above it, `own` the terms for the instance ``i``.

        With `named`, these are the UIDs of instances: their number is bounded, and they are looked up at once.
        """
        self._own, self._parameters, self._named = own, above.parameters, named
        self._keys: list[tuple[Source, array[int]]] = []  # of the instances if named, else of the series
        self._length = 0
        terms = " AND ".join(own)
        for source in sources:
            where = " AND ".join((*above.terms, *source.terms))
            if named:
                sql = (
                    f"SELECT p.patient_key, i.instance_key, 1 FROM {_ALL} WHERE {where} AND {terms} "  # noqa: S608
                    f"{_ORDER}, i.instance_number, i.instance_key"
                )
            else:
                sql = (
                    "SELECT p.patient_key, e.series_key, "  # noqa: S608 - names of ours
                    f"(SELECT count(*) FROM instance i WHERE i.series_key = e.series_key AND {terms}) "
                    f"FROM {_SERIES} WHERE {where} {_ORDER}"
                )
            keys = array("q")
            for patient_key, key, number in _rows(source, sql, self._parameters):
                if patient_key not in source.passed_over and number:
                    keys.append(key)
                    self._length += number
            self._keys.append((source, keys))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[InstanceRef]:
        for source, keys in self._keys:
            for of_series in [keys] if self._named else (self._of_series(source, key) for key in keys):
                for start in range(0, len(of_series), BATCH):
                    yield from _batch(source, of_series[start : start + BATCH])

    def _of_series(self, source: Source, series_key: int) -> array[int]:
        sql = (
            "SELECT i.instance_key FROM instance i "  # noqa: S608 - names of ours
            f"WHERE i.series_key = :series AND {' AND '.join(self._own)} ORDER BY i.instance_number, i.instance_key"
        )
        rows = _rows(source, sql, self._parameters | {"series": series_key})
        return array("q", (key for (key,) in rows))


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
