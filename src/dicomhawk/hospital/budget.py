"""How long SQLite may run: what of a query is done in one turn, and when a statement is given up."""

from __future__ import annotations

import sqlite3
from typing import Final

TICK: Final = 4096
"""Instructions of SQLite's virtual machine between two looks at the budget; some 0.1 ms."""

TICKS_A_TURN: Final = 16
"""Ticks after which a query that goes on lets others have a turn; some 5 ms."""

ROWS_A_TURN: Final = 64
"""Rows compared in vain after which a query lets others have a turn; the more patterns it has, the fewer."""

MAX_TICKS: Final = 2500
"""Ticks of one step of a statement, which nothing else can interrupt, before the query fails.

Ten million instructions: all rows of a hospital of a million instances read once, and some tenths of a second.
"""


class Budget:
    """Counts what the statements of `connection` cost between `begin` and `pause`, and stops one that costs too much.

    SQLite then raises `sqlite3.OperationalError`. The connection is shared, and has one handler at a time: who
    gives way to others pauses first.
    """

    __slots__ = ("_connection", "_ticks")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ticks = 0

    @property
    def spent(self) -> bool:
        """Whether a turn's worth is used up."""
        return self._ticks >= TICKS_A_TURN

    def begin(self) -> None:
        """A new turn."""
        self._ticks = 0
        self.resume()

    def resume(self) -> None:
        """Go on with the turn."""
        self._connection.set_progress_handler(self._tick, TICK)

    def pause(self) -> None:
        """Let others use the connection."""
        self._connection.set_progress_handler(None, 0)

    def _tick(self) -> bool:
        self._ticks += 1
        return self._ticks > MAX_TICKS
