"""Make a report: read what is in the database."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from ...settings import SettingsError
from . import catch, course, doings, headline, means, origins, overlap, people, story
from .counting import Frame
from .definitions import DEFINITIONS
from .model import Report
from .selection import Selection, extent, sensors_of

LIMIT = 25
"""Rows of a table that lists the most frequent."""
COMPARED = 2
"""Sensors that can be set against each other."""


def report(engine: Engine, selection: Selection, *, limit: int = LIMIT, title: str = "") -> Report:
    """All that a report says about what was selected.

    `limit`: rows of each table that lists the most frequent. Raises `SettingsError` for a sensor that isn't known.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # All tables are of one moment, though the analyst goes on; SQLite's transactions are so by themselves.
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        sensors = sensors_of(connection, selection)
        if selection.compare and len(set(sensors)) != COMPARED:
            raise SettingsError("Two different sensors can be compared.")
        start, end = extent(connection, selection)
        frame = Frame(connection, selection, sensors, limit, start, end)
        sections = [
            headline.section(frame),
            origins.section(frame),
            *([overlap.section(frame)] if selection.compare else []),
            doings.section(frame),
            story.section(frame),
            catch.section(frame),
            means.section(frame),
            people.section(frame),
            course.section(frame),
        ]
        return Report(
            title=title or "What the honeypot saw",
            sensors=sensors,
            start=start,
            end=end,
            made=time.time_ns() // 1000,
            tiles=headline.tiles(frame),
            headlines=headline.sentences(frame),
            sections=sections,
            definitions=DEFINITIONS,
        )
