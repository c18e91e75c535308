"""``dicomhawk events``: the journal, readable."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..analyst.narrative import line
from ..evidence import journal
from .common import Data, Json, Since, print_json, print_line, recorded, settings_of


def events(
    data: Data = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    since: Since = "",
    action: Annotated[str, typer.Option(help="Only this event.action; dicom. for all that begin so.")] = "",
    json: Json = False,
) -> None:
    """What happened: one line for each event."""
    # Without a moment to begin with: everything, or with --follow what happens from now on.
    # What is followed may be begun later.
    folder = (settings_of if follow else recorded)(data).journal_dir
    found = journal.follow(folder, since=since or None) if follow else journal.read(folder, since=since or None)
    try:
        for event in found:
            if _wanted(event, action):
                if json:
                    print_json(event)
                else:
                    print_line(line(event))
    except KeyboardInterrupt:
        raise typer.Exit from None


def _wanted(event: dict[str, Any], action: str) -> bool:
    name = str(event["event"].get("action", ""))
    return name.startswith(action) if action.endswith(".") or not action else name == action
