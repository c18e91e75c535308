"""``dicomhawk export``: what was recorded, for other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..analyst.narrative import printable, size
from ..evidence.journal import read
from ..outputs.summary import AmbiguousSession, connections, events_of
from .common import Data, Json, print_json, recorded, writable

if TYPE_CHECKING:
    from ..outputs.pcap import Export

app = typer.Typer(help="Give what was recorded to other tools.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def export() -> None:
    """Give what was recorded to other tools."""


@app.command()
def pcap(
    identifier: Annotated[str, typer.Argument(metavar="SESSION", help="Its beginning or its end will do.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Capture to write; - for a pipe.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """A session as a packet capture, objects included. In Wireshark, have the port decoded as DICOM."""
    from ..outputs.objects import Resolver
    from ..outputs.pcap import export_session

    to_pipe = str(output) == "-"
    settings = recorded(data)
    if not to_pipe:
        writable(output)
    try:
        _, events = events_of(read(settings.journal_dir), identifier)
    except AmbiguousSession as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    resolver = Resolver(settings)
    transcripts = settings.vault_dir / "transcripts"
    if to_pipe:
        report = export_session(transcripts, connections(events), resolver, sys.stdout.buffer)
    else:
        with output.open("wb") as file:
            report = export_session(transcripts, connections(events), resolver, file)
    resolver.close()
    _tell(report, to_stderr=to_pipe, json=json)
    if report.missing_connections or report.missing_objects or report.lost:
        raise typer.Exit(1)


def _tell(report: Export, *, to_stderr: bool, json: bool) -> None:
    missing = {reference.key: count for reference, count in report.missing_objects.items()}
    if json and not to_stderr:
        print_json(
            {
                "packets": report.packets,
                "connections": report.connections,
                "missing_connections": report.missing_connections,
                "missing_objects": missing,
                "lost": report.lost,
            }
        )
        return
    stream = sys.stderr if to_stderr else sys.stdout
    print(f"{report.connections} connections, {report.packets} packets", file=stream)
    for connection in report.missing_connections:
        print(f"the transcript of connection {printable(connection)} is gone", file=sys.stderr)
    for key, count in missing.items():
        print(f"{size(count)} of object {printable(key)} can't be had and are zeros", file=sys.stderr)
    if report.lost:
        print(f"{size(report.lost)} could not be written at the time (the disk was full)", file=sys.stderr)
