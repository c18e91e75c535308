"""``dicomhawk persona distinct``: can our deployments be told by what they share?"""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..hospital.ahead import GenerateError
from ..hospital.deployment import draw_deployment
from ..persona.model import load
from ..settings import SettingsError
from .common import Json, print_json, print_line

if TYPE_CHECKING:
    from ..persona.distinct import Observed

FEWEST = 2


def distinct(
    name: Annotated[str, typer.Argument(help="Name of a shipped persona, or path of a TOML file.")] = "plain",
    n: Annotated[int, typer.Option(min=FEWEST, max=1000, help="Deployments to make.")] = 50,
    studies: Annotated[int, typer.Option(min=1, max=1000, help="Studies in each.")] = 25,
    seed: Annotated[
        str | None, typer.Option(help="Hexadecimal; from it the deployments are drawn [default: another each time].")
    ] = None,
    json: Json = False,
) -> None:
    """Make deployments in temporary folders and list what all of them show, and the real product doesn't.

    Exit status 1 if there is anything to list.
    """
    from rich.console import Console
    from rich.progress import track

    from ..persona.distinct import common, observe  # makes hospitals: slow to import

    persona = load(name)
    base = seed or secrets.token_hex(16)
    seen: list[Observed] = []
    now = time.time()
    try:
        for number in track(range(n), "Deployments", console=Console(stderr=True), transient=True):
            deployment = draw_deployment(seed=f"{base}{number:04x}")
            with tempfile.TemporaryDirectory(prefix="dicomhawk-") as folder:
                seen.append(observe(Path(folder), persona, deployment, studies, now))
    except (GenerateError, OSError) as error:
        raise SettingsError(f"The deployments can't be made: {error}") from None
    found = common(seen, persona)
    if json:
        print_json({"deployments": n, "common": [entry._asdict() for entry in found]})
    else:
        for entry in found:
            print_line(str(entry))
        print_line(f"{n} deployments, {len(found)} values in common")
    if found:
        raise typer.Exit(1)
