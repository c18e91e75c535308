"""``dicomhawk console``: the operator's web pages."""

from __future__ import annotations

from typing import Annotated

import typer

from .common import Config, Data, print_line, settings_of


def console(
    data: Data = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Listening port; 0 picks a free one.", show_default=False)] = None,
) -> None:
    """Show findings in a browser. Without a token or password in the settings, one is drawn and printed."""
    from ..console.service import run

    settings = settings_of(data, config, {"console": {"host": host, "port": port}})
    raise typer.Exit(run(settings, print_line))
