"""When it happened."""

from __future__ import annotations

from sqlalchemy import func, select

from ..database.schema import events, sessions
from ..origin import CATEGORIES
from .calendar import Spans
from .counting import Frame
from .model import Column, Section, Table
from .selection import DAY

HOUR = DAY // 24


def section(frame: Frame) -> Section:
    """The chapter."""
    return Section(name="course", title="When", tables=[timeline(frame), hours(frame)])


def timeline(frame: Frame) -> Table:
    """Events of visitors' sessions by day and category."""
    day = (events.c.moment // DAY).label("day")
    spans = Spans.of(frame.start, frame.end)
    counted: dict[int, dict[str, int]] = {}
    for when, category, number in frame.connection.execute(
        select(day, sessions.c.category, func.count())
        .select_from(sessions.join(events, events.c.session == sessions.c.session))
        .where(*frame.selection.conditions())
        .group_by(day, sessions.c.category)
    ):
        on_day = counted.setdefault(spans.span(when), {})
        on_day[category] = on_day.get(category, 0) + number
    seen = {category for on_day in counted.values() for category in on_day}
    names: list[str] = [name for name in CATEGORIES[:-1] if name in seen]
    names += sorted(seen - set(CATEGORIES)) + [name for name in CATEGORIES[-1:] if name in seen]
    days = sorted({*spans, *counted})
    return Table(
        name="timeline",
        title=f"Events by {spans.unit}",
        about=f"Everything that is on record of the sessions, by {spans.unit} and category. "
        "A session that began within the period may reach beyond it.",
        columns=[Column(spans.unit, "day"), *(Column(name, "number") for name in names)],
        rows=[[first, *(counted.get(first, {}).get(name, 0) for name in names)] for first in days],
        total=["All", *(sum(on_day.get(name, 0) for on_day in counted.values()) for name in names)],
        chart="columns",
        drawn_only=spans.many,
    )


def hours(frame: Frame) -> Table:
    """Sessions by the hour of the day at which they began."""
    hour = (sessions.c.first // HOUR % 24).label("hour")
    counted: dict[tuple[int, bool], int] = {
        (when, interaction): number
        for when, interaction, number in frame.connection.execute(
            select(hour, sessions.c.interaction, func.count())
            .where(*frame.selection.conditions())
            .group_by(hour, sessions.c.interaction)
        )
    }
    return Table(
        name="hours",
        title="Hours of the day",
        about="Sessions by the hour (UTC) in which they began. Machines come at all hours; people mostly don't.",
        columns=[Column("hour"), Column("scans", "number"), Column("interactions", "number")],
        rows=[[f"{at:02}", counted.get((at, False), 0), counted.get((at, True), 0)] for at in range(24)],
        chart="columns",
        drawn_only=True,
    )
