"""The hospital's catalogue as a product shows it that has patients, studies, series and instances as a tree.

A node is called by the SHA-1 of its identifiers, and listed in the order in which its first object came. All reads
are short: whoever lists much asks again for what follows.
"""

from __future__ import annotations

import json
import math
import sqlite3
from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from typing import Any, Final, NamedTuple

from dicomhawk.hospital.attributes import ATTRIBUTES, Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.digests import digest
from dicomhawk.hospital.products.catalogue import (
    COMPUTED,
    FROM,
    IDS,
    KEYS,
    CatalogueObjects,
    CatalogueResource,
    visible,
)

NODES_A_TURN: Final = 128
"""Nodes that are read at once; some milliseconds for instances, whose identifiers come from four tables."""

NEXT: Final = 4096
"""Nodes that come next and whose moments are remembered: hours of a large hospital."""

_NUMBER: Final = "count(*)"
_PARENT: Final = {Level.STUDY: "t.patient_key", Level.SERIES: "e.study_key", Level.IMAGE: "i.series_key"}
_SERIES_BELOW: Final = {
    Level.PATIENT: "series e JOIN study t ON t.study_key = e.study_key WHERE t.patient_key = :key",
    Level.STUDY: "series e WHERE e.study_key = :key",
    Level.SERIES: "series e WHERE e.series_key = :key",
}
_OF_SERIES: Final = "instance i WHERE i.series_key = e.series_key AND i.visible_from <= :now"
_BYTES: Final = "coalesce(i.size, i.rows * i.columns * ((i.bits_allocated + 7) / 8) * coalesce(i.frames, 1), 0)"


class Node(NamedTuple):
    """A row of the catalogue: its primary key, its patient's, and its identifiers from the patient's down."""

    level: Level
    key: int
    patient_key: int
    ids: tuple[str, ...]


class InstanceRow(NamedTuple):
    """What an archive knows of an instance beside what is in it."""

    instance_key: int
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    study_uid: str
    series_uid: str
    path: str | None
    size: int | None
    visible_from: float
    instance_number: int | None
    device_ae: str | None
    device_host: str | None


class _Counted(NamedTuple):
    """How many nodes of a level there were at the moment `since`, and when those came that came `next`: all of them
    before `until`."""

    version: int
    since: float
    until: float
    number: int
    next: list[float]


class Tree:
    """Reads nodes as they are at a moment `now` (POSIX seconds). Methods raise `sqlite3.Error`."""

    def __init__(self, objects: CatalogueObjects) -> None:
        self._objects = objects
        self._connection = objects.catalogue.connection
        self._counted: dict[Level, _Counted] = {}

    def version(self) -> int:
        """A number that changes with the catalogue."""
        return self._objects.catalogue.data_version()

    def after(self, level: Level, key: int, now: float) -> tuple[list[Node], int | None]:
        """Some nodes of a level that come behind the one with this key (0 for the first ones), and the key behind
        which there may be more; None: there are no more."""
        keys = _keys_after(self._connection, level, key)
        return (self.at(level, keys, now), keys[-1]) if keys else ([], None)

    def count(self, level: Level, now: float) -> int:
        """How many there are. What is there is counted once, with the moments at which the next ones come."""
        version = self.version()
        counted = self._counted.get(level)
        if counted is None or counted.version != version or not counted.since <= now < counted.until:
            self._counted[level] = counted = self._count(level, now, version)
        return counted.number + bisect_right(counted.next, now)

    def _count(self, level: Level, now: float, version: int) -> _Counted:
        table = FROM[level].split()[0]
        sql = f"SELECT {_NUMBER} FROM {table} WHERE visible_from <= ?"  # noqa: S608 - names of ours
        (number,) = self._connection.execute(sql, (now,)).fetchone()
        sql = f"SELECT visible_from FROM {table} WHERE visible_from > ? ORDER BY 1 LIMIT {NEXT}"  # noqa: S608
        following = [float(moment) for (moment,) in self._connection.execute(sql, (now,))]
        return _Counted(version, now, following[-1] if len(following) == NEXT else math.inf, number, following)

    def named(self, level: Level, sha1: bytes, now: float) -> Node | None:
        """The patient, study or series whose identifiers have this digest."""
        place = int.from_bytes(sha1[:8]) >> 1
        alias = KEYS[level].split(".")[0]
        found = self._nodes(level, f"{alias}.place = :place", {"place": place, "now": now})
        return next((node for node in found if digest(node.ids) == sha1), None)

    def at(self, level: Level, keys: Sequence[int], now: float) -> list[Node]:
        """The nodes with these keys, as far as they are visible, in the order of the keys."""
        # The left side is the outer loop: a table of parents isn't looked through for a few rows.
        tables = f"json_each(:keys) k CROSS JOIN {_inner(level)}"
        sql = f"{_selected(level)} FROM {tables} WHERE {' AND '.join(visible(level))}"
        parameters = {"keys": json.dumps(keys), "now": now}
        return [_node(level, row) for row in self._connection.execute(sql, parameters)]

    def children(self, node: Node, now: float) -> list[Node]:
        """What is directly below a node, in order."""
        level = Level(node.level + 1)
        return self._nodes(level, f"{_PARENT[level]} = :key", {"key": node.key, "now": now})

    def above(self, node: Node, level: Level) -> Node:
        """The node above another, at a higher level."""
        sql = f"SELECT {KEYS[level]} FROM {FROM[node.level]} WHERE {KEYS[node.level]} = ?"  # noqa: S608 - names of ours
        (key,) = self._connection.execute(sql, (node.key,)).fetchone()
        return Node(level, key, node.patient_key, node.ids[: level + 1])

    def resource(self, node: Node, tags: Iterable[int], now: float) -> CatalogueResource:
        """The node with the values that are kept of it; `tags`: those that will be asked for."""
        known = [ATTRIBUTES[tag] for tag in tags if tag in ATTRIBUTES and tag not in COMPUTED]
        asked = [attribute for attribute in known if attribute.level <= node.level]
        values: dict[int, Any] = {}
        if asked:
            columns = ", ".join(attribute.sql for attribute in asked)
            sql = f"SELECT {columns} FROM {FROM[node.level]} WHERE {KEYS[node.level]} = :key"  # noqa: S608
            row = self._connection.execute(sql, {"key": node.key, "now": now}).fetchone()
            values = {attribute.tag: value for attribute, value in zip(asked, row or (), strict=False)}
        return CatalogueResource(self._objects, node.level, node.key, node.ids, values, now)

    def newest(self, node: Node, now: float) -> float:
        """When the last object came that the node has."""
        if node.level == Level.IMAGE:
            sql = "SELECT visible_from FROM instance WHERE instance_key = :key"
        else:
            sql = f"SELECT max((SELECT max(i.visible_from) FROM {_OF_SERIES})) FROM {_SERIES_BELOW[node.level]}"  # noqa: S608
        (found,) = self._connection.execute(sql, {"key": node.key, "now": now}).fetchone()
        return float(found or 0)

    def size(self, node: Node, now: float) -> tuple[int, int]:
        """Number of instances below a node that isn't one itself, and about how many bytes their pixels have."""
        sql = (
            f"SELECT sum((SELECT count(*) FROM {_OF_SERIES})), sum((SELECT sum({_BYTES}) FROM {_OF_SERIES})) "  # noqa: S608
            f"FROM {_SERIES_BELOW[node.level]}"
        )
        number, size = self._connection.execute(sql, {"key": node.key, "now": now}).fetchone()
        return int(number or 0), int(size or 0)

    def instance(self, key: int) -> InstanceRow | None:
        """What there is to know of an instance."""
        row = self._connection.execute(
            "SELECT i.instance_key, i.sop_uid, i.sop_class_uid, i.transfer_syntax_uid, t.study_uid, e.series_uid, "
            "i.path, i.size, i.visible_from, i.instance_number, d.ae_title, d.host FROM instance i "
            "JOIN series e ON e.series_key = i.series_key JOIN study t ON t.study_key = e.study_key "
            "LEFT JOIN device d ON d.device_key = e.device_key WHERE i.instance_key = ?",
            (key,),
        ).fetchone()
        return None if row is None else InstanceRow._make(row)

    def _nodes(self, level: Level, where: str, parameters: dict[str, Any]) -> list[Node]:
        sql = (
            f"{_selected(level)} FROM {FROM[level].replace(' JOIN ', ' CROSS JOIN ')} "
            f"WHERE {where} AND {' AND '.join(visible(level))} ORDER BY {KEYS[level]}"
        )
        return [_node(level, row) for row in self._connection.execute(sql, parameters)]


class Places:
    """Where the catalogue's instances are by the digests of their identifiers, which it has no index of.

    A temporary file, made of the catalogue bit by bit, and continued as that grows.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute(
            "CREATE TABLE place (sha1 INTEGER, key INTEGER, PRIMARY KEY (sha1, key)) WITHOUT ROWID"
        )
        self._newest = 0

    def extend(self) -> Generator[None]:
        """Take in what is new; None: let others have a turn. Raises `sqlite3.Error`."""
        connection = self._catalogue.connection
        sql = f"SELECT i.instance_key, {', '.join(IDS)} FROM json_each(?) k CROSS JOIN {_inner(Level.IMAGE)}"  # noqa: S608
        while keys := _keys_after(connection, Level.IMAGE, self._newest):
            rows = connection.execute(sql, (json.dumps(keys),))
            places = [(int.from_bytes(digest(ids)[:8]) >> 1, key) for key, *ids in rows]
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR IGNORE INTO place VALUES (?, ?)", places)
            self._connection.execute("COMMIT")
            self._newest = keys[-1]
            yield

    def keys(self, sha1: bytes) -> list[int]:
        """Keys of the instances whose identifiers may have this digest. Raises `sqlite3.Error`."""
        place = int.from_bytes(sha1[:8]) >> 1
        return [key for (key,) in self._connection.execute("SELECT key FROM place WHERE sha1 = ?", (place,))]

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def _node(level: Level, row: tuple[Any, ...]) -> Node:
    return Node(level, row[0], row[1], tuple(map(str, row[2:])))


def _selected(level: Level) -> str:
    return f"SELECT {KEYS[level]}, p.patient_key, {', '.join(IDS[: level + 1])}"


def _inner(level: Level) -> str:
    """The tables of a level, the first of which has the keys that `k` lists."""
    table, _, others = FROM[level].partition(" JOIN ")
    joined = f"{table} ON {KEYS[level]} = k.value"
    return f"{joined} CROSS JOIN {others.replace(' JOIN ', ' CROSS JOIN ')}" if others else joined


def _keys_after(connection: sqlite3.Connection, level: Level, key: int) -> list[int]:
    table, column = FROM[level].split()[0], KEYS[level].split(".")[1]
    sql = f"SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT {NODES_A_TURN}"  # noqa: S608
    return [found for (found,) in connection.execute(sql, (key,))]
