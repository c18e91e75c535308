"""From journals to findings, as `dicomhawk analyse` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine

from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.importing import events_from
from dicomhawk.analyst.reading import add
from dicomhawk.analyst.service import Service
from dicomhawk.settings import Settings


def analysed(data: Path, journals: Sequence[Path], logs: Mapping[str, Path] | None = None) -> Engine:
    """The database of findings in the folder `data`; `logs` are dicompot's, by the names of their sensors."""
    settings = Settings(data=data)
    engine = open_database(settings.database_url)
    for sensor, path in (logs or {}).items():
        add(engine, events_from("dicompot", path, sensor))
    service = Service(settings, engine, journals)
    try:
        service.once()
    finally:
        service.close()
    return open_database(settings.database_url, read_only=True)
