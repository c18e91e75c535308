"""``dicomhawk replay``: a session again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..analyst.narrative import printable
from ..outputs.lines import session_named
from ..outputs.replay.masks import MASKS
from ..outputs.replay.player import Pace, Played
from ..outputs.summary import AmbiguousSession
from .common import Config, Data, Json, on_terminal, print_json, print_line, settings_of

LONGEST = 1000
"""Characters of a sentence."""


def replay(
    identifier: Annotated[str, typer.Argument(metavar="SESSION", help="Its beginning or its end will do.")],
    data: Data = None,
    config: Config = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PORT=]HOST:PORT",
            help="Play what the visitor sent against this build, and compare the answers; with PORT, what was sent to"
            " that port of the sensor's. Can be repeated.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also against what isn't on this machine.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS to ports that had it.")] = False,
    speed: Annotated[
        float | None, typer.Option(min=0.01, help="Times as fast [default: 1; with --to 10].", show_default=False)
    ] = None,
    max_pause: Annotated[float, typer.Option(min=0, help="Seconds that a pause takes at most.")] = 2.0,
    json: Json = False,
) -> None:
    """Show a session at its own pace; or play it against a build. Exit status 1 if that answers in another way."""
    settings = settings_of(data, config)
    try:
        session = session_named(settings.journal_dir, identifier)
    except AmbiguousSession as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if not to:
        from rich.console import Console

        from ..outputs.replay.show import show

        pace = Pace(speed or 1.0, max_pause if on_terminal() else 0.0)
        try:
            show(settings, session, Console(highlight=False), pace)
        except KeyboardInterrupt:
            raise typer.Exit from None
        return
    from ..outputs.replay.run import play

    played = play(settings, session, to, pace=Pace(speed or 10.0, max_pause), force=force, tls=tls)
    if json:
        print_json(played)
    else:
        _tell(played)
    if not played.same:
        raise typer.Exit(1)


def _tell(played: Played) -> None:
    for number, heard in enumerate(played.connections, 1):
        head = f"connection {number} ({heard.protocol}, port {heard.port}, {heard.answers} answers)"
        print_line(f"{head}: {'differs' if heard.differences else 'the same'}")
        for sentence in heard.differences:
            print_line(f"  {printable(sentence, LONGEST)}")
        if heard.more:
            print_line(f"  and {heard.more} more differences")
    for mask in MASKS:
        times = played.masked.get(mask.name)
        if times:
            print_line(f"passed over: {times} x {mask.name} ({mask.why})")
    for port, count in sorted(played.not_played.items()):
        print_line(f"not played: {count} connections to port {port}; --to {port}=HOST:PORT plays them")
    for connection in played.missing:
        print_line(f"not played: the transcript of connection {printable(connection)} is gone")
