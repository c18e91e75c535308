"""``dicomhawk canary``: answers where bait calls, and puts it on record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .common import Config, Data, settings_of


def canary(
    data: Data = None,
    config: Config = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all.", show_default=False)
    ] = None,
    http_port: Annotated[
        list[int] | None, typer.Option(help="Port for HTTP; can be repeated; 0 picks one.", show_default=False)
    ] = None,
    dns_port: Annotated[
        list[int] | None,
        typer.Option(help="Port for DNS, over UDP and TCP; can be repeated; 0 picks one.", show_default=False),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Zone that bait's names are in.", show_default=False)] = None,
    address: Annotated[
        str | None, typer.Option(help="IPv4 address that all names of the zone have.", show_default=False)
    ] = None,
    imports: Annotated[
        list[Path] | None,
        typer.Option(
            "--import",
            help="What `dicomhawk lures export` wrote on another host; can be repeated. Read again when it changes.",
            show_default=False,
        ),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written when every port is open, with their numbers.", show_default=False)
    ] = None,
) -> None:
    """Receive the calls of bait that was opened elsewhere: each is an event `lure.hit` in the data folder's journal.

    It can run beside the sensor with the same data folder, or on another host with an export. SIGTERM or Ctrl-C ends
    it.
    """
    from ..canary.receiver import run

    flags: dict[str, Any] = {
        "canary": {
            "host": host,
            "http_ports": tuple(http_port) if http_port else None,
            "dns_ports": tuple(dns_port) if dns_port else None,
            "address": address,
            "imports": tuple(imports) if imports else None,
        },
        "lures": {"canary_zone": zone},
    }
    raise typer.Exit(run(settings_of(data, config, flags), ready_file))
