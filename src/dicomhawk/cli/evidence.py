"""``dicomhawk evidence``: whether what is on record is what was recorded."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..analyst.narrative import printable, size
from ..evidence.chain import Chain, ChainError, Head
from ..evidence.keys import public_key
from ..evidence.seal import Sealer
from ..evidence.verify import Verdict
from ..evidence.verify import verify as look
from ..outputs.summary import AmbiguousSession
from ..settings import SettingsError
from .common import Config, Data, Json, print_json, print_line, settings_of, writable

app = typer.Typer(
    help="Tell whether the evidence is what was recorded, and give it away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
LONGEST = 1000
"""Characters of a sentence: names in it may be anybody's."""
_HEAD = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{64})")


@app.callback()
def evidence() -> None:
    """Tell whether the evidence is what was recorded, and give it away."""


def _heads(values: list[str] | None) -> list[Head]:
    found = []
    for value in values or []:
        match = _HEAD.fullmatch(value)
        if match is None:
            raise typer.BadParameter(f"{value[:80]} is not a head such as `dicomhawk evidence head` prints.")
        found.append(Head(int(match[1]), match[2]))
    return found


@app.command()
def verify(
    data: Data = None,
    config: Config = None,
    key: Annotated[
        list[Path] | None, typer.Option("--key", metavar="PUB", help="Public key (PEM) to trust; can be repeated.")
    ] = None,
    head: Annotated[
        list[str] | None, typer.Option("--head", metavar="N:HASH", help="A head that was published; can be repeated.")
    ] = None,
    objects: Annotated[bool, typer.Option("--objects", help="Look at captured files, too.")] = False,
    json: Json = False,
) -> None:
    """Look for what was changed, taken away or put in since it was recorded. Exit status 1 if there is anything."""
    verdict = look(
        settings_of(data, config),
        trusted=[public_key(path) for path in key or []],
        heads=_heads(head),
        objects=objects,
    )
    if json:
        print_json(verdict)
    else:
        _tell(verdict)
    if verdict.problems:
        raise typer.Exit(1)


@app.command()
def head(data: Data = None, config: Config = None, json: Json = False) -> None:
    """The chain's last entry, as N:HASH: note it elsewhere, and `verify --head` tells whether anything before it was
    changed."""
    chain = Chain(settings_of(data, config))
    chain.refresh()
    if json:
        print_json(chain.head._asdict())
    else:
        print_line(f"{chain.head.entry}:{chain.head.hash}")
    if not chain.head.entry:
        raise typer.Exit(1)


@app.command()
def seal(data: Data = None, config: Config = None) -> None:
    """Give segments that are closed their entries now; a sensor that runs does so by itself."""
    try:
        work = Sealer(settings_of(data, config)).work()
    except (OSError, ChainError) as error:
        raise SettingsError(str(error)) from None
    print_line(f"{work.entries} entries added; the head is {work.head.entry}:{work.head.hash}")


@app.command()
def bundle(
    identifier: Annotated[str, typer.Argument(metavar="SESSION", help="Its beginning or its end will do.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.zip", help="Archive to write.")],
    data: Data = None,
    config: Config = None,
    password: Annotated[
        str, typer.Option(help="Of the archive with captured files [default: evidence.password].", show_default=False)
    ] = "",
    segments: Annotated[
        bool, typer.Option("--segments", help="With the whole files that it is in: other sessions, too.")
    ] = False,
    json: Json = False,
) -> None:
    """A session for somebody else: events, transcripts, capture, files, findings, and what vouches for them."""
    from ..outputs.bundle import write_bundle
    from ..outputs.lines import session_named

    settings = settings_of(data, config)
    try:
        session = session_named(settings.journal_dir, identifier)
        made = write_bundle(settings, session, writable(output), password=password or None, segments=segments)
    except (AmbiguousSession, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if json:
        print_json(made)
        return
    print_line(f"{made.events} events, {made.connections} connections, {made.files} captured files in {output}")
    for name in made.uncovered:
        print_line(f"open: {printable(name)} has no entry yet: nothing vouches for what is in it")
    gone = len(made.missing_files) + len(made.missing_transcripts)
    if gone or made.missing_bytes:
        print_line(f"missing: {gone} files and transcripts, {size(made.missing_bytes)} of objects")


def _tell(verdict: Verdict) -> None:
    for problem in verdict.problems:
        print_line(f"PROBLEM: {printable(problem, LONGEST)}")
    for note in verdict.notes:
        print_line(f"note: {printable(note, LONGEST)}")
    for name in verdict.open:
        print_line(f"open: {printable(name)} has no entry yet: nothing vouches for it")
    looked = f"{verdict.segments} segments ({size(verdict.bytes)})"
    if verdict.objects:
        looked += f", {verdict.objects} captured files"
    print_line(f"{verdict.entries} entries, {looked}, {verdict.removed} removed on record, {len(verdict.open)} open")
    print_line(f"head {verdict.entries}:{verdict.head}")
    print_line(f"{len(verdict.problems)} problems" if verdict.problems else "no problem")
