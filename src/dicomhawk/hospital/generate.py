"""The generated hospital: fills the catalogue from the deployment's seed.

Rows for studies to come are there already, with the moment from which they are visible. Pixel data are made later,
from the series' recipes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from dicomhawk.hospital.catalogue import Catalogue, CatalogueError, CatalogueWriter
from dicomhawk.hospital.world.history import History
from dicomhawk.settings import Deployment

CATALOGUE = "hospital/catalogue.sqlite"
CACHE = "hospital/cache"
GENERATED = "generated_studies"
"""Key of the catalogue's info: how many studies were asked for; absent in one that was only imported into."""


class GenerateError(Exception):
    """The catalogue can't be generated; the message is one sentence for the operator."""


def generate(
    data: Path,
    deployment: Deployment,
    studies: int,
    *,
    now: float,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make ``hospital/catalogue.sqlite`` below `data` with that many studies up to `now` (POSIX seconds), and
    those of the two weeks to come.

    A catalogue generated before is replaced, and the cache of rendered objects emptied. One that has only
    imported studies is added to. Either it is complete in the end or nothing has changed. `progress` is called
    with the studies made and their number. Raises `GenerateError`.
    """
    target = data / CATALOGUE
    adding = _has_imports_only(target)
    path = target if adding else target.with_suffix(".new")
    try:
        if not adding:
            _remove(path)
        with CatalogueWriter(path) as writer:
            history = History(writer, deployment, now)
            for key, value in (history.info() | {GENERATED: str(studies)}).items():
                writer.set_info(key, value)
            for done, total in history.write(studies):
                if progress is not None:
                    progress(done, total)
        if not adding:
            _remove_companions(target)
            path.replace(target)
        shutil.rmtree(data / CACHE, ignore_errors=True)
    except (CatalogueError, OSError) as error:
        raise GenerateError(f"The hospital can't be generated: {error}") from None


def _has_imports_only(path: Path) -> bool:
    """Whether there is a catalogue of imported studies. Raises `GenerateError` if it has generated ones too."""
    if not path.exists():
        return False
    try:
        with Catalogue(path) as catalogue:
            generated = catalogue.info(GENERATED) is not None
            query = "SELECT EXISTS (SELECT 1 FROM instance WHERE path IS NOT NULL)"
            imported = bool(catalogue.connection.execute(query).fetchone()[0])
    except (CatalogueError, sqlite3.Error) as error:
        raise GenerateError(f"The catalogue can't be replaced: {error}") from None
    if generated and imported:
        raise GenerateError(f"{path} has generated and imported studies: remove it, generate, and import again.")
    return imported


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _remove_companions(path)


def _remove_companions(path: Path) -> None:
    """SQLite's own files beside a database, which belong to that database only."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
