"""Rendering in processes of their own, for one worker.

Some make our own objects, one makes pictures of them, and one looks at those of strangers: if an object brings that
down, it takes nothing of ours along.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from ..hospital import displays
from ..hospital.archive import heads, render
from .processes import become_servant

PROCESSES = min(os.cpu_count() or 1, 4)
"""Render processes of a worker at most, so that one visitor's images keep all cores busy. They begin when they are
needed: a worker that has one image to make at a time has one of them. More than four would cost much memory."""
MAX_AHEAD = 32
"""Objects under way up to which others are made ahead: what nobody waits for yet must not keep those who do."""

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class Renderer:
    """Objects to files, each once however many visitors want it."""

    def __init__(self, data: Path, cache_bytes: int) -> None:
        self._arguments = str(data), cache_bytes
        self._own = _Pool(PROCESSES)
        self._looking = _Pool(1)  # at objects that are there: who wants that doesn't wait for those that are made
        self._foreign = _Pool(1)
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
        return await self._of(trusted, displays.render, str(path), syntax, view, trusted)

    async def frame(self, path: Path, syntax: str, number: int, *, trusted: bool) -> bytes:
        """The same frame uncompressed and in little endian. Raises `DisplayError`."""
        return await self._of(trusted, displays.frame, str(path), syntax, number, trusted)

    async def uncompressed(self, path: Path, syntax: str, *, trusted: bool) -> bytes:
        """The data set of the object in Explicit VR Little Endian. Raises `DisplayError`."""
        return await self._of(trusted, displays.uncompressed, str(path), syntax, trusted)

    async def heads(self, instance_keys: Sequence[int]) -> list[bytes | None]:
        """The attributes of generated images; see `archive.heads`."""
        return await self._looking.run(heads, self._arguments[0], instance_keys)

    async def _render(self, instance_key: int) -> str:
        data, budget = self._arguments
        return await self._own.run(render, data, instance_key, budget)

    async def _of(self, trusted: bool, work: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        if trusted:
            return await self._looking.run(work, *arguments)
        try:
            return await self._foreign.run(work, *arguments, again=False)
        except BrokenProcessPool:
            raise displays.DisplayError("the process that looked at it has ended") from None

    def close(self) -> None:
        """End the processes."""
        for pool in (self._own, self._looking, self._foreign):
            pool.close()


class _Pool:
    """Processes that begin when they are needed, and are replaced when they end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._executor: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[[*Arguments], T], *arguments: *Arguments, again: bool = True) -> T:
        """What `work` returns. Raises `BrokenProcessPool` if its process ends; with `again`, a second time."""
        loop = asyncio.get_running_loop()
        executor = self._begun()
        try:
            return await loop.run_in_executor(executor, work, *arguments)
        except BrokenProcessPool:
            if self._executor is executor:  # else another's attempt has replaced it
                self._executor = None
            if not again:
                raise
            return await loop.run_in_executor(self._begun(), work, *arguments)

    def _begun(self) -> ProcessPoolExecutor:
        if self._executor is None:
            # A fork of this process would hold the visitors' connections open.
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(
                self._most, context, initializer=become_servant, initargs=(os.getpid(),)
            )
        return self._executor

    def close(self) -> None:
        """End them."""
        if self._executor is not None:
            for process in list((self._executor._processes or {}).values()):
                process.kill()
            # One that was writing its result leaves half of it, and while somebody, if only we, could still write the
            # rest, the executor would wait for that.
            if self._executor._result_queue is not None:
                self._executor._result_queue._writer.close()  # type: ignore[attr-defined]
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
            gc.collect()  # else its semaphores outlive us, and Python's resource tracker says so
