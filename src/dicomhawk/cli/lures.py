"""``dicomhawk lures``: which bait is laid out, and what a receiver on another host needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..settings import SettingsError
from .common import Config, Data, Json, print_json, print_table, settings_of

app = typer.Typer(name="lures", help="Bait: what is laid out, and who took it.", no_args_is_help=True)


@app.command("list")
def list_(data: Data = None, config: Config = None, json: Json = False) -> None:
    """Every lure of the deployment: id, kind, severity, whether it calls a canary, and where it lies."""
    settings = settings_of(data, config)
    if settings.deployment is None:
        raise SettingsError("There is no deployment in the settings: `dicomhawk init` draws one.")
    from ..lures.bait import laid_out
    from ..lures.catalogue import catalogue
    from ..persona import model

    with laid_out(settings, settings.deployment, model.load(settings.persona)) as lures:
        found = catalogue(lures)
    if json:
        for lure in found:
            print_json(lure._asdict())
        return
    rows = [(lure.id, lure.kind, str(lure.severity), "yes" if lure.calls else "no", lure.where) for lure in found]
    print_table(("lure", "kind", "severity", "calls", "where"), rows, right=frozenset({"severity"}))


@app.command("export")
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it [default: standard output].", show_default=False)
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """What `dicomhawk canary --import` needs on another host: the key of the tokens, and what was handed out.

    Keep it to yourself: with the key, tokens can be forged. The seed of the deployment is not in it.
    """
    from ..canary.known import export as lines

    settings = settings_of(data, config)
    if file is None:
        for line in lines(settings):
            sys.stdout.buffer.write(line)
        return
    partial = file.with_name(f".{file.name}.part")
    try:
        with partial.open("wb") as output:
            output.writelines(lines(settings))
        partial.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} can't be written: {error.strerror}.") from None
