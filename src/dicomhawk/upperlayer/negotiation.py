"""Association negotiation as one pure function: (A-ASSOCIATE-RQ, policy) -> answer (PS3.8 7.1.1, PS3.7 annex D)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import items as it
from .pdu import AssociateAC, AssociateRJ, AssociateRQ

DICOM_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"

ACCEPTANCE, USER_REJECTION, NO_REASON, ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = range(5)

REJECTED_PERMANENT, REJECTED_TRANSIENT = 1, 2
BY_USER, BY_PROVIDER_ACSE, BY_PROVIDER_PRESENTATION = 1, 2, 3


class Context(NamedTuple):
    """A presentation context that both sides agreed on. `scu` and `scp` are the requestor's roles."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    scu: bool = True
    scp: bool = False
    extended: bytes = b""
    """The agreed service-class-application-information (PS3.7 D.3.3.5)."""


@dataclass(frozen=True, slots=True)
class AbstractSyntaxPolicy:
    """How proposals of one SOP class are answered."""

    transfer_syntaxes: tuple[str, ...]
    """Accepted ones; the first is preferred where our preference decides."""
    scp_role: bool = False
    """Whether the requestor may take the SCP role (PS3.7 D.3.3.4), as it must for C-GET."""
    extended: bytes | None = None
    """Service-class-application-information that we support, ANDed with the proposal; None: not answered."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an acceptor accepts, and how its A-ASSOCIATE-AC looks."""

    abstract_syntaxes: Mapping[str, AbstractSyntaxPolicy]
    implementation_class_uid: str
    implementation_version_name: str | None
    maximum_length: int = 16384
    called_ae_titles: frozenset[str] | None = None
    """None: any called AE title will do."""
    calling_ae_titles: frozenset[str] | None = None
    acceptor_prefers: bool = False
    """True: the transfer syntax is picked in our order; False: in the requestor's."""
    max_contexts: int = 128
    """Contexts beyond this number are refused as not supported; the standard has 128 odd identifiers."""
    asynchronous_window: tuple[int, int] | None = None
    """Answer to a proposed window; None: none, which means synchronous operation."""
    user_identity_response: bytes | None = b""
    """Server response where a positive response is requested; None: not answered."""
    refused_identities: frozenset[int] = field(default_factory=frozenset)
    """User identity types that lead to a rejection."""


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


def negotiate(rq: AssociateRQ, policy: Policy) -> Accepted | Rejected:
    """Answer a request as PS3.8 7.1.1 and PS3.7 annex D say, within what `policy` allows."""
    refusal = _refusal(rq, policy)
    if refusal is not None:
        return Rejected(refusal)
    roles = {it.trimmed(r.sop_class_uid): r for r in rq.user_items if isinstance(r, it.RoleSelection)}
    extended = _extended(rq, policy)
    answers: list[it.Item] = []
    agreed: dict[int, Context] = {}
    for number, proposed in enumerate(rq.contexts):
        answer, context = _answer(proposed, policy, roles, extended, number < policy.max_contexts)
        answers.append(answer)
        if context is not None:
            agreed[context.context_id] = context
    user = it.UserInformation(_user_items(rq, policy, agreed, extended))
    name = it.ApplicationContext(DICOM_APPLICATION_CONTEXT)
    ac = AssociateAC(
        rq.called_ae,
        rq.calling_ae,
        (name, *answers, user),
        reserved_3=rq.reserved_3,
    )
    maximum = rq.maximum_length
    return Accepted(ac, agreed, 0 if maximum is None else maximum)


def _refusal(rq: AssociateRQ, policy: Policy) -> AssociateRJ | None:
    """PS3.8 table 9-21."""
    if not rq.protocol_version & 1:
        return AssociateRJ(REJECTED_PERMANENT, BY_PROVIDER_ACSE, 2)
    if rq.application_context != DICOM_APPLICATION_CONTEXT:
        return AssociateRJ(REJECTED_PERMANENT, BY_USER, 2)
    if policy.called_ae_titles is not None and rq.called_ae_title not in policy.called_ae_titles:
        return AssociateRJ(REJECTED_PERMANENT, BY_USER, 7)
    if policy.calling_ae_titles is not None and rq.calling_ae_title not in policy.calling_ae_titles:
        return AssociateRJ(REJECTED_PERMANENT, BY_USER, 3)
    identity = rq.user_item(it.UserIdentityRequest)
    if identity is not None and identity.identity_type in policy.refused_identities:
        return AssociateRJ(REJECTED_PERMANENT, BY_PROVIDER_ACSE, 1)
    if not rq.contexts:
        return AssociateRJ(REJECTED_PERMANENT, BY_USER, 1)
    return None


def _answer(
    proposed: it.ProposedContext,
    policy: Policy,
    roles: Mapping[str, it.RoleSelection],
    extended: Mapping[str, bytes],
    within_limit: bool,
) -> tuple[it.AnsweredContext, Context | None]:
    abstract = proposed.abstract_syntax
    allowed = policy.abstract_syntaxes.get(abstract) if within_limit else None
    if allowed is None:
        return _refused(proposed, ABSTRACT_SYNTAX_NOT_SUPPORTED), None
    offered = proposed.transfer_syntaxes
    if policy.acceptor_prefers:
        chosen = next((ts for ts in allowed.transfer_syntaxes if ts in offered), None)
    else:
        chosen = next((ts for ts in offered if ts in allowed.transfer_syntaxes), None)
    if chosen is None:
        return _refused(proposed, TRANSFER_SYNTAXES_NOT_SUPPORTED), None
    role = roles.get(abstract)
    scu = True if role is None else bool(role.scu)
    scp = role is not None and bool(role.scp) and allowed.scp_role
    answer = it.AnsweredContext(proposed.context_id, ACCEPTANCE, (it.TransferSyntax(chosen),))
    return answer, Context(proposed.context_id, abstract, chosen, scu, scp, extended.get(abstract, b""))


def _extended(rq: AssociateRQ, policy: Policy) -> dict[str, bytes]:
    """What is agreed of each SOP class's extended negotiation: the bits that both sides have set."""
    found = {}
    for item in rq.user_items:
        if isinstance(item, it.ExtendedNegotiation):
            uid = it.trimmed(item.sop_class_uid)
            allowed = policy.abstract_syntaxes.get(uid)
            if allowed is not None and allowed.extended is not None:
                found[uid] = bytes(
                    a & b for a, b in zip(item.application_information, allowed.extended, strict=False)
                )
    return found


def _refused(proposed: it.ProposedContext, result: int) -> it.AnsweredContext:
    # The transfer syntax of a refused context has no significance (PS3.8 9.3.3.2), but must be there.
    return it.AnsweredContext(proposed.context_id, result, (it.TransferSyntax(IMPLICIT_VR_LITTLE_ENDIAN),))


def _user_items(
    rq: AssociateRQ, policy: Policy, agreed: Mapping[int, Context], extended: Mapping[str, bytes]
) -> tuple[it.UserItem, ...]:
    found: list[it.UserItem] = [
        it.MaximumLength(policy.maximum_length),
        it.ImplementationClassUID(policy.implementation_class_uid),
    ]
    if policy.asynchronous_window and rq.user_item(it.AsynchronousOperationsWindow):
        found.append(it.AsynchronousOperationsWindow(*policy.asynchronous_window))
    accepted = {context.abstract_syntax: context for context in agreed.values()}
    answered: set[str] = set()
    for item in rq.user_items:
        if isinstance(item, it.RoleSelection):
            uid = it.trimmed(item.sop_class_uid)
            context = accepted.get(uid)
            if context is not None and uid not in answered:
                answered.add(uid)
                found.append(it.RoleSelection(uid, int(context.scu), int(context.scp)))
    if policy.implementation_version_name is not None:
        found.append(it.ImplementationVersionName(policy.implementation_version_name))
    found += (it.ExtendedNegotiation(uid, both) for uid, both in extended.items() if uid in accepted)
    identity = rq.user_item(it.UserIdentityRequest)
    if identity is not None and identity.positive_response_requested and policy.user_identity_response is not None:
        found.append(it.UserIdentityResponse(policy.user_identity_response))
    return tuple(found)
