"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..settings import SettingsError


@contextmanager
def held(path: Path, taken: str) -> Iterator[None]:
    """Hold the lock file at `path`, whose folder is made if need be. Raises `SettingsError` with the sentence `taken`
    if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(taken) from None
        yield
