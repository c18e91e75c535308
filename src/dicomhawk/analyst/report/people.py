"""Who is behind several sessions."""

from __future__ import annotations

from sqlalchemy import func, select

from ..database.schema import actors, sessions
from .cells import strings
from .counting import ADDRESSES, CONNECTIONS, Frame
from .model import Cell, Column, Section, Table
from .selection import DAY

SHOWN_BASIS = 4
"""Of what an actor's sessions have in common."""


def section(frame: Frame) -> Section:
    """The chapter."""
    return Section(name="actors", title="Actors", tables=[table(frame)])


def table(frame: Frame) -> Table:
    """Actors, the ones that went deepest first."""
    rank, severity = func.max(sessions.c.rank), func.max(sessions.c.severity)
    found = frame.connection.execute(
        select(
            actors.c.label,
            actors.c.category,
            rank,
            severity,
            func.count(),
            ADDRESSES.of,
            CONNECTIONS.of,
            func.count(sessions.c.sensor.distinct()),
            func.min(sessions.c.first) // DAY,
            func.max(sessions.c.last) // DAY,
            actors.c.basis,
        )
        .select_from(sessions.join(actors, sessions.c.actor == actors.c.actor))
        .where(*frame.selection.conditions())
        .group_by(actors.c.actor, actors.c.label, actors.c.category, actors.c.basis)
        .order_by(rank.desc(), severity.desc(), func.count().desc(), actors.c.actor)
        .limit(frame.limit)
    ).all()
    rows: list[list[Cell]] = []
    for *values, basis in found:
        values[6] = int(values[6] or 0)
        rows.append([*values, ", ".join(strings(basis)[:SHOWN_BASIS])])
    return Table(
        name="actors",
        title="Actors",
        about="Sessions that were attributed to one and the same, across addresses and sensors, by what they have in "
        "common. The deepest first; the numbers are of this period.",
        columns=[
            Column("actor", "foreign"),
            Column("category"),
            Column("depth", "depth"),
            Column("severity", "severity"),
            Column("sessions", "number"),
            Column("unique addresses", "number"),
            Column("total seen", "number"),
            Column("sensors", "number"),
            Column("first", "day"),
            Column("last", "day"),
            Column("in common", "foreign"),
        ],
        rows=rows,
        empty="No sessions were found to be of the same actor.",
    )
