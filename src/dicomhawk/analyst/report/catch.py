"""What was caught: credentials, files, lures taken."""

from __future__ import annotations

from sqlalchemy import case, func, select

from ..database.schema import captures, files, lures, sessions
from . import means
from .counting import VISITS, Frame, more
from .model import Cell, Column, Section, Table

LURES = {
    "taken": "taken",
    "hit": "opened elsewhere",
    "reused": "came back from another visitor",
}
"""Actions with bait, in words."""


def section(frame: Frame) -> Section:
    """The chapter."""
    return Section(name="catch", title="What was caught", tables=[means.credential(frame), file(frame), lure(frame)])


def file(frame: Frame) -> Table:
    """Captured files, the worst first."""
    counted = (
        select(
            captures.c.sha256,
            func.count().label("times"),
            func.count(sessions.c.address.distinct()).label("addresses"),
            func.min(captures.c.moment).label("first"),
        )
        .select_from(captures.join(sessions, captures.c.session == sessions.c.session))
        .where(*frame.selection.conditions())
        .group_by(captures.c.sha256)
        .subquery()
    )
    found = frame.connection.execute(
        select(
            func.coalesce(files.c.severity, 0),
            counted.c.sha256,
            func.coalesce(files.c.type, ""),
            files.c.size,
            case((files.c.examined.is_(None), "Not examined yet."), else_=files.c.verdict),
            counted.c.times,
            counted.c.addresses,
            counted.c.first,
        )
        .select_from(counted.outerjoin(files, files.c.sha256 == counted.c.sha256))
        .order_by(func.coalesce(files.c.severity, 0).desc(), counted.c.times.desc(), counted.c.sha256)
        .limit(frame.limit)
    ).all()
    left_out = 0
    if len(found) == frame.limit:
        left_out = (frame.connection.scalar(select(func.count()).select_from(counted)) or 0) - frame.limit
    return Table(
        name="files",
        title="Captured files",
        about="Each file that visitors left, once for each content, the worst first: what it truly is, and what was "
        "found in it. Times: how often it was left.",
        columns=[
            Column("severity", "severity"),
            Column("SHA-256", "hash"),
            Column("type", "foreign"),
            Column("size", "bytes"),
            Column("verdict", "foreign"),
            Column("times", "number"),
            Column("unique addresses", "number"),
            Column("first", "moment"),
        ],
        rows=[list(row) for row in found],
        more=more(left_out, "files"),
        empty="Nobody left any.",
    )


def lure(frame: Frame) -> Table:
    """Bait that was taken."""
    joined = lures.join(sessions, lures.c.session == sessions.c.session)
    times = func.count()
    found = frame.connection.execute(
        select(
            lures.c.lure,
            lures.c.action,
            times,
            VISITS.of,
            func.count(sessions.c.address.distinct()),
            func.min(lures.c.moment),
        )
        .select_from(joined)
        .where(*frame.selection.conditions())
        .group_by(lures.c.lure, lures.c.action)
        .order_by(times.desc(), lures.c.lure, lures.c.action)
        .limit(frame.limit)
    ).all()
    rows: list[list[Cell]] = [[row[0], LURES.get(row[1], row[1]), *row[2:]] for row in found]
    return Table(
        name="lures",
        title="Lures",
        about="Bait that was taken, used, or opened elsewhere. Nobody has an honest reason to do so.",
        columns=[
            Column("bait", "foreign"),
            Column("what became of it"),
            Column("times", "number"),
            Column("sessions", "number"),
            Column("unique addresses", "number"),
            Column("first", "moment"),
        ],
        rows=rows,
        empty="None was taken.",
    )
