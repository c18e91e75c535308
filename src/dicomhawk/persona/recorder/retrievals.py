"""What C-GET and C-MOVE say of themselves: roles, what fits no context, how failures are counted, destinations."""

from __future__ import annotations

from typing import Any

from ...upperlayer.dimse import CommandField, Key
from ..battery.reading import Message, messages
from ..battery.transcript import Transcript
from . import fields
from .notes import Notes

_ONE, _NOWHERE, _NOTHING = "retrievals.get-one", "retrievals.move-nowhere", "retrievals.move-nothing"
GET, MOVE = "C-GET-RQ", "C-MOVE-RQ"


def retrievals(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """The fields of [get] and [move] that were seen."""
    return {**_got(transcript, notes), **_moved(transcript)}


def _answers(transcript: Transcript, experiment: str, take: str, step: str) -> list[Message]:
    """What came back on one connection from the step of that name on; nothing if it wasn't sent."""
    one = transcript.take(experiment, take)
    labels = [] if one is None else [each.label for each in one.steps]
    if one is None or step not in labels:
        return []
    return [m for each in one.steps[labels.index(step) :] for m in messages(each.answers)]


def _stores(found: list[Message]) -> bool:
    return any(message.command.command_field == CommandField.C_STORE_RQ for message in found)


def _final(found: list[Message]) -> Message | None:
    return next((message for message in found if message.final), None)


def _got(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    if not _stores(_answers(transcript, _ONE, "usual", GET)):
        notes.missing("get.roles and what fits no context", transcript.missing.get(_ONE, "no object was sent"))
        return {}
    found: dict[fields.Path, Any] = {}
    plain = _answers(transcript, _ONE, "without roles", GET)
    if plain:
        found["get", "roles"] = "any" if _stores(plain) else "scp"
    bare = _final(_answers(transcript, _ONE, "without contexts", GET))
    if bare is None:
        return found
    command = bare.command
    if not command.elements.get(Key.NumberOfFailedSuboperations):
        found["get", "no_context"] = "end"
        found["get", "no_context_status"] = command.status
        return found
    found["get", "no_context"] = "fail"
    found["get", "progress", "all_failed"] = command.status
    # One that is in the command set can't be told: such a command isn't read.
    found["get", "progress", "failed_list"] = "none" if bare.data is None else "data-set"
    return found


def _moved(transcript: Transcript) -> dict[fields.Path, Any]:
    nowhere = _final(_answers(transcript, _NOWHERE, "", MOVE))
    nothing = _final(_answers(transcript, _NOTHING, "unknown study", MOVE))
    known = _final(_answers(transcript, _NOTHING, "unknown study to ourselves", MOVE))
    if nowhere is None or nothing is None:
        return {}
    refused = nowhere.command.status
    found: dict[fields.Path, Any] = {("move", "unknown_destination"): refused}
    if nothing.command.status != refused:
        found["move", "destination_first"] = False
        found["move", "select", "nothing_found"] = nothing.command.status
    elif known is not None and known.command.status != refused:
        found["move", "destination_first"] = True
        found["move", "select", "nothing_found"] = known.command.status
    return found
