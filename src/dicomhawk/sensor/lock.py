"""One sensor in one data folder."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from ..evidence.lock import held


def only_one(data: Path) -> AbstractContextManager[None]:
    """Hold the folder's lock: two sensors would mix their evidence, and a hospital that is built anew under a sensor
    would have it serve other objects than it names. Raises `SettingsError` if a sensor is running."""
    return held(data / "sensor.lock", f"A sensor is running in {data}.")
