"""What a peer said, as events: A-ASSOCIATE-RQs and the keys of identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...evidence import events as ev
from ...evidence.fields import MAX_ENTRIES, MAX_STRING, text
from ...hospital.elements import Element
from ...persona.clients import Identified
from ...upperlayer import items as it
from ...upperlayer.negotiation import Accepted, Outcome, Rejected
from ...upperlayer.pdu import AssociateRQ

MAX_HEX = 512
"""Bytes of an unknown item that an event shows; all of them are in the transcript."""

_QUERY_RETRIEVE_LEVEL = 0x00080052
_RESULTS = (
    "accepted",
    "user-rejection",
    "no-reason",
    "abstract-syntax-not-supported",
    "transfer-syntaxes-not-supported",
)


def association(
    rq: AssociateRQ, outcome: Outcome, length: int, client: Identified
) -> ev.Association | ev.AssociationReject:
    """The event of an A-ASSOCIATE-RQ of `length` bytes and of its answer: all that the request says, and `client`,
    who is known to say it so."""
    identity = rq.user_item(it.UserIdentityRequest)
    window = rq.user_item(it.AsynchronousOperationsWindow)
    class_uid = rq.user_item(it.ImplementationClassUID)
    version = rq.user_item(it.ImplementationVersionName)
    said: dict[str, Any] = {
        "calling": rq.calling_ae_title,
        "called": rq.called_ae_title,
        "implementation_uid": None if class_uid is None else it.trimmed(class_uid.uid),
        "implementation_version": None if version is None else it.trimmed(version.name),
        "protocol_version": rq.protocol_version,
        "application_context": rq.application_context,
        "pdu_length": length,
        "max_pdu": rq.maximum_length,
        "fingerprint": client.fingerprint,
        "client": client.name,
        "client_versions": client.versions,
        "client_match": client.match,
        "contexts": _contexts(rq, outcome),
        "window_invoked": None if window is None else window.invoked,
        "window_performed": None if window is None else window.performed,
        "roles": tuple(
            ev.Role(sop_class=it.trimmed(item.sop_class_uid), scu=item.scu, scp=item.scp)
            for item in rq.user_items
            if isinstance(item, it.RoleSelection)
        ),
        "extended": tuple(
            ev.Extended(sop_class=it.trimmed(item.sop_class_uid), hex=item.application_information[:MAX_HEX].hex())
            for item in rq.user_items
            if isinstance(item, it.ExtendedNegotiation)
        ),
        "common_extended": tuple(
            ev.Extended(
                sop_class=it.trimmed(item.sop_class_uid),
                service_class=it.trimmed(item.service_class_uid),
                related=tuple(it.trimmed(uid) for uid in item.related_general_sop_class_uids),
            )
            for item in rq.user_items
            if isinstance(item, it.CommonExtendedNegotiation)
        ),
        "unknown_items": tuple(_unknown_items(rq)),
        "reserved": tuple(_reserved(rq)),
    }
    if identity is not None:
        said["identity_type"] = identity.identity_type
        said["identity_response"] = bool(identity.positive_response_requested)
        if identity.identity_type in (1, 2):
            said["username"] = text(identity.primary)
            said["password"] = text(identity.secondary) if identity.secondary else None
        else:
            said["token"] = text(identity.primary)
    if isinstance(outcome, Accepted):
        return ev.Association(**said)
    if isinstance(outcome, Rejected):
        rj = outcome.rj
        said |= {"result": rj.result, "source": rj.source, "reason": rj.reason}
    return ev.AssociationReject(**said, cause=outcome.cause.value)


def _contexts(rq: AssociateRQ, outcome: Outcome) -> tuple[ev.Context, ...]:
    answers = outcome.ac.contexts if isinstance(outcome, Accepted) else ()
    # One for each proposal, in their order, or one for each identifier, in any order.
    literal = [c.context_id for c in answers] == [c.context_id for c in rq.contexts]
    by_id = {answer.context_id: answer for answer in answers}
    found = []
    for number, proposed in enumerate(rq.contexts):
        answer = answers[number] if literal else by_id.get(proposed.context_id)
        accepted = answer is not None and answer.result == 0
        found.append(
            ev.Context(
                id=proposed.context_id,
                abstract_syntax=proposed.abstract_syntax,
                transfer_syntaxes=proposed.transfer_syntaxes,
                result=None if answer is None else _RESULTS[answer.result],
                transfer_syntax=answer.transfer_syntax if answer is not None and accepted else None,
            )
        )
    return tuple(found)


def _unknown_items(rq: AssociateRQ) -> list[ev.Unknown]:
    groups: list[tuple[str | None, tuple[object, ...]]] = [(None, rq.items), ("50H", rq.user_items)]
    groups += [(f"20H {context.context_id}", context.items) for context in rq.contexts]
    return [
        ev.Unknown(type=f"{item.item_type:02X}H", hex=item.data[:MAX_HEX].hex(), where=where)
        for where, items in groups
        for item in items
        if isinstance(item, it.UnknownItem)
    ]


def _reserved(rq: AssociateRQ) -> list[ev.Reserved]:
    found = []
    if rq.reserved:
        found.append(ev.Reserved(where="2", hex=f"{rq.reserved:02x}"))
    if rq.reserved_2:
        found.append(ev.Reserved(where="9-10", hex=f"{rq.reserved_2:04x}"))
    if any(rq.reserved_3):
        found.append(ev.Reserved(where="43-74", hex=rq.reserved_3.hex()))
    for item in (*rq.items, *rq.user_items):
        # Common extended negotiation has a version there.
        reserved = getattr(item, "reserved", 0)
        if reserved:
            found.append(ev.Reserved(where=type(item).__name__, hex=f"{reserved:02x}"))
    return found


def query(identifier: Mapping[int, Element] | None) -> dict[str, Any]:
    """Level, keys and wildcards of an identifier, as the events of queries and retrievals have them."""
    if identifier is None:
        return {}
    said = keys(identifier)
    level = said.get(f"{_QUERY_RETRIEVE_LEVEL:08X}")
    return {"level": level, "keys": said, "wildcard": any("*" in value or "?" in value for value in said.values())}


def keys(identifier: Mapping[int, Element]) -> dict[str, str]:
    """The keys of an identifier as events show them; see `events.Keys`."""
    found: dict[str, str] = {}
    _collect(identifier, "", found)
    return found


def _collect(elements: Mapping[int, Element], prefix: str, found: dict[str, str]) -> None:
    for tag, element in elements.items():
        if len(found) > MAX_ENTRIES:
            return
        path = f"{prefix}{tag:08X}"
        if isinstance(element.value, bytes):
            found[path] = text(element.value[: 4 * MAX_STRING]).strip("\0 ")
        elif not element.value:
            found[path] = ""
        else:
            for item in element.value:
                _collect(item, f"{path}.", found)
