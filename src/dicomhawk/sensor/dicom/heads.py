"""Since when those wait that come next, in each worker of a sensor: places go to who came first, wherever that is.

The workers share memory that was mapped before they were forked. It only says in which order they may take what is
free; who holds a place is for `Slots`. What another worker writes at this moment may be read half: then the order is
lost once.
"""

from __future__ import annotations

import mmap
import struct
from enum import IntEnum

from .slots import PLACES

MOST_WORKERS = 64
"""Further ones are not asked, and don't ask."""
BUCKETS = 1024
"""Visitors of one bucket overwrite each other, and lose their order across workers; nobody waits for a stranger."""
_ENTRY = struct.Struct("<Qd")  # the visitor's base, the moment or 0
_ROW = struct.Struct("<" + "Qd" * MOST_WORKERS)
_NOBODY = bytes(_ROW.size)


class Queue(IntEnum):
    """What is waited for."""

    LINE = 0
    """To be negotiated."""
    RING = 1
    """For a turn."""


def shared() -> mmap.mmap:
    """Memory for the heads of all workers, to be made by the process that forks them."""
    return mmap.mmap(-1, BUCKETS * len(Queue) * _ROW.size)


class Heads:
    """The first one of each queue, of all workers. Moments are of a clock that they share, and above 0."""

    def __init__(self, rows: mmap.mmap, worker: int) -> None:
        """`rows`: what `shared` made; `worker`: number of this worker, from 0."""
        self._worker = worker
        self._rows = rows
        if worker < MOST_WORKERS:  # the one before us with this number may have been killed
            for row in range(0, len(rows), _ROW.size):
                _ENTRY.pack_into(rows, row + worker * _ENTRY.size, 0, 0.0)

    @staticmethod
    def _row(queue: Queue, base: int) -> int:
        return (base // PLACES % BUCKETS * len(Queue) + queue) * _ROW.size

    def tell(self, queue: Queue, base: int, since: float) -> None:
        """The first one here of this visitor waits since then; 0: none does."""
        if self._worker < MOST_WORKERS:
            entry = self._row(queue, base) + self._worker * _ENTRY.size
            _ENTRY.pack_into(self._rows, entry, base if since else 0, since)

    def others(self, queue: Queue, base: int, before: float) -> bool:
        """Whether another worker has one of this visitor's that has waited since before this moment."""
        begin = self._row(queue, base)
        if self._rows[begin : begin + _ROW.size] == _NOBODY or self._worker >= MOST_WORKERS:
            return False
        row = _ROW.unpack_from(self._rows, begin)
        for worker in range(MOST_WORKERS):
            if row[2 * worker] == base and 0 < row[2 * worker + 1] < before and worker != self._worker:
                return True
        return False
