"""The options of ``dicomhawk hospital import`` that are about archives. Light: every command reads them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

MAX_SERIES = 10_000
"""Of one command: some terabytes."""


class Source(StrEnum):
    """The archives that can be imported from."""

    TCIA = "tcia"
    IDC = "idc"


FromArchive = Annotated[
    Source | None, typer.Option("--from", help="Download from this public archive.", show_default=False)
]
CollectionName = Annotated[
    str, typer.Option("--collection", help="Of the archive; the IDC needs none.", show_default=False)
]
Modalities = Annotated[
    list[str] | None,
    typer.Option("--modality", help="As in CT; may be repeated [default: those without text in pixels]."),
]
SeriesCount = Annotated[int, typer.Option("--series", min=1, max=MAX_SERIES, help="How many from the archive.")]
TciaUrl = Annotated[
    str | None, typer.Option("--tcia-url", help="TCIA's services [default: as in the settings].", show_default=False)
]
IdcUrl = Annotated[
    str | None,
    typer.Option("--idc-url", help="The IDC's S3 endpoint [default: as in the settings].", show_default=False),
]
