"""JSON: everything, for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from ..model import Report, Table
from .shown import exact, labels


def as_json(report: Report) -> bytes:
    """The report as one JSON object. Moments are RFC 3339 in UTC; ``null`` is what documents show as a dash."""
    value = {
        "title": report.title,
        "sensors": report.sensors,
        "from": exact(report.start, "moment"),
        "until": exact(report.end, "moment"),
        "made": exact(report.made, "moment"),
        "tiles": dict(report.tiles),
        "headlines": report.headlines,
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "paragraphs": section.paragraphs,
                "tables": [table_value(table) for table in section.tables],
                "stories": [
                    {
                        "session": story.session,
                        "sensor": story.sensor,
                        "address": story.address,
                        "verdict": story.verdict,
                        "facts": dict(story.facts),
                        "steps": [
                            {
                                "moment": exact(step.moment, "moment"),
                                "what": step.text,
                                "answer": step.answer,
                                "times": step.times,
                                "alarming": step.alarming,
                            }
                            for step in story.steps
                        ],
                        "more": story.more,
                    }
                    for story in section.stories
                ],
            }
            for section in report.sections
        ],
        "definitions": dict(report.definitions),
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def table_value(table: Table) -> dict[str, Any]:
    """One table: its rows as objects, by the names of its columns."""
    names = labels(table.columns)
    rows = [*table.rows, *([table.total] if table.total is not None else [])]
    values = [
        {name: exact(cell, column.kind) for name, cell, column in zip(names, row, table.columns, strict=True)}
        for row in rows
    ]
    return {
        "name": table.name,
        "title": table.title,
        "about": table.about,
        "rows": values if table.total is None else values[:-1],
        "total": None if table.total is None else values[-1],
        "more": table.more,
    }
