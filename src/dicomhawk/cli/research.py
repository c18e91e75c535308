"""``dicomhawk research``: data that can be given away."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .common import Config, Data, From, Json, OnlySensors, To, print_json, print_line, settings_of

app = typer.Typer(help="Give findings to research.", no_args_is_help=True, rich_markup_mode=None)


class Format(StrEnum):
    """Of the tables."""

    NDJSON = "ndjson"
    CSV = "csv"


class Times(StrEnum):
    """How exact moments are."""

    EXACT = "exact"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@app.callback()
def research() -> None:
    """Give findings to research."""


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to make; new or empty.")],
    data: Data = None,
    config: Config = None,
    start: From = "",
    end: To = "",
    sensor: OnlySensors = None,
    format: Annotated[Format, typer.Option(help="Of the tables.")] = Format.NDJSON,
    time: Annotated[Times, typer.Option(help="How exact moments are.")] = Times.HOUR,
    networks: Annotated[
        bool, typer.Option("--networks", help="Let visitors of one /24 (IPv6: /48) be told to be.")
    ] = False,
    least: Annotated[
        int, typer.Option("--min-visitors", min=1, help="Withhold texts that fewer visitors wrote.")
    ] = 2,
    key: Annotated[
        Path | None,
        typer.Option(help="Key of the pseudonyms [default: research.key in the data folder].", show_default=False),
    ] = None,
    licence: Annotated[str, typer.Option(help="For the card, as in CC-BY-4.0.")] = "",
    json: Json = False,
) -> None:
    """Write an anonymised data set, with a card that says what it is."""
    from ..analyst.database.store import open_database
    from ..analyst.report.selection import Selection, moment_of
    from ..outputs.research import Options
    from ..outputs.research import export as write
    from ..outputs.research.times import Coarseness

    settings = settings_of(data, config)
    options = Options(
        selection=Selection(
            start=moment_of(start) if start else None,
            end=moment_of(end, end=True) if end else None,
            sensors=tuple(dict.fromkeys(sensor or ())),
        ),
        format=format.value,
        times=Coarseness(time.value),
        networks=networks,
        least=least,
        key=key,
        licence=licence,
    )
    done = write(open_database(settings.database_url, read_only=True), settings, output, options)
    if json:
        print_json({"folder": str(done.folder), "rows": done.rows, "withheld": done.withheld, "key": str(done.key)})
        return
    told = ", ".join(f"{number:,} {name}" for name, number in done.rows.items())
    print_line(f"{done.folder}: {told}; {done.withheld:,} texts withheld.")
    print_line(f"Keep {done.key} to yourself: with it, pseudonyms can be told to be addresses.")
