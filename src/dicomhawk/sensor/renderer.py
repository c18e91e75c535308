"""Rendering in a process of its own, for one worker."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ..hospital import displays
from ..hospital.archive import heads, render
from .processes import die_with

PROCESSES = min(os.cpu_count() or 1, 4)
"""Render processes of a worker at most, so that one visitor's images keep all cores busy. They begin when they are
needed: a worker that has one image to make at a time has one of them. More than four would cost much memory."""
MAX_AHEAD = 32
"""Objects under way up to which others are made ahead: what nobody waits for yet must not keep those who do."""
NICENESS = 5
"""Answers go before images that are made ahead."""

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Renderer:
    """Objects to files, each once however many visitors want it."""

    def __init__(self, data: Path, cache_bytes: int) -> None:
        self._arguments = str(data), cache_bytes
        self._pool: ProcessPoolExecutor | None = None
        self._under_way: dict[int, asyncio.Future[str]] = {}

    def begin(self, instance_key: int) -> asyncio.Future[str]:
        """Have an instance rendered; the result is the path of its file. Shield it: others may wait too."""
        future = self._under_way.get(instance_key)
        if future is None:
            future = asyncio.ensure_future(self._render(instance_key))
            self._under_way[instance_key] = future
            future.add_done_callback(lambda done: self._done(instance_key, done))
        return future

    def make_ahead(self, instance_key: int) -> None:
        """Have an instance rendered that somebody will want, unless there is enough to do."""
        if len(self._under_way) < MAX_AHEAD:
            self.begin(instance_key)

    def _done(self, instance_key: int, future: asyncio.Future[str]) -> None:
        del self._under_way[instance_key]
        if not future.cancelled():
            future.exception()  # whoever waits for it gets it too; nobody may, if it was made ahead

    async def picture(self, path: Path, syntax: str, view: displays.View, *, trusted: bool) -> bytes:
        """A frame of the object in a file, in transfer syntax `syntax`. Raises `DisplayError`."""
        return await self._run(displays.render, str(path), syntax, view, trusted)

    async def frame(self, path: Path, syntax: str, number: int, *, trusted: bool) -> bytes:
        """The same frame uncompressed and in little endian. Raises `DisplayError`."""
        return await self._run(displays.frame, str(path), syntax, number, trusted)

    async def uncompressed(self, path: Path, syntax: str, *, trusted: bool) -> bytes:
        """The data set of the object in Explicit VR Little Endian. Raises `DisplayError`."""
        return await self._run(displays.uncompressed, str(path), syntax, trusted)

    async def heads(self, instance_keys: Sequence[int]) -> list[bytes | None]:
        """The attributes of generated images; see `archive.heads`."""
        return await self._run(heads, self._arguments[0], instance_keys)

    async def _render(self, instance_key: int) -> str:
        data, budget = self._arguments
        return await self._run(render, data, instance_key, budget)

    async def _run(self, work: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        loop = asyncio.get_running_loop()
        pool = self._executor()
        try:
            return await loop.run_in_executor(pool, work, *arguments)
        except BrokenProcessPool:  # somebody killed the process; one new attempt
            if self._pool is pool:  # else another's attempt has replaced it
                self._pool = None
            return await loop.run_in_executor(self._executor(), work, *arguments)

    def _executor(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # A fork of this process would hold the visitors' connections open.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(PROCESSES, context, initializer=_begin, initargs=(os.getpid(),))
        return self._pool

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            gc.collect()  # else its semaphores outlive us, and Python's resource tracker says so


def _begin(parent: int) -> None:
    die_with(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
