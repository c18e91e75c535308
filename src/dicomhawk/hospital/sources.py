"""Where a query looks: the hospital's catalogue, what the visitor stored, and both where they meet."""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.errors import QueryError, QueryProblem
from dicomhawk.hospital.overlay import UPLOAD_KEYS
from dicomhawk.hospital.uploads import Uploads

_OF_VISITOR: Final = ("p.visitor = :visitor",)
_NOBODY: Final[Set[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """A database with the tables of a catalogue.

    `passed_over`: keys of patients that another source answers for. `terms`: what more the WHERE clause says,
    with the parameter ``:visitor``. `upload_keys`: added to the keys of uploads; None: there are none.
    """

    connection: sqlite3.Connection
    passed_over: Set[int] = _NOBODY
    terms: tuple[str, ...] = ()
    upload_keys: int | None = None


def sources(catalogue: Catalogue, uploads: Uploads | None, visitor: str | None) -> list[Source]:
    """The sources for a query by `visitor`. Raises `QueryError`."""
    if uploads is None or visitor is None:
        return [Source(catalogue.connection)]
    try:
        overlay = uploads.overlay(visitor, catalogue)
        if overlay is None:
            return [Source(catalogue.connection)]
        reader = uploads.reader()
    except sqlite3.Error as error:
        raise unable() from error
    found = [
        Source(catalogue.connection, overlay.patients),
        Source(reader, overlay.touched, _OF_VISITOR, upload_keys=0),
    ]
    if overlay.connection is not None:
        found.append(Source(overlay.connection, upload_keys=UPLOAD_KEYS))
    return found


def unable() -> QueryError:
    """The error for an index that can't be read. Its comment says nothing about what we are made of."""
    return QueryError(QueryProblem.UNABLE_TO_PROCESS, "Unable to process")
