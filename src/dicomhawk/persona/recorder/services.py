"""What services answer to requests that are wrong, or not welcome: one experiment for each field.

A field is filled in only if the service as such works: if the same request without a fault was answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...upperlayer.dimse import Key
from ..battery.reading import Message, aborts, messages
from ..battery.transcript import End, Step, Take, Transcript
from ..model import Persona
from . import fields
from .notes import Notes

SUCCESS = 0x0000
WORKS = "queries.nothing"
FIND = "C-FIND-RQ study root STUDY"


class Rule(NamedTuple):
    """Where a field is seen."""

    path: fields.Path
    experiment: str
    take: str
    step: str
    """Label of the step whose answer counts; empty: the last but the release."""
    read: Callable[[Step, Take], Any]
    alone: bool = False
    """Whether it counts also where ordinary requests of the service aren't answered."""


UNSEEN = object()
"""The answer says nothing about the field."""


def status(step: Step, take: Take) -> Any:
    """The status of the answer."""
    found = _final(step)
    return UNSEEN if found is None else found.command.status


def disposal(step: Step, take: Take) -> Any:
    """What became of a request: a status, an abort, the end of the connection, or nothing."""
    found = _final(step)
    if found is not None:
        return found.command.status
    if aborts(step.answers):
        return "abort"
    ended = take.end in (End.FIN, End.RESET) and take.last.label == step.label
    return "close" if ended else "ignore"


def disposal_or(name: str | None) -> Callable[[Step, Take], Any]:
    """As `disposal`; `name` for a success."""

    def read(step: Step, take: Take) -> Any:
        found = disposal(step, take)
        return name if found == SUCCESS else found

    return read


def _final(step: Step) -> Message | None:
    return next((message for message in messages(step.answers) if message.final), None)


def succeeds(step: Step, take: Take) -> bool:
    """Whether the answer is a success."""
    found = _final(step)
    return found is not None and found.command.status == SUCCESS


_LEVELS, _PARENTS, _BROKEN = "queries.bad-levels", "queries.no-parent", "queries.broken"
_GET, _MOVE = "retrievals.get-nothing", "retrievals.move-nothing"
RULES = (
    Rule(("find", "failures", "no_level"), _LEVELS, "", "C-FIND-RQ missing", status),
    Rule(("find", "failures", "empty_level"), _LEVELS, "", "C-FIND-RQ empty", status),
    Rule(("find", "failures", "unknown_level"), _LEVELS, "", "C-FIND-RQ unknown", status),
    Rule(("find", "failures", "no_identifier"), _BROKEN, "none announced", "C-FIND-RQ none announced", disposal),
    Rule(("find", "failures", "unreadable"), _BROKEN, "noise", "C-FIND-RQ noise", disposal),
    Rule(
        ("find", "failures", "no_worklist"), "queries.worklist", "", "C-FIND-RQ nobody", disposal_or(None), alone=True
    ),
    Rule(("get", "select", "level_missing"), _GET, "no level", "C-GET-RQ", disposal),
    Rule(("get", "select", "level_unknown"), _GET, "unknown level", "C-GET-RQ", disposal),
    Rule(("get", "select", "key_missing"), _GET, "no UID", "C-GET-RQ", disposal),
    Rule(("get", "select", "nothing_found"), _GET, "unknown study", "C-GET-RQ", disposal),
    Rule(("get", "select", "unreadable"), _GET, "noise", "C-GET-RQ", disposal),
    Rule(("move", "select", "level_unknown"), _MOVE, "unknown level", "C-MOVE-RQ", disposal),
    Rule(("move", "select", "key_missing"), _MOVE, "no UID", "C-MOVE-RQ", disposal),
    Rule(("move", "select", "unreadable"), _MOVE, "noise", "C-MOVE-RQ", disposal),
    Rule(("commands", "undefined"), "commands.unknown-field", "0x1234", "a command", disposal),
    Rule(("commands", "response"), "commands.unknown-field", "C-ECHO-RSP", "a command", disposal),
    Rule(("commands", "late_cancel"), "commands.unknown-field", "C-CANCEL-RQ", "a command", disposal),
    Rule(("commands", "unsupported"), "commands.other-service", "N-GET-RQ", "a command", disposal),
    Rule(("commands", "on_any_context"), "commands.other-class", "on storage", "a command", succeeds),
    Rule(("store", "unreadable"), "storing.wrong", "cut", "C-STORE-RQ", disposal_or("accept")),
    Rule(("store", "mismatch"), "storing.wrong", "other instance", "C-STORE-RQ", status),
    Rule(("store", "no_sop_uids"), "storing.wrong", "no instance UID", "C-STORE-RQ", status),
    Rule(("store", "required_missing"), "storing.wrong", "no study", "C-STORE-RQ", status),
)
_STRANGERS = (
    ("C-ECHO", "association.calling", "unknown", "C-ECHO-RQ", "association.usual", "", "C-ECHO-RQ"),
    ("C-STORE", "storing.usual", "stranger", "C-STORE-RQ", "storing.objects", "", "C-STORE-RQ"),
    ("C-FIND", "queries.stranger", "", "C-FIND-RQ no match", WORKS, "", FIND),
    ("C-GET", "retrievals.stranger", "get", "C-GET-RQ", _GET, "unknown study", "C-GET-RQ"),
    ("C-MOVE", "retrievals.stranger", "move", "C-MOVE-RQ", _MOVE, "unknown study", "C-MOVE-RQ"),
)
"""A command; where a stranger asks for it, and where somebody known does."""


def found_step(transcript: Transcript, experiment: str, take: str, step: str) -> tuple[Step, Take] | None:
    """The first step of that name, on any connection of the experiment if `take` is empty."""
    for one in transcript.takes(experiment):
        if take in ("", one.label):
            for candidate in one.steps:
                if candidate.label == step and candidate.sent_whole:
                    return candidate, one
    return None


def services(transcript: Transcript, base: Persona, notes: Notes) -> dict[fields.Path, Any]:
    """The fields of the services' tables that were seen."""
    found: dict[fields.Path, Any] = {}
    works = _working(transcript)
    for rule in RULES:
        service = str(rule.path[0])
        if service in works and not works[service] and not rule.alone:
            notes.missing(service, _why(transcript, service))
            continue
        seen = found_step(transcript, rule.experiment, rule.take, rule.step)
        if seen is None:
            why = transcript.missing.get(rule.experiment, "its context was refused")
            notes.missing(".".join(map(str, rule.path)), why)
            continue
        value = rule.read(*seen)
        if value is not UNSEEN and _possible(base, rule.path, value):
            found[rule.path] = value
    found.update(_strangers(transcript, base, notes))
    found.update(_responses(transcript))
    return found


def _possible(base: Persona, path: fields.Path, value: Any) -> bool:
    """Whether a success may stand in that field: an empty archive succeeds where nothing is there to be minded."""
    if value == SUCCESS and path[0] != "store":
        return path[-1] in ("nothing_found", "undefined", "response", "late_cancel", "unsupported")
    return True


def _working(transcript: Transcript) -> dict[str, bool]:
    found = {}
    for service, experiment, take, step in (
        ("find", WORKS, "", FIND),
        ("get", _GET, "unknown study", "C-GET-RQ"),
        ("move", _MOVE, "unknown study", "C-MOVE-RQ"),
        ("store", "storing.objects", "", "C-STORE-RQ"),
    ):
        seen = found_step(transcript, experiment, take, step)
        found[service] = seen is not None and _final(seen[0]) is not None
    return found


def _why(transcript: Transcript, service: str) -> str:
    if service == "store":
        return transcript.missing.get("storing.objects", "the synthetic objects were not taken")
    return "ordinary requests were not answered: the service is refused, or to us only (--calling)"


def _strangers(transcript: Transcript, base: Persona, notes: Notes) -> dict[fields.Path, Any]:
    """Which commands are taken from known callers only; those of which it wasn't seen are as in `base`."""
    only: set[str] = set(base.commands.of_known_callers)
    treated: list[Any] = []
    for command, where, take, step, known_where, known_take, known_step in _STRANGERS:
        seen = found_step(transcript, where, take, step)
        known = found_step(transcript, known_where, known_take, known_step)
        if seen is None or known is None:
            continue
        if _final(known[0]) is None:
            notes.missing(f"commands.of_known_callers for {command}", "it was refused to us as it is to strangers")
        elif disposal(*seen) == disposal(*known):
            only.discard(command)
        else:
            only.add(command)
            treated.append(disposal(*seen))
    found: dict[fields.Path, Any] = {("commands", "of_known_callers"): tuple(sorted(only))}
    if treated:
        found["commands", "of_strangers"] = max(treated, key=treated.count)
    return found


def _responses(transcript: Transcript) -> dict[fields.Path, Any]:
    found: dict[fields.Path, Any] = {}
    echo = found_step(transcript, "association.usual", "", "C-ECHO-RQ")
    answer = None if echo is None else _final(echo[0])
    if answer is not None:
        found["responses", "affected_sop_class"] = Key.AffectedSOPClassUID in answer.command.elements
    bad = found_step(transcript, _LEVELS, "", "C-FIND-RQ unknown")
    failure = None if bad is None else _final(bad[0])
    if failure is not None and failure.command.status not in (SUCCESS, -1):
        found["responses", "offending_element"] = Key.OffendingElement in failure.command.elements
    return found
