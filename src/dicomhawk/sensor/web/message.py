"""What a site is asked and what it answers: HTTP messages without their wire (RFC 9110).

The engine (`wire`) makes requests of bytes and bytes of responses; a site is nothing but an async function from one
to the other. Everything in a request came from a stranger and is bounded by the engine: names and values are text
in Latin-1, as sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ...evidence.recorder import ConnectionRecord
from ...evidence.transcript import Reference

Pair = tuple[str, str]


class BodyTooLarge(Exception):
    """A request's body is longer than whoever reads it takes."""


class BodyBroken(Exception):
    """The visitor left, or broke the framing, before the end of the body."""


class Headers:
    """Fields in the order and the case in which they were sent."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs = tuple(pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of a field, without white space around it; `name` in any case."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field, without white space around them; `name` in any case."""
        name = name.lower()
        return tuple(value.strip(" \t") for each, value in self._pairs if each.lower() == name)


class Body(Protocol):
    """A request's content as it arrives. The engine keeps a copy in the vault, whoever reads it or doesn't."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces, as they come. Raises `BodyBroken`."""

    async def read(self, limit: int) -> bytes:
        """All of it. Raises `BodyTooLarge` if it has more than `limit` bytes, and `BodyBroken`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    method: str
    target: str
    """As sent."""
    path: str
    """Percent-decoded as UTF-8 (what is none of it as U+FFFD), without the query."""
    query: tuple[Pair, ...] = ()
    """Decoded names and values of the query, in order."""
    headers: Headers
    body: Body
    visitor: str
    """IP address."""
    version: str = "1.1"
    secure: bool = False
    """Whether it came over TLS."""
    record: ConnectionRecord
    """Where events of this connection go."""

    def argument(self, name: str, default: str | None = None) -> str | None:
        """The first value of a name in the query."""
        return next((value for each, value in self.query if each == name), default)


@dataclass(frozen=True, slots=True)
class Stored:
    """A part of a body that is an object of the archive: a transcript refers to it instead of repeating it."""

    data: bytes | memoryview
    reference: Reference


Part = bytes | memoryview | Stored


@dataclass(slots=True)
class Response:
    """One response.

    The engine adds what the persona's product has on every response (Date, Server, Connection ...), frames the body,
    and puts the fields in the product's order; `headers` are the site's own, Content-Type among them.
    """

    status: int = 200
    headers: list[Pair] = field(default_factory=list)
    body: Part | AsyncIterator[Part] = b""
    length: int | None = None
    """Bytes of a body that is an iterator, where that is known; else it is sent in chunks, or until the end."""
    reason: str | None = None
    """Other than the usual one."""
    close: bool = False
    """Whether the connection ends after it."""


Site = Callable[[Request], Awaitable[Response]]
"""What a door serves. An exception from it is recorded as the sensor's error, and answered as the product's own."""
