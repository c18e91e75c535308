"""Where the hospital's objects are: imported files, and generated ones, which are made when first wanted.

A generated object is rendered from its series' recipe and kept in ``hospital/cache`` below the data folder, in
whole files, up to a budget; the same instance has the same bytes every time. Nothing here but `render` needs
the image code, and that runs in a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .catalogue import Catalogue
from .rows import Instance

if TYPE_CHECKING:
    from .objects.common import Context
    from .objects.recipe import DocumentRecipe, SeriesRecipe

CACHE = "hospital/cache"
CATALOGUE = "hospital/catalogue.sqlite"
TRIM_TO = 0.9
"""Part of the budget that is left filled when the cache is trimmed, so that it isn't trimmed for each file."""
TRIM_EVERY = 64
"""Files written between two looks at the cache's size, which takes a walk through all of it."""


class _Located(Protocol):
    """What `path_of` must know of an instance: `rows.Instance` and `query.InstanceRef` both do."""

    @property
    def sop_uid(self) -> str: ...

    @property
    def path(self) -> str | None: ...


class Archive:
    """The objects of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def path_of(self, instance: _Located) -> Path | None:
        """The file of an instance; None if it has still to be rendered."""
        if instance.path is not None:
            return self._data / instance.path
        path = cached(self._data, instance.sop_uid)
        return path if path.exists() else None


def cached(data: Path, sop_uid: str) -> Path:
    """Where the rendered file of an instance is, once it is there."""
    return data / CACHE / sop_uid[-2:] / f"{sop_uid}.dcm"


def render(data: str, instance_key: int, budget: int) -> str:
    """Make the file of an instance, if it isn't there; returns its path.

    `budget`: bytes of the cache; the oldest files make room. Safe in several processes at once.
    """
    maker = _maker(data)
    instance = maker.instance(instance_key)
    target = cached(Path(data), instance.sop_uid)
    if not target.exists():
        content = maker.make(instance)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        partial.write_bytes(content)
        partial.replace(target)
        maker.written += 1
        if maker.written % TRIM_EVERY == 1:
            trim(Path(data) / CACHE, budget)
    return str(target)


def heads(data: str, instance_keys: Sequence[int]) -> list[bytes | None]:
    """The attributes of generated images, as `objects.head.attributes` has them; None for what is no image."""
    maker = _maker(data)
    return [maker.head(maker.instance(key)) for key in instance_keys]


def trim(folder: Path, budget: int) -> None:
    """Remove the files least recently written until the cache is within its budget."""
    files = []
    for path in folder.glob("??/*.dcm"):
        with suppress(FileNotFoundError):  # another process trims, too
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in files)
    if total <= budget:
        return
    for _, size, path in sorted(files):
        path.unlink(missing_ok=True)
        total -= size
        if total <= budget * TRIM_TO:
            return


class _Maker:
    """Makes files from the catalogue's rows; one in each rendering process."""

    def __init__(self, data: str) -> None:
        self._catalogue = Catalogue(Path(data) / CATALOGUE)
        self._charset = self._catalogue.info("character_set") or "ISO_IR 100"
        self._address = self._catalogue.info("address") or ""
        self.written = 0

    def instance(self, instance_key: int) -> Instance:
        instance = self._catalogue.instance(instance_key)
        if instance is None:
            raise LookupError(f"there is no instance {instance_key}")
        return instance

    def make(self, instance: Instance) -> bytes:
        from .objects.files import make_file  # large: only a rendering process loads the image code

        return make_file(*self._described(instance))

    def head(self, instance: Instance) -> bytes | None:
        from .objects.head import attributes

        return attributes(*self._described(instance))

    def _described(self, instance: Instance) -> tuple[Context, SeriesRecipe | DocumentRecipe]:
        """What an instance is made of."""
        from .objects.common import Context
        from .objects.recipe import decode

        catalogue = self._catalogue
        series = catalogue.series(instance.series_key)
        study = series and catalogue.study(series.study_key)
        patient = study and catalogue.patient(study.patient_key)
        device = series and series.device_key is not None and catalogue.device(series.device_key)
        if not (series and study and patient and device) or series.recipe is None:
            raise LookupError(f"instance {instance.instance_key} can't be rendered")
        context = Context(patient, study, series, instance, device, self._charset, self._address)
        return context, decode(series.recipe)


_maker = lru_cache(maxsize=1)(_Maker)
