"""DNS over UDP and TCP (RFC 1035 section 4.2, RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, cast

from .dns import DnsError, Query, Zone, answer, malformed, parse
from .rates import Rates

MAX_CONNECTIONS = 100
"""Over TCP, at once; of more, new ones are closed."""
MAX_QUESTIONS = 16
"""On one connection."""
PATIENCE = 5.0
"""Seconds that a resolver may be silent on a connection."""

Endpoint = tuple[str, int]
Visit = Callable[[Endpoint, Query, bytes, bool], None]
"""Told of each question: who asks, what, its bytes, and whether over UDP."""


class Datagrams(asyncio.DatagramProtocol):
    """Questions over UDP. Nobody gets more than `rates` allow: of what is over it, half is dropped, and half told to
    come over TCP, whose addresses can't be false."""

    def __init__(self, zone: Zone, rates: Rates, visit: Visit) -> None:
        self._zone, self._rates, self._visit = zone, rates, visit
        self._transport: asyncio.DatagramTransport | None = None
        self._slips = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Any) -> None:
        """A question."""
        allowed = self._rates.allows(address[0], time.monotonic())
        try:
            query = parse(data)
        except DnsError:
            found = malformed(data) if allowed else None
        else:
            self._visit((address[0], address[1]), query, data, True)
            self._slips += not allowed
            found = answer(query, self._zone, truncated=not allowed) if allowed or self._slips % 2 else None
        if found is not None and self._transport is not None:
            self._transport.sendto(found, address)


class Streams:
    """Questions over TCP."""

    def __init__(self, zone: Zone, visit: Visit) -> None:
        self._zone, self._visit = zone, visit
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        peer = writer.get_extra_info("peername")
        if self._open >= MAX_CONNECTIONS or peer is None:
            writer.close()
            return
        self._open += 1
        try:
            for _ in range(MAX_QUESTIONS):
                async with asyncio.timeout(PATIENCE):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    data = await reader.readexactly(length)
                    found = self._answered((peer[0], peer[1]), data)
                    if found is None:
                        break
                    writer.write(len(found).to_bytes(2, "big") + found)
                    await writer.drain()
        except (TimeoutError, OSError, EOFError):
            pass  # whoever leaves in the middle has its answer, or doesn't want it
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answered(self, peer: Endpoint, data: bytes) -> bytes | None:
        try:
            query = parse(data)
        except DnsError:
            return malformed(data)
        self._visit(peer, query, data, False)
        return answer(query, self._zone)
