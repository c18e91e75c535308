"""Numbers as pictures: bars beside the rows of a table, and counts over time for a script to draw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, Subquery, cast, func, literal_column, select

from ..analyst.database import schema
from .findings import Findings

MAX_BUCKETS = 1000


class Bar(NamedTuple):
    """A row: what, how many, and how long its bar is, in percent."""

    label: str
    number: int
    percent: float


class OverTime(NamedTuple):
    """Scans and interactions in each stretch of time; `data` is what the script draws."""

    starts: list[int]
    scans: list[int]
    interactions: list[int]
    data: str


Bars = list[Bar]


def bars(rows: Sequence[tuple[str, int]]) -> Bars:
    """Bars, the longest of which fills its place."""
    most = max((number for _, number in rows), default=0) or 1
    return [Bar(label, number, round(100 * number / most, 1)) for label, number in rows]


def by_address(*conditions: ColumnElement[bool], beside: Sequence[ColumnElement[str]] = ()) -> Subquery:
    """Sums over the sessions of each address: an index has all that they are made of, in its order.

    `beside`: further columns to tell sums apart by; the index has category and country next to the address.
    """
    sessions = schema.sessions.c
    return (
        select(
            sessions.address,
            *beside,
            func.count().label("sessions"),
            func.sum(sessions.connections).label("connections"),
            func.sum(cast(sessions.interaction, Integer)).label("interactions"),
            func.min(sessions.first).label("first"),
            func.max(sessions.last).label("last"),
            func.max(sessions.rank).label("rank"),
            func.max(sessions.severity).label("severity"),
        )
        .where(*conditions)
        .group_by(sessions.address, *beside)
        .subquery()
    )


def over_time(findings: Findings, since: int, until: int, width: int) -> OverTime:
    """Sessions by the moment at which they began, in stretches of `width` microseconds."""
    sessions = schema.sessions.c
    # A number in the text, since PostgreSQL takes two parameters for two things.
    bucket = sessions.first.op("/")(literal_column(str(int(width))))
    rows = findings.all(
        select(bucket, sessions.interaction, func.count().label("sessions"))
        .where(sessions.first >= since, sessions.first <= until)
        .group_by(bucket, sessions.interaction)
    )
    found = {(int(start), bool(interaction)): int(number) for start, interaction, number in rows}
    last = until // width
    numbers = range(max(since // width, last - MAX_BUCKETS + 1), last + 1)
    starts = [number * width for number in numbers]
    scans = [found.get((number, False), 0) for number in numbers]
    interactions = [found.get((number, True), 0) for number in numbers]
    data = json.dumps([[start // 1_000_000 for start in starts], scans, interactions])
    return OverTime(starts, scans, interactions, data)
