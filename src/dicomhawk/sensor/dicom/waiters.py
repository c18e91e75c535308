"""Connections that wait, in the order in which they came."""

from __future__ import annotations

from typing import Protocol

from .heads import Heads, Queue


class Waiting(Protocol):
    """A connection, as far as turns go."""

    @property
    def is_busy(self) -> bool:
        """Whether it can't be interrupted: the product would be in the middle of something with it."""

    def wait_turn(self) -> None:
        """Nothing more of it is looked at until `proceed`."""

    def proceed(self) -> None:
        """It has its turn."""


class Waiters:
    """Those of a visitor that wait in this worker for one thing, and since when; the others are told of the first."""

    __slots__ = ("_base", "_heads", "_queue", "_since")

    def __init__(self, heads: Heads, queue: Queue, base: int) -> None:
        self._heads = heads
        self._queue = queue
        self._base = base
        self._since: dict[Waiting, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, connection: Waiting) -> bool:
        return connection in self._since

    def append(self, connection: Waiting, now: float) -> None:
        """One more waits, since now."""
        self._since[connection] = now
        if len(self._since) == 1:
            self._tell()

    def remove(self, connection: Waiting) -> None:
        """It waits no longer."""
        del self._since[connection]
        self._tell()

    def _tell(self) -> None:
        self._heads.tell(self._queue, self._base, next(iter(self._since.values()), 0.0))

    def pop(self) -> Waiting:
        """Take the first one out."""
        first = self.first
        self.remove(first)
        return first

    @property
    def first(self) -> Waiting:
        """Who has waited longest here."""
        return next(iter(self._since))

    def must_wait(self, otherwise: float, grace: float = 0.0) -> bool:
        """Whether it is another worker's turn, whose first one has waited longer than ours by `grace` seconds.

        If none waits here, `otherwise` is the moment since when one would.
        """
        return self._heads.others(self._queue, self._base, next(iter(self._since.values()), otherwise) - grace)
