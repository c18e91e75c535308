"""A client of hpfeeds brokers, after the protocol's description.

A message is its length (4 bytes, itself included), an operation and what belongs to it. A broker says who it is and
sends a nonce; we answer with our identity and SHA-1(nonce + secret), and may publish from then on. Nothing is
acknowledged but by silence: what the broker doesn't like it says in an error, and hangs up.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from enum import IntEnum
from struct import pack, unpack

from ...settings import Settings
from ...settings.outputs import HpfeedsOutput
from .base import Batch, Output, Permanent, Record, Temporary, encode, rendered
from .formats.tpot import flat
from .stream import Stream
from .tls import context

MAX_ANSWER = 1 << 16
"""Bytes of a message of the broker's that are read: it has little to say."""
MAX_PAYLOAD = 1 << 20
"""Bytes that brokers take at the least."""
_HEAD = 5
"""Bytes of length and operation."""
GREETING_SECONDS = 15.0
OBJECTION_SECONDS = 0.5
"""How long a broker may take to say that it doesn't know us."""


class Op(IntEnum):
    """Operations."""

    ERROR = 0
    INFO = 1
    AUTH = 2
    PUBLISH = 3
    SUBSCRIBE = 4


class Hpfeeds(Output):
    """One connection, made when it is needed."""

    def __init__(self, output: HpfeedsOutput, settings: Settings) -> None:
        self._settings = output
        self._secret = output.secret.reveal().encode()
        self._tls = context(output.ca) if output.tls or output.ca is not None else None
        self._stream: Stream | None = None

    @property
    def where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}, channels {self._settings.channel}.*"

    async def send(self, batch: Batch) -> None:
        messages = rendered(batch, self._publish)
        long = [one.id for one, message in zip(batch, messages, strict=True) if len(message) > MAX_PAYLOAD]
        if long:
            raise Permanent(f"longer than {MAX_PAYLOAD} bytes", refused=long)
        try:
            if self._stream is not None and self._stream.ended:
                await self.close()
            if self._stream is None:
                self._stream = await self._greeted()
            await self._stream.deliver(b"".join(messages))
            await self._listen(self._stream, 0.01)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Temporary(f"{self.where}: {error}") from None
        except Temporary:
            await self.close()
            raise

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _greeted(self) -> Stream:
        stream = await Stream.open(self._settings.host, self._settings.port, self._tls)
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                op, data = await _message(stream.reader)
            if op != Op.INFO or not data or len(data) < 1 + data[0]:
                raise Temporary(f"{self.where}: it is no broker of hpfeeds")
            nonce = data[1 + data[0] :]
            ident = self._settings.ident.encode()
            digest = hashlib.sha1(nonce + self._secret, usedforsecurity=False).digest()
            await stream.deliver(frame(Op.AUTH, short(ident) + digest))
            await self._listen(stream, OBJECTION_SECONDS)
        except TimeoutError:
            stream.close()
            raise Temporary(f"{self.where}: no greeting within {GREETING_SECONDS:g} s") from None
        except BaseException:
            stream.close()
            raise
        return stream

    async def _listen(self, stream: Stream, seconds: float) -> None:
        """Hear whether the broker objects. Raises `Temporary` if so."""
        head = asyncio.ensure_future(stream.reader.readexactly(_HEAD))
        done, _ = await asyncio.wait([head], timeout=seconds)
        if not done:
            head.cancel()
            return
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                op, data = await _rest(head.result(), stream.reader)
        except TimeoutError:
            raise Temporary(f"{self.where}: a message of the broker stopped in the middle") from None
        if op == Op.ERROR:
            said = "".join(c if c.isprintable() else " " for c in data[:200].decode("utf-8", "replace"))
            raise Temporary(f"{self.where}: it objects: {said}")

    def _publish(self, record: Record) -> bytes:
        payload = record.line if self._settings.format == "ecs" else encode(flat(record))
        channel = f"{self._settings.channel}.{record.kind}".encode()
        return frame(Op.PUBLISH, short(self._settings.ident.encode()) + short(channel) + payload)


def frame(op: Op, data: bytes) -> bytes:
    """A message."""
    return pack(">IB", 5 + len(data), op) + data


def short(text: bytes) -> bytes:
    """A text of at most 255 bytes with its length."""
    return pack(">B", len(text)) + text


async def _message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    return await _rest(await reader.readexactly(_HEAD), reader)


async def _rest(head: bytes, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    length, op = unpack(">IB", head)
    if not _HEAD <= length <= MAX_ANSWER:
        raise Temporary("a message of the broker has no sensible length")
    return op, await reader.readexactly(length - _HEAD)
