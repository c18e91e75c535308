"""The two ends of a connection, as they are put on record."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

_NOWHERE = ("::", 0)
"""A peer that neither asyncio nor the system can name any more."""
_MAPPED = "::ffff:"
_SO_PEERNAME = 28
"""Linux's socket(7) has it, Python doesn't: unlike getpeername(2) it knows a peer that has reset its connection,
as accept(2) does."""
_NAME_BYTES = {socket.AF_INET: 16, socket.AF_INET6: 28}
"""Of a ``sockaddr_in`` and a ``sockaddr_in6``."""

Endpoint = tuple[str, int]
"""IP address and port."""
Ends = tuple[Endpoint, Endpoint]
"""The peer's and our own."""


def ends(transport: asyncio.BaseTransport) -> Ends:
    """Address and port of the peer, and our own. To be called before the transport is closed."""
    peer = transport.get_extra_info("peername") or _departed(transport) or _NOWHERE
    return _endpoint(peer), _endpoint(transport.get_extra_info("sockname") or _NOWHERE)


def _departed(transport: asyncio.BaseTransport) -> Endpoint | None:
    """The name of a peer that reset the connection before we looked; None if the system doesn't know either."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in _NAME_BYTES:
        return None
    try:
        name = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERNAME, _NAME_BYTES[sock.family])
    except OSError:
        return None
    address = name[4:8] if sock.family == socket.AF_INET else name[8:24]
    return socket.inet_ntop(sock.family, address), int.from_bytes(name[2:4], "big")


def _endpoint(name: tuple[Any, ...]) -> Endpoint:
    """Address and port of a socket's name; an IPv4 address within IPv6, as on a socket for both, becomes IPv4."""
    host, port = name[:2]
    return (host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host), port
