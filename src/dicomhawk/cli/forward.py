"""``dicomhawk forward``: send what happens to where the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Config, Data, settings_of


def forward(
    data: Data = None,
    config: Config = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written when all outputs are at work.")] = None,
) -> None:
    """Send events, sessions and alerts to the outputs of the settings. SIGTERM or Ctrl-C ends it."""
    from ..outputs.forwarding.service import run

    raise typer.Exit(run(settings_of(data, config), ready_file))
