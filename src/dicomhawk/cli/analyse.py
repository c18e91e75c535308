"""``dicomhawk analyse``: findings from the journal and the vault."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from ..settings import SettingsError
from .common import Config, Data, Json, print_json, print_line, settings_of


def analyse(
    data: Data = None,
    config: Config = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until SIGTERM or Ctrl-C.")] = False,
    journal: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of another sensor's journal, read too; can be repeated.", show_default=False),
    ] = None,
    imported: Annotated[
        tuple[str, Path] | None,
        typer.Option("--import", metavar="FORMAT FILE", help="Take another honeypot's log in.", show_default=False),
    ] = None,
    sensor: Annotated[
        str,
        typer.Option(help="Name of the sensor whose log is imported [default: the format's].", show_default=False),
    ] = "",
    json: Json = False,
) -> None:
    """Conclude who came, with what, doing what, and how bad it is."""
    from ..analyst.database.store import open_database
    from ..analyst.importing import events_from
    from ..analyst.reading import add
    from ..analyst.service import Service

    settings = settings_of(data, config)
    folders = [settings.journal_dir, *settings.analyst.journals, *(journal or ())]
    for folder in folders[1:]:
        if not folder.is_dir():
            raise SettingsError(f"There is no folder {folder} to read a journal from.")
    if imported is not None:
        settings.data.mkdir(parents=True, exist_ok=True)  # there may be no sensor here
    engine = open_database(settings.database_url)
    if imported is not None:
        log = events_from(imported[0], imported[1], sensor or imported[0])
        new = add(engine, log)
        print_line(f"{imported[1]}: {log.sentence} {new:,} events are new.")
    service = Service(settings, engine, folders)
    try:
        if follow:
            service.follow(_until_told())
            return
        done = service.once()
    finally:
        service.close()
    if json:
        print_json(done._asdict())
    else:
        torn = f", {done.torn:,} lines that were not whole" if done.torn else ""
        print_line(f"{done.events:,} new events{torn}; {done.sessions:,} sessions and {done.files:,} files analysed.")


def _until_told() -> Waiting:
    waiting = Waiting()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, waiting.end)
    return waiting


class Waiting:
    """Waits, and says whether to go on."""

    def __init__(self) -> None:
        self._told = threading.Event()

    def __call__(self, seconds: float) -> bool:
        return not self._told.wait(seconds)

    def end(self, *_: object) -> None:
        """What a signal calls."""
        self._told.set()
