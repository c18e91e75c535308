"""Who has objects made and pictures decoded: a visitor with many connections waits for itself, not others for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

AT_ONCE: Final = 4
"""Objects of one visitor that wait for the renderer: a browser has six connections."""


class Turns:
    """The visitors who have something made now."""

    def __init__(self) -> None:
        self._visitors: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def of(self, visitor: str) -> AsyncIterator[None]:
        """Wait for a turn of `visitor`, and hold it."""
        semaphore, waiting = self._visitors.setdefault(visitor, (asyncio.Semaphore(AT_ONCE), []))
        waiting.append(None)
        try:
            async with semaphore:
                yield
        finally:
            waiting.pop()
            if not waiting:
                del self._visitors[visitor]
