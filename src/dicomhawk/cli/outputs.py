"""``dicomhawk outputs``: where events, sessions and alerts go, and whether they arrive."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from ..outputs.forwarding.status import Status

from ..analyst.narrative import printable
from .common import Config, Data, Json, print_json, print_line, print_table, settings_of

app = typer.Typer(help="Where events, sessions and alerts go.", no_args_is_help=True, rich_markup_mode=None)


class Engine(StrEnum):
    """What documents are searched with."""

    elasticsearch = "elasticsearch"
    opensearch = "opensearch"


COLUMNS = ("name", "type", "state", "sent", "queued", "refused", "dropped", "what")
NUMBERS = frozenset({"sent", "queued", "refused", "dropped"})


@app.callback()
def outputs() -> None:
    """Where events, sessions and alerts go."""


@app.command("list")
def list_outputs(data: Data = None, config: Config = None, json: Json = False) -> None:
    """The outputs of the settings, and how they are doing."""
    from ..outputs.forwarding.status import read_status

    found = read_status(settings_of(data, config), time.time_ns() // 1000)
    if not found:
        print("None is set up: each is a table [[outputs]] in dicomhawk.toml.", file=sys.stderr)
    if json:
        for status in found:
            print_json(msgspec.to_builtins(status))
        return
    if found:
        print_table(COLUMNS, [_row(status) for status in found], right=NUMBERS)


@app.command("test")
def test(
    name: Annotated[str, typer.Argument(help="As in the settings.")], data: Data = None, config: Config = None
) -> None:
    """Send a sample to an output, and say what came of it; exit status 1 if it wasn't taken."""
    from ..outputs.forwarding.service import attempt

    taken, sentence = attempt(settings_of(data, config), name)
    if not taken:
        print(printable(sentence, 1000), file=sys.stderr)
        raise typer.Exit(1)
    print_line(sentence)


@app.command("template")
def template(
    engine: Annotated[Engine, typer.Option("--for", help="Which of the two it is.")] = Engine.elasticsearch,
    dashboards: Annotated[
        bool, typer.Option("--dashboards", help="Saved objects with dashboards instead, to be imported.")
    ] = False,
) -> None:
    """Print the index template of Elasticsearch or OpenSearch, or dashboards for them."""
    from ..outputs.forwarding.formats.dashboards import saved_objects
    from ..outputs.forwarding.formats.template import index_template

    for one in saved_objects() if dashboards else [index_template(engine.value)]:
        print_json(one)


def _row(status: Status) -> tuple[str, ...]:
    numbers = (str(number) for number in (status.sent, status.queued, status.refused, status.dropped))
    what = status.last_error if status.last_error and status.failures else status.where
    return (status.name, status.type, status.state, *numbers, printable(what, 200))
