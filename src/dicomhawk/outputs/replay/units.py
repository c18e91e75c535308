"""Streams cut into what they are made of: the PDUs of an association, or the messages of HTTP.

Everything here came from a stranger, or from a build that may be broken: a length is bounded before it is believed,
and what is neither is one unit of raw bytes.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal, NamedTuple

from ...upperlayer.pdu import HEADER_SIZE

MAX_PDU = 1 << 24
"""Bytes of a PDU that are waited for: products announce up to 128 KiB, and some visitors send more than allowed."""
MAX_HEAD = 1 << 18
"""Bytes of a head of HTTP."""
MAX_BODY = 1 << 24
"""Bytes of a body that are kept; behind them it is another unit."""
MAX_RAW = 1 << 20
"""Bytes of one unit that is neither."""
_CHUNK_LINE = 1 << 12

Protocol = Literal["dicom", "http", "raw"]

_REQUEST = re.compile(rb"[A-Za-z-]{1,32} [^\r\n]*")
_NO_BODY = frozenset((204, 304))


class Unit(NamedTuple):
    """A PDU, a message of HTTP with its body, or raw bytes."""

    protocol: Protocol
    data: bytes
    head: int = 0
    """HTTP: bytes of `data` that are the head."""


def protocol_of(beginning: bytes) -> Protocol:
    """What a connection speaks, by the first bytes of who opened it."""
    if beginning[:1] == b"\x01" and beginning[1:2] in (b"", b"\x00"):
        return "dicom"
    return "http" if _REQUEST.match(beginning) else "raw"


class Pdus:
    """The PDUs (PS3.8 section 9.3) of one direction."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes | memoryview) -> list[Unit]:
        """What `data` completes."""
        buffer = self._buffer
        buffer += data
        found = []
        at = 0
        while not self._lost and len(buffer) - at >= HEADER_SIZE:
            length = int.from_bytes(buffer[at + 2 : at + HEADER_SIZE], "big")
            if not 1 <= buffer[at] <= 7 or length > MAX_PDU:
                self._lost = True
                break
            end = at + HEADER_SIZE + length
            if end > len(buffer):
                break
            found.append(Unit("dicom", bytes(buffer[at:end])))
            at = end
        del buffer[:at]
        while self._lost and len(buffer) > MAX_RAW:
            found.append(Unit("raw", bytes(buffer[:MAX_RAW])))
            del buffer[:MAX_RAW]
        return found

    def finish(self) -> list[Unit]:
        """What is left when nothing more comes."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return [Unit("raw", rest)] if rest else []


class Raw:
    """Bytes of neither protocol: one unit, if it isn't too long."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> list[Unit]:
        """What `data` completes."""
        self._buffer += data
        found = []
        while len(self._buffer) > MAX_RAW:
            found.append(Unit("raw", bytes(self._buffer[:MAX_RAW])))
            del self._buffer[:MAX_RAW]
        return found

    def finish(self) -> list[Unit]:
        """What is left when nothing more comes."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return [Unit("raw", rest)] if rest else []


class Messages:
    """The requests or responses of one direction of HTTP/1 (RFC 9112). Both directions share `methods`: of the
    requests that were not answered yet, since a response to HEAD has no body."""

    def __init__(self, methods: deque[bytes], *, responses: bool) -> None:
        self._methods = methods
        self._responses = responses
        self._buffer = bytearray()
        self._head = b""
        self._body = bytearray()
        self._left: int | None = None  # bytes of the body, or of its chunk; None: until the end
        self._chunked = False
        self._inside = False

    def feed(self, data: bytes | memoryview) -> list[Unit]:
        """What `data` completes."""
        self._buffer += data
        found: list[Unit] = []
        while self._advance(found):
            pass
        return found

    def finish(self) -> list[Unit]:
        """What is left when nothing more comes."""
        found: list[Unit] = []
        if self._inside:
            self._body += self._buffer
            self._complete(found)
        elif self._buffer:
            found.append(Unit("raw", bytes(self._buffer[:MAX_RAW])))
        self._buffer.clear()
        return found

    def _advance(self, found: list[Unit]) -> bool:
        """One step; False: more bytes are needed."""
        if not self._inside:
            return self._begin(found)
        if self._chunked and self._left == 0:
            return self._chunk(found)
        taken = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        self._body += self._buffer[:taken]
        del self._buffer[:taken]
        if self._left is not None:
            self._left -= taken
        if self._left == 0 and not self._chunked:
            self._complete(found)
            return True
        if len(self._body) > MAX_BODY:
            found.append(Unit("http", self._head + bytes(self._body), len(self._head)))
            self._head, self._body = b"", bytearray()
        return taken > 0

    def _begin(self, found: list[Unit]) -> bool:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MAX_HEAD:
                found.append(Unit("raw", bytes(buffer)))
                buffer.clear()
            return False
        self._head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        self._body = bytearray()
        self._inside = True
        line = self._head.split(b"\r\n", 1)[0]
        length = header(self._head, b"content-length")
        self._chunked = header(self._head, b"transfer-encoding").lower().endswith(b"chunked")
        self._left = int(length) if length.isdigit() and len(length) < 19 else None
        if self._chunked:
            self._left = 0
        if self._responses:
            status = int(line[9:12]) if line[9:12].isdigit() else 0
            informal = 100 <= status < 200
            method = b"" if informal or not self._methods else self._methods.popleft()
            if informal or status in _NO_BODY or method == b"HEAD":
                self._left, self._chunked = 0, False
        else:
            self._methods.append(line.split(b" ")[0])
            if self._left is None:
                self._left = 0
        return True

    def _chunk(self, found: list[Unit]) -> bool:
        """The line before a chunk, or the trailer behind the last one; they are part of the body as it was sent."""
        buffer = self._buffer
        if buffer.startswith(b"\r\n"):  # behind a chunk
            end = buffer.find(b"\r\n", 2)
            start = 2
        else:
            end, start = buffer.find(b"\r\n"), 0
        if end < 0:
            if len(buffer) > _CHUNK_LINE:
                self._chunked, self._left = False, None
                return True
            return False
        digits = bytes(buffer[start:end]).split(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            self._chunked, self._left = False, None
            return True
        if size == 0:
            last = end if buffer[end : end + 4] == b"\r\n\r\n" else buffer.find(b"\r\n\r\n", end)
            if last < 0:
                return False
            end = last + 2
            self._body += buffer[: end + 2]
            del buffer[: end + 2]
            self._complete(found)
            return True
        self._body += buffer[: end + 2]
        del buffer[: end + 2]
        self._left = size
        return True

    def _complete(self, found: list[Unit]) -> None:
        found.append(Unit("http", self._head + bytes(self._body), len(self._head)))
        self._inside = False


Splitter = Pdus | Messages | Raw


def splitters(protocol: Protocol) -> tuple[Splitter, Splitter]:
    """For what comes from who opened the connection, and for the answers."""
    if protocol == "dicom":
        return Pdus(), Pdus()
    if protocol == "http":
        methods: deque[bytes] = deque()
        return Messages(methods, responses=False), Messages(methods, responses=True)
    return Raw(), Raw()


def header(head: bytes, name: bytes) -> bytes:
    """The value of the first header with a name (in lower case); empty if there is none."""
    for line in head.split(b"\r\n")[1:]:
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name:
            return value.strip()
    return b""
