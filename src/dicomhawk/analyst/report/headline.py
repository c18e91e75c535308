"""The report in a few sentences, and in a few numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, case, func, select

from ...evidence.documents import Document, number_at
from ...settings.words import DEPTHS, SEVERITIES
from ..database.schema import captures, credentials, events, files, lures, places, sessions, techniques
from .calendar import date_of
from .cells import many
from .counting import ADDRESSES, CONNECTIONS, SESSIONS, Frame, Measure, scanned, total
from .model import Cell, Column, Section, Table
from .selection import DAY, MAX_SIDE_BY_SIDE, Selection

MAX_GAPS = 1000
"""Events about lost ones that are read."""
HIGH = SEVERITIES.index("high")

_decode = msgspec.json.Decoder(dict).decode


def section(frame: Frame) -> Section:
    """The chapter of numbers."""
    return Section(name="numbers", title="In numbers", tables=[numbers(frame)], paragraphs=completeness(frame))


def numbers(frame: Frame) -> Table:
    """One row for each number, one column for each sensor."""
    of_sessions = (
        SESSIONS,
        Measure("interactions", func.sum(case((sessions.c.interaction, 1), else_=0))),
        ADDRESSES,
        CONNECTIONS,
        Measure("events", func.sum(sessions.c.events)),
        Measure("associations accepted", func.sum(sessions.c.associations)),
        Measure("associations rejected", func.sum(sessions.c.rejected)),
        Measure("HTTP requests", func.sum(sessions.c.requests)),
        Measure("answers to queries", func.sum(sessions.c.matches)),
        Measure("objects fetched", func.sum(sessions.c.objects_sent)),
        Measure("files left", func.sum(sessions.c.objects_received)),
        Measure("bytes received", func.sum(sessions.c.bytes_in)),
        Measure("bytes sent", func.sum(sessions.c.bytes_out)),
    )
    rows = _turned(frame, of_sessions, total(frame, of_sessions))
    for table, label, measure in (
        (
            techniques,
            "sessions with a technique of high or critical severity",
            func.count(sessions.c.session.distinct()),
        ),
        (credentials, "logins tried", func.sum(credentials.c.times)),
        (captures, "different files captured", func.count(captures.c.sha256.distinct())),
        (lures, "times that bait was taken", func.count()),
    ):
        where = (techniques.c.severity >= HIGH,) if table is techniques else ()
        source = table.join(sessions, table.c.session == sessions.c.session)
        measures = (Measure(label, measure),)
        rows += _turned(frame, measures, total(frame, measures, source=source, where=where))
    groups = ["number"] if frame.groups == [""] else frame.groups
    return Table(
        name="numbers",
        title="Numbers",
        about="Each number is defined at the end of the report.",
        columns=[Column("what"), *(Column(group, "number") for group in groups)],
        rows=rows,
    )


def _turned(frame: Frame, measures: tuple[Measure, ...], cells: list[Cell]) -> list[list[Cell]]:
    wide = len(measures)
    return [[m.label, *(cell or 0 for cell in cells[at::wide])] for at, m in enumerate(measures)]


def completeness(frame: Frame) -> list[str]:
    """What may be missing, in sentences."""
    said = []
    stale = _scalar(frame, select(func.count()).where(*frame.selection.conditions(), sessions.c.stale))
    if stale:
        said.append(f"Of {many(stale, 'session')} there are events that the analyst has not looked at yet.")
    torn = _scalar(frame, select(func.sum(places.c.torn)))
    if torn:
        said.append(f"{many(torn, 'line')} of the journals read so far could not be read: their writer was killed.")
    lost = _lost(frame)
    if lost:
        said.append(f"{many(lost, 'event')} could not be written by a sensor, and are lost (journal.gap).")
    return said or ["The sensors report no lost events, and all that is in the database has been analysed."]


def _lost(frame: Frame) -> int:
    conditions = [events.c.action == "journal.gap"]
    if frame.selection.start is not None:
        conditions.append(events.c.moment >= frame.selection.start)
    if frame.selection.end is not None:
        conditions.append(events.c.moment < frame.selection.end)
    if frame.selection.sensors:
        conditions.append(events.c.sensor.in_(frame.selection.sensors))
    documents = frame.connection.scalars(select(events.c.document).where(*conditions).limit(MAX_GAPS))
    return sum(number_at(_event(text), "honeypot.lost.events") for text in documents)


def tiles(frame: Frame) -> list[tuple[str, int]]:
    """The few numbers that are shown large."""
    seen, visitors, connections = _totals(frame, frame.selection)
    conditions = frame.selection.conditions()
    interactions = _scalar(frame, select(func.count()).where(*conditions, sessions.c.interaction))
    severe = _scalar(frame, select(func.count()).where(*conditions, sessions.c.severity >= HIGH))
    return [
        ("connections", connections),
        ("unique addresses", visitors),
        ("sessions", seen),
        ("interactions", interactions),
        ("of high or critical severity", severe),
    ]


def sentences(frame: Frame) -> list[str]:
    """The headlines: what somebody should know who reads nothing else."""
    if frame.start is None or frame.end is None:
        return ["Nothing was seen."]
    seen, visitors, connections = _totals(frame, frame.selection)
    who = _sensors(frame.sensors)
    if not seen:
        return [f"{_period(frame.start, frame.end)} {who} saw nobody."]
    said = [
        f"{_period(frame.start, frame.end)} {who} saw {many(connections, 'connection')} from"
        f" {many(visitors, 'address', 'addresses')}, in {many(seen, 'session')}."
    ]
    if 1 < len(frame.sensors) <= MAX_SIDE_BY_SIDE:
        said += [_sensor(frame, name) for name in frame.sensors]
    else:
        said.append(_interactions(frame, frame.selection, seen))
    said += [_most(frame), _worst(frame), _caught(frame)]
    return [sentence for sentence in said if sentence]


def _sensor(frame: Frame, name: str) -> str:
    selection = frame.selection.only(name)
    seen, visitors, connections = _totals(frame, selection)
    if not seen:
        return f"{name} saw nobody."
    first, last = frame.connection.execute(
        select(func.min(sessions.c.first), func.max(sessions.c.last)).where(*selection.conditions())
    ).one()
    when = f"from {date_of(first // DAY)} to {date_of(last // DAY)}" if last // DAY > first // DAY else ""
    said = (
        f"{name} saw {many(connections, 'connection')} from {many(visitors, 'address', 'addresses')} {when}".rstrip()
    )
    said += "."
    return f"{said} {_interactions(frame, selection, seen)}"


def _totals(frame: Frame, selection: Selection) -> tuple[int, int, int]:
    seen, visitors, connections = frame.connection.execute(
        select(SESSIONS.of, ADDRESSES.of, CONNECTIONS.of).where(*selection.conditions())
    ).one()
    return seen, visitors, int(connections or 0)


def _interactions(frame: Frame, selection: Selection, seen: int) -> str:
    number, addresses = frame.connection.execute(
        select(SESSIONS.of, ADDRESSES.of).where(*selection.conditions(), sessions.c.interaction)
    ).one()
    if not number:
        return "All of it was scanning; there was no interaction."
    if seen == 1:
        return "It was an interaction, not a scan."
    if number == seen:
        return f"All were interactions, {_all_from(addresses)}."
    others = "the other was a scan" if seen - number == 1 else "the others were scans"
    if number == 1:
        return f"One session was an interaction, {others}."
    return f"{number:,} sessions were interactions, {_all_from(addresses)}; {others}."


def _all_from(addresses: int) -> str:
    return "all from one address" if addresses == 1 else f"from {addresses:,} addresses"


def _most(frame: Frame) -> str:
    category = scanned(sessions.c.category)
    rows = frame.connection.execute(
        select(category, CONNECTIONS.of)
        .where(*frame.selection.conditions())
        .group_by(category)
        .order_by(CONNECTIONS.of.desc(), category)
    ).all()
    whole = sum(int(number) for _, number in rows)
    if len(rows) < 2 or not whole:
        return ""
    name, number = rows[0][0], int(rows[0][1])
    return f"Of all connections {number / whole:.0%} were of the category {name}."


def _worst(frame: Frame) -> str:
    deepest = _scalar(frame, select(func.max(sessions.c.rank)).where(*frame.selection.conditions()))
    severe = _scalar(frame, select(func.count()).where(*frame.selection.conditions(), sessions.c.severity >= HIGH))
    said = f"The furthest that anybody went is {DEPTHS[deepest]}"
    if not severe:
        return f"{said}; no session was of high severity."
    return f"{said}; {many(severe, 'session')} {_was(severe)} of high or critical severity."


def _caught(frame: Frame) -> str:
    conditions = frame.selection.conditions()
    left = _scalar(
        frame,
        select(func.count(captures.c.sha256.distinct()))
        .select_from(captures.join(sessions, captures.c.session == sessions.c.session))
        .where(*conditions),
    )
    bad = _scalar(
        frame,
        select(func.count(captures.c.sha256.distinct()))
        .select_from(
            captures.join(sessions, captures.c.session == sessions.c.session).join(
                files, files.c.sha256 == captures.c.sha256
            )
        )
        .where(*conditions, files.c.severity >= HIGH),
    )
    taken, by = frame.connection.execute(
        select(func.count(), ADDRESSES.of)
        .select_from(lures.join(sessions, lures.c.session == sessions.c.session))
        .where(*conditions)
    ).one()
    said = []
    if left:
        worse = f", {bad:,} of them of high or critical severity" if bad else ""
        said.append(f"{many(left, 'different file')} {_was(left)} left{worse}.")
    if taken:
        said.append(f"Bait was taken {many(taken, 'time')} by {many(by, 'visitor')}.")
    return " ".join(said)


def _period(start: int, end: int) -> str:
    first, last = date_of(start // DAY), date_of((end - 1) // DAY)
    days = (end - 1) // DAY - start // DAY + 1
    return f"On {first}" if days == 1 else f"From {first} to {last} ({days:,} days)"


def _sensors(names: list[str]) -> str:
    return f"the sensor {names[0]}" if len(names) == 1 else f"{len(names):,} sensors"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _scalar(frame: Frame, statement: Select[Any]) -> int:
    return int(frame.connection.scalar(statement) or 0)


def _event(text: str) -> Document:
    try:
        found: Document = _decode(text)
    except (msgspec.MsgspecError, ValueError):
        return {}
    return found
