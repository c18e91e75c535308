"""``dicomhawk hospital import --from``: the archive that was named, with its progress on the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ...settings import Deployment, Settings
from ..common import on_terminal
from . import idc, tcia
from .ledger import Ledger
from .offers import MAX_TEXT, Archive, Wanted, clean
from .options import Source
from .run import OnlineReport, import_online
from .transfer import Client


def from_archive(
    source: Source,
    collection: str,
    modalities: Sequence[str],
    count: int,
    settings: Settings,
    deployment: Deployment,
) -> OnlineReport:
    """Import `count` series, with progress shown. Raises `FetchError`, `SourceError` and `CatalogueError`."""
    archive: Archive
    if source is Source.TCIA:
        archive = tcia.Tcia(Client(settings.sources.tcia_url))
    else:
        archive = idc.Idc(Client(settings.sources.idc_url))
    wanted = Wanted(collection.strip(), tuple(dict.fromkeys(name.strip().upper() for name in modalities)), count)
    with _bars() as progress:
        return import_online(archive, wanted, settings.data, deployment, now=time.time(), progress=progress)


def attributions(settings: Settings) -> list[dict[str, Any]]:
    """What the hospital has of whose work, as `hospital show` prints it. Raises `FetchError`."""
    return [
        {
            "archive": found.work.archive,
            "collection": found.work.collection,
            "licence": found.work.licence.name,
            "licence_url": found.work.licence.url,
            "address": found.work.address,
            "citation": found.work.citation,
            "series": found.series,
            "objects": found.objects,
            "text": clean(str(found), MAX_TEXT * 3),
        }
        for found in Ledger(settings.data).attributions()
    ]


@contextmanager
def _bars() -> Iterator[_Bars]:
    """Two bars on a terminal, nothing in a pipe."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(), transient=True, disable=not on_terminal()) as progress:
        yield _Bars(progress)


class _Bars:
    """Series by number, the one that is under way by bytes."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        shown = decimal if what == "downloading" else str
        amount = f"{shown(done)} of {shown(total)}" if total else ""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, amount=amount)
        if what != "choosing" and "choosing" in self._tasks:
            self._progress.remove_task(self._tasks.pop("choosing"))
        self._progress.update(self._tasks[what], completed=done, total=total or None, amount=amount)
