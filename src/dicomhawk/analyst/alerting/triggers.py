"""What of a session is worth an alert, and when it got worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sqlalchemy import Row

from ...settings.alerts import AlertRule
from ...settings.words import SEVERITIES
from ..depth import Depth
from ..tables import BODY
from .subjects import Step, Subject, Wanted

OF_DEPTH = {
    Depth.QUERY: 2,
    Depth.COLLECTION: 3,
    Depth.EXFILTRATION: 3,
    Depth.TAMPERING: 3,
    Depth.IMPACT: 4,
}
"""Severity of going so far; what is below is a scan."""

HONEYTOKEN = "D37"
"""The technique that says no more than the lure that was used."""


class Trigger(NamedTuple):
    """Something that a rule is about."""

    moment: int
    severity: int
    rank: int
    """How far the session had gone by then; 0: a scan."""
    rule: str
    kind: str
    """depth, lure, technique, file."""
    about: str
    """The depth, technique, hash or kind of bait: an alert is made once for each."""
    row: Row[Any] | None = None


class Alarm(NamedTuple):
    """A trigger that is worse than all before it."""

    trigger: Trigger
    repeats: int
    """Triggers after it that were no worse."""


def wanted(rules: Sequence[AlertRule]) -> Wanted:
    """Which sessions `rules` can be about."""
    return Wanted(
        rank=min((Depth[rule.depth.upper()] for rule in rules if rule.depth), default=None),
        technique=min((SEVERITIES.index(rule.technique) for rule in rules if rule.technique), default=None),
        techniques=frozenset(name for rule in rules for name in rule.techniques),
        file=min((SEVERITIES.index(rule.file) for rule in rules if rule.file), default=None),
        lures=any(rule.lures for rule in rules),
    )


def alarms(subject: Subject, rules: Sequence[AlertRule]) -> list[Alarm]:
    """What is to be told of a session, in the order of time: each is worse than the one before."""
    met = [trigger for rule in rules if _concerns(rule, subject) for trigger in _of_rule(rule, subject)]
    with_lure = any(trigger.kind == "lure" for trigger in met)
    triggers = sorted(
        (one for one in met if not (with_lure and one.kind == "technique" and one.about == HONEYTOKEN)),
        key=lambda trigger: (trigger.moment, -trigger.severity, -trigger.rank, trigger.rule, trigger.about),
    )
    found: list[Alarm] = []
    told: set[tuple[str, str]] = set()
    for trigger in triggers:
        last = found[-1] if found else None
        worse = last is None or (trigger.severity, trigger.rank) > (last.trigger.severity, last.trigger.rank)
        if last is None or (worse and (trigger.kind, trigger.about) not in told):
            told.add((trigger.kind, trigger.about))
            found.append(Alarm(trigger, 0))
        else:
            found[-1] = Alarm(last.trigger, last.repeats + 1)
    return found


def _concerns(rule: AlertRule, subject: Subject) -> bool:
    session = subject.session
    return (
        (rule.scanners or not subject.is_scanner)
        and (not rule.categories or session.category in rule.categories)
        and (not rule.operators or session.operator in rule.operators)
        and (not rule.actors or session.actor in rule.actors)
        and (not rule.tags or not subject.tags.isdisjoint(rule.tags))
        and (not rule.tools or any(fnmatchcase(session.tool.lower(), tool.lower()) for tool in rule.tools))
    )


def _of_rule(rule: AlertRule, subject: Subject) -> Iterator[Trigger]:
    fixed = None if rule.severity is None else SEVERITIES.index(rule.severity)

    def trigger(moment: int, severity: int, kind: str, about: str, row: Row[Any] | Step) -> Trigger:
        rank = int(row.depth if isinstance(row, Step) else subject.depth_at(moment))
        if rank < Depth.QUERY and not isinstance(row, Step):
            rank = 0  # scans are all alike
        found = None if isinstance(row, Step) else row
        return Trigger(moment, severity if fixed is None else fixed, rank, rule.name, kind, about, found)

    if rule.depth:
        least = Depth[rule.depth.upper()]
        for step in subject.steps:
            if step.depth >= least:
                yield trigger(step.moment, OF_DEPTH.get(step.depth, 1), "depth", step.depth.word, step)
    for lure in subject.lures:
        if (kind := kind_of(lure)) in rule.lures:
            yield trigger(lure.moment, 4, "lure", kind, lure)
    for technique in subject.techniques:
        bad = rule.technique is not None and technique.severity >= SEVERITIES.index(rule.technique)
        if bad or technique.rule in rule.techniques:
            yield trigger(technique.first, technique.severity, "technique", technique.rule, technique)
    if rule.file:
        for capture in subject.captures:
            # A body that stored nothing comes with the daily sprayers' exploits; their techniques tell of it.
            if capture.door != BODY and (capture.severity or 0) >= SEVERITIES.index(rule.file):
                yield trigger(capture.moment, capture.severity, "file", capture.sha256, capture)


def kind_of(lure: Row[Any]) -> str:
    """Of bait that was taken its kind, as in ``credential``; else what became of it: hit, reused."""
    return str(lure.lure).partition("/")[0] if lure.action == "taken" else str(lure.action)
