"""Patterns of rules, compiled: which events are hits, and what the hits of a session amount to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...evidence.documents import Document
from .conditions import Lists, Test, globs, selector_test
from .fields import Seen, Values, raw_at, values_at
from .model import Pattern, Selector

EVIDENCE = 16
"""Events that are named as evidence."""
MAX_VALUE = 1 << 63
"""Numbers beyond that aren't added up."""
UNLESS = -1
"""The role of events that speak against a pattern; that of others is the number of their step, from 0."""


class Hit(NamedTuple):
    """An event that matters to a pattern."""

    at: int
    """Its index."""
    role: int
    excerpt: str = ""


class Session(NamedTuple):
    """What is known of a session when its hits are weighed. `moments` are microseconds since the epoch."""

    events: list[Document]
    moments: list[int]
    files: Mapping[str, Document]
    mentions: Mapping[str, list[int]]
    """Which events speak of a file, by its SHA-256."""


class Seeing(NamedTuple):
    """What a pattern saw: indices of events in order, and what is to be said of them."""

    indices: list[int]
    values: list[str]


class Compiled:
    """A pattern. `selectors` are the roles that events can have in it. Raises ValueError."""

    def __init__(self, pattern: Pattern, lists: Lists) -> None:
        self.pattern = pattern
        steps: tuple[Selector, ...] = pattern.steps or (() if pattern.file_finding else (pattern,))
        self.selectors: list[tuple[int, Selector, Test | None]] = [
            (role, each, selector_test(each, lists)) for role, each in enumerate(steps)
        ]
        self.selectors += [(UNLESS, each, selector_test(each, lists)) for each in pattern.unless]
        self.origin = globs(pattern.origin) if pattern.origin else None
        path = "honeypot.connection" if pattern.by == "connection" else pattern.by
        self._by = None if path == "session" else raw_at(path)
        self._window = None if pattern.within is None else round(pattern.within * 1_000_000)
        counted = pattern.distinct or pattern.sum or pattern.series
        self._counted: Values | None = values_at(counted) if counted else None
        shown = pattern.show or ((counted,) if counted else ())
        self._shown = tuple(map(values_at, shown))
        self._findings = globs(pattern.file_finding) if pattern.file_finding else None
        self._left_by = [(globs(each.action), selector_test(each, lists)) for each in pattern.left_by]
        self._file_test = selector_test(pattern, lists) if pattern.file_finding else None

    def weigh(self, hits: list[Hit], session: Session) -> Seeing | None:
        """What the hits amount to; None if it isn't enough."""
        if self._findings is not None:
            return self._weigh_files(session)
        indices: list[int] = []
        excerpts: list[str] = []
        for group in self._grouped(hits, session):
            enough = self._enough(group, session)
            indices += enough
            if enough:
                kept = set(enough)
                excerpts += [hit.excerpt for hit in group if hit.excerpt and hit.at in kept]
        if not indices:
            return None
        indices = sorted(set(indices))
        values = self._values(indices, session)
        return Seeing(indices, values or excerpts)

    def _grouped(self, hits: list[Hit], session: Session) -> Iterable[list[Hit]]:
        by = self._by
        if by is None:
            groups = {"": hits}
        else:
            groups = {}
            for hit in hits:
                key = by(session.events[hit.at])
                if isinstance(key, str | int):
                    groups.setdefault(str(key), []).append(hit)
        for group in groups.values():
            if not any(hit.role == UNLESS for hit in group):
                yield group

    def _enough(self, hits: list[Hit], session: Session) -> list[int]:
        """The events of a group that make the pattern; none if they don't."""
        pattern = self.pattern
        if pattern.steps:
            return self._sequence(hits, session)
        indices = [hit.at for hit in hits]
        if pattern.series:
            return self._series(indices, session)
        if self._counted is None and self._window is None:
            return indices if len(indices) >= pattern.least else []
        return self._in_window(indices, session)

    def _sequence(self, hits: list[Hit], session: Session) -> list[int]:
        """The steps one after the other, as often as they come whole."""
        last, moments, window = len(self.pattern.steps) - 1, session.moments, self._window
        found: list[int] = []
        under_way: list[int] = []
        times = 0
        for hit in hits:
            if under_way and window is not None and moments[hit.at] - moments[under_way[0]] > window:
                under_way = []
            if hit.role == len(under_way) and (not under_way or under_way[-1] != hit.at):
                under_way.append(hit.at)
                if hit.role == last:
                    times += 1
                    found += under_way
                    under_way = []
            elif hit.role == 0 and len(under_way) == 1:
                under_way = [hit.at]
        return found if times >= self.pattern.least else []

    def _series(self, indices: list[int], session: Session) -> list[int]:
        """The longest run in which the field's value only grows, or only shrinks."""
        assert self._counted is not None
        moments, window = session.moments, self._window
        best: list[int] = []
        run: list[int] = []
        before: Any = None
        way = 0
        for index in indices:
            value = next((each for each in self._counted(session.events[index]) if _orderly(each)), None)
            if value is None or value == before:
                continue
            turned = 0 if type(value) is not type(before) else 1 if value > before else -1
            too_late = bool(run) and window is not None and moments[index] - moments[run[-1]] > window
            before = value
            if turned and not too_late and way in (0, turned):
                run.append(index)
                way = turned
                continue
            best = max(best, run, key=len)
            run, way = ([index], 0) if turned == 0 or too_late else ([run[-1], index], turned)
        best = max(best, run, key=len)
        return best if len(best) >= self.pattern.least else []

    def _in_window(self, indices: list[int], session: Session) -> list[int]:
        """All that lie in a window in which there is enough."""
        weights = [self._weight(index, session) for index in indices]
        moments, window, least = session.moments, self._window, self.pattern.least
        kept: list[int] = []
        counts: dict[Any, int] = {}
        total = first = reached = 0
        for position, index in enumerate(indices):
            total += _add(counts, weights[position], 1)
            while window is not None and moments[index] - moments[indices[first]] > window:
                total += _add(counts, weights[first], -1)
                first += 1
            if (total if self.pattern.sum or self._counted is None else len(counts)) >= least:
                kept += indices[max(first, reached) : position + 1]
                reached = position + 1
        return kept

    def _weight(self, index: int, session: Session) -> list[Any]:
        if self._counted is None:
            return [1]
        values = self._counted(session.events[index])
        if self.pattern.sum:
            return [sum(each for each in values if type(each) is int and 0 <= each < MAX_VALUE)]
        return [each for each in values if isinstance(each, str | int)]

    def _values(self, indices: list[int], session: Session) -> list[str]:
        found: dict[str, None] = {}
        for index in indices:
            for get in self._shown:
                for value in get(session.events[index]):
                    if isinstance(value, str | int) and value != "":
                        found[str(value)] = None
            if len(found) > EVIDENCE:
                break
        return list(found)

    def _weigh_files(self, session: Session) -> Seeing | None:
        assert self._findings is not None
        indices: list[int] = []
        values: dict[str, None] = {}
        for sha256, mentioned in session.mentions.items():
            report = session.files.get(sha256)
            if not isinstance(report, dict) or not self._left_so(mentioned, session):
                continue
            if self._file_test is not None and not self._file_test(Seen(report)):
                continue
            findings = report.get("findings")
            for finding in findings if isinstance(findings, list) else ():
                name = self._found(finding)
                if name is not None:
                    indices += mentioned
                    values[name] = None
        if len(values) < self.pattern.least:
            return None
        return Seeing(sorted(set(indices)), list(values)) if indices else None

    def _left_so(self, mentioned: list[int], session: Session) -> bool:
        """Whether one of the events that speak of a file is such as the pattern asks for."""
        if not self._left_by:
            return True
        for event in (session.events[index] for index in mentioned):
            action = event["event"]["action"]
            for actions, test in self._left_by:
                if actions.match(action) and (test is None or test(Seen(event))):
                    return True
        return False

    def _found(self, finding: Any) -> str | None:
        """The id of a finding, if it is one of those that are meant and bad enough."""
        if not isinstance(finding, dict):
            return None
        name, severity = finding.get("id"), finding.get("severity", 0)
        if not isinstance(name, str) or not isinstance(severity, int) or severity < self.pattern.finding_severity:
            return None
        assert self._findings is not None
        return name if self._findings.match(name[:200]) else None


def _add(counts: dict[Any, int], values: list[Any], sign: int) -> int:
    """Count `values` in, or out; returns what that adds to the sum."""
    total = 0
    for value in values:
        left = counts.get(value, 0) + sign
        if left:
            counts[value] = left
        else:
            counts.pop(value, None)
        total += sign * value if type(value) is int else 0
    return total


def _orderly(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or type(value) is int
