"""multipart/related (RFC 2046 section 5.1, RFC 2387) as it is read from strangers, and as it is written.

The reader takes bytes in any pieces and gives parts in pieces; what it keeps is bounded, whatever the length of a
part.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple

from ..message import Headers, Pair, Part

MAX_HEADER: Final = 8192
"""Bytes of the header of a part: real ones have three short fields."""
MAX_PARTS: Final = 100_000
"""Parts of one body: a study of thin slices has some thousand."""
MAX_PADDING: Final = 256
"""White space behind a boundary that is read over."""

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,200}")


class MultipartError(Exception):
    """The body isn't one of parts with that boundary."""


class Begin(NamedTuple):
    """A part begins."""

    headers: Headers


class Data(NamedTuple):
    """Bytes of it."""

    data: bytes


class End(NamedTuple):
    """It has ended."""


Event = Begin | Data | End


class Reader:
    """Feed it with the body; `finish` when that has ended. Raises `MultipartError`."""

    def __init__(self, boundary: str) -> None:
        if not _BOUNDARY.fullmatch(boundary):
            raise MultipartError("no boundary")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._buffer = bytearray(b"\r\n")  # the first delimiter may be at the very beginning
        self._state = self._preamble
        self._parts = 0
        self.ended = False
        """Whether the last delimiter has come."""

    def feed(self, data: bytes) -> list[Event]:
        """More of the body; what that is."""
        if self.ended:
            return []
        self._buffer += data
        events: list[Event] = []
        while not self.ended and self._state(events):
            pass
        return events

    def finish(self) -> None:
        """The body has ended. Raises `MultipartError` if the last part hasn't."""
        if not self.ended:
            raise MultipartError("the last boundary is missing")

    def _preamble(self, events: list[Event]) -> bool:
        return self._until_delimiter(events, keep=False)

    def _body(self, events: list[Event]) -> bool:
        return self._until_delimiter(events, keep=True)

    def _until_delimiter(self, events: list[Event], *, keep: bool) -> bool:
        """Read on to the next delimiter; False if more bytes are needed."""
        buffer, delimiter = self._buffer, self._delimiter
        at = buffer.find(delimiter)
        if at < 0:
            self._give(events, len(buffer) - len(delimiter) + 1, keep=keep)
            return False
        line_end = self._line_end(at)
        if line_end is None:
            self._give(events, at, keep=keep)
            return False
        if line_end < 0:  # only the beginning of something else
            self._give(events, at + len(delimiter), keep=keep)
            return True
        self._give(events, at, keep=keep)
        if keep:
            events.append(End())
        if line_end == 0:
            self.ended = True
            buffer.clear()
            return False
        del buffer[: line_end - at]  # the line's end stays: an empty header is then found as any other
        self._state = self._header
        return True

    def _line_end(self, at: int) -> int | None:
        """Where the line of the delimiter at `at` ends; 0: it is the last; -1: it is none; None: not clear yet."""
        buffer, behind = self._buffer, at + len(self._delimiter)
        if buffer[behind : behind + 2] == b"--":
            return 0
        line_end = buffer.find(b"\r\n", behind, behind + MAX_PADDING + 2)
        if line_end < 0:
            return None if len(buffer) - behind < MAX_PADDING + 2 else -1
        return -1 if buffer[behind:line_end].strip(b" \t") else line_end

    def _give(self, events: list[Event], size: int, *, keep: bool) -> None:
        if size > 0:
            if keep:
                events.append(Data(bytes(self._buffer[:size])))
            del self._buffer[:size]

    def _header(self, events: list[Event]) -> bool:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEADER)
        if end < 0:
            if len(buffer) >= MAX_HEADER:
                raise MultipartError("the header of a part is too long")
            return False
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MultipartError("too many parts")
        events.append(Begin(Headers(_fields(bytes(buffer[2:end])))))
        del buffer[: end + 2]
        self._state = self._first
        return True

    def _first(self, events: list[Event]) -> bool:
        """The line end that ends the header may already be that of the next delimiter."""
        buffer, delimiter = self._buffer, self._delimiter
        if len(buffer) < len(delimiter) and delimiter.startswith(buffer):
            return False
        line_end = self._line_end(0) if buffer.startswith(delimiter) else -1
        if line_end is None:
            return False
        if line_end < 0:
            del buffer[:2]
        self._state = self._body
        return True


def _fields(header: bytes) -> list[Pair]:
    found: list[Pair] = []
    for line in header.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found.append((name.strip(), value.strip()))
    return found


def boundary_of(seed: object) -> str:
    """A boundary for a response; the same for the same seed."""
    return "".join(random.Random(str(seed)).choices("0123456789abcdef", k=32))


def opening(boundary: str, headers: Iterable[Pair], *, first: bool) -> bytes:
    """What comes before the content of a part."""
    lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return (("" if first else "\r\n") + "\r\n".join(lines)).encode("latin-1", "replace")


def closing(boundary: str) -> bytes:
    """What comes behind the last part."""
    return f"\r\n--{boundary}--\r\n".encode("ascii")


async def written(
    boundary: str, parts: AsyncIterator[tuple[list[Pair], list[Part]]], *, begun: bool = False
) -> AsyncIterator[Part]:
    """A body of `parts`: fields and content of each."""
    first = not begun
    async for headers, content in parts:
        yield opening(boundary, headers, first=first)
        first = False
        for piece in content:
            yield piece
    yield closing(boundary)
