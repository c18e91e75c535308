"""What all commands share: options, settings, and the two ways of printing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..settings import Settings, SettingsError, load

Data = Annotated[Path | None, typer.Option("--data", help="Folder of all state [default: data].", show_default=False)]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration [default: dicomhawk.toml in the data folder].", show_default=False),
]


WRAPPED = frozenset({"what", "calling"})
"""Columns that may take more than one line."""


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text or "2026-01-01")
    except ValueError:
        raise typer.BadParameter(f"{text} is not a moment such as 2026-11-21 or 2026-11-21T23:20 (UTC).") from None
    return text


Since = Annotated[
    str, typer.Option("--since", help="From this moment (UTC) on, as in 2026-11-21T23:20.", callback=_moment)
]
From = Annotated[str, typer.Option("--from", metavar="MOMENT", help="First day or moment (UTC), as in 2026-11-21.")]
To = Annotated[
    str, typer.Option("--to", metavar="MOMENT", help="Last day, which is in it as a whole, or moment (UTC).")
]
OnlySensors = Annotated[
    list[str] | None, typer.Option("--sensor", help="Only this sensor; can be repeated.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on each line.")]


def settings_of(data: Path | None, config: Path | None = None, flags: dict[str, Any] | None = None) -> Settings:
    """The settings that a command runs with. Raises `SettingsError`."""
    return load(data=data, file=config, flags=flags)


def recorded(data: Path | None) -> Settings:
    """The settings of a data folder that is there: whoever mistypes its name shall not read that nobody came.

    Raises `SettingsError`.
    """
    settings = settings_of(data)
    if not settings.data.is_dir():
        raise SettingsError(f"There is no folder {settings.data}; --data names the honeypot's.")
    return settings


def writable(output: Path) -> Path:
    """A file that can be written, as far as can be told before the work is done. Raises `SettingsError`."""
    folder = output.absolute().parent
    reason = ""
    if output.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = f"there is no folder {folder}"
    elif not os.access(output if output.exists() else folder, os.W_OK):
        reason = "permission denied"
    if reason:
        raise SettingsError(f"{output} can't be written: {reason}.")
    return output


def on_terminal() -> bool:
    """Whether a person looks at what is printed."""
    return sys.stdout.isatty()


_ESCAPES = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})
"""Of what would break a table of lines and tabs."""


def print_json(value: Any) -> None:
    """One line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def print_line(line: str) -> None:
    """One line, flushed so that a pipe sees it at once."""
    print(line, flush=True)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[str] = frozenset()
) -> None:
    """A table on a terminal, tab-separated lines in a pipe. Cells are shown as they are: no markup in them."""
    if not on_terminal():
        for row in rows:
            print("\t".join(cell.translate(_ESCAPES) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column not in WRAPPED,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
