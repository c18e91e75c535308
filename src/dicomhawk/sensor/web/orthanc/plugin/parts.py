"""Answers in parts (multipart/related), as Orthanc's server writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple

from ...message import Pair, Part, Response, Stored
from ..bodies import ENDING
from ..problems import Problem, Refusal
from ..uuids import new_uuid

LONGEST_BOUNDARY: Final = 70
"""Characters, as RFC 2046 has it: what Orthanc cuts two UUIDs to."""


class Item(NamedTuple):
    """One part: what is in it, and the fields that come before those that all parts have."""

    content: list[Part]
    fields: tuple[Pair, ...] = ()


async def related(kind: str, items: AsyncIterator[Item]) -> Response:
    """Parts of type `kind`. One part, or none, is sent with its length; more of them until the connection's end,
    where what goes wrong with a later one shows as their end alone. Raises what the first two raise."""
    boundary = f"{new_uuid()}-{new_uuid()}"[:LONGEST_BOUNDARY]
    fields = [("Content-Type", f'multipart/related; type="{kind}"; boundary={boundary}')]
    begun: list[Item] = []
    async for item in items:
        begun.append(item)
        if len(begun) > 1:
            return Response(200, [*ENDING, *fields], _endless(begun, items, kind, boundary), close=True)
    parts = [*(piece for item in begun for piece in _written(item, kind, boundary)), _last(boundary)]
    return Response(200, fields, whole(parts), length=sum(map(size_of, parts)))


def size_of(part: Part) -> int:
    """Bytes of a part of a body."""
    return len(part.data if isinstance(part, Stored) else part)


def _written(item: Item, kind: str, boundary: str) -> Iterable[Part]:
    lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in item.fields), f"Content-Type: {kind}"]
    lines += [f"Content-Length: {sum(map(size_of, item.content))}", "MIME-Version: 1.0", "", ""]
    yield "\r\n".join(lines).encode("latin-1", "replace")
    yield from item.content
    yield b"\r\n"


def _last(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode("ascii")


async def whole(parts: list[Part]) -> AsyncIterator[Part]:
    """A body of several parts."""
    for part in parts:
        yield part


async def _endless(begun: list[Item], items: AsyncIterator[Item], kind: str, boundary: str) -> AsyncIterator[Part]:
    for item in begun:
        for piece in _written(item, kind, boundary):
            yield piece
    try:
        async for item in items:
            for piece in _written(item, kind, boundary):
                yield piece
    except (Problem, Refusal):
        return
    yield _last(boundary)
