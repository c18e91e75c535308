"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

Cell = str | int | float | None
"""None: not seen, which is shown as ``-`` and is something else than nought."""

Kind = Literal["text", "foreign", "number", "moment", "day", "bytes", "severity", "depth", "hash", "attack"]
"""How a column is shown: ``foreign`` is text that came from a stranger, ``moment`` microseconds since the epoch in
UTC, ``day`` days since then, ``bytes`` a number of them, ``severity`` 0 to 4, ``depth`` 0 to 7, ``attack`` ATT&CK
identifiers with blanks between."""

NUMBERS: frozenset[Kind] = frozenset({"number", "bytes"})
"""What stands to the right of its column."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table."""

    label: str
    kind: Kind = "text"
    group: str = ""
    """What stands above it and its neighbours: a sensor."""


class Table(msgspec.Struct, kw_only=True):
    """Counted things."""

    name: str
    """Of its file, and of ``--table``."""
    title: str
    about: str
    """What its numbers are."""
    columns: list[Column]
    rows: list[list[Cell]]
    total: list[Cell] | None = None
    """The row of all, which is counted by itself where it isn't a sum."""
    more: str = ""
    """What isn't in it."""
    empty: str = "None."
    """What is said instead of a table without rows."""
    chart: Literal["", "bars", "columns"] = ""
    """How it is drawn: a bar for each row, or columns over time, with the numbers on top of each other."""
    drawn_only: bool = False
    """Whether a document shows the drawing alone, since the table is long; its data are in the other formats."""


class Step(msgspec.Struct, kw_only=True):
    """What happened at one moment of a session, in sentences."""

    moment: int
    text: str
    answer: str = ""
    times: int = 1
    until: int = 0
    """Where it happened several times: the last moment."""
    alarming: bool = False


class Story(msgspec.Struct, kw_only=True):
    """A session, told."""

    session: str
    sensor: str
    address: str
    title: str
    verdict: str
    facts: list[tuple[str, str]]
    steps: list[Step]
    more: str = ""


class Section(msgspec.Struct, kw_only=True):
    """A chapter."""

    name: str
    title: str
    paragraphs: list[str] = []
    tables: list[Table] = []
    stories: list[Story] = []


class Report(msgspec.Struct, kw_only=True):
    """All of it."""

    title: str
    sensors: list[str]
    start: int | None
    """First moment of the period, microseconds since the epoch; None: nothing was seen, and none was given."""
    end: int | None
    """First moment after the period."""
    made: int
    tiles: list[tuple[str, int]]
    """The few numbers that are shown large."""
    headlines: list[str]
    sections: list[Section]
    definitions: list[tuple[str, str]]

    def tables(self) -> Iterator[Table]:
        """All tables, in their order."""
        for section in self.sections:
            yield from section.tables
