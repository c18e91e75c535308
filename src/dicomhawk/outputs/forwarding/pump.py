"""One output at work: from its sources into its queue, and from the queue to the receiver, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
import time
import traceback
from pathlib import Path

from ...analyst.narrative import printable
from ...settings.outputs import Output as OutputSettings
from .base import Output, Permanent, Temporary, Undelivered
from .queue import Queue, Waiting
from .sources import Sources, Trouble
from .status import Status, write_status

POLL_SECONDS = 0.5
"""How often sources are looked at when there was nothing new."""
STATUS_SECONDS = 2.0
TIDY_SECONDS = 600.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
"""Of those between attempts, in seconds: each may be twice as long as the one before."""
MAX_REASON = 500
DELIVERY_SECONDS = 120.0
"""An attempt that takes longer has failed, whatever the library behind it waits for."""
BATCH_BYTES = 4 << 20
"""Of one delivery, about: receivers have limits of their own, mostly 10 MiB and more."""


def pause(failures: int, asked: float | None) -> float:
    """Seconds until the next attempt, after so many `failures` in a row; at least what the receiver `asked`."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 16))
    # Not all at once, should the receiver have many senders.
    return max(random.uniform(longest / 2, longest), min(asked or 0.0, 4 * LONGEST_PAUSE))


class Pump:
    """One output, its queue and its sources."""

    def __init__(
        self, settings: OutputSettings, folder: Path, output: Output, queue: Queue, sources: Sources
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._output = output
        self._queue = queue
        self._sources = sources
        self._failures = 0
        self._error = ""
        self._error_at = 0
        self._not_before = 0.0
        self._tidied = 0.0
        self._alone = 0
        """Records that are to be tried one by one, since they were refused together."""
        self._open = False
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Have `run` return soon."""
        self._ending.set()

    async def run(self) -> None:
        """Work until `end`."""
        telling = asyncio.create_task(self._keep_telling())
        try:
            while not self._ending.is_set():
                busy = await self._take_in()
                if self._is_time():
                    busy = await self._deliver() or busy
                await asyncio.to_thread(self._tidy)
                if not busy:
                    await self._wait(POLL_SECONDS)
        finally:
            telling.cancel()
            self._tell()
            await self._reset()

    async def drain(self) -> None:
        """Deliver what is there, once; for tests and for whoever doesn't stay."""
        await self._make_ready()
        while await self._take_in() or (self._queue.count and await self._deliver()):
            pass
        self._tell()

    def status(self) -> Status:
        """How it is doing."""
        marks, queue = self._queue.marks, self._queue
        wait = self._not_before - time.monotonic()
        return Status(
            name=self._settings.name,
            type=self._settings.type,  # type: ignore[attr-defined] # all but the base class have it
            where=self._output.where,
            state="failing" if self._failures else "working",
            sent=marks.get("sent", 0),
            refused=marks.get("refused", 0),
            dropped=marks.get("dropped", 0),
            queued=queue.count,
            queued_bytes=queue.bytes,
            failures=self._failures,
            last_error=self._error,
            last_error_at=self._error_at,
            last_sent_at=marks.get("last_sent", 0),
            next_attempt_at=_now() + int(wait * 1_000_000) if self._failures and wait > 0 else 0,
            updated_at=_now(),
        )

    def _is_time(self) -> bool:
        wanted = self._queue.count > 0 or not self._open
        return wanted and not self._ending.is_set() and time.monotonic() >= self._not_before

    async def _take_in(self) -> bool:
        # A receiver that takes what it gets needs no more than the next batches: the journal keeps the rest.
        if not self._failures and self._queue.count >= 2 * self._settings.batch:
            return False
        try:
            return await asyncio.to_thread(self._sources.take)
        except Trouble as error:
            self._note(str(error))
        except (OSError, sqlite3.Error) as error:
            self._note(f"the queue can't be written: {error}")
        except Exception as error:
            self._note(f"the sources can't be read ({type(error).__name__})")
            traceback.print_exc(file=sys.stderr)
        await self._wait(POLL_SECONDS)
        return False

    async def _deliver(self) -> bool:
        """One attempt; whether something left the queue."""
        if not self._open:
            await self._make_ready()
            return False
        limit = 1 if self._alone else self._settings.batch
        waiting = await asyncio.to_thread(self._queue.first, limit, BATCH_BYTES)
        self._alone = max(0, self._alone - 1)
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await self._output.send([one.record for one in waiting])
        except Permanent as error:
            self._note(str(error))
            self._failures = 0  # it listens
            if not await self._partly(waiting, error, all_refused=len(waiting) == 1):
                self._alone = len(waiting)
            return True
        except Temporary as error:
            self._failed(str(error), error.after)
            return await self._partly(waiting, error)
        except TimeoutError:
            await self._reset()
            self._failed(f"no answer within {DELIVERY_SECONDS:g} s", None)
            return False
        except Exception as error:
            await self._reset()
            self._failed(f"unexpected error ({type(error).__name__}: {str(error)[:200]})", None)
            if self._failures == 1:
                traceback.print_exc(file=sys.stderr)
            return False
        if await self._done(waiting, []):
            self._failures = 0
            self._not_before = time.monotonic() + self._settings.every
        return True

    async def _reset(self) -> None:
        """Have the output begin anew: nobody knows how far its last delivery came."""
        with contextlib.suppress(Exception):
            await self._output.close()

    async def _make_ready(self) -> None:
        try:
            await self._output.open()
            self._open = True
        except Temporary as error:
            self._failed(str(error), None)

    async def _partly(self, waiting: list[Waiting], error: Undelivered, all_refused: bool = False) -> bool:
        refused = [one for one in waiting if all_refused or one.record.id in error.refused]
        taken = [one for one in waiting if one.record.id in error.taken and one not in refused]
        if taken or refused:
            await self._done(taken, refused)
        return bool(taken or refused)

    async def _done(self, taken: list[Waiting], refused: list[Waiting]) -> bool:
        try:
            await asyncio.to_thread(self._queue.done, taken, refused)
        except (OSError, sqlite3.Error) as error:
            # It will be sent again, and the receiver can tell.
            self._failed(f"the queue can't be written: {error}", None)
            return False
        return True

    def _failed(self, reason: str, asked: float | None) -> None:
        self._note(reason)
        self._failures += 1
        self._not_before = time.monotonic() + pause(self._failures, asked)

    def _note(self, reason: str) -> None:
        reason = printable(reason, MAX_REASON)  # a receiver may have had its say in it
        if reason != self._error:
            print(f"output {self._settings.name}: {reason}", file=sys.stderr, flush=True)
        self._error, self._error_at = reason, _now()

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        try:
            self._sources.tidy()
        except sqlite3.Error as error:
            self._note(f"the queue can't be written: {error}")

    async def _keep_telling(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(STATUS_SECONDS)

    def _tell(self) -> None:
        try:
            write_status(self._folder, self.status())
        except OSError as error:
            self._note(f"the status can't be written: {error.strerror}")

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            pass


def _now() -> int:
    return time.time_ns() // 1000
