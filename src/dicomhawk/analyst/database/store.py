"""The database as such: opened, made on first use, and refused where its tables are another version's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ...settings import SettingsError
from . import search
from .schema import VERSION, meta, metadata

LOCK_SECONDS = 30.0
"""How long SQLite waits for another writer. Only the analyst writes much, so that this is long."""
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_SQLITE = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # a crash of the machine may lose the last moments, which are read again
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 268435456",
)

_MAKING = 0x4449434F
"""Lock of PostgreSQL's that is held while tables are made, should two processes find none."""

Row = Mapping[str, Any]


def open_database(url: str, *, read_only: bool = False) -> Engine:
    """The database at `url`, with its tables.

    Raises `SettingsError` if it isn't there, can't be used, or holds tables of another version.
    """
    address = _address(url)
    absent = SettingsError(f"The database {shown(address)} has no findings; `dicomhawk analyse` makes them.")
    if read_only and address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        raise absent
    try:
        engine = _engine(address, read_only)
        if not read_only:
            with engine.begin() as connection:
                _make(connection)
        with engine.connect() as connection:
            found = stored(connection, "version") if inspect(connection).has_table(meta.name) else None
    except ImportError:
        raise SettingsError(
            "analyst.database: PostgreSQL needs a package that isn't there: pip install 'dicomhawk[postgresql]'."
        ) from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:200]
        raise SettingsError(f"The database {shown(address)} can't be used: {reason}.") from None
    if found is None:
        raise absent
    if found != str(VERSION):
        raise SettingsError(
            f"The database {shown(address)} has tables of version {found}, this is version {VERSION}: remove it, and"
            " `dicomhawk analyse` makes it again from the journal."
        )
    return engine


def check_url(url: str) -> None:
    """Raises `SettingsError` if `url` names no database that can be used here."""
    _address(url)


def shown(url: URL | str) -> str:
    """`url` without its password."""
    return make_url(url).render_as_string(hide_password=True)


def stored(connection: Connection, name: str) -> str | None:
    """A value of the table `meta`."""
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def store(connection: Connection, name: str, value: str) -> None:
    """Set a value of the table `meta`."""
    put(connection, meta, [{"name": name, "value": value}])


def put(connection: Connection, table: Table, rows: Sequence[Row], *, keep: bool = False) -> int:
    """Insert `rows`; one whose key is there replaces it, or with `keep` is passed over. The number of rows written.

    All rows have the same columns.
    """
    if not rows:
        return 0
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    keys = [column.name for column in table.primary_key]
    others = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    if keep:
        statement = insert.on_conflict_do_nothing()
    elif others:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=others)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    values = [{name: clean(value) for name, value in row.items()} for row in rows]
    if connection.dialect.name == "sqlite":
        return connection.execute(statement, values).rowcount
    # Its driver doesn't count the rows of many statements.
    return len(connection.execute(statement.returning(*table.primary_key.columns), values).all())


def clean(value: Any) -> Any:
    """`value` as both databases can keep it: text without NUL and lone surrogates, which PostgreSQL refuses."""
    if isinstance(value, str):
        return value.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")
    return value


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        driver = _DRIVERS[address.get_backend_name()]
    except (ArgumentError, KeyError, NoSuchModuleError):
        raise SettingsError(
            f"analyst.database: {url.partition('@')[2] or url} is not a URL of SQLite or PostgreSQL."
        ) from None
    return address.set(drivername=driver)


def _engine(address: URL, read_only: bool) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    arguments: dict[str, Any] = {"timeout": LOCK_SECONDS, "check_same_thread": False}
    if read_only and address.database:
        address = address.set(database=f"file:{address.database}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(address, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, so that reads are in them too
        for pragma in _SQLITE if not read_only else _SQLITE[2:]:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _make(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    if inspect(connection).has_table(meta.name):
        return
    metadata.create_all(connection)
    search.create(connection)
    store(connection, "version", str(VERSION))
