"""What the analyst concluded from a session, as one record."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select
from sqlalchemy.sql.elements import ColumnElement

from ..analyst.database import schema
from ..analyst.database.store import open_database
from ..settings import Settings, SettingsError

Row = dict[str, Any]
_RECORDS = frozenset(("[]", "{}"))
"""Defaults of columns that hold lists and records as JSON."""
_OF_SESSION = ("techniques", "clients", "ae_titles", "credentials", "captures", "lures", "traits", "alerts")
_AT_A_TIME = 500
"""Hashes that one query asks for."""


def findings_of(settings: Settings, session: str, hashes: Collection[str] = ()) -> Row | None:
    """Everything in the database about `session`, by table; of `files`, those with one of `hashes` (SHA-256).

    None if there is no database, or it doesn't know the session.
    """
    try:
        engine = open_database(settings.database_url, read_only=True)
    except SettingsError:
        return None
    with engine.connect() as connection:
        found = _rows(connection, schema.sessions, schema.sessions.c.session == session)
        if not found:
            return None
        (row,) = found
        findings: Row = {"session": row}
        for name in _OF_SESSION:
            table = schema.metadata.tables[name]
            findings[name] = _rows(connection, table, table.c.session == session)
        findings["origin"] = _rows(connection, schema.origins, schema.origins.c.address == row["address"])
        findings["actor"] = _rows(connection, schema.actors, schema.actors.c.actor == row["actor"])
        wanted = sorted(hashes)
        findings["files"] = [
            file
            for at in range(0, len(wanted), _AT_A_TIME)
            for file in _rows(connection, schema.files, schema.files.c.sha256.in_(wanted[at : at + _AT_A_TIME]))
        ]
    engine.dispose()
    return findings


def _rows(connection: Connection, table: Table, where: ColumnElement[bool]) -> list[Row]:
    records = {column.name for column in table.columns if getattr(column.default, "arg", None) in _RECORDS}
    query = select(table).where(where).order_by(*table.primary_key.columns)
    return [
        {name: _decoded(value) if name in records else value for name, value in row.items()}
        for row in connection.execute(query).mappings()
    ]


def _decoded(text: Any) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, TypeError):
        return text
