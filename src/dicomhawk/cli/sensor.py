"""``dicomhawk sensor``: what faces strangers, alone."""

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


Host = Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all.", show_default=False)]
DicomPort = Annotated[
    list[int] | None, typer.Option(help="DICOM port; can be repeated; 0 picks one.", show_default=False)
]
WebPort = Annotated[
    list[int] | None,
    typer.Option(help="Web port; can be repeated; 0 picks one [default: the product's].", show_default=False),
]
Web = Annotated[bool | None, typer.Option("--web/--no-web", help="Whether there is a web door.", show_default=False)]
Tls = Annotated[bool | None, typer.Option("--tls/--no-tls", help="Whether doors may have TLS.", show_default=False)]
Persona = Annotated[
    str | None, typer.Option(metavar="NAME|FILE", help="How the product behaves.", show_default=False)
]
OwnTitle = Annotated[
    str | None, typer.Option(help="Our own AE title, instead of the one that was drawn.", show_default=False)
]
Remote = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AET[@HOST[:PORT]]",
        help="A remote AE that the archive knows; can be repeated. It is never contacted.",
        show_default=False,
    ),
]
Workers = Annotated[int | None, typer.Option(help="Worker processes; 0: one for each core.", show_default=False)]
ReadyFile = Annotated[Path | None, typer.Option(help="Written when every door is open.", show_default=False)]


def sensor(
    data: Data = None,
    config: Config = None,
    host: Host = None,
    dicom_port: DicomPort = None,
    web_port: WebPort = None,
    web: Web = None,
    tls: Tls = None,
    persona: Persona = None,
    ae_title: OwnTitle = None,
    remote: Remote = None,
    workers: Workers = None,
    ready_file: ReadyFile = None,
) -> None:
    """Run the doors alone: without analyst, console and outputs. SIGTERM or Ctrl-C ends it."""
    from ..sensor.supervisor import serve as run
    from .hospital import build_if_absent

    flags = flags_of(host, dicom_port, web_port, web, tls, persona, ae_title, remote, workers)
    settings = drawn_settings(data, config, flags)
    validate(settings)
    build_if_absent(settings)
    raise typer.Exit(run(settings, ready_file))


def flags_of(
    host: str | None,
    dicom_port: list[int] | None,
    web_port: list[int] | None,
    web: bool | None,
    tls: bool | None,
    persona: str | None,
    ae_title: str | None,
    remote: list[str] | None,
    workers: int | None,
) -> dict[str, Any]:
    """The command line's share of the settings."""
    return {
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


def drawn_settings(data: Path | None, config: Path | None, flags: dict[str, Any]) -> Settings:
    """Settings; a deployment is drawn into the data folder where there is none."""
    folder = folder_of(data)
    # Who gives the seed by other means gives the whole deployment.
    if config is None and _SEED not in os.environ and not (folder / FILE_NAME).exists():
        deployment = write_deployment(folder, draw_deployment(environment=os.environ))
        print_line(f"Drew {deployment.hospital} ({deployment.locale}) into {folder / FILE_NAME}.")
    return settings_of(data, config, flags)
