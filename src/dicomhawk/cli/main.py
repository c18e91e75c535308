"""The command ``dicomhawk``."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import typer

from ..settings import SettingsError

COMMANDS: dict[str, str] = {
    "init": "init:init",
    "serve": "serve:serve",
    "sensor": "sensor:sensor",
    "analyse": "analyse:analyse",
    "console": "console:console",
    "forward": "forward:forward",
    "outputs": "outputs:app",
    "canary": "canary:canary",
    "lures": "lures:app",
    "hospital": "hospital:app",
    "persona": "persona:app",
    "sessions": "sessions:sessions",
    "session": "sessions:session",
    "events": "events:events",
    "replay": "replay:replay",
    "report": "report:report",
    "research": "research:app",
    "export": "export:app",
    "evidence": "evidence:app",
    "check": "check:check",
}
"""Where each command is: module of this package, and the name in it."""

WRONG_SETTINGS = 2
"""Exit status when the configuration or the command line is wrong."""


def command_line(wanted: str = "") -> typer.Typer:
    """The command line; with the command that is `wanted` only, if it is one: all together take seconds to import."""
    app = typer.Typer(
        name="dicomhawk",
        help="A honeypot that poses as a hospital's picture archive (PACS).",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_no_options)  # else a single command would be the whole command line
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f".{module}", __package__), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _no_options() -> None:
    pass


def run() -> None:
    """Entry point: run a command; what an operator can put right is one sentence, not a traceback."""
    os.umask(0o077)  # what the honeypot collects, and what it is made of, is nobody else's business
    # A terminal that can't show a character gets its escape instead of an error.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        # What is imported stays: to look for garbage in it again and again would be a tenth of each start.
        gc.disable()
        command = command_line(sys.argv[1] if len(sys.argv) > 1 else "")
        gc.freeze()
        gc.enable()
        command()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(WRONG_SETTINGS)
    except BrokenPipeError:
        # Whoever read our output has had enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
