"""The database of findings, as pages read it: never written, and never waited for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, event, make_url
from sqlalchemy.exc import DBAPIError

from ..analyst.database.store import open_database
from ..settings import SettingsError

LONGEST_SECONDS = 10.0
"""A query that takes longer is given up: nobody waits for it any more."""
_STEPS = 50_000
"""Of SQLite's virtual machine between two looks at the clock: some milliseconds."""
KEPT_SECONDS = 5.0
"""How long sums over everything are shown again before they are made anew."""
MAX_KEPT = 256

T = TypeVar("T")


class NoFindings(Exception):
    """There is nothing to show; the message is one sentence for the operator."""


class Findings:
    """The database at `url`. It is opened when it is first wanted, since the analyst may not have made it yet.

    Every method raises `NoFindings` where it can't be read. Usable from several threads.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._engine: Engine | None = None
        self._opened_file: tuple[int, int] | None = None
        self._opening = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` makes of a connection, in one transaction that sees one state of the database."""
        try:
            with self._opened().connect() as connection:
                connection.info["deadline"] = self._clock() + LONGEST_SECONDS
                return work(connection)
        except DBAPIError as error:
            raise NoFindings(f"The database could not answer: {str(error.orig).splitlines()[0][:200]}.") from None

    def all(self, query: Executable) -> list[Any]:
        """The rows of `query`."""
        return self.run(lambda connection: list(connection.execute(query)))

    def first(self, query: Executable) -> Any:
        """The first row of `query`; None if there is none."""
        return self.run(lambda connection: connection.execute(query).first())

    def value(self, query: Executable) -> Any:
        """The first column of the first row."""
        return self.run(lambda connection: connection.execute(query).scalar())

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` made within the last `KEPT_SECONDS` for `key`, or makes now."""
        now = self._clock()
        found = self._kept.get(key)
        if found is not None and now < found[0]:
            return found[1]  # type: ignore[no-any-return]
        made = make()
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = (now + KEPT_SECONDS, made)
        return made

    def close(self) -> None:
        """Close what is open."""
        if self._engine is not None:
            self._engine.dispose()

    def _opened(self) -> Engine:
        with self._opening:
            now = self._file()
            if self._engine is not None and now != self._opened_file:
                # The database was removed, and perhaps made anew.
                self._engine.dispose()
                self._engine = None
                self._kept.clear()
            if self._engine is None:
                self._opened_file = now
                try:
                    engine = open_database(self._url, read_only=True)
                except SettingsError as error:
                    raise NoFindings(str(error)) from None
                self._bound(engine)
                self._engine = engine
            return self._engine

    def _file(self) -> tuple[int, int] | None:
        """Which file SQLite's database is in; None: there is none, or it isn't SQLite's."""
        address = make_url(self._url)
        if address.get_backend_name() != "sqlite" or not address.database:
            return None
        try:
            status = Path(address.database).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _bound(self, engine: Engine) -> None:
        """Have the database give up queries that take too long."""
        if engine.dialect.name != "sqlite":

            @event.listens_for(engine, "begin")
            def begin(connection: Connection) -> None:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(LONGEST_SECONDS * 1000)}")

            return

        @event.listens_for(engine, "checkout")
        def checkout(raw: Any, record: Any, _: Any) -> None:
            raw.execute("PRAGMA query_only = 1")
            raw.set_progress_handler(lambda: self._clock() > record.info.get("deadline", float("inf")), _STEPS)
