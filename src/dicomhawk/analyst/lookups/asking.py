"""Questions under way: in a thread of their own, so that nothing waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ... import __version__
from . import names
from .bucket import Bucket
from .names import REVERSE_DNS
from .providers import SERVICES
from .verdict import Verdict, kind_of

if TYPE_CHECKING:
    import httpx  # large, and most analysts ask nobody

MAX_ANSWER = 1 << 20
"""Bytes of an answer; the longest of those that are asked for have some hundred thousand."""
TOO_MANY_SECONDS = 900.0
"""A provider that says it was too much isn't asked for so long, or as long as it says, but not longer than a day."""
REFUSED_SECONDS = 3600.0
"""One that refuses the key."""
DAY_SECONDS = 86_400.0
CLOSE_SECONDS = 2.0
_FOUND = 200
_CLOSED = frozenset((401, 403))
_UNKNOWN = 404
_TOO_OFTEN = 429
_log = logging.getLogger(__name__)


class Failed(Exception):
    """There is no answer; the message is for the log."""


class Client(NamedTuple):
    """One provider with its key and its limits."""

    provider: str
    base: str
    key: str
    bucket: Bucket
    timeout: float

    async def look_up(self, http: httpx.AsyncClient, subject: str) -> Verdict:
        """What the provider says of `subject`. Raises `Failed`; nothing else."""
        import httpx

        if kind_of(subject) is None:
            raise Failed("not to be asked about")
        try:
            async with asyncio.timeout(self.timeout):
                if self.provider == REVERSE_DNS:
                    return await names.look_up(subject, names.reverse, names.forward)
                return await self._ask(http, subject)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise Failed(type(error).__name__) from None
        except (ValueError, RecursionError) as error:
            raise Failed(f"an answer that isn't one: {str(error)[:100]}") from None

    async def _ask(self, http: httpx.AsyncClient, subject: str) -> Verdict:
        service = SERVICES[self.provider]
        question = service.ask(subject, self.key)
        url = self.base + question.path
        async with http.stream(
            "GET", url, params=dict(question.parameters), headers=dict(question.headers)
        ) as answer:
            if answer.status_code == _UNKNOWN:
                return service.unknown(self.provider, subject)
            if answer.status_code == _TOO_OFTEN:
                self.bucket.close(_pause(answer.headers.get("retry-after", "")))
                raise Failed("it says that it was asked too often")
            if answer.status_code in _CLOSED:
                self.bucket.close(REFUSED_SECONDS)
                raise Failed("it refuses the key")
            if answer.status_code != _FOUND:
                raise Failed(f"status {answer.status_code}")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_ANSWER:
                    raise Failed("an answer that is too long")
        return service.verdict(self.provider, subject, json.loads(bytes(body)))


def _pause(text: str) -> float:
    return min(float(text), DAY_SECONDS) if text.isascii() and text.isdigit() else TOO_MANY_SECONDS


class Asking:
    """Takes questions, and has answers some time."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._questions: asyncio.Queue[tuple[Client, str]] = asyncio.Queue()
        self._answers: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._open: set[tuple[str, str]] = set()

    def ask(self, client: Client, subject: str) -> None:
        """Ask in the background. A failure is logged, and comes to nothing."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # Nothing in it waits in a thread of an executor, which the end of the process would wait for.
            self._thread = threading.Thread(target=self._work, args=(self._loop,), name="lookups", daemon=True)
            self._thread.start()
        with self._lock:
            self._open.add((client.provider, subject))
        self._loop.call_soon_threadsafe(self._questions.put_nowait, (client, subject))

    def is_open(self, provider: str, subject: str) -> bool:
        """Whether that is being asked."""
        with self._lock:
            return (provider, subject) in self._open

    @property
    def waiting(self) -> int:
        """Questions without an answer so far."""
        with self._lock:
            return len(self._open)

    def answers(self) -> list[Verdict]:
        """Those that came since."""
        found = []
        while True:
            try:
                found.append(self._answers.get_nowait())
            except queue.Empty:
                return found

    def close(self) -> None:
        """Ask nothing more; what is under way is given up."""
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end)
            self._thread.join(CLOSE_SECONDS)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.closing(loop), contextlib.suppress(asyncio.CancelledError):
            self._task = loop.create_task(self._serve())
            loop.run_until_complete(self._task)

    async def _serve(self) -> None:
        import httpx

        headers = {"User-Agent": f"dicomhawk/{__version__}", "Accept": "application/json"}
        # No proxy, netrc or redirection but what the operator configured here.
        async with httpx.AsyncClient(
            timeout=self._timeout, headers=headers, trust_env=False, follow_redirects=False
        ) as http:
            while True:
                await self._answer(http, *await self._questions.get())

    async def _answer(self, http: httpx.AsyncClient, client: Client, subject: str) -> None:
        try:
            self._answers.put(await client.look_up(http, subject))
        except Failed as error:
            _log.warning("%s has no answer about %s: %s.", client.provider, subject, error)
        finally:
            with self._lock:
                self._open.discard((client.provider, subject))


Clock = Callable[[], float]
"""Seconds since the epoch."""
