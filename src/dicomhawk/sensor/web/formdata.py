"""Forms with files (``multipart/form-data``, RFC 7578), read as they come and bounded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from .message import Body, BodyBroken

MAX_BOUNDARY: Final = 70
"""Characters (RFC 2046 section 5.1.1)."""
MAX_HEAD: Final = 8192
"""Bytes of the head of a part."""
MAX_PARTS: Final = 2000
"""Parts of one form: somebody who drags a whole CT into it has some hundred."""
MAX_FIELD: Final = 16 << 10
"""Bytes of a field that isn't a file."""
MAX_NAME: Final = 255
"""Characters of a file's name."""

_BOUNDARY: Final = re.compile(
    rf'boundary=(?:"([^"\r\n]{{1,{MAX_BOUNDARY}}})"|([^\s;,"]{{1,{MAX_BOUNDARY}}}))', re.IGNORECASE
)
_PARAMETER: Final = re.compile(rb'([A-Za-z*]{1,20})=(?:"((?:[^"\\\r\n]|\\.){0,2000})"|([^\s;"]{1,2000}))')


class FormError(Exception):
    """The body is no form of this kind, or one beyond our limits."""


class Part(NamedTuple):
    """A part of a form, or a piece of one: its head is repeated with each."""

    name: str
    filename: str | None
    """As sent; None: it isn't a file."""
    kind: str
    """Its Content-Type."""
    data: bytes
    last: bool
    """Whether the part ends with this piece."""


def boundary_of(content_type: str | None) -> str | None:
    """The boundary in a Content-Type; None if it isn't that of a form with files."""
    if content_type is None or not content_type.lower().startswith("multipart/form-data"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else None


async def parts(body: Body, boundary: str) -> AsyncIterator[Part]:
    """The pieces of a form's parts, in order; each part has at least one. Raises `FormError` and `BodyBroken`."""
    reader = _Reader(boundary)
    async for chunk in body:
        for part in reader.feed(bytes(chunk)):
            yield part
    if not reader.ended:
        raise BodyBroken("the form ends within a part")


class _Reader:
    """Takes bytes, gives pieces of parts. Keeps no more than a head or a delimiter."""

    def __init__(self, boundary: str) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = b"\r\n"  # so that the first delimiter is as the others
        self._head: tuple[str, str | None, str] | None = None
        self._inside = False
        self._parts = 0
        self.ended = False

    def feed(self, data: bytes) -> list[Part]:
        """The pieces that `data` completes."""
        self._buffer += data
        found: list[Part] = []
        while not self.ended and self._step(found):
            pass
        if self.ended:
            self._buffer = b""
        return found

    def _step(self, found: list[Part]) -> bool:
        """Go on by one delimiter, head or piece; whether there may be more in the buffer."""
        if self._inside and self._head is None:
            return self._read_head()
        at = self._buffer.find(self._delimiter)
        if at < 0:
            keep = len(self._delimiter) - 1
            if self._head is not None and len(self._buffer) > keep:
                found.append(Part(*self._head, self._buffer[:-keep], False))
            self._buffer = self._buffer[-keep:]
            return False
        after = at + len(self._delimiter)
        if len(self._buffer) < after + 2:
            return False
        if self._head is not None:
            found.append(Part(*self._head, self._buffer[:at], True))
            self._head = None
        if self._buffer[after : after + 2] == b"--":
            self.ended = True
            return False
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise FormError("too many parts")
        self._buffer = self._buffer[after:]
        self._inside = True
        return True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise FormError("the head of a part is too long")
            return False
        if end > MAX_HEAD:
            raise FormError("the head of a part is too long")
        self._head = _head(self._buffer[:end])
        # The line break before the content is also that before an empty content's delimiter.
        self._buffer = self._buffer[end + 4 :]
        if self._buffer.startswith(self._delimiter[2:]):
            self._buffer = b"\r\n" + self._buffer
        return True


def _head(data: bytes) -> tuple[str, str | None, str]:
    name, filename, kind = "", None, "text/plain"
    for line in data.split(b"\r\n"):
        field, _, value = line.partition(b":")
        lower = field.strip().lower()
        if lower == b"content-type":
            kind = value.strip()[:MAX_NAME].decode("latin-1")
        elif lower == b"content-disposition":
            for key, quoted, plain in _PARAMETER.findall(value):
                text = (quoted or plain).decode("utf-8", "replace")
                if key.lower() == b"name":
                    name = text[:MAX_NAME]
                elif key.lower() in (b"filename", b"filename*"):
                    filename = text[:MAX_NAME]
    return name, filename, kind
