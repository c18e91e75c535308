"""Actors in the database: read all sessions and traits, and write what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec.structs import astuple
from sqlalchemy import Connection, Engine, Row, Select, bindparam, delete, select, update

from ..database import schema
from ..database.store import put
from ..origin.table import shipped
from .clustering import KINDS, Actor, Session, clustered

CHUNK: Final = 400
"""Rows that one statement names."""
PART: Final = 5000
"""Rows that are fetched at once."""


class Changes(NamedTuple):
    """What a look at who belongs together has changed."""

    actors: int
    """Rows of the table `actors` that were written or removed."""
    sessions: int
    """Sessions that are another actor's now."""


def cluster(engine: Engine) -> Changes:
    """Attribute every session to an actor, in one transaction. The same sessions and traits give the same.

    Some 10 microseconds for each session and trait; nothing is written where nothing has changed.
    """
    with engine.begin() as connection:
        sessions: list[Session] = []
        before: dict[str, str | None] = {}
        for row in _rows(connection, _SESSIONS):
            values = tuple(row)
            sessions.append(Session(*values[:-1]))
            before[values[0]] = values[-1]
        names = {operator.id: operator.name for operator in shipped().operators.values()}
        actors, belongs = clustered(sessions, _rows(connection, _TRAITS), names)
        moved = [(session, actor) for session, actor in belongs.items() if before[session] != actor]
        return Changes(_write_actors(connection, actors), _write_sessions(connection, moved))


_FIELDS: Final = Actor.__struct_fields__
_of = schema.sessions.c
_SESSIONS: Final = select(
    _of.session,
    _of.sensor,
    _of.address,
    _of.first,
    _of.last,
    _of.category,
    _of.tool,
    _of.rank,
    _of.severity,
    _of.actor,
)
_TRAITS: Final = select(schema.traits.c.session, schema.traits.c.kind, schema.traits.c.value).where(
    schema.traits.c.kind.in_(KINDS)
)


def _rows(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    """Rows, some thousand at once: one by one they take longer, and all at once much memory."""
    for part in connection.execute(statement).partitions(PART):
        yield from part


def _write_actors(connection: Connection, actors: Sequence[Actor]) -> int:
    table = schema.actors
    before = {row[0]: tuple(row) for row in _rows(connection, select(*(table.c[name] for name in _FIELDS)))}
    changed = []
    for actor in actors:
        row = tuple(_listed(value) if isinstance(value, tuple) else value for value in astuple(actor))
        if before.pop(actor.actor, None) != row:
            changed.append(dict(zip(_FIELDS, row, strict=True)))
    put(connection, table, changed)
    gone = sorted(before)
    for start in range(0, len(gone), CHUNK):
        connection.execute(delete(table).where(table.c.actor.in_(gone[start : start + CHUNK])))
    return len(changed) + len(gone)


@lru_cache(maxsize=4096)
def _listed(texts: tuple[str, ...]) -> str:
    return json.dumps(texts)


def _write_sessions(connection: Connection, moved: Sequence[tuple[str, str]]) -> int:
    if moved:
        table = schema.sessions
        statement = update(table).where(table.c.session == bindparam("name")).values(actor=bindparam("whose"))
        connection.execute(statement, [{"name": session, "whose": actor} for session, actor in moved])
    return len(moved)
