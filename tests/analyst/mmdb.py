"""A writer of small MaxMind databases, for tests: IPv6 tree with IPv4 below ``::/96``, records of 28 bits.

By the specification "MaxMind DB File Format 2.0".
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
SEPARATOR = bytes(16)


class Short(int):
    """Written with 16 bits."""


class Long(int):
    """Written with 64 bits."""


def write(path: Path, records: Mapping[str, Any], kind: str = "Test-City") -> Path:
    """Write a database of `records` by network (as text; none inside another) and return `path`."""
    nodes: list[list[Any]] = [[None, None]]
    for text, record in records.items():
        network = ip_network(text)
        is_v4 = isinstance(network, IPv4Network)
        length = network.prefixlen + (96 if is_v4 else 0)
        value = int(network.network_address)
        at = 0
        for depth in range(length):
            bit = value >> (127 - depth) & 1
            if depth == length - 1:
                nodes[at][bit] = ("data", record)
                break
            if not isinstance(nodes[at][bit], int):
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
    data, offsets = b"", {}
    tree = b""
    for pair in nodes:
        numbers = []
        for child in pair:
            if child is None:
                numbers.append(len(nodes))
            elif isinstance(child, int):
                numbers.append(child)
            else:
                key = repr(child[1])
                if key not in offsets:
                    offsets[key] = len(data)
                    data += encode(child[1])
                numbers.append(len(nodes) + 16 + offsets[key])
        left, right = numbers
        tree += (left & 0xFFFFFF).to_bytes(3, "big")
        tree += bytes([(left >> 24 & 0xF) << 4 | right >> 24 & 0xF])
        tree += (right & 0xFFFFFF).to_bytes(3, "big")
    metadata = {
        "binary_format_major_version": Short(2),
        "binary_format_minor_version": Short(0),
        "build_epoch": Long(1_760_000_000),
        "database_type": kind,
        "description": {"en": "test"},
        "ip_version": Short(6),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": Short(28),
    }
    path.write_bytes(tree + SEPARATOR + data + MARKER + encode(metadata))
    return path


def encode(value: Any) -> bytes:
    """A value of the data section."""
    if isinstance(value, str):
        raw = value.encode()
        return control(2, len(raw)) + raw
    if isinstance(value, bool):
        return control(14, int(value))
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return control(5 if isinstance(value, Short) else 9 if isinstance(value, Long) else 6, len(raw)) + raw
    if isinstance(value, dict):
        return control(7, len(value)) + b"".join(encode(key) + encode(each) for key, each in value.items())
    return control(11, len(value)) + b"".join(encode(each) for each in value)


def control(kind: int, size: int) -> bytes:
    """The control byte or bytes before a value."""
    extended = bytes([kind - 7]) if kind > 7 else b""
    first = 0 if kind > 7 else kind << 5
    if size < 29:
        return bytes([first | size]) + extended
    if size < 285:
        return bytes([first | 29]) + extended + bytes([size - 29])
    return bytes([first | 30]) + extended + (size - 285).to_bytes(2, "big")
