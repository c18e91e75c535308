"""Presentation contexts: from what is proposed to what is answered and agreed (PS3.8 9.3.2.2, 9.3.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import items as it
from .policy import (
    ABSTRACT_SYNTAX_NOT_SUPPORTED,
    ACCEPTANCE,
    AbstractSyntaxPolicy,
    Duplicates,
    Padding,
    Policy,
    Repeats,
    RoleFlags,
)


class Context(NamedTuple):
    """A presentation context that both sides agreed on. `scu` and `scp` are the requestor's roles."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    scu: bool = True
    scp: bool = False
    extended: bytes = b""
    """The agreed service-class-application-information (PS3.7 D.3.3.5)."""
    default_roles: bool = True
    """Whether the roles are those of PS3.7 D.3.3.4, without a role selection that was answered."""


class Roles(NamedTuple):
    """Roles that the requestor proposes for itself, or is granted."""

    scu: bool
    scp: bool


_SCP_ONLY = Roles(scu=False, scp=True)


class Proposal(NamedTuple):
    """A proposed presentation context, as the policy reads it. `roles`: None without a role selection."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    roles: Roles | None


class Answer(NamedTuple):
    """What is said of a context: result, transfer syntax, and the roles granted (None: not answered).

    `conflict`: contexts with this identifier were merged that can't be, see `Cause.ROLE_CONFLICT`.
    """

    proposal: Proposal
    result: int
    transfer_syntax: str = ""
    roles: Roles | None = None
    conflict: bool = False


def read_uid(text: str, padding: Padding) -> str:
    """A UID without what counts as its padding."""
    return it.trimmed(text) if padding is Padding.TRIMMED else text.partition("\0")[0]


def proposals(contexts: Iterable[it.ProposedContext], user: Iterable[it.UserItem], policy: Policy) -> list[Proposal]:
    """The proposed contexts, in order, with the role selections among the sub-items `user`."""
    roles = _roles(user, policy)
    found = []
    for context in contexts:
        names = [i.uid for i in context.items if isinstance(i, it.AbstractSyntax)]
        name = "" if not names else names[0 if policy.repeats is Repeats.FIRST else -1]
        abstract = read_uid(name, policy.uid_padding)
        syntaxes = tuple(
            read_uid(i.uid, policy.uid_padding) for i in context.items if isinstance(i, it.TransferSyntax)
        )
        found.append(Proposal(context.context_id, abstract, syntaxes, roles.get(abstract)))
    return found


def _roles(user: Iterable[it.UserItem], policy: Policy) -> Mapping[str, Roles]:
    found: dict[str, Roles] = {}
    for item in user:
        if isinstance(item, it.RoleSelection):
            uid = read_uid(item.sop_class_uid, policy.uid_padding)
            if policy.role_repeats is Repeats.LAST or uid not in found:
                found[uid] = _flags(item, policy.role_flags)
    return found


def _flags(item: it.RoleSelection, reading: RoleFlags) -> Roles:
    if reading is RoleFlags.BITS:
        return Roles(bool(item.scu), bool(item.scp))
    if item.scu == item.scp:
        return Roles(True, True)
    return Roles(item.scu == 1, item.scu != 1)


def answers(proposed: list[Proposal], policy: Policy) -> list[Answer]:
    """One answer for each proposal, or for each identifier, in the order of the A-ASSOCIATE-AC."""
    placed = _merged(proposed, policy) if policy.duplicates is Duplicates.MERGED else _each(proposed, policy)
    if policy.duplicates is Duplicates.LAST:
        placed = _last(placed)
    return [answer for _, _, answer in sorted(placed, key=_place)]


_Placed = tuple[bool, int, Answer]
"""Whether it has to wait for the accepted contexts that are answered first, its place, and the answer."""


def _place(placed: _Placed) -> tuple[bool, int]:
    return placed[0], placed[1]


def _allowed(proposal: Proposal, number: int, policy: Policy) -> AbstractSyntaxPolicy | None:
    if policy.max_contexts is not None and number >= policy.max_contexts:
        return None
    return policy.of(proposal.abstract_syntax)


def _chosen(proposal: Proposal, allowed: AbstractSyntaxPolicy) -> str | None:
    """The transfer syntax that is picked, if one of the proposed will do."""
    offered, wanted = proposal.transfer_syntaxes, allowed.transfer_syntaxes
    ours, theirs = (wanted, offered) if not allowed.requestor_prefers else (offered, wanted)
    return next((syntax for syntax in ours if syntax in theirs), None)


def _granted(first: Roles | None, roles: Roles | None, allowed: AbstractSyntaxPolicy) -> Roles | None:
    if not allowed.answers_roles or roles is None or first is None:
        return None
    return Roles(first.scu and roles.scu, first.scp and roles.scp and allowed.scp_role)


def _each(proposed: list[Proposal], policy: Policy) -> list[_Placed]:
    found: list[_Placed] = []
    for number, proposal in enumerate(proposed):
        allowed = _allowed(proposal, number, policy)
        if allowed is None:
            found.append((True, number, Answer(proposal, ABSTRACT_SYNTAX_NOT_SUPPORTED)))
            continue
        chosen = _chosen(proposal, allowed)
        if chosen is None:
            found.append((True, number, Answer(proposal, allowed.refusal)))
            continue
        roles = _granted(proposal.roles, proposal.roles, allowed)
        found.append((not allowed.answered_first, number, Answer(proposal, ACCEPTANCE, chosen, roles)))
    return found


def _last(placed: list[_Placed]) -> list[_Placed]:
    found: dict[int, _Placed] = {}
    for late, place, answer in placed:
        number = answer.proposal.context_id
        found[number] = late, found[number][1] if number in found else place, answer
    return list(found.values())


class _Merging:
    """What is known of the contexts with one identifier."""

    __slots__ = ("conflict", "first", "late", "offer", "place", "result", "weight")

    def __init__(self, first: Proposal, place: int) -> None:
        self.first = first
        self.late, self.place = True, place
        self.conflict = False
        self.result = ABSTRACT_SYNTAX_NOT_SUPPORTED
        self.offer: tuple[Proposal, str, AbstractSyntaxPolicy] | None = None
        self.weight: tuple[int, int, int] = (-1, 0, 0)

    def add(self, proposal: Proposal, number: int, allowed: AbstractSyntaxPolicy) -> None:
        """One more of them, of a SOP class that is known."""
        chosen = _chosen(proposal, allowed)
        if chosen is None:
            self.result = max(self.result, allowed.refusal)
            return
        if allowed.answered_first and self.late:
            self.late, self.place = False, number
        if allowed.later_wins and self.first.roles is None and proposal.roles == _SCP_ONLY:
            self.conflict = True
        wanted = 0 if allowed.later_wins else -allowed.transfer_syntaxes.index(chosen)
        weight = (allowed.rank, wanted, number)
        if weight > self.weight:
            self.weight, self.offer = weight, (proposal, chosen, allowed)

    def answer(self) -> Answer:
        """The one answer for all."""
        if self.offer is None:
            return Answer(self.first, self.result)
        proposal, chosen, allowed = self.offer
        deciding = proposal if allowed.later_wins else self.first
        roles = _granted(self.first.roles, deciding.roles, allowed)
        return Answer(self.first, ACCEPTANCE, chosen, roles, self.conflict)


def _merged(proposed: list[Proposal], policy: Policy) -> list[_Placed]:
    found: dict[int, _Merging] = {}
    for number, proposal in enumerate(proposed):
        merging = found.get(proposal.context_id)
        if merging is None:
            merging = found[proposal.context_id] = _Merging(proposal, number)
        allowed = _allowed(proposal, number, policy)
        if allowed is not None:
            merging.add(proposal, number, allowed)
    return [(merging.late, merging.place, merging.answer()) for merging in found.values()]
