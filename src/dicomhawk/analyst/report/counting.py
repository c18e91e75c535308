"""Counting by groups, for one sensor or several side by side. What is counted is bounded by the database: no more
groups are read than a table shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, String, collate, func, select

from ..database.schema import sessions
from .model import Cell, Column
from .selection import MAX_SIDE_BY_SIDE, Selection

TOGETHER = "all sensors"
MAX_NUMBERS = 9
"""Columns of numbers in a list of the most frequent: with several sensors each has fewer measures."""


class Measure(NamedTuple):
    """One number of each group."""

    label: str
    of: ColumnElement[Any]


SESSIONS = Measure("sessions", func.count())
VISITS = Measure("sessions", func.count(sessions.c.session.distinct()))
"""The same, where each is in several rows."""
ADDRESSES = Measure("unique addresses", func.count(sessions.c.address.distinct()))
CONNECTIONS = Measure("total seen", func.sum(sessions.c.connections))


class Frame(NamedTuple):
    """What all tables of a report are counted over."""

    connection: Connection
    selection: Selection
    sensors: list[str]
    limit: int
    """Rows of a table that lists the most frequent."""
    start: int | None
    end: int | None

    @property
    def groups(self) -> list[str]:
        """Sensors side by side, and what is above the columns of all together; one empty name if there is but one."""
        if not 2 <= len(self.sensors) <= MAX_SIDE_BY_SIDE:
            return [""]
        return [*self.sensors] if self.selection.compare else [*self.sensors, TOGETHER]

    def selected(self, group: str) -> Selection:
        """What the columns of a group count."""
        return self.selection if group in ("", TOGETHER) else self.selection.only(group)


class Counted(NamedTuple):
    """Groups, with their numbers for each of `Frame.groups`; None where it has none of them."""

    columns: list[Column]
    rows: list[tuple[tuple[Any, ...], list[Cell]]]
    left_out: int
    """Groups that are not among the rows."""


def exact(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """What is to be ordered by; a text character for character, in any database."""
    if not isinstance(column.type, String):
        return column
    return collate(column, "C" if connection.dialect.name == "postgresql" else "BINARY")


def scanned(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of `sessions` to group by without its index: whoever reads all rows reads them in their order."""
    return func.coalesce(column, column).label(column.name)


def count(
    frame: Frame,
    keys: Sequence[ColumnElement[Any]],
    measures: Sequence[Measure],
    *,
    source: FromClause = sessions,
    where: Sequence[ColumnElement[bool]] = (),
    limit: int | None = None,
    by: int = 0,
) -> Counted:
    """`measures` by `keys`, the first of which tells the groups apart; the most frequent by the measure number `by`.

    `source` has the table `sessions` in it. Without a `limit` all groups are read: for keys with few values. With one
    there are only so many measures as a page has room for.
    """
    order = measures[by].of.desc(), *(exact(key, frame.connection) for key in keys[:1])
    if limit is not None:
        measures = measures[: max(1, MAX_NUMBERS // len(frame.groups))]
    statement = (
        select(*keys, *(m.of for m in measures))
        .select_from(source)
        .where(*frame.selection.conditions(), *where)
        .group_by(*keys)
        .order_by(*order)
    )
    if limit is not None:
        statement = statement.limit(limit)
    found = frame.connection.execute(statement).all()
    rows = [(tuple(row[: len(keys)]), [_number(value) for value in row[len(keys) :]]) for row in found]
    left_out = 0
    if limit is not None and len(found) == limit:
        grouped = (
            select(*keys).select_from(source).where(*frame.selection.conditions(), *where).group_by(*keys).subquery()
        )
        left_out = (frame.connection.scalar(select(func.count()).select_from(grouped)) or 0) - limit
    if len(frame.groups) == 1:
        return Counted([Column(m.label, "number") for m in measures], rows, left_out)
    if limit is not None:
        where = (*where, keys[0].in_([key[0] for key, _ in rows]))
    return Counted(columns_of(frame, measures), _apart(frame, keys, measures, source, where, rows), left_out)


def columns_of(frame: Frame, measures: Sequence[Measure]) -> list[Column]:
    """Columns of numbers, for each of the groups."""
    return [Column(m.label, "number", group) for group in frame.groups for m in measures]


def _apart(
    frame: Frame,
    keys: Sequence[ColumnElement[Any]],
    measures: Sequence[Measure],
    source: FromClause,
    where: Sequence[ColumnElement[bool]],
    rows: list[tuple[tuple[Any, ...], list[Cell]]],
) -> list[tuple[tuple[Any, ...], list[Cell]]]:
    statement = (
        select(*keys, sessions.c.sensor, *(m.of for m in measures))
        .select_from(source)
        .where(*frame.selection.conditions(), *where)
        .group_by(*keys, sessions.c.sensor)
    )
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for row in frame.connection.execute(statement):
        found[(*row[: len(keys)], row[len(keys)])] = [_number(value) for value in row[len(keys) + 1 :]]
    nothing: list[Cell] = [None] * len(measures)
    apart = []
    for key, together in rows:
        cells: list[Cell] = []
        for group in frame.groups:
            cells += together if group == TOGETHER else found.get((*key, group), nothing)
        apart.append((key, cells))
    return apart


def total(
    frame: Frame,
    measures: Sequence[Measure],
    *,
    source: FromClause = sessions,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[Cell]:
    """`measures` of all that was selected, for each of the groups; None where there was nothing."""
    cells: list[Cell] = []
    for group in frame.groups:
        row = frame.connection.execute(
            select(func.count(), *(m.of for m in measures))
            .select_from(source)
            .where(*frame.selected(group).conditions(), *where)
        ).one()
        cells += [_number(value) for value in row[1:]] if row[0] else [None] * len(measures)
    return cells


def more(left_out: int, what: str) -> str:
    """A sentence about what a table has left out."""
    return f"{left_out:,} more {what} are not shown here." if left_out else ""


def _number(value: Any) -> Cell:
    # Sums are Decimal in PostgreSQL.
    return None if value is None else int(value)
