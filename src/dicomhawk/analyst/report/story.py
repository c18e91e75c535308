"""The most interesting sessions, told step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Row, select

from ...evidence.documents import Document
from ...settings.words import DEPTHS, SEVERITIES
from ..database.schema import events, sessions, techniques
from ..narrative import printable, size
from .calendar import lasted, moment
from .cells import many, strings
from .counting import Frame
from .model import Section, Step, Story
from .steps import Steps, Told

STORIES = 5
CANDIDATES = 200
"""Sessions that are looked at for different visitors among them."""
MAX_EVENTS = 20_000
"""Events of a session that are read: a password list can have a million."""
MAX_KEPT = 2_000
"""Steps of a session that are kept until it is known which are told."""
FIRST, ALARMING, LAST = 16, 14, 8
"""Steps that are told of a long session: from its beginning, of the alarming ones, from its end."""
AHEAD = 32
"""Steps that are looked ahead, since connections take turns."""
TOLD_OF_RUN = 3
"""Steps of one kind in a row that are told one by one."""

_decode = msgspec.json.Decoder(dict).decode


def section(frame: Frame) -> Section:
    """The chapter."""
    stories = [_tell(frame, row) for row in _best(frame)]
    text = "The sessions that are most worth reading, no visitor twice as long as there are others. Moments are UTC."
    return Section(
        name="stories",
        title=f"The {_WORDS.get(len(stories), str(len(stories)))} most interesting sessions"
        if len(stories) > 1
        else "The most interesting session",
        paragraphs=[text] if stories else ["There was no session."],
        stories=stories,
    )


_WORDS = {2: "two", 3: "three", 4: "four", 5: "five"}


def fold(told: Iterable[Told]) -> list[Step]:
    """Steps, where many of one kind in a row become one that says how many and until when."""
    kept: list[Step] = []
    kind, run = "", 0
    for one in told:
        step = one.step
        run = run + 1 if one.kind == kind else 1
        kind = one.kind
        if run <= TOLD_OF_RUN:
            if len(kept) < MAX_KEPT:
                kept.append(step)
        elif kept:
            last = kept[-1]
            if run == TOLD_OF_RUN + 1:
                if len(kept) == MAX_KEPT:
                    continue
                last = Step(moment=step.moment, text=_MORE.get(kind, "And more of the same."), times=0)
                kept.append(last)
            last.times += 1
            last.until = step.moment
            last.alarming |= step.alarming
    return kept


_MORE = {
    "association": "It asked for more associations, which were accepted.",
    "rejected": "It asked for more associations, which were not accepted.",
    "find": "It searched for more.",
    "web query": "It searched for more on the web.",
    "get": "It fetched more.",
    "web retrieve": "It fetched more on the web.",
    "move": "It told us to send more.",
    "store": "It left more objects.",
    "web store": "It uploaded more.",
    "request": "It requested more.",
    "login": "It tried to sign in with more names and passwords.",
    "violation": "It broke the protocol in more ways.",
}


def steps_of(documents: Iterable[str]) -> Iterator[Told]:
    """Steps of a session's events (as JSON, in order), given when what completes them has most likely come."""
    steps = Steps()
    waiting: deque[Told] = deque()
    for text in documents:
        event = _event(text)
        told = None if event is None else steps.add(event)
        if told is not None:
            waiting.append(told)
            if len(waiting) > AHEAD:
                yield waiting.popleft()
    yield from waiting


def choose(steps: list[Step]) -> list[Step]:
    """Those that are told of a long session, with a step that says how many are left out where some are."""
    if len(steps) <= FIRST + ALARMING + LAST:
        return steps
    middle = range(FIRST, len(steps) - LAST)
    chosen = {*range(FIRST), *[at for at in middle if steps[at].alarming][:ALARMING], *range(middle.stop, len(steps))}
    told = [steps[0]]
    for before, at in pairwise(sorted(chosen)):
        if out := at - before - 1:
            left = f"({many(out, 'step')} {'is' if out == 1 else 'are'} left out here.)"
            told.append(Step(moment=steps[before + 1].moment, text=left))
        told.append(steps[at])
    return told


def _best(frame: Frame) -> list[Row[Any]]:
    found = frame.connection.execute(
        select(sessions)
        .where(*frame.selection.conditions())
        .order_by(
            sessions.c.interest.desc(),
            sessions.c.severity.desc(),
            sessions.c.rank.desc(),
            sessions.c.first.desc(),
            sessions.c.session,
        )
        .limit(CANDIDATES)
    ).all()
    seen: set[str] = set()
    best: list[Row[Any]] = []
    others: list[Row[Any]] = []
    for row in found:
        (others if row.address in seen else best).append(row)
        seen.add(row.address)
    return (best + others)[:STORIES]


def _tell(frame: Frame, row: Row[Any]) -> Story:
    found: Mapping[str, Any] = row._asdict()
    documents = frame.connection.scalars(
        select(events.c.document)
        .where(events.c.session == found["session"])
        .order_by(events.c.moment, events.c.id)
        .limit(MAX_EVENTS)
        .execution_options(yield_per=500)
    )
    told = choose(fold(steps_of(documents)))
    beyond = found["events"] - MAX_EVENTS
    facts = [
        ("visitor", printable(found["address"])),
        ("sensor", printable(found["sensor"])),
        ("from", f"{moment(found['first'])}, for {lasted(found['last'] - found['first'])}"),
        ("origin", _origin(found)),
        ("client", printable(found["tool"])),
        ("depth", DEPTHS[found["rank"]]),
        ("severity", SEVERITIES[found["severity"]]),
        ("extent", _extent(found)),
        ("techniques", _techniques(frame, str(found["session"]))),
    ]
    return Story(
        session=str(found["session"]),
        sensor=str(found["sensor"]),
        address=str(found["address"]),
        title=f"{printable(found['address'])}, {moment(found['first'])}",
        verdict=printable(found["verdict"], 1000),
        facts=[(name, value) for name, value in facts if value],
        steps=told,
        more=f"{beyond:,} later events are not told here." if beyond > 0 else "",
    )


def _extent(row: Mapping[str, Any]) -> str:
    return f"{many(row['connections'], 'connection')}, {size(row['bytes_in'])} in, {size(row['bytes_out'])} out"


def _origin(row: Mapping[str, Any]) -> str:
    parts = [row["category"], row["operator"], row["country"], row["network"]]
    return ", ".join(dict.fromkeys(printable(part) for part in parts if part))


def _techniques(frame: Frame, session: str) -> str:
    found = frame.connection.execute(
        select(techniques.c.rule, techniques.c.name, techniques.c.attack)
        .where(techniques.c.session == session)
        .order_by(techniques.c.severity.desc(), techniques.c.rule)
        .limit(12)
    )
    shown = []
    for rule, name, attack in found:
        ids = ", ".join(strings(attack))
        shown.append(f"{rule} {name}" + (f" ({ids})" if ids else ""))
    return printable("; ".join(shown), 1000)


def _event(text: str) -> Document | None:
    try:
        return _decode(text)
    except (msgspec.MsgspecError, ValueError):
        return None
