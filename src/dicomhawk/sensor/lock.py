"""One sensor in one data folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..settings import SettingsError


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the folder's lock: two sensors would mix their evidence, and a hospital that is built anew under a sensor
    would have it serve other objects than it names. Raises `SettingsError` if a sensor is running."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "sensor.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"A sensor is running in {data}.") from None
        yield
