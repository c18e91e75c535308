"""A request's body as a site reads it, with the connection's reading held back while it doesn't."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..message import BodyBroken, BodyTooLarge

HIGH = 1 << 18
"""Bytes that wait for a site before nothing more is read from the visitor."""
LOW = 1 << 16
"""Bytes that wait when reading goes on."""


class StreamedBody:
    """See `message.Body`. For one reader."""

    __slots__ = ("_broken", "_ended", "_pieces", "_size", "_unwanted", "_waiter", "_wanted")

    def __init__(self, wanted: Callable[[], None] | None) -> None:
        """`wanted` is called when a reader waits for more, or has taken enough for reading to go on; None: there is
        no body."""
        self._wanted = wanted
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = wanted is None
        self._broken = False
        self._unwanted = False
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def read(self, limit: int) -> bytes:
        """See `message.Body`."""
        whole = bytearray()
        async for piece in self._read():
            whole += piece
            if len(whole) > limit:
                raise BodyTooLarge
        return bytes(whole)

    async def _read(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._size -= len(piece)
                if self._size <= LOW < self._size + len(piece) and self._wanted is not None:
                    self._wanted()
                yield piece
            if self._broken:
                raise BodyBroken
            if self._ended:
                return
            self._waiter = asyncio.get_running_loop().create_future()
            if self._wanted is not None:
                self._wanted()
            await self._waiter

    # The connection's side

    @property
    def is_full(self) -> bool:
        """Whether enough waits to be read."""
        return self._size > HIGH

    def put(self, piece: bytes) -> None:
        """More has come."""
        if not self._unwanted and piece:
            self._pieces.append(piece)
            self._size += len(piece)
        self._wake()

    def end(self, *, broken: bool = False) -> None:
        """That was all of it, or there won't be more."""
        self._broken = self._broken or (broken and not self._ended)
        self._ended = True
        self._wake()

    def drop(self) -> None:
        """Nobody reads it any more: what comes isn't kept for a reader."""
        self._unwanted = True
        self._pieces.clear()
        self._size = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
