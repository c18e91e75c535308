"""``dicomhawk serve``: the honeypot itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ..hospital.deployment import draw_deployment
from ..settings import ENVIRONMENT_PREFIX, FILE_NAME, Settings
from .check import validate
from .common import Config, Data, print_line, settings_of
from .init import folder_of, write_deployment

_SEED = f"{ENVIRONMENT_PREFIX}DEPLOYMENT__SEED"


def serve(
    data: Data = None,
    config: Config = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all.", show_default=False)
    ] = None,
    dicom_port: Annotated[
        list[int] | None, typer.Option(help="DICOM port; can be repeated; 0 picks one.", show_default=False)
    ] = None,
    web_port: Annotated[
        list[int] | None,
        typer.Option(help="Web port; can be repeated; 0 picks one [default: the product's].", show_default=False),
    ] = None,
    web: Annotated[
        bool | None, typer.Option("--web/--no-web", help="Whether there is a web door.", show_default=False)
    ] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="Whether doors may have TLS.", show_default=False)
    ] = None,
    persona: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="How the product behaves.", show_default=False)
    ] = None,
    ae_title: Annotated[
        str | None, typer.Option(help="Our own AE title, instead of the one that was drawn.", show_default=False)
    ] = None,
    remote: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AET[@HOST[:PORT]]",
            help="A remote AE that the archive knows; can be repeated. It is never contacted.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes; 0: one for each core.", show_default=False)
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written when every door is open.", show_default=False)
    ] = None,
) -> None:
    """Run the honeypot. The data folder is made and filled on first use. SIGTERM or Ctrl-C ends it."""
    from ..sensor.supervisor import serve as run
    from .hospital import build_if_absent

    flags: dict[str, Any] = {
        "host": host,
        "persona": persona,
        "workers": workers,
        "deployment": {"ae_title": ae_title} if ae_title is not None else None,
        "dicom": {
            "ports": tuple(dicom_port) if dicom_port else None,
            "remotes": tuple(remote) if remote else None,
        },
        "tls": {"enabled": tls},
        "web": {"enabled": web, "ports": tuple(web_port) if web_port else None},
    }
    settings = _settings(data, config, flags)
    validate(settings)
    build_if_absent(settings)
    raise typer.Exit(run(settings, ready_file))


def _settings(data: Path | None, config: Path | None, flags: dict[str, Any]) -> Settings:
    folder = folder_of(data)
    # Who gives the seed by other means gives the whole deployment.
    if config is None and _SEED not in os.environ and not (folder / FILE_NAME).exists():
        deployment = write_deployment(folder, draw_deployment(environment=os.environ))
        print_line(f"Drew {deployment.hospital} ({deployment.locale}) into {folder / FILE_NAME}.")
    return settings_of(data, config, flags)
