"""``dicomhawk report``: what was seen, as one document."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..settings import SettingsError
from .common import Config, Data, From, OnlySensors, To, print_line, settings_of

MAX_ROWS = 10_000


class Format(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"
    MD = "md"


def report(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File to write; for CSV a folder, or a ZIP archive (.zip), or with --table a file; - for a pipe.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    config: Config = None,
    start: From = "",
    end: To = "",
    sensor: OnlySensors = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="SENSOR SENSOR", help="Set two sensors against each other.", show_default=False),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(help="As what [default: as the output's name says, or else html].", show_default=False),
    ] = None,
    table: Annotated[str, typer.Option(help="Only this table, as CSV, JSON or Markdown; ? lists them.")] = "",
    rows: Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Rows of tables that list the most frequent.")] = 25,
    title: Annotated[str, typer.Option(help="What stands above it.")] = "",
) -> None:
    """Write a report: who came, with what, doing what."""
    from ..analyst.database.store import open_database
    from ..analyst.report.formats import written
    from ..analyst.report.gather import report as gather
    from ..analyst.report.selection import Selection, moment_of

    if sensor and compare:
        raise SettingsError("Give either --sensor or --compare, not both.")
    kind = format.value if format else written.kind_of(output)
    selection = Selection(
        start=moment_of(start) if start else None,
        end=moment_of(end, end=True) if end else None,
        sensors=compare or tuple(dict.fromkeys(sensor or ())),
        compare=compare is not None,
    )
    engine = open_database(settings_of(data, config).database_url, read_only=True)
    made = gather(engine, selection, limit=rows, title=title)
    if table == "?":
        for known in made.tables():
            print_line(f"{known.name}\t{known.title}")
        return
    if output is None:
        raise SettingsError("Say with -o where the report is to be written; - is a pipe.")
    if str(output) == "-":
        sys.stdout.buffer.write(written.one_file(made, kind, table))
        return
    written.write(made, kind, output, table)
