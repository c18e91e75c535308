"""What came into the archive, in its order, as if each object had been counted."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from ....hospital.attributes import Level
from ..message import Response
from ..state import StateFull
from .describing import STABLE_AGE
from .jsoncpp import INDENTATION, styled
from .problems import Fault, Problem
from .service import JSON, NAMES, PLURALS, Call, Handler, json_response, stamp, text_response
from .view import Item, View

DEFAULT_LIMIT: Final = 100
"""Changes in an answer that doesn't say how many it wants."""
MOST: Final = 100_000
"""Changes in one answer."""
FORGOTTEN: Final = "orthanc/changes"
KEPT: Final = 20.0
"""Seconds for which the changes of the hospital are remembered: to find them takes a moment for a thousand series."""


def routes() -> Iterable[tuple[str, str, Handler]]:
    """Methods, paths and handlers."""
    yield "GET", "/changes", changes
    yield "DELETE", "/changes", forget
    yield "GET", "/exports", exports
    yield "DELETE", "/exports", forget_exports


def _whole(text: str | None, otherwise: int) -> int:
    """A number, or nothing if it is none."""
    if text is None:
        return otherwise
    try:
        return max(int(text[:18]), 0)
    except ValueError:
        return otherwise


async def changes(call: Call) -> Response:
    """GET /changes."""
    view = await call.view()
    log = await Log.of(view)
    last = log.last
    forgotten = _whole(str(call.state.get(call.visitor, FORGOTTEN, 0)), 0)
    if call.has("last"):
        found = list(log.since(last - 1, 1)) if last > forgotten else []
        return json_response(
            {"Changes": [each async for each in _described(view, found)], "Done": True, "Last": last}
        )
    since = max(_whole(call.request.argument("since"), 0), forgotten)
    limit = min(_whole(call.request.argument("limit"), DEFAULT_LIMIT), MOST)
    done = since + limit >= last if limit else last <= since
    listed = [styled(each, margin=2 * INDENTATION) async for each in _described(view, log.since(since, limit))]
    call.queried(None, len(listed), offset=since or None, limit=limit)
    end = {"Done": done, "Last": min(since + limit, last) if listed else last}
    return _laid_out(listed, end)


def _laid_out(listed: list[str], end: dict[str, Any]) -> Response:
    """The object that has `listed` and `end`, as if it had been written at once."""
    if not listed:
        return json_response({"Changes": [], **end})
    inner = 2 * INDENTATION
    head = f'{{\n{INDENTATION}"Changes" : \n{INDENTATION}[\n{inner}'
    tail = styled(end)[1:]
    return text_response(head + f",\n{inner}".join(listed) + f"\n{INDENTATION}],{tail}", JSON)


async def forget(call: Call) -> Response:
    """DELETE /changes."""
    call.changed("delete changes")
    log = await Log.of(await call.view())
    try:
        call.state.put(call.visitor, FORGOTTEN, log.last)
    except StateFull:
        raise Problem(Fault.INTERNAL) from None
    return text_response("")


async def exports(_: Call) -> Response:
    """GET /exports: they aren't logged."""
    return json_response({"Done": True, "Exports": [], "Last": 0})


async def forget_exports(call: Call) -> Response:
    """DELETE /exports."""
    call.changed("delete exports")
    return text_response("")


Change = tuple[int, str, Item, float]
"""Its number, its kind, what it is of, and when it was."""


class Log:
    """The changes of an archive: of each series of the hospital in the order of arrival, those of its instances and
    its own, of what is new with it, and that it is stable; then those of what the visitor stored."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._series: list[tuple[Item, bool, bool]] = []
        self._ends: list[int] = []
        self._tail: list[tuple[str, Item, float]] = []

    @classmethod
    async def of(cls, view: View) -> Log:
        """The changes that `view` shows; of the hospital alone, those of some seconds ago."""
        kept = view.library.log
        if view.is_plain and isinstance(kept, Log) and view.now - kept._view.now < KEPT:
            return kept
        log = cls(view)
        sizes: list[int] = []
        seen: set[tuple[str, ...]] = set()
        async for items in view.listing(Level.SERIES):
            for item in items:
                if item.node is None:
                    continue
                patient, study = item.ids[:1] not in seen, item.ids[:2] not in seen
                seen |= {item.ids[:1], item.ids[:2]}
                log._series.append((item, study, patient))
                sizes.append(view.number(item) + 2 * (1 + study + patient))
            await asyncio.sleep(0)
        log._ends = list(accumulate(sizes))
        log._tail = list(_stored(view))
        if view.is_plain:
            view.library.log = log
        return log

    @property
    def last(self) -> int:
        """The number of the last one."""
        return (self._ends[-1] if self._ends else 0) + len(self._tail)

    def since(self, number: int, limit: int) -> Iterator[Change]:
        """Those behind a number."""
        place = bisect_right(self._ends, number)
        while place < len(self._ends) and limit > 0:
            start = self._ends[place - 1] if place else 0
            for change in self._of_series(place, start):
                if change[0] > number and limit > 0:
                    limit -= 1
                    yield change
            place += 1
        before = self._ends[-1] if self._ends else 0
        first = max(number - before, 0)
        for at, (kind, item, moment) in enumerate(self._tail[first : first + limit], before + first + 1):
            yield at, kind, item, moment

    def _of_series(self, place: int, start: int) -> Iterator[Change]:
        series, new_study, new_patient = self._series[place]
        view = self._view
        above = [series]
        if new_study:
            above.append(view.above(series, Level.STUDY))
        if new_patient:
            above.append(view.above(series, Level.PATIENT))
        number = start
        for first, instance in enumerate(view.children(series)):
            row = view.row(instance)
            moment = row.visible_from if row is not None else view.now
            number += 1
            yield number, "NewInstance", instance, moment
            for item in above if first == 0 else ():
                number += 1
                yield number, f"New{NAMES[item.level]}", item, moment
        stable = view.newest(series) + STABLE_AGE
        for item in above if stable <= view.now else ():
            number += 1
            yield number, f"Stable{NAMES[item.level]}", item, stable


def _stored(view: View) -> Iterator[tuple[str, Item, float]]:
    """The changes of entries, without their numbers."""
    seen: dict[tuple[str, ...], tuple[Item, float, int]] = {}
    for number, (instance, moment) in enumerate(view.stored()):
        yield "NewInstance", instance, moment
        for level in (Level.SERIES, Level.STUDY, Level.PATIENT):
            ids = instance.ids[: level + 1]
            if ids not in seen:
                item = view.above(instance, level)
                yield f"New{NAMES[level]}", item, moment
                seen[ids] = item, moment, number
            seen[ids] = seen[ids][0], moment, number
    for item, moment, _ in sorted(seen.values(), key=lambda each: (each[2], -each[0].level)):
        if moment + STABLE_AGE <= view.now:
            yield f"Stable{NAMES[item.level]}", item, moment + STABLE_AGE


async def _described(view: View, found: Iterable[Change]) -> AsyncIterator[dict[str, Any]]:
    for number, kind, item, moment in found:
        yield {
            "ChangeType": kind,
            "Date": stamp(moment),
            "ID": item.id,
            "Path": f"/{PLURALS[item.level]}/{item.id}",
            "ResourceType": NAMES[item.level],
            "Seq": number,
        }
        if number % 32 == 0:
            await asyncio.sleep(0)
