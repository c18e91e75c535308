"""Pictures: of the hospital's own images, rendered in a process of their own, and previews that the analyst's sandbox
made of what strangers left. Nothing of a stranger's is decoded here."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..hospital.archive import CATALOGUE, Archive, render
from ..hospital.catalogue import Catalogue, CatalogueError
from ..hospital.displays import DisplayError, Pictures, View
from ..hospital.displays import render as display
from ..hospital.present import Located, located

if TYPE_CHECKING:
    from ..settings import Settings  # the process that renders wants none

THUMBNAIL, WHOLE = 176, 1024
"""Rows and columns of pictures."""
SECONDS = 30.0
"""How long a picture is waited for: the first of a series is rendered anew."""
MAX_PREVIEW = 8 << 20
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class _Task:
    data: str
    instance_key: int
    path: str | None
    syntax: str
    budget: int
    side: int


class Images:
    """The pictures of one data folder. Usable from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data
        self._previews = settings.previews_dir
        self._budget = settings.hospital.cache_mib << 20
        self._kept = Pictures()
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def of_instance(self, sop_uid: str, side: int = THUMBNAIL) -> bytes | None:
        """A JPEG of an image of the hospital's; None if it has none such, or it is no image."""
        key = (sop_uid, side)
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return found or None
        try:
            instances = self.instances([sop_uid])
        except CatalogueError:
            return None
        if sop_uid not in instances:
            return None
        instance = instances[sop_uid]
        path = Archive(self._data).path_of(instance)
        task = _Task(
            str(self._data),
            instance.instance_key,
            None if path is None else str(path),
            instance.transfer_syntax_uid,
            self._budget,
            side,
        )
        try:
            picture = self._executor().submit(_picture, task).result(SECONDS)
        except (DisplayError, LookupError, OSError):
            picture = b""
        except TimeoutError:
            return None
        except BrokenProcessPool:
            self.close()
            return None
        with self._lock:
            self._kept.put(key, picture)
        return picture or None

    def instances(self, sop_uids: list[str]) -> dict[str, Located]:
        """What the catalogue knows of instances, by their UID. Raises `CatalogueError`."""
        with Catalogue(self._data / CATALOGUE) as catalogue:
            return located(catalogue, sop_uids)

    def preview(self, name: str) -> bytes | None:
        """The PNG that the analyst made: `name` is the SHA-256 of a captured file, with ``.difference`` behind it for
        what differs from the hospital's own. None if there is none."""
        try:
            with self._preview(name).open("rb") as file:
                content = file.read(MAX_PREVIEW + 1)
        except OSError:
            return None
        return content if content.startswith(_PNG) and len(content) <= MAX_PREVIEW else None

    def has_preview(self, name: str) -> bool:
        """Whether there is one."""
        return self._preview(name).is_file()

    def close(self) -> None:
        """End the process that renders."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _preview(self, name: str) -> Path:
        return self._previews / f"{name}.png"

    def _executor(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin)
            return self._pool


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the console says when it is over


def _picture(task: _Task) -> bytes:
    """In the process that renders."""
    path = task.path or render(task.data, task.instance_key, task.budget)
    return display(path, task.syntax, View(columns=task.side, rows=task.side, quality=85), True)
