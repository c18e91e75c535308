"""``dicomhawk sessions`` and ``dicomhawk session``: who came, and what they did."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..analyst.narrative import printable, sentence, size
from ..evidence.journal import read
from ..outputs.summary import AmbiguousSession, SessionSummary, doings, events_of, summaries
from .common import Data, Json, Since, on_terminal, print_json, print_line, print_table, recorded

COLUMNS = ("session", "first", "last", "visitor", "conn", "assoc", "calling", "in", "out", "what")
NUMBERS = frozenset({"conn", "assoc", "in", "out"})


def sessions(
    data: Data = None,
    last: Annotated[int, typer.Option(min=0, help="Show the last N; 0: all.")] = 50,
    since: Since = "",
    json: Json = False,
) -> None:
    """Who came: one line for each session."""
    found = summaries(read(recorded(data).journal_dir, since=since or None))[-last:]
    if json:
        for summary in found:
            print_json(summary)
        return
    print_table(COLUMNS, [_row(summary) for summary in found], right=NUMBERS)


def session(
    identifier: Annotated[str, typer.Argument(metavar="SESSION", help="Its beginning or its end will do.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """What happened in a session."""
    try:
        summary, happened = events_of(read(recorded(data).journal_dir), identifier)
    except AmbiguousSession as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if json:
        for event in happened:
            print_json(event)
        return
    print_line(f"session {summary.session} of {printable(summary.address)}, {summary.first} to {summary.last}")
    print_line(f"{summary.connections} connections, {size(summary.bytes_in)} in, {size(summary.bytes_out)} out")
    print_line(f"{doings(summary)}\n")
    ports = {
        e["honeypot"]["connection"]: e["source"]["port"] for e in happened if "connection" in e.get("honeypot", {})
    }
    rows = (
        (e["@timestamp"][11:-1], str(ports.get(e.get("honeypot", {}).get("connection"), "-")), sentence(e))
        for e in happened
    )
    print_table(("time", "port", "what"), rows, right=frozenset({"port"}))


def _row(summary: SessionSummary) -> tuple[str, ...]:
    return (
        summary.session,
        _moment(summary.first),
        _moment(summary.last),
        printable(summary.address),
        str(summary.connections),
        str(summary.associations),
        " ".join(printable(name, 16) for name in summary.calling[:3]),
        size(summary.bytes_in),
        size(summary.bytes_out),
        doings(summary),
    )


def _moment(moment: str) -> str:
    """Short on a terminal: month, day and time."""
    return moment[5:19].replace("T", " ") if on_terminal() else moment
