"""Which abstract and transfer syntaxes are accepted, from the answers to the sweeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from ...upperlayer import pdu
from ...upperlayer.policy import ACCEPTANCE
from .. import sopclasses
from ..battery.building import NOWHERE
from ..battery.experiments.syntaxes import ORDERS, SERVICES, abstract_syntaxes
from ..battery.reading import acceptance, units
from ..battery.transcript import Answer, Take, Transcript
from ..model import Persona
from ..model.negotiation import ANY, Group

NAMED_SHARE = 0.6
"""A group's name is used if it saves more than this share of the names that it stands for."""


class Syntaxes(NamedTuple):
    """The transfer syntaxes of one service, the most wanted first, and whose order counts."""

    accepted: tuple[str, ...]
    prefer: Literal["requestor", "acceptor"]


def results(take: Take | None) -> dict[int, tuple[str, int, str]]:
    """Abstract syntax, result and transfer syntax by context identifier, of one association."""
    answer = acceptance(take)
    if take is None or answer is None:
        return {}
    asked = {
        context.context_id: context.abstract_syntax
        for step in take.steps
        for unit in units_sent(step.sent)
        if isinstance(unit, pdu.AssociateRQ)
        for context in unit.contexts
    }
    return {c.context_id: (asked.get(c.context_id, ""), c.result, c.transfer_syntax) for c in answer.contexts}


def units_sent(data: bytes) -> Iterable[pdu.PDU]:
    """The PDU that a step sent, if it was one."""
    return units([Answer(data, 0.0)])


def accepted_classes(transcript: Transcript) -> list[str] | None:
    """Every abstract syntax that is accepted, in the order of the sweep; None if that wasn't observed."""
    takes = transcript.takes("syntaxes.abstract")
    if not takes or all(acceptance(take) is None for take in takes):
        return None
    found = {uid for take in takes for uid, result, _ in results(take).values() if result == ACCEPTANCE}
    return [uid for uid in abstract_syntaxes() if uid in found]


def syntaxes(transcript: Transcript, service: str, known: Iterable[tuple[str, ...]]) -> Syntaxes | None:
    """What one service accepts; `known`: orders of preference that products are known to have."""
    alone = results(transcript.take(f"syntaxes.alone-{service}"))
    accepted = [syntax for _, result, syntax in alone.values() if result == ACCEPTANCE]
    if not accepted:
        return None
    picked = results(transcript.take(f"syntaxes.picked-{service}"))
    choices = [
        ([syntax for syntax in offer if syntax in accepted], picked[2 * n + 1][2])
        for n, offer in enumerate(ORDERS)
        if 2 * n + 1 in picked and picked[2 * n + 1][1] == ACCEPTANCE
    ]
    if all(not offer or offer[0] == choice for offer, choice in choices):
        return Syntaxes(tuple(accepted), "requestor")
    for order in known:
        if set(order) == set(accepted) and _explains(order, choices):
            return Syntaxes(order, "acceptor")
    return Syntaxes(_ordered(accepted, choices), "acceptor")


def _explains(order: tuple[str, ...], choices: list[tuple[list[str], str]]) -> bool:
    return all(not offer or min(offer, key=order.index) == choice for offer, choice in choices)


def _ordered(accepted: list[str], choices: list[tuple[list[str], str]]) -> tuple[str, ...]:
    """An order in which every choice is the first of its offer, as far as there is one."""
    before: dict[str, set[str]] = {syntax: set() for syntax in accepted}
    for offer, choice in choices:
        for syntax in offer:
            if syntax != choice and syntax in before:
                before[syntax].add(choice)
    found: list[str] = []
    left = list(accepted)
    while left:
        # Where the choices contradict each other, the order of the registry decides.
        free = next((syntax for syntax in left if not before[syntax] & set(left)), left[0])
        found.append(free)
        left.remove(free)
    return tuple(found)


def _service(uid: str) -> str:
    """The service whose transfer syntaxes a SOP class has."""
    representatives = {known: name for name, known in SERVICES}
    if uid in representatives:
        return representatives[uid]
    for kind, name in ((sopclasses.FIND, "find"), (sopclasses.MOVE, "move"), (sopclasses.GET, "get")):
        if uid in kind:
            return name
    standard = uid in sopclasses.storage() or not uid.startswith("1.2.840.10008.")
    return "storage" if standard or ".5.1.4.1.1." in uid else "verification"


def groups(transcript: Transcript, base: Persona) -> tuple[Group, ...] | None:
    """The groups of the model; those of `base` where they say the same. None if nothing was observed."""
    accepted = accepted_classes(transcript)
    if accepted is None:
        return None
    known = [sopclasses.transfer_syntaxes(group.transfer_syntaxes) for group in base.contexts.groups]
    by_service: dict[str, Syntaxes | None] = {}
    members: dict[tuple[str, int], list[str]] = {}
    others = _others(transcript, accepted, base, known)
    for uid in accepted:
        service = _service(uid)
        if others is not None and not _named_by(base, uid):
            continue
        if service not in by_service:
            by_service[service] = syntaxes(transcript, service, known) or syntaxes(transcript, "verification", known)
        members.setdefault((service, _group_of(uid, base)), []).append(uid)
    rows: dict[tuple[Syntaxes, int], list[str]] = {}
    for (service, number), uids in members.items():
        found = by_service[service]
        if found is not None:
            rows.setdefault((found, number), []).extend(uids)
    named_ones = tuple(_group(row, number, uids, base) for (row, number), uids in rows.items())
    return named_ones if others is None else (*named_ones, others)


def _others(
    transcript: Transcript, accepted: list[str], base: Persona, known: Iterable[tuple[str, ...]]
) -> Group | None:
    """The group of all that no other names, if an invented SOP class is accepted."""
    if NOWHERE not in accepted:
        return None
    found = syntaxes(transcript, "unknown", known) or syntaxes(transcript, "storage", known)
    if found is None:
        return None
    own = base.contexts.groups
    like = next((n for n, group in enumerate(own) if ANY in group.abstract_syntaxes), None)
    template = _group(found, _group_of(dict(SERVICES)["storage"], base) if like is None else like, [], base)
    asked = {uid for take in transcript.takes("syntaxes.abstract") for uid, _, _ in results(take).values()}
    refused = [uid for uid in abstract_syntaxes() if uid in asked and uid not in accepted]
    without = tuple(map(sopclasses.keyword, refused))
    return template.model_copy(update={"name": "others", "abstract_syntaxes": (ANY,), "without": without})


def _classes(group: Group) -> tuple[str, ...]:
    """The SOP classes that a group names."""
    return sopclasses.abstract_syntaxes(tuple(name for name in group.abstract_syntaxes if name != ANY))


def _named_by(base: Persona, uid: str) -> bool:
    return any(uid in _classes(group) for group in base.contexts.groups)


def _group_of(uid: str, base: Persona) -> int:
    """The number of the base's group that a SOP class is in, or would be."""
    own = [_classes(group) for group in base.contexts.groups]
    of_class = [number for number, uids in enumerate(own) if uid in uids]
    if of_class:
        return of_class[-1]
    sample = dict(SERVICES)[_service(uid)]
    return next((number for number, uids in enumerate(own) if sample in uids), -1)


def _group(row: Syntaxes, number: int, uids: list[str], base: Persona) -> Group:
    template = base.contexts.groups[number] if number >= 0 else Group(name="others", abstract_syntaxes=())
    names, without = named(uids)
    same = sopclasses.transfer_syntaxes(template.transfer_syntaxes) == row.accepted
    return template.model_copy(
        update={
            "abstract_syntaxes": names,
            "without": without,
            "transfer_syntaxes": template.transfer_syntaxes if same else sopclasses.names(row.accepted),
            "prefer": row.prefer,
        }
    )


def named(uids: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for SOP classes: of groups, with those that are missing from them, and of single ones."""
    left = list(dict.fromkeys(uids))
    names: list[str] = []
    without: list[str] = []
    asked = set(abstract_syntaxes())
    while True:
        best, gain = "", 0.0
        for name in sopclasses.group_names():
            own = set(sopclasses.abstract_syntaxes((name,))) & asked
            saved = len(own & set(left))
            if own and saved > 1 and saved - len(own - set(left)) - 1 > max(gain, NAMED_SHARE * saved):
                best, gain = name, saved - len(own - set(left)) - 1
        if not best:
            break
        own = set(sopclasses.abstract_syntaxes((best,)))
        names.append(best)
        without += sorted((own & asked) - set(uids) - set(without))
        left = [uid for uid in left if uid not in own]
    return (*names, *map(sopclasses.keyword, left)), tuple(map(sopclasses.keyword, without))
