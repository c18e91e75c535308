"""The order of SHA-1: that in which an archive lists what it keeps by the digests of its identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1


def digest(ids: Sequence[str]) -> bytes:
    """SHA-1 of identifiers, joined by ``|``; its bytes sort as its hexadecimal digits do."""
    return _sha1("|".join(ids))


def place(joined: str | None) -> int | None:
    """The first 63 bits of the SHA-1 of identifiers that are `joined` by ``|``, which sort as it does."""
    return None if joined is None else int.from_bytes(_sha1(joined)[:8]) >> 1


def _sha1(joined: str) -> bytes:
    return sha1(joined.encode("latin-1", "replace"), usedforsecurity=False).digest()
