"""Hashing beside the event loop: SHA-256 is most of what an upload costs, and needs no interpreter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

MAX_OUTSTANDING = 8 << 20
"""Bytes that may wait to be hashed: whoever uploads faster than that waits for it."""

Chunk = bytes | bytearray | memoryview
_Update = Callable[[Chunk], None]


class Hasher:
    """One thread that hashes for all uploads of a worker, each in its order. Begins with the first chunk, so that
    it can be made before a fork."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[_Update, Sequence[Chunk], int] | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._handed = 0
        self._done = 0

    def update(self, update: _Update, chunks: Sequence[Chunk], size: int) -> None:
        """Have `update` called for each of `chunks`, of `size` bytes together; they must not change any more."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hasher", daemon=True)
            self._thread.start()
        if self._handed - self._done > MAX_OUTSTANDING:
            self.wait()
        self._handed += size
        self._queue.put((update, chunks, size))

    def wait(self) -> None:
        """Until all that was handed over so far is hashed."""
        if self._thread is not None:
            reached = threading.Event()
            self._queue.put(reached)
            reached.wait()

    def close(self) -> None:
        """End the thread, once it has caught up."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            task = self._queue.get()
            if task is None:
                return
            if isinstance(task, threading.Event):
                task.set()
                continue
            update, chunks, size = task
            for chunk in chunks:
                update(chunk)
            self._done += size
