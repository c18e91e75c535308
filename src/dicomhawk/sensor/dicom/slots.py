"""Places that the processes of one sensor share, and that the kernel frees when a process dies.

Each place is a byte of a file that nothing is written to, held by a POSIX record lock.
"""

from __future__ import annotations

import fcntl
import os
from hashlib import blake2b
from pathlib import Path

PLACES = 512
"""Bytes for each visitor: more than any persona has use for."""
_HASH_BYTES = 5


class Slots:
    """Places by number. What this process holds, it must remember itself: to the kernel it may take it again."""

    def __init__(self, path: Path, key: str) -> None:
        """`key` makes it impossible to find visitors whose places are the same."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._key = key.encode()[:64]

    def base(self, visitor: str) -> int:
        """Number of the first of `PLACES` places of a visitor."""
        digest = blake2b(visitor.encode(), digest_size=_HASH_BYTES, key=self._key).digest()
        return int.from_bytes(digest, "big") * PLACES

    def take(self, place: int) -> bool:
        """Hold a place; False if another process does."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        return True

    def give(self, place: int) -> None:
        """Let go of a place."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def close(self) -> None:
        """Let go of all."""
        os.close(self._file)
