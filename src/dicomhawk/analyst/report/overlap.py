"""What two sensors saw of the same."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, func, select

from ..database.schema import ae_titles, clients, credentials, sessions, techniques
from .counting import Frame
from .model import Cell, Column, Section, Table


def section(frame: Frame) -> Section:
    """The chapter; only where two are compared."""
    return Section(name="overlap", title="What both saw", tables=[table(frame)])


def table(frame: Frame) -> Table:
    """How many addresses, titles, fingerprints, ... either saw alone, and both."""
    one, two = frame.sensors
    rows = [
        _row(frame, "addresses", sessions, (sessions.c.address,)),
        _row(frame, "called AE titles", _with(ae_titles), (ae_titles.c.called,)),
        _row(frame, "fingerprints and user agents", _with(clients), (clients.c.kind, clients.c.value)),
        _row(frame, "credentials", _with(credentials), (credentials.c.username, credentials.c.password)),
        _row(frame, "techniques", _with(techniques), (techniques.c.rule,)),
    ]
    return Table(
        name="overlap",
        title="Seen by one, seen by both",
        about="Different ones of each kind. What both saw comes from those who look at the whole internet.",
        columns=[
            Column("what"),
            Column(f"{one} alone", "number"),
            Column("both", "number"),
            Column(f"{two} alone", "number"),
        ],
        rows=rows,
    )


def _with(table: FromClause) -> FromClause:
    return table.join(sessions, table.c.session == sessions.c.session)


def _row(frame: Frame, what: str, source: FromClause, keys: tuple[ColumnElement[str], ...]) -> list[Cell]:
    sensors = func.count(sessions.c.sensor.distinct()).label("sensors")
    least = func.min(sessions.c.sensor).label("least")
    each = select(sensors, least).select_from(source).where(*frame.selection.conditions()).group_by(*keys).subquery()
    found = {
        (number, name if number == 1 else ""): times
        for number, name, times in frame.connection.execute(
            select(each.c.sensors, each.c.least, func.count()).group_by(each.c.sensors, each.c.least)
        )
    }
    one, two = frame.sensors
    return [what, found.get((1, one), 0), found.get((2, ""), 0), found.get((1, two), 0)]
