"""What visitors deleted: gone for whoever did it, on every door, and for nobody else.

What a visitor stored is taken out of its index; its bytes are evidence and stay. What the hospital has is noted here
by its identifiers, and left out of all that this visitor is answered.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from dicomhawk.hospital import schema
from dicomhawk.hospital.catalogue import Catalogue

MAX_DELETIONS: Final = 10_000
"""Deletions of one visitor that are noted; more than the hospital has patients."""

MAX_TOUCHED: Final = 20_000
"""Instances of patients of whom a visitor deleted a part: its own copies of their index take some 10 MB."""

TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS deletion (deletion_key INTEGER PRIMARY KEY AUTOINCREMENT, visitor TEXT NOT NULL, "
    "ids TEXT NOT NULL, touched INTEGER NOT NULL, UNIQUE (visitor, ids))"
)

_OF_PATIENT: Final = (
    "SELECT count(*) FROM patient JOIN study USING (patient_key) JOIN series USING (study_key) "
    "JOIN instance USING (series_key) WHERE patient_id = ?"
)


class Deletion(NamedTuple):
    """Something that is gone: its identifiers from the patient's down, 1 to 4 of them."""

    key: int
    ids: tuple[str, ...]


def after(connection: sqlite3.Connection, visitor: str, key: int, limit: int = -1) -> list[Deletion]:
    """The deletions of `visitor` behind the one with this key, at most `limit`. Raises `sqlite3.Error`."""
    sql = "SELECT deletion_key, ids FROM deletion WHERE visitor = ? AND deletion_key > ? ORDER BY 1 LIMIT ?"
    return [Deletion(key, tuple(json.loads(ids))) for key, ids in connection.execute(sql, (visitor, key, limit))]


def note(connection: sqlite3.Connection, catalogue: Catalogue, visitor: str, ids: Sequence[str]) -> bool:
    """Note that something of the hospital's is gone for `visitor`; False if it has deleted as much as it may.

    Within a transaction. Raises `sqlite3.Error`.
    """
    execute = connection.execute
    if catalogue.connection.execute("SELECT 1 FROM patient WHERE patient_id = ?", ids[:1]).fetchone() is None:
        return True
    sql = "SELECT count(*), coalesce(sum(touched), 0) FROM deletion WHERE visitor = ?"
    number, touched = execute(sql, (visitor,)).fetchone()
    adds = 0
    if len(ids) > 1 and not any(each.ids[0] == ids[0] for each in after(connection, visitor, 0)):
        (adds,) = catalogue.connection.execute(_OF_PATIENT, ids[:1]).fetchone()
    if number >= MAX_DELETIONS or touched + adds > MAX_TOUCHED:
        return False
    execute(
        "INSERT OR IGNORE INTO deletion (visitor, ids, touched) VALUES (?, ?, ?)",
        (visitor, json.dumps(list(ids)), adds),
    )
    execute("INSERT OR IGNORE INTO visitor VALUES (?, 0, 0, 0)", (visitor,))
    return True


def take_out(connection: sqlite3.Connection, visitor: str, instance_keys: Sequence[int]) -> None:
    """Take uploads of `visitor` out of the file. Within a transaction. Raises `sqlite3.Error`."""
    execute = connection.execute
    wanted = "visitor = ? AND instance_key IN (SELECT value FROM json_each(?))"
    parameters = visitor, json.dumps(list(instance_keys))
    found = execute(f"SELECT series_key FROM instance WHERE {wanted}", parameters).fetchall()  # noqa: S608 - ours
    if not found:
        return
    execute(f"DELETE FROM instance WHERE {wanted}", parameters)  # noqa: S608 - words of ours
    for (series_key,) in set(found):
        schema.prune(connection, series_key)
    execute(
        "UPDATE visitor SET objects = objects - ?2, replaced = replaced + ?2, newest = "
        "(SELECT coalesce(max(instance_key), 0) FROM instance WHERE visitor = ?1) WHERE visitor = ?1",
        (visitor, len(found)),
    )


def covers(gone: set[tuple[str, ...]], ids: Sequence[str]) -> bool:
    """Whether what has these identifiers, or anything above it, is in `gone`."""
    return any(tuple(ids[:length]) in gone for length in range(1, len(ids) + 1))
