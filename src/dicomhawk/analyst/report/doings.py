"""What they did: scans and interactions, depth, techniques."""

from __future__ import annotations

from sqlalchemy import case, func, select

from ...settings.words import DEPTHS
from ..database.schema import sessions, techniques
from .calendar import Spans
from .cells import strings
from .counting import ADDRESSES, CONNECTIONS, SESSIONS, Frame, Measure, columns_of, count, more, scanned, total
from .model import Cell, Column, Section, Table
from .selection import DAY

MEANINGS = (
    "connected, and said nothing",
    "said something, to see what answers",
    "looked for ways in: titles, services, paths, passwords",
    "asked the catalogue, or signed in",
    "took down what it answers, or looked at images",
    "took objects away, or had them sent elsewhere",
    "left objects, or changed something",
    "destroyed, or ran something",
)
"""Of the depths."""


def section(frame: Frame) -> Section:
    """The chapter."""
    return Section(
        name="doings",
        title="What they did",
        tables=[interaction(frame), depth(frame), depth_over_time(frame), technique(frame)],
    )


def interaction(frame: Frame) -> Table:
    """Interactions against scans."""
    measures = (SESSIONS, ADDRESSES, CONNECTIONS)
    kind = case((sessions.c.interaction, "interaction"), else_="scan").label("manner")
    found = dict(count(frame, (kind,), measures).rows)
    nothing: list[Cell] = [0] * (len(measures) * len(frame.groups))
    return Table(
        name="interactions",
        title="Interactions and scans",
        about="A session is an interaction if it asked for data (depth query or more) or used a lure; else a scan. "
        "An address that did both counts in both rows.",
        columns=[Column("manner"), *columns_of(frame, measures)],
        rows=[[name, *(cell or 0 for cell in found.get((name,), nothing))] for name in ("interaction", "scan")],
        total=["All", *(cell or 0 for cell in total(frame, measures))],
    )


def depth(frame: Frame) -> Table:
    """How far sessions went."""
    measures = (SESSIONS, ADDRESSES)
    found = dict(count(frame, (scanned(sessions.c.rank),), measures).rows)
    nothing: list[Cell] = [None] * (len(measures) * len(frame.groups))
    return Table(
        name="depth",
        title="Depth",
        about="The furthest that each session went.",
        columns=[Column("depth", "depth"), Column("meaning"), *columns_of(frame, measures)],
        rows=[[rank, MEANINGS[rank], *found.get((rank,), nothing)] for rank in range(len(DEPTHS))],
        chart="bars",
    )


def depth_over_time(frame: Frame) -> Table:
    """Sessions by the day on which they began, and their depth."""
    day = (sessions.c.first // DAY).label("day")
    spans = Spans.of(frame.start, frame.end)
    counted: dict[int, list[int]] = {}
    for when, rank, number in frame.connection.execute(
        select(day, sessions.c.rank, func.count()).where(*frame.selection.conditions()).group_by(day, sessions.c.rank)
    ):
        counted.setdefault(spans.span(when), [0] * len(DEPTHS))[rank] += number
    return Table(
        name="depth_over_time",
        title="Depth over time",
        about=f"Sessions by the {spans.unit} in which they began, and by the furthest that they went.",
        columns=[Column(spans.unit, "day"), *(Column(name, "number") for name in DEPTHS)],
        rows=[[first, *counted.get(first, [0] * len(DEPTHS))] for first in spans],
        chart="columns",
        drawn_only=spans.many,
    )


def technique(frame: Frame) -> Table:
    """What rules recognised."""
    source = techniques.join(sessions, techniques.c.session == sessions.c.session)
    measures = [SESSIONS, ADDRESSES]
    if len(frame.groups) == 1:
        measures.append(Measure("times", func.sum(techniques.c.times)))
    found = count(frame, (techniques.c.rule,), measures, source=source, limit=frame.limit * 2)
    rules = _rules(frame, [key[0] for key, _ in found.rows])
    rows: list[list[Cell]] = [[*key, *rules.get(key[0], ("", 0, "")), *cells] for key, cells in found.rows]
    rows.sort(key=lambda row: (-int(row[2] or 0), str(row[0])))
    return Table(
        name="techniques",
        title="Techniques",
        about="What rules recognised, the worst first, with the techniques of MITRE ATT&CK that it amounts to.",
        columns=[
            Column("rule"),
            Column("technique"),
            Column("severity", "severity"),
            Column("ATT&CK", "attack"),
            *found.columns,
        ],
        rows=rows,
        more=more(found.left_out, "techniques"),
        empty="No rule found anything.",
    )


def _rules(frame: Frame, rules: list[str]) -> dict[str, tuple[str, int, str]]:
    """Name, severity and ATT&CK identifiers of rules, as they are in the findings."""
    found = frame.connection.execute(
        select(
            techniques.c.rule,
            func.max(techniques.c.name),
            func.max(techniques.c.severity),
            func.max(techniques.c.attack),
        )
        .where(techniques.c.rule.in_(rules))
        .group_by(techniques.c.rule)
    )
    return {rule: (name, severity, " ".join(strings(attack))) for rule, name, severity, attack in found}
