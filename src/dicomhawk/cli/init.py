"""``dicomhawk init``: draw a deployment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..hospital.deployment import draw_deployment, toml
from ..settings import FILE_NAME, Deployment, SettingsError, data_folder
from .common import Data, Json, print_json, print_line
from .hospital import PerDay, Studies, Years


def init(
    data: Data = None,
    locale: Annotated[
        str | None, typer.Option(help="Language and country, as in da_DK [default: the host's, or drawn].")
    ] = None,
    studies: Studies = None,
    years: Years = None,
    per_day: PerDay = None,
    json: Json = False,
) -> None:
    """Draw a deployment: a hospital like no other. Writes dicomhawk.toml into the data folder."""
    folder = folder_of(data)
    if (folder / FILE_NAME).exists():
        raise SettingsError(f"{folder / FILE_NAME} is there already; remove it to draw another deployment.")
    deployment = write_deployment(folder, locale, studies=studies, years=years, per_day=per_day)
    if json:
        print_json(deployment.model_dump(exclude={"seed"}))
        return
    print_line(f"{deployment.hospital} ({deployment.locale}), AE title {deployment.ae_title}")
    print_line(f"written to {folder / FILE_NAME}")


def folder_of(data: Path | None) -> Path:
    """The data folder, also where there is no configuration in it yet."""
    return data_folder(data, os.environ)


def write_deployment(folder: Path, locale: str | None = None, **hospital: float | None) -> Deployment:
    """Draw a deployment and write its configuration, which must not be there. Raises `SettingsError`.

    `hospital`: settings of the table of that name that are others than the default; None is the default.
    """
    deployment = draw_deployment(locale=locale, environment=os.environ)
    path = folder / FILE_NAME
    partial = path.with_name(f"{FILE_NAME}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.touch(mode=0o600)
        partial.write_text(toml(deployment, hospital), encoding="utf-8")
        # Only a whole file is ever seen, also after a power cut in between.
        partial.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror}.") from None
    return deployment
