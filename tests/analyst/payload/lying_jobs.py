"""A sandbox that was taken over: it does, and tells, what the first word of the file says."""

from __future__ import annotations

import base64
import ctypes
import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

Contents = Sequence[Any]
Facts = Mapping[str, Any]


def load(options: Facts) -> dict[str, Any]:
    return {"ignored": [], "rules": "lies"}


def prepare(job: str) -> None:
    pass


def clean() -> dict[str, Any]:
    """A report that is believed."""
    lists = ("types", "findings", "sections", "containers", "indicators", "strings", "failed")
    digests = ("sha256", "sha1", "md5", "fuzzy")
    return {"type": "data", "size": 1, "examined": 1, **dict.fromkeys(digests, ""), **{name: [] for name in lists}}


def examine(contents: Contents, facts: Facts) -> bytes:
    word = bytes(contents[0][:40]).split()[0].decode()
    told = clean()
    match word:
        case "crash":
            ctypes.string_at(0)
        case "loop":
            while True:
                pass
        case "socket":
            socket.socket()
        case "raise":
            raise ValueError
        case "nonsense":
            return b"\xff\xfe not JSON"
        case "empty":
            return b""
        case "deep":
            return b"[" * 500_000
        case "huge-number":
            return json.dumps(told).encode().replace(b'"size": 1', b'"size": 1' + b"0" * 10_000)
        case "bad-id":
            told["findings"] = [{"id": "<script>", "name": "x", "severity": 1}]
        case "long":
            told["strings"] = ["x" * 100_000]
        case "big-picture":
            told["preview"] = {"width": 50_000, "height": 50_000, "samples": 1, "data": ""}
        case "short-picture":
            data = base64.b64encode(b"abc").decode()
            told["preview"] = {"width": 100, "height": 100, "samples": 1, "data": data}
    return json.dumps(told).encode()


def scan(contents: Contents, facts: Facts) -> bytes:
    text = bytes(contents[0][:40])
    while b"slow-rule" in text:
        pass
    if b"crashing-rule" in text:
        ctypes.string_at(0)
    return b'{"findings": []}'


JOBS = {"examine": examine, "scan": scan}
