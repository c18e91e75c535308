"""Actors in the database: read all sessions and traits, and write what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from ..database import schema
from ..database.store import put
from ..origin.table import shipped
from .clustering import KINDS, Actor, Session, clustered

CHUNK: Final = 400
"""Rows that one statement names."""


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
        rows = connection.execute(_SESSIONS).all()
        sessions = [Session(*row[:-1]) for row in rows]
        before = {row[0]: row[-1] for row in rows}
        names = {operator.id: operator.name for operator in shipped().operators.values()}
        actors, belongs = clustered(sessions, connection.execute(_TRAITS).all(), names)
        moved = [(session, actor) for session, actor in belongs.items() if before[session] != actor]
        return Changes(_write_actors(connection, actors), _write_sessions(connection, moved))


_LISTS: Final = (Actor._fields.index("sensors"), Actor._fields.index("basis"))
"""Where in an actor the lists are, which are JSON in the table; the second is the last."""
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


def _write_actors(connection: Connection, actors: Sequence[Actor]) -> int:
    table = schema.actors
    columns = [table.c[name] for name in Actor._fields]
    before = {row[0]: tuple(row) for row in connection.execute(select(*columns))}
    changed = []
    for actor in actors:
        row = (*actor[: _LISTS[0]], _listed(actor.sensors), *actor[_LISTS[0] + 1 : _LISTS[1]], _listed(actor.basis))
        if before.pop(actor.actor, None) != row:
            changed.append(dict(zip(Actor._fields, row, strict=True)))
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
