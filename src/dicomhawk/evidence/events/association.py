"""Associations (PS3.8)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind, Part
from .common import Hex, Outcome


class Context(Part, frozen=True, kw_only=True):
    """A presentation context, proposed and answered."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    result: str | None = None
    """accepted, user-rejection, no-reason, abstract-syntax-not-supported, transfer-syntaxes-not-supported."""
    transfer_syntax: str | None = None
    """The one that was chosen."""


class Role(Part, frozen=True, kw_only=True):
    """SCP/SCU role selection (PS3.7 D.3.3.4)."""

    sop_class: str
    scu: int
    scp: int


class Extended(Part, frozen=True, kw_only=True):
    """SOP class (common) extended negotiation (PS3.7 D.3.3.5 and D.3.3.6)."""

    sop_class: str
    hex: str | None = None
    service_class: str | None = None
    related: tuple[str, ...] | None = None


class Unknown(Part, frozen=True, kw_only=True):
    """An item that the standard doesn't define."""

    type: str
    hex: str
    where: str | None = None
    """The item that it was found in; None: the PDU itself."""


class Reserved(Part, frozen=True, kw_only=True):
    """Bytes that should be zero and were not."""

    where: str
    hex: str


class _Request(Event, frozen=True, kw_only=True):
    """Everything that an A-ASSOCIATE-RQ says (PS3.8 9.3.2, PS3.7 D.3.3)."""

    calling: Annotated[str, Field("dicom.ae.calling", "Calling AE title, without its padding.", follows=True)]
    called: Annotated[str, Field("dicom.ae.called", "Called AE title, without its padding.", follows=True)]
    implementation_uid: Annotated[
        str | None, Field("dicom.implementation.class_uid", "Implementation class UID.", follows=True)
    ] = None
    implementation_version: Annotated[
        str | None, Field("dicom.implementation.version", "Implementation version name.", follows=True)
    ] = None
    protocol_version: Annotated[int | None, Field("dicom.protocol_version", "Protocol version bits.")] = None
    application_context: Annotated[str | None, Field("dicom.application_context", "Application context.")] = None
    pdu_length: Annotated[int | None, Field("dicom.pdu.length", "Length of the A-ASSOCIATE-RQ, without header.")] = (
        None
    )
    max_pdu: Annotated[int | None, Field("dicom.max_pdu", "Maximum length received, as the peer says.")] = None
    fingerprint: Annotated[
        str | None, Field("dicom.client.fingerprint", "DICOM client fingerprint (DFP), see docs/clients.md.")
    ] = None
    client: Annotated[
        str | None, Field("dicom.client.name", "Who is known to ask like this, whatever the AE titles say.")
    ] = None
    client_versions: Annotated[str | None, Field("dicom.client.version", "Its versions that do.")] = None
    client_match: Annotated[
        str | None, Field("dicom.client.match", "By what it was recognised: dfp, or (weaker) properties.")
    ] = None
    contexts: Annotated[
        tuple[Context, ...], Field("dicom.contexts", "Presentation contexts in the order of the request.")
    ] = ()
    window_invoked: Annotated[
        int | None, Field("dicom.async_window.invoked", "Asynchronous operations window: invoked.")
    ] = None
    window_performed: Annotated[
        int | None, Field("dicom.async_window.performed", "Asynchronous operations window: performed.")
    ] = None
    roles: Annotated[tuple[Role, ...], Field("dicom.roles", "SCP/SCU role selections.")] = ()
    extended: Annotated[tuple[Extended, ...], Field("dicom.extended", "SOP class extended negotiations.")] = ()
    common_extended: Annotated[
        tuple[Extended, ...], Field("dicom.common_extended", "SOP class common extended negotiations.")
    ] = ()
    identity_type: Annotated[
        int | None,
        Field("dicom.user_identity.type", "1 username, 2 with passcode, 3 Kerberos, 4 SAML, 5 JSON web token."),
    ] = None
    identity_response: Annotated[
        bool | None, Field("dicom.user_identity.response_requested", "Whether a positive response is requested.")
    ] = None
    username: Annotated[
        str | None, Field("honeypot.credential.username", "Username (identity types 1 and 2).", also="related.user")
    ] = None
    password: Annotated[
        str | None, Field("honeypot.credential.password", "Passcode (identity type 2).", secret=True)
    ] = None
    token: Annotated[
        str | None, Field("honeypot.credential.token", "Ticket or assertion (identity types 3 to 5).", secret=True)
    ] = None
    unknown_items: Annotated[tuple[Unknown, ...], Field("dicom.unknown_items", "Items unknown to the standard.")] = ()
    reserved: Annotated[tuple[Reserved, ...], Field("dicom.reserved", "Reserved bytes that were not zero.")] = ()


class Association(_Request, frozen=True, kw_only=True):
    """An association was requested and accepted."""

    kind: ClassVar[Kind] = Kind("dicom.association", ("network", "session"), ("protocol", "start", "allowed"), 20)
    outcome: Outcome = "success"


class AssociationReject(_Request, frozen=True, kw_only=True):
    """An association was requested and rejected (PS3.8 9.3.4), or left unanswered: then there is no result."""

    kind: ClassVar[Kind] = Kind("dicom.association.reject", ("network", "session"), ("protocol", "denied"), 20)
    cause: Annotated[str, Field("dicom.reject.cause", "What was wrong with it, as in the persona's checks.")]
    result: Annotated[int | None, Field("dicom.reject.result", "1 rejected-permanent, 2 rejected-transient.")] = None
    source: Annotated[
        int | None, Field("dicom.reject.source", "1 service-user, 2 provider (ACSE), 3 (presentation).")
    ] = None
    reason: Annotated[int | None, Field("dicom.reject.reason", "Reason/diagnostic (PS3.8 table 9-21).")] = None
    outcome: Outcome = "failure"


class Release(Event, frozen=True, kw_only=True):
    """An association was released in the orderly way."""

    kind: ClassVar[Kind] = Kind("dicom.release", ("network", "session"), ("protocol", "end"), 10, recurs=True)
    by: Annotated[str, Field("dicom.release.by", "Who asked for it: peer or sensor.")] = "peer"


class Abort(Event, frozen=True, kw_only=True):
    """An A-ABORT was received or sent (PS3.8 9.3.8)."""

    kind: ClassVar[Kind] = Kind("dicom.abort", ("network", "session"), ("protocol", "end", "error"), 20)
    by: Annotated[str, Field("dicom.abort.by", "Who aborted: peer or sensor.")]
    source: Annotated[int | None, Field("dicom.abort.source", "0 service-user, 2 service-provider.")] = None
    reason: Annotated[int | None, Field("dicom.abort.reason", "Reason/diagnostic.")] = None


class Violation(Event, frozen=True, kw_only=True):
    """The peer broke the protocol."""

    kind: ClassVar[Kind] = Kind("dicom.violation", ("network", "intrusion_detection"), ("protocol", "error"), 40)
    quirk: Annotated[str, Field("dicom.violation.quirk", "Which rule was broken.")]
    detail: Annotated[str | None, Field("dicom.violation.detail", "What was found.")] = None
    state: Annotated[str | None, Field("dicom.violation.state", "State of the machine (PS3.8 9.2).")] = None
    first_bytes: Hex = None
