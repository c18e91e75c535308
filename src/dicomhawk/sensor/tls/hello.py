"""The ClientHello of a TLS client (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), as far as it tells who it is.

It is read from the first bytes of a connection, before the TLS library gets them, because the library keeps none of
what matters here: the order of things.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HANDSHAKE: Final = 22
"""Type of the record that a TLS connection begins with (RFC 8446 section 5.1)."""
CLIENT_HELLO: Final = 1

RECORD_HEADER: Final = 5
LONGEST_RECORD: Final = 1 << 14
"""Of what is not encrypted (RFC 8446 section 5.1)."""
LONGEST_HELLO: Final = 1 << 14
"""Real ones, key shares of post-quantum groups included, have less than 2,500 bytes."""

MOST_RECORDS: Final = 64
"""That one comes in; real ones come in one, or in two."""

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, ALPN, VERSIONS = 0, 10, 11, 13, 16, 43


class HelloError(Exception):
    """What came is no ClientHello, or a broken one."""


class ClientHello(NamedTuple):
    """What a client offers, in its order."""

    version: int
    """The legacy version of the message, as 0x0303."""
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    server_name: str | None
    groups: tuple[int, ...]
    point_formats: tuple[int, ...]
    signatures: tuple[int, ...]
    protocols: tuple[bytes, ...]
    """Of ALPN (RFC 7301)."""
    versions: tuple[int, ...]
    """Of the extension supported_versions."""


class _Reader:
    """Bytes that are counted before they are believed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, number: int) -> bytes:
        end = self._at + number
        if end > len(self._data):
            raise HelloError("it ends too soon")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Bytes behind a length of `size` bytes."""
        return self.take(self.number(size))

    def numbers(self, size: int, each: int) -> tuple[int, ...]:
        """Numbers of `each` bytes in a vector with a length of `size` bytes."""
        data = self.vector(size)
        if len(data) % each:
            raise HelloError("a list ends within a value")
        return tuple(int.from_bytes(data[at : at + each], "big") for at in range(0, len(data), each))

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def message(data: bytes) -> bytes | None:
    """The body of the ClientHello that `data`, the first bytes of a connection, begins with; None: more must come.

    Raises `HelloError` if it can't become one.
    """
    body = b""
    rest = data
    for _ in range(MOST_RECORDS):
        if not rest:
            return None
        if rest[0] != HANDSHAKE or (len(rest) > 1 and rest[1] != 3):
            raise HelloError("no TLS handshake")
        if len(rest) < RECORD_HEADER:
            return None
        length = int.from_bytes(rest[3:5], "big")
        if not 0 < length <= LONGEST_RECORD:
            raise HelloError("a record's length is impossible")
        body += rest[RECORD_HEADER : RECORD_HEADER + length]
        if body and body[0] != CLIENT_HELLO:
            raise HelloError("no ClientHello")
        if len(body) >= 4:
            size = int.from_bytes(body[1:4], "big")
            if size > LONGEST_HELLO:
                raise HelloError("longer than any ClientHello")
            if len(body) >= 4 + size:
                return body[4 : 4 + size]
        rest = rest[RECORD_HEADER + length :]
    raise HelloError("it comes in too many records")


def parse(body: bytes) -> ClientHello:
    """A ClientHello from its body. Raises `HelloError`."""
    reader = _Reader(body)
    version = reader.number(2)
    reader.take(32)  # random
    reader.vector(1)  # session identifier
    ciphers = reader.numbers(2, 2)
    reader.vector(1)  # compression methods
    found: dict[int, bytes] = {}
    order: list[int] = []
    if reader.left:
        extensions = _Reader(reader.vector(2))
        while extensions.left:
            kind = extensions.number(2)
            order.append(kind)
            found[kind] = extensions.vector(2)
    return ClientHello(
        version,
        ciphers,
        tuple(order),
        _server_name(found.get(SERVER_NAME)),
        _numbers(found.get(GROUPS), 2, 2),
        _numbers(found.get(POINT_FORMATS), 1, 1),
        _numbers(found.get(SIGNATURES), 2, 2),
        _protocols(found.get(ALPN)),
        _numbers(found.get(VERSIONS), 1, 2),
    )


def _numbers(data: bytes | None, size: int, each: int) -> tuple[int, ...]:
    return () if data is None else _Reader(data).numbers(size, each)


def _server_name(data: bytes | None) -> str | None:
    if not data:
        return None
    names = _Reader(_Reader(data).vector(2))
    if not names.left or names.number(1) != 0:
        return None
    return names.vector(2).decode("latin-1")


def _protocols(data: bytes | None) -> tuple[bytes, ...]:
    if data is None:
        return ()
    names = _Reader(_Reader(data).vector(2))
    found = []
    while names.left:
        found.append(names.vector(1))
    return tuple(found)
