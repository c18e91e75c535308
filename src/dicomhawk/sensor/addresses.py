"""The two ends of a connection, as they are put on record."""

from __future__ import annotations

import asyncio
from typing import Any

_NOWHERE = ("::", 0)
"""A peer that is gone already has no name any more."""
_MAPPED = "::ffff:"


def ends(transport: asyncio.BaseTransport) -> tuple[tuple[str, int], tuple[str, int]]:
    """Address and port of the peer, and our own."""
    names = (transport.get_extra_info(name) or _NOWHERE for name in ("peername", "sockname"))
    peer, local = map(_endpoint, names)
    return peer, local


def _endpoint(name: tuple[Any, ...]) -> tuple[str, int]:
    """Address and port of a socket's name; an IPv4 address within IPv6, as on a socket for both, becomes IPv4."""
    host, port = name[:2]
    return (host[len(_MAPPED) :] if host.startswith(_MAPPED) and "." in host else host), port
