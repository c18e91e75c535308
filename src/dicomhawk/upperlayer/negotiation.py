"""Association negotiation as one pure function: (A-ASSOCIATE-RQ, policy) -> answer (PS3.8 7.1.1, PS3.7 annex D)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from . import items as it
from .pdu import AssociateAC, AssociateRJ, AssociateRQ
from .policy import (
    ABSTRACT_SYNTAX_NOT_SUPPORTED,
    ACCEPTANCE,
    DICOM_APPLICATION_CONTEXT,
    IMPLICIT_VR_LITTLE_ENDIAN,
    AbstractSyntaxPolicy,
    Cause,
    Padding,
    Policy,
    RefusedSyntax,
    Repeats,
    RoleAnswers,
    Titles,
    UserItemKind,
)
from .proposals import Answer, Context, Proposal, answers, proposals, read_uid

__all__ = [
    "ABSTRACT_SYNTAX_NOT_SUPPORTED",
    "ACCEPTANCE",
    "DICOM_APPLICATION_CONTEXT",
    "IMPLICIT_VR_LITTLE_ENDIAN",
    "AbstractSyntaxPolicy",
    "Accepted",
    "Cause",
    "Context",
    "Policy",
    "Rejected",
    "Unanswered",
    "negotiate",
]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The A-ASSOCIATE-AC to send, and what was agreed, by context identifier."""

    ac: AssociateAC
    contexts: Mapping[int, Context]
    peer_maximum_length: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The A-ASSOCIATE-RJ to send."""

    rj: AssociateRJ
    cause: Cause


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that gets neither an A-ASSOCIATE-AC nor an -RJ: `Quirk.UNANSWERED` for the dialect."""

    cause: Cause


Outcome = Accepted | Rejected | Unanswered


class _Request(NamedTuple):
    """A request as the policy reads it."""

    rq: AssociateRQ
    called: bytes
    calling: bytes
    user: tuple[it.UserItem, ...]
    proposals: list[Proposal]
    answers: list[Answer]
    full: bool


def negotiate(rq: AssociateRQ, policy: Policy, *, full: bool = False) -> Outcome:
    """Answer a request as PS3.8 7.1.1 and PS3.7 annex D say, within what `policy` allows.

    `full`: as many associations as the product takes are open already.
    """
    user = _user_items(rq, policy)
    proposed = proposals(rq.contexts, user, policy)
    called, calling = (bare_title(title, policy.title_padding) for title in (rq.called_ae, rq.calling_ae))
    request = _Request(rq, called, calling, user, proposed, answers(proposed, policy), full)
    for cause, answer in policy.checks:
        if _CHECKS[cause](request, policy):
            return Unanswered(cause) if answer is None else Rejected(AssociateRJ(*answer), cause)
    extended = _extended(request, policy)
    agreed = _agreed(request.answers, extended)
    found = _counting(user, it.MaximumLength, policy)
    maximum = 0 if found is None else found.length
    return Accepted(_answer(request, policy, agreed, extended, maximum), agreed, maximum)


def _user_items(rq: AssociateRQ, policy: Policy) -> tuple[it.UserItem, ...]:
    if policy.repeats is Repeats.FIRST:
        return rq.user_items
    return tuple(item for part in rq.items if isinstance(part, it.UserInformation) for item in part.items)


def _counting(found: Iterable[object], kind: type[_T], policy: Policy) -> _T | None:
    """The item of a kind that counts, if there are several."""
    matching = [item for item in found if isinstance(item, kind)]
    if not matching:
        return None
    return matching[0 if policy.repeats is Repeats.FIRST else -1]


def bare_title(title: bytes, padding: Padding) -> bytes:
    """An AE title of an A-ASSOCIATE-RQ without its padding."""
    if padding is Padding.TRIMMED:
        return title.strip(b"\0 ")
    return title.partition(b"\0")[0].rstrip(b" ")


# Reasons to reject


def _not_among(title: bytes, titles: frozenset[str] | None, policy: Policy) -> bool:
    if titles is None:
        return False
    name = title.decode("latin-1")
    return (name.upper() if policy.fold_case else name) not in titles


def _another_application(request: _Request, policy: Policy) -> bool:
    item = _counting(request.rq.items, it.ApplicationContext, policy)
    return item is None or read_uid(item.name, policy.uid_padding) != DICOM_APPLICATION_CONTEXT


def _no_implementation(request: _Request, policy: Policy) -> bool:
    item = _counting(request.user, it.ImplementationClassUID, policy)
    return item is None or not read_uid(item.uid, policy.uid_padding)


def _refused_identity(request: _Request, policy: Policy) -> bool:
    item = _counting(request.user, it.UserIdentityRequest, policy)
    return item is not None and item.identity_type in policy.refused_identities


def _too_many_syntaxes(request: _Request, policy: Policy) -> bool:
    limit = policy.max_transfer_syntaxes
    return limit is not None and any(len(p.transfer_syntaxes) > limit for p in request.proposals)


_CHECKS: Mapping[Cause, Callable[[_Request, Policy], bool]] = {
    Cause.VERSION: lambda request, _: not request.rq.protocol_version & 1,
    Cause.OTHER_VERSION: lambda request, _: request.rq.protocol_version != 1,
    Cause.NO_TRANSFER_SYNTAXES: lambda request, _: any(not p.transfer_syntaxes for p in request.proposals),
    Cause.TOO_MANY_TRANSFER_SYNTAXES: _too_many_syntaxes,
    Cause.NO_CONTEXTS: lambda request, _: not request.proposals,
    Cause.APPLICATION_CONTEXT: _another_application,
    Cause.CALLED_TITLE: lambda request, policy: _not_among(request.called, policy.called_ae_titles, policy),
    Cause.CALLING_TITLE: lambda request, policy: _not_among(request.calling, policy.calling_ae_titles, policy),
    Cause.EMPTY_TITLE: lambda request, _: not (request.called and request.calling),
    Cause.NO_IMPLEMENTATION: _no_implementation,
    Cause.USER_IDENTITY: _refused_identity,
    Cause.ROLE_CONFLICT: lambda request, _: any(answer.conflict for answer in request.answers),
    Cause.CAPACITY: lambda request, _: request.full,
    Cause.NOTHING_ACCEPTED: lambda request, _: all(answer.result != ACCEPTANCE for answer in request.answers),
}


# The A-ASSOCIATE-AC


def _extended(request: _Request, policy: Policy) -> dict[str, bytes]:
    """What is agreed of each SOP class's extended negotiation: the bits that both sides have set."""
    found = {}
    for item in request.user:
        if isinstance(item, it.ExtendedNegotiation):
            uid = read_uid(item.sop_class_uid, policy.uid_padding)
            allowed = policy.of(uid)
            if allowed is not None and allowed.extended is not None:
                found[uid] = bytes(
                    a & b for a, b in zip(item.application_information, allowed.extended, strict=False)
                )
    return found


def _agreed(answered: list[Answer], extended: Mapping[str, bytes]) -> dict[int, Context]:
    found = {}
    for proposal, result, transfer_syntax, roles, _ in answered:
        if result == ACCEPTANCE:
            context_id, abstract, _, _ = proposal
            scu, scp = (True, False) if roles is None else roles
            service = extended.get(abstract, b"")
            found[context_id] = Context(context_id, abstract, transfer_syntax, scu, scp, service, roles is None)
    return found


def _answer(
    request: _Request, policy: Policy, agreed: Mapping[int, Context], extended: Mapping[str, bytes], maximum: int
) -> AssociateAC:
    rq = request.rq
    called, calling = rq.called_ae, rq.calling_ae
    if policy.titles is Titles.READ:
        called, calling = request.called.ljust(16), request.calling.ljust(16)
    name = it.ApplicationContext(DICOM_APPLICATION_CONTEXT)
    contexts = (_answered_context(answer, policy) for answer in request.answers)
    user = it.UserInformation(_user_answers(request, policy, agreed, extended, maximum))
    reserved = rq.reserved_3 if policy.echo_reserved else bytes(32)
    return AssociateAC(called, calling, (name, *contexts, user), reserved_3=reserved)


def _answered_context(answer: Answer, policy: Policy) -> it.AnsweredContext:
    syntax: str | None = answer.transfer_syntax
    if answer.result != ACCEPTANCE:
        match policy.refused_transfer_syntax:
            case RefusedSyntax.PROPOSED:
                syntax = next(iter(answer.proposal.transfer_syntaxes), None)
            case RefusedSyntax.EMPTY:
                syntax = ""
            case RefusedSyntax.ABSENT:
                syntax = None
            case uid:
                syntax = uid
    items = () if syntax is None else (it.TransferSyntax(syntax),)
    return it.AnsweredContext(answer.proposal.context_id, answer.result, items)


def _window(asked: it.AsynchronousOperationsWindow | None, policy: Policy) -> tuple[int, int] | None:
    if asked is None:
        return None
    if policy.asynchronous_limits is None:
        return policy.asynchronous_window
    wanted = (asked.invoked, asked.performed)
    pairs = zip(wanted, policy.asynchronous_limits, strict=True)
    invoked, performed = (min(pair) if all(pair) else max(pair) for pair in pairs)
    return None if invoked == performed == 1 else (invoked, performed)


def _user_answers(
    request: _Request, policy: Policy, agreed: Mapping[int, Context], extended: Mapping[str, bytes], maximum: int
) -> tuple[it.UserItem, ...]:
    found: list[it.UserItem] = []
    for kind in policy.user_items:
        match kind:
            case UserItemKind.MAXIMUM_LENGTH:
                found.append(it.MaximumLength(_maximum_length(policy, maximum)))
            case UserItemKind.IMPLEMENTATION_CLASS_UID:
                found.append(it.ImplementationClassUID(policy.implementation_class_uid))
            case UserItemKind.ASYNCHRONOUS_OPERATIONS:
                asked = _counting(request.user, it.AsynchronousOperationsWindow, policy)
                window = _window(asked, policy)
                if window is not None:
                    found.append(it.AsynchronousOperationsWindow(*window))
            case UserItemKind.ROLES:
                found += _roles(request, policy)
            case UserItemKind.IMPLEMENTATION_VERSION_NAME:
                if policy.implementation_version_name is not None:
                    found.append(it.ImplementationVersionName(policy.implementation_version_name))
            case UserItemKind.EXTENDED_NEGOTIATION:
                accepted = {context.abstract_syntax for context in agreed.values()}
                found += (it.ExtendedNegotiation(uid, both) for uid, both in extended.items() if uid in accepted)
            case UserItemKind.USER_IDENTITY:
                found += _identity(request, policy)
    return tuple(found)


def _maximum_length(policy: Policy, theirs: int) -> int:
    other = policy.maximum_length_substitution
    return policy.maximum_length if other is None or theirs & other.mask != other.match else other.answer


def _roles(request: _Request, policy: Policy) -> list[it.UserItem]:
    granted = [
        it.RoleSelection(answer.proposal.abstract_syntax, int(answer.roles.scu), int(answer.roles.scp))
        for answer in request.answers
        if answer.roles is not None
    ]
    if policy.role_answers is RoleAnswers.CONTEXT:
        return list(granted)
    by_class = {item.sop_class_uid: item for item in granted}
    asked = (
        read_uid(item.sop_class_uid, policy.uid_padding)
        for item in request.user
        if isinstance(item, it.RoleSelection)
    )
    return [by_class[uid] for uid in dict.fromkeys(asked) if uid in by_class]


def _identity(request: _Request, policy: Policy) -> list[it.UserItem]:
    identity, response = _counting(request.user, it.UserIdentityRequest, policy), policy.user_identity_response
    if identity is None or response is None or not identity.positive_response_requested:
        return []
    if policy.answered_identities is not None and identity.identity_type not in policy.answered_identities:
        return []
    return [it.UserIdentityResponse(response)]
