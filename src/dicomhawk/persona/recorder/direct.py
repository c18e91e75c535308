"""What the answers say of themselves: identity, lengths, the items of an A-ASSOCIATE-AC, capacity, rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...upperlayer import items as it
from ...upperlayer import pdu
from ...upperlayer.dialect import Close
from ...upperlayer.errors import Quirk
from ...upperlayer.policy import UserItemKind
from ..battery.compare import pauses, response_times
from ..battery.reading import aborts, acceptance, decoded
from ..battery.transcript import Take, Transcript
from ..battery.waiting import held_up
from ..model import Persona
from . import fields
from .notes import Notes

_KINDS: dict[type[object], UserItemKind] = {
    it.MaximumLength: UserItemKind.MAXIMUM_LENGTH,
    it.ImplementationClassUID: UserItemKind.IMPLEMENTATION_CLASS_UID,
    it.AsynchronousOperationsWindow: UserItemKind.ASYNCHRONOUS_OPERATIONS,
    it.RoleSelection: UserItemKind.ROLES,
    it.ImplementationVersionName: UserItemKind.IMPLEMENTATION_VERSION_NAME,
    it.ExtendedNegotiation: UserItemKind.EXTENDED_NEGOTIATION,
    it.UserIdentityResponse: UserItemKind.USER_IDENTITY,
}
SMALLEST_MAXIMUM, LARGEST_MAXIMUM = 4096, 1 << 20
"""Of the model (`Wire.max_pdu`)."""
TURN = 1.0
"""Seconds for which a product that lets associations take turns waits for each."""
NAGLE = (12,)
"""Where an answer pauses whose header is written apart."""


def acceptances(transcript: Transcript) -> Iterator[pdu.AssociateAC]:
    """Every A-ASSOCIATE-AC that came back."""
    for observation in transcript.observations.values():
        for take in observation.takes:
            answer = acceptance(take)
            if answer is not None:
                yield answer


def identity(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """Who the product says it is, and what it announces."""
    usual = acceptance(transcript.take("association.usual")) or next(acceptances(transcript), None)
    found: dict[fields.Path, Any] = {}
    if usual is None:
        notes.missing("identity", "no association was accepted")
        return found
    uid = usual.user_item(it.ImplementationClassUID)
    version = usual.user_item(it.ImplementationVersionName)
    found["identity", "implementation_class_uid"] = None if uid is None else it.trimmed(uid.uid)
    name = "" if version is None else it.trimmed(version.name)
    found["identity", "implementation_version_name"] = name or None
    found["identity", "implementation_version_names"] = ()
    if usual.maximum_length is not None:
        length = usual.maximum_length
        found["wire", "max_pdu"] = min(max(length, SMALLEST_MAXIMUM), LARGEST_MAXIMUM) if length else LARGEST_MAXIMUM
        if found["wire", "max_pdu"] != length:
            notes.missing("wire.max_pdu", f"{length} can't be announced by ours")
    return found


def user_items(transcript: Transcript) -> tuple[UserItemKind, ...]:
    """The sub-items of the answers that were seen, in an order that fits all of them as far as there is one."""
    order: list[UserItemKind] = []
    for answer in sorted(acceptances(transcript), key=lambda answer: -len(answer.user_items)):
        place = 0
        for item in answer.user_items:
            kind = _KINDS.get(type(item))
            if kind is None:
                continue
            if kind in order:
                place = order.index(kind) + 1
            else:
                order.insert(place, kind)
                place += 1
    return tuple(order)


def windows(transcript: Transcript) -> set[tuple[int, int]]:
    """The asynchronous operations windows that were answered."""
    items = (answer.user_item(it.AsynchronousOperationsWindow) for answer in acceptances(transcript))
    return {(item.invoked, item.performed) for item in items if item is not None}


def capacity(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """How many associations there may be, and whether one client holds up the others."""
    found: dict[fields.Path, Any] = {}
    if "capacity.beside-silent" in transcript.observations:
        found["capacity", "serial_negotiation"] = held_up(transcript.observations, "capacity.beside-silent")
    else:
        why = transcript.missing.get("capacity.beside-silent", "it wasn't tried")
        notes.missing("capacity.serial_negotiation", why)
    takes = transcript.takes("capacity.associations")
    if "capacity.beside-open" in transcript.observations and held_up(transcript.observations, "capacity.beside-open"):
        found["capacity", "serial_associations"] = True
        found["capacity", "served_associations"] = found["capacity", "max_associations"] = None
        notes.remark("associations are served one after the other")
    elif takes:
        found["capacity", "serial_associations"] = False
        accepted = sum(acceptance(take) is not None for take in takes)
        if accepted < len(takes):
            found["capacity", "max_associations"] = max(1, accepted)
        else:
            found["capacity", "max_associations"] = None
            notes.remark(f"{accepted} associations side by side were accepted; more weren't tried")
        found["capacity", "served_associations"] = _served(takes)
    return found


def _served(takes: Sequence[Take]) -> int | None:
    """How many associations are served at a time, by how long the last one had to wait for its turn."""
    accepted = [take for take in takes if acceptance(take) is not None]
    echoes = [step for take in accepted for step in take.steps if step.label == "C-ECHO-RQ"]
    if not echoes or not echoes[-1].answers:
        return None
    waited = echoes[-1].answers[0].seconds
    # The last one waits until all others that aren't served at once with it have had their turn.
    return None if waited < TURN else max(1, round(len(accepted) * TURN / (waited + TURN)))


def rhythm(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """How answers are written."""
    observation = transcript.observations.get("rhythm.echo")
    seen = {} if observation is None else pauses(observation)
    if not seen:
        notes.missing("wire.write", "no answers were timed")
        return {}
    usual = max(seen, key=lambda where: seen[where])
    if usual == NAGLE:
        return {("wire", "write"): "split-header", ("wire", "nodelay"): False}
    if usual:
        notes.missing("wire.write", f"answers pause after {', '.join(map(str, usual))} bytes")
        return {}
    times = response_times(observation) if observation is not None else []
    notes.remark(f"half of the C-ECHOs were answered within {sorted(times)[len(times) // 2] * 1000:.1f} ms")
    # Written in one piece, whatever Nagle's algorithm does; a product that writes apart without it can't be told.
    return {("wire", "write"): "whole"}


def in_service(transcript: Transcript, persona: Persona, notes: Notes) -> dict[fields.Path, Any]:
    """What violations get while a data set is awaited: where an odd fragment ends all, none is passed over."""
    take = transcript.take("storing.wrong", "cut")
    step = None if take is None else next((s for s in take.steps if s.label == "C-STORE-RQ"), None)
    passed_over = persona.wire.in_service.get(Quirk.PDV_ODD)
    if step is None or not len(step.sent) % 2 or not aborts(step.answers):
        return {}
    if passed_over is None or passed_over.close is not Close.KEEP or persona.wire.command_sets.odd_fragments:
        return {}
    others = {quirk: found for quirk, found in persona.wire.in_service.items() if found.close is not Close.KEEP}
    return {("wire", "in_service"): others}


def packed(transcript: Transcript, notes: Notes) -> dict[fields.Path, Any]:
    """Whether the data set of a response begins in the P-DATA-TF of its command."""
    units = (decoded(answer.pdu) for o in transcript.observations.values() for t in o.takes for answer in t.answers)
    controls = [[value.control & 3 for value in unit.pdvs] for unit in units if isinstance(unit, pdu.PDataTF)]
    data = [found for found in controls if any(not control & 1 for control in found)]
    if not data:
        notes.missing("wire.fragments.packed", "nothing was answered that has a data set")
        return {}
    return {("wire", "fragments", "packed"): any(control & 1 for found in data for control in found)}


def apply(persona: Persona, values: dict[fields.Path, Any], notes: Notes) -> Persona:
    """The persona with values at their paths; those that its model doesn't have are left out."""
    for path, value in values.items():
        holder = fields.get(persona, path[:-1])
        if holder is not None and hasattr(holder, str(path[-1])):
            persona = fields.changed(persona, path, value)
            notes.observed(path)
    return persona
