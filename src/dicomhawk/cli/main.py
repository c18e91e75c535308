"""The command ``dicomhawk``."""

from __future__ import annotations

import os
import sys

import typer

from ..settings import SettingsError
from . import (
    analyse,
    canary,
    check,
    console,
    events,
    evidence,
    export,
    forward,
    hospital,
    init,
    lures,
    outputs,
    persona,
    replay,
    report,
    research,
    sensor,
    serve,
    sessions,
)

app = typer.Typer(
    name="dicomhawk",
    help="A honeypot that poses as a hospital's picture archive (PACS).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("sensor")(sensor.sensor)
app.command("analyse")(analyse.analyse)
app.command("console")(console.console)
app.command("forward")(forward.forward)
app.add_typer(outputs.app, name="outputs")
app.command("canary")(canary.canary)
app.add_typer(lures.app, name="lures")
app.add_typer(hospital.app, name="hospital")
app.add_typer(persona.app, name="persona")
app.command("sessions")(sessions.sessions)
app.command("session")(sessions.session)
app.command("events")(events.events)
app.command("replay")(replay.replay)
app.command("report")(report.report)
app.add_typer(research.app, name="research")
app.add_typer(export.app, name="export")
app.add_typer(evidence.app, name="evidence")
app.command("check")(check.check)

WRONG_SETTINGS = 2
"""Exit status when the configuration or the command line is wrong."""


def run() -> None:
    """Entry point: run a command; what an operator can put right is one sentence, not a traceback."""
    os.umask(0o077)  # what the honeypot collects, and what it is made of, is nobody else's business
    # A terminal that can't show a character gets its escape instead of an error.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(WRONG_SETTINGS)
    except BrokenPipeError:
        # Whoever read our output has had enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
