"""Long answers, made while they are sent; and the coding that a client asks for."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Final

from ..message import Part, Request, Response, Stored
from .jsoncpp import INDENTATION
from .service import JSON

WHOLE: Final = 1 << 20
"""Bytes up to which an answer is made before it is sent, so that it can say its length."""
PACKED_AT_ONCE: Final = 64 << 10
"""Bytes that are compressed here and now: some milliseconds; more of them go to a thread."""
MOST_PACKED: Final = 64 << 20
"""Bytes of an answer that is compressed: more would take seconds; it is sent as it is."""
ENDING: Final = (("Connection", "close"), ("Keep-Alive", ""))
"""Fields of an answer whose end is that of the connection."""
GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
_LEVEL: Final = 6


async def array(texts: AsyncIterator[str], length: int | None = None) -> Response:
    """A JSON array of values that are styled already; `length`: bytes that it is known to have."""
    return await streamed(_array(texts), JSON, length)


async def streamed(pieces: AsyncIterator[bytes], kind: str, length: int | None = None) -> Response:
    """An answer made of `pieces`, whole if it is short."""
    begun: list[bytes] = []
    size = 0
    async for piece in pieces:
        begun.append(piece)
        size += len(piece)
        if size >= WHOLE:
            break
    else:
        return Response(200, [("Content-Type", kind)], b"".join(begun))
    rest = _continued(b"".join(begun), pieces)
    fields = [("Content-Type", kind)]
    return Response(200, fields if length else [*ENDING, *fields], rest, length=length, close=length is None)


async def _continued(begun: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[Part]:
    yield begun
    async for piece in pieces:
        yield piece


async def _array(texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    begun = False
    async for text in texts:
        # Within a string, a line feed is escaped: the others begin a line of the layout.
        yield ((",\n" if begun else "[\n") + INDENTATION + text.replace("\n", "\n" + INDENTATION)).encode()
        begun = True
    yield b"\n]" if begun else b"[]"


async def coded(request: Request, response: Response) -> Response:
    """The response in the coding that the client takes, if it is one that has a body of its own."""
    coding = coding_of(request)
    if coding is None or response.status != 200 or response.close or (response.length or 0) > MOST_PACKED:
        return response
    data = await _gathered(response.body)
    if not data:
        return response
    if len(data) > PACKED_AT_ONCE:
        packed = await asyncio.to_thread(_packed, data, coding)
    else:
        packed = _packed(data, coding)
    return Response(200, [*response.headers, ("Content-Encoding", coding)], packed)


async def _gathered(body: Part | AsyncIterator[Part]) -> bytes | memoryview:
    if isinstance(body, Stored):
        return body.data
    if isinstance(body, bytes | memoryview):
        return body
    return b"".join([part.data if isinstance(part, Stored) else part async for part in body])


def coding_of(request: Request) -> str | None:
    """``gzip``, ``deflate`` or None."""
    accepted = [each.strip() for each in (request.headers.get("Accept-Encoding") or "").split(",")]
    return next((coding for coding in ("gzip", "deflate") if coding in accepted), None)


def _packed(data: bytes | memoryview, coding: str) -> bytes:
    if coding == "deflate":
        return zlib.compress(data, _LEVEL)
    return GZIP_HEAD + gzip.compress(data, _LEVEL, mtime=0)[len(GZIP_HEAD) :]
