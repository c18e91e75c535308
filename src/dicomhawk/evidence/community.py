"""Community ID: one name for a connection in all tools that saw it (github.com/corelight/community-id-spec)."""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha1
from socket import AF_INET, AF_INET6, inet_pton

TCP, UDP = 6, 17


def community_id(source: tuple[str, int], destination: tuple[str, int], *, protocol: int = TCP) -> bytes:
    """Community ID version 1 with seed 0 of a flow between two (IP address, port)."""
    one = address_bytes(source[0]), source[1]
    other = address_bytes(destination[0]), destination[1]
    (low, low_port), (high, high_port) = (one, other) if one < other else (other, one)
    ports = (low_port << 16 | high_port).to_bytes(4, "big")
    digest = sha1(b"\0\0%b%b%c\0%b" % (low, high, protocol, ports), usedforsecurity=False).digest()
    return b"1:" + b2a_base64(digest, newline=False)


@lru_cache(maxsize=1024)
def address_bytes(ip: str) -> bytes:
    """An IP address as its 4 or 16 bytes, without a zone."""
    if ":" in ip:
        return inet_pton(AF_INET6, ip.partition("%")[0])
    return inet_pton(AF_INET, ip)
