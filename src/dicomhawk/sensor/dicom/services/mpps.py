"""Modality Performed Procedure Step (PS3.4 annex F): N-CREATE when an examination begins, N-SET until it ends."""

from __future__ import annotations

import re
import secrets
import sqlite3
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from ....evidence import events as ev
from ....hospital.elements import DataSet, plain_text
from ....hospital.steps import MAX_SCHEDULED, Added, Scheduled, Step
from ....hospital.uploads import UploadsError
from ....upperlayer.dimse import CommandField, Value
from .. import status
from .base import Receiver, Request
from .refused import Normalized

if TYPE_CHECKING:
    from ....persona.model.commands import Disposal
    from ..connection import Connection

MPPS_CLASS: Final = "1.2.840.10008.3.1.2.3.3"
"""Modality Performed Procedure Step SOP Class (PS3.4 F.7.5)."""

MAX_UID: Final = 64
"""Characters of a UID (PS3.5 9.1)."""
MAX_NAME: Final = 255
"""Characters of what an archive takes for a UID that takes any text."""
MADE_DIGITS: Final = 18
"""Digits of the last component of a UID made here: no two will be alike."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_SCHEDULED_SEQUENCE, _STEP_STATUS = 0x00400270, 0x00400252
_STUDY_UID, _SCHEDULED_STEP_ID = 0x0020000D, 0x00400009
_IN_PROGRESS, _COMPLETED, _DISCONTINUED = "IN PROGRESS", "COMPLETED", "DISCONTINUED"
_STATES = (_IN_PROGRESS, _COMPLETED, _DISCONTINUED)


class _Failure(NamedTuple):
    """What a command gets that isn't carried out, and what else the response says."""

    disposal: Disposal
    more: dict[str, Value]


class ProcedureStep(Normalized):
    """N-CREATE or N-SET of the visitor's own steps: nobody else learns of them."""

    __slots__ = ("_data_set", "_made", "_persona", "_scheduled", "_uid")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        self._persona = connection.door.persona.normalized.steps
        self._data_set: DataSet = {}
        self._uid = request.command.sop_instance_uid
        self._made = False
        self._scheduled: tuple[Scheduled, ...] = ()

    @classmethod
    def open(cls, connection: Connection, request: Request) -> Receiver:
        """Who takes the data set."""
        return cls(connection, request)

    def finish(self, now: float) -> None:
        """Carry it out, as far as the data set is right."""
        creates = self.request.command.command_field == CommandField.N_CREATE_RQ
        data_set = self.read()
        if data_set is None or self.too_long:
            failure: _Failure | None = _Failure(self._persona.unreadable, {})
        else:
            self._data_set = data_set
            try:
                failure = self._create() if creates else self._set()
            except (UploadsError, sqlite3.Error):
                failure = _Failure(self._persona.full, {})
        disposal, more = failure or _Failure(status.SUCCESS, {})
        self._record(disposal, creates=creates)
        if self._uid:
            more["AffectedSOPInstanceUID"] = self._uid
        self.dispose(disposal, "a procedure step that can't be read", **more)

    def _create(self) -> _Failure | None:
        persona, holdings = self._persona, self.connection.door.holdings
        visitor = self.connection.record.address
        if not self._uid:
            self._uid, self._made = self._made_uid(), True
        elif not self._is_possible:
            return _Failure(persona.invalid_uid, {})
        elif holdings.steps.get(visitor, self._uid) is not None:
            return _Failure(persona.duplicate, {})
        failure = self._lacking(persona.present, persona.filled, frozenset())
        state = plain_text(self._data_set, _STEP_STATUS)
        if failure is None and (state not in _STATES or (persona.begins_in_progress and state != _IN_PROGRESS)):
            failure = _Failure(persona.invalid, {})
        if failure is not None:
            return failure
        self._scheduled = holdings.scheduled(
            Scheduled(plain_text(item, _STUDY_UID), plain_text(item, _SCHEDULED_STEP_ID))
            for item in _items(self._data_set, _SCHEDULED_SEQUENCE)[:MAX_SCHEDULED]
        )
        added = holdings.steps.add(visitor, Step(self._uid, state, self._filled(), self._scheduled))
        if added is Added.NEW:
            return None
        return _Failure(persona.duplicate if added is Added.DUPLICATE else persona.full, {})

    def _set(self) -> _Failure | None:
        persona, holdings = self._persona, self.connection.door.holdings
        visitor = self.connection.record.address
        step = holdings.steps.get(visitor, self._uid) if self._is_possible else None
        if step is None:
            conflicts = persona.conflict is not None and holdings.class_of(self._uid, visitor) is not None
            return _Failure(persona.conflict if conflicts and persona.conflict else persona.unknown, {})
        if step.status != _IN_PROGRESS:
            return self._ended()
        state = plain_text(self._data_set, _STEP_STATUS) if _STEP_STATUS in self._data_set else step.status
        if state not in _STATES:
            return _Failure(persona.invalid, {})
        wanted = {_COMPLETED: persona.completed, _DISCONTINUED: persona.discontinued}.get(state, ())
        before = frozenset(path for path in step.filled if _first(path) not in self._data_set)
        failure = self._lacking((), wanted, before)
        if failure is not None:
            return failure
        filled = before | self._filled()
        if not holdings.steps.update(visitor, step._replace(status=state, filled=filled), _IN_PROGRESS):
            return self._ended()  # in the meantime, on another connection
        return None

    def _ended(self) -> _Failure:
        more: dict[str, Value] = {"ErrorID": self._persona.ended_id}
        if self._persona.ended_comment:
            more["ErrorComment"] = self._persona.ended_comment
        return _Failure(self._persona.ended, more)

    @property
    def _is_possible(self) -> bool:
        if self._persona.any_uid:
            return len(self._uid) <= MAX_NAME
        return len(self._uid) <= MAX_UID and _UID.fullmatch(self._uid) is not None

    def _made_uid(self) -> str:
        if self._persona.uids == "uuid":
            return f"2.25.{uuid.uuid4().int}"
        return f"{self.connection.door.deployment.uid_root}.{1 + secrets.randbelow(10**MADE_DIGITS)}"

    def _lacking(self, present: Iterable[str], filled: Iterable[str], before: frozenset[str]) -> _Failure | None:
        """What is wrong if the data set lacks something of these paths; `before`: what the step had already."""
        persona = self._persona
        wanted = [path for path in filled if path not in before]
        missing = [path for path in (*wanted, *present) if not _has(self._data_set, path, filled=False)]
        if missing:
            tags = tuple(dict.fromkeys(map(_first, missing)))
            return _Failure(persona.missing, {"AttributeIdentifierList": tags} if persona.missing_list else {})
        if all(_has(self._data_set, path, filled=True) for path in wanted):
            return None
        return _Failure(persona.empty, {})

    def _filled(self) -> frozenset[str]:
        """Those paths with a value that are asked for when the step ends."""
        paths = {*self._persona.completed, *self._persona.discontinued}
        return frozenset(path for path in paths if _has(self._data_set, path, filled=True))

    def _record(self, disposal: Disposal, *, creates: bool) -> None:
        code = disposal if isinstance(disposal, int) else None
        said = self.asked() | {
            "sop_instance": self._uid or None,
            "step_status": plain_text(self._data_set, _STEP_STATUS) or None,
            "status": code,
            "outcome": status.outcome(code),
        }
        event: ev.NCreate | ev.NSet
        if creates:
            event = ev.NCreate(**said, made=self._made, scheduled=tuple(each.step_id for each in self._scheduled))
        else:
            event = ev.NSet(**said)
        self.connection.record.emit(event, since=self.request.received)


def _first(path: str) -> int:
    return int(path[:8], 16)


def _has(data_set: DataSet, path: str, *, filled: bool) -> bool:
    """Whether the element at `path` is there, with `filled` with a value; within a sequence, in all of its items."""
    element = data_set.get(_first(path))
    if element is None:
        return False
    _, _, below = path.partition(".")
    if below:
        # Nothing is missing within a sequence without items; what it should have isn't filled, though.
        items = _items(data_set, element.tag)
        return bool(items or not filled) and all(_has(item, below, filled=filled) for item in items)
    return not filled or bool(element.value if isinstance(element.value, tuple) else element.value.strip(b"\0 "))


def _items(data_set: DataSet, tag: int) -> tuple[DataSet, ...]:
    element = data_set.get(tag)
    return element.value if element is not None and isinstance(element.value, tuple) else ()
