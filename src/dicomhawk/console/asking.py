"""What was asked of the hospital in a session, and how it was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from ..analyst.database import schema
from ..evidence.documents import value_at
from ..hospital.registry import keyword_for_tag
from .shown import parsed

MAX_QUESTIONS = 200
_ASKED = ("dicom.c-find", "dicom.c-get", "dicom.c-move", "web.query", "web.retrieve")
_ENDED = ("dicom.c-find.end", "dicom.c-get.end", "dicom.c-move.end")
_LEVEL = "00080052"


@dataclass
class Question:
    """A query or retrieval. `keys`: attribute and value, as sent."""

    moment: int
    event: str
    what: str
    level: str
    keys: list[tuple[str, str]]
    answer: str = ""
    matches: int | None = None
    took: int | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)


def questions(connection: Connection, session: str) -> list[Question]:
    """The first of a session, in the order of time."""
    e = schema.events.c
    rows = connection.execute(
        select(e.id, e.moment, e.action, e.document)
        .where(e.session == session, e.action.in_(_ASKED + _ENDED))
        .order_by(e.moment, e.id)
        .limit(2 * MAX_QUESTIONS)
    )
    found: list[Question] = []
    waiting: dict[tuple[Any, Any, str], Question] = {}
    for row in rows:
        event = parsed(row.document)
        if not isinstance(event, dict):
            continue
        key = value_at(event, "honeypot.connection"), value_at(event, "dicom.command.message_id")
        if row.action in _ENDED:
            question = waiting.pop((*key, row.action.removesuffix(".end")), None)
            if question is not None:
                _answered(question, event)
        else:
            question = _question(row, event)
            found.append(question)
            waiting[(*key, row.action)] = question
    return found


def attribute(path: str) -> str:
    """The keywords of a path of tags (hexadecimal, joined by dots); a tag without one stays."""
    return ".".join(_keyword(tag) for tag in path.split("."))


def _keyword(tag: str) -> str:
    try:
        return keyword_for_tag(int(tag, 16)) or tag
    except (ValueError, OverflowError):
        return tag


def _question(row: Any, event: dict[str, Any]) -> Question:
    keys = value_at(event, "dicom.query.keys")
    keys = keys if isinstance(keys, dict) else {}
    face = value_at(event, "honeypot.web.face")
    name = str(row.action).removeprefix("dicom.").upper() if face is None else f"{face} {row.action[4:]}"
    question = Question(
        moment=row.moment,
        event=row.id,
        what=name,
        level=str(value_at(event, "dicom.query.level") or ""),
        keys=[(attribute(str(tag)), str(value)) for tag, value in keys.items() if tag != _LEVEL],
    )
    for label, path in (
        ("to", "dicom.move.destination"),
        ("sent", "honeypot.web.what"),
        ("study", "dicom.study.instance_uid"),
        ("series", "dicom.series.instance_uid"),
        ("instance", "dicom.sop.instance_uid"),
    ):
        value = value_at(event, path)
        if value:
            question.facts.append((label, str(value)))
    if face is not None:
        _answered(question, event)
        question.answer = str(value_at(event, "event.outcome") or "")
    return question


def _answered(question: Question, event: dict[str, Any]) -> None:
    question.answer = str(value_at(event, "dicom.status") or "")
    matches = value_at(event, "dicom.query.matches")
    if matches is None:
        matches = value_at(event, "dicom.suboperations.completed")
    if matches is None:
        matches = value_at(event, "honeypot.web.instances")
    question.matches = matches if isinstance(matches, int) else None
    took = value_at(event, "event.duration")
    question.took = took // 1000 if isinstance(took, int) else None
