"""The catalogue of event types: everything that the sensor can say.

Each class is one type. Its `kind` gives ``event.action`` and the ECS categorisation, each field's annotation
its path in the ECS document and its meaning; docs/events.md is generated from here. What is the same in all
events of a connection (addresses, session, sensor) isn't here but in the envelope, and ``event.duration``
(nanoseconds) is given when an event is emitted. Numbers are bytes or counts unless said otherwise.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from .fields import Event, Field, Kind, Part, code

MessageId = Annotated[int | None, Field("dicom.command.message_id", "Message ID (0000,0110).")]
Priority = Annotated[int | None, Field("dicom.command.priority", "Priority (0000,0700): 0 medium, 1 high, 2 low.")]
ContextId = Annotated[int | None, Field("dicom.context.id", "Presentation context identifier.")]
AbstractSyntax = Annotated[
    str | None, Field("dicom.context.abstract_syntax", "Abstract syntax of the presentation context.")
]
TransferSyntax = Annotated[
    str | None, Field("dicom.context.transfer_syntax", "Transfer syntax of the presentation context.")
]
Status = Annotated[int | None, Field("dicom.status", "Status (0000,0900) of the (last) response.", code)]
Outcome = Annotated[str | None, Field("event.outcome", "success, failure or unknown.")]
Bytes = Annotated[int | None, Field("dicom.dataset.bytes", "Bytes of data set.")]
SopClass = Annotated[str | None, Field("dicom.sop.class_uid", "Affected or requested SOP class UID.")]
SopInstance = Annotated[str | None, Field("dicom.sop.instance_uid", "Affected or requested SOP instance UID.")]
Level = Annotated[str | None, Field("dicom.query.level", "Query/Retrieve level (0008,0052) as sent.")]
Keys = Annotated[
    dict[str, str] | None,
    Field(
        "dicom.query.keys",
        "Keys as sent: tag (eight hexadecimal digits; in a sequence the path of tags, joined by dots) -> value.",
    ),
]
TransactionUid = Annotated[str | None, Field("dicom.commitment.transaction_uid", "Transaction UID (0008,1195).")]
Wildcard = Annotated[bool | None, Field("dicom.query.wildcard", "Whether a key has a wildcard character.")]
Sha256 = Annotated[
    str | None, Field("file.hash.sha256", "SHA-256 of the captured file, which is its name.", also="related.hash")
]
Hex = Annotated[str | None, Field("honeypot.first_bytes", "First bytes, hexadecimal.")]

# The sensor itself


class SensorStart(Event, frozen=True, kw_only=True):
    """The sensor has started, and every door is open."""

    kind: ClassVar[Kind] = Kind("sensor.start", ("process",), ("start",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the supervisor.")]
    workers: Annotated[int, Field("honeypot.workers", "Number of worker processes.")]
    doors: Annotated[tuple[str, ...], Field("honeypot.doors", "Open doors, as in `dicom:11112`.")]
    persona: Annotated[str, Field("honeypot.persona", "Name of the persona.")]


class SensorStop(Event, frozen=True, kw_only=True):
    """The sensor was told to end."""

    kind: ClassVar[Kind] = Kind("sensor.stop", ("process",), ("end",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the supervisor.")]
    reason: Annotated[str, Field("event.reason", "Signal or request that ended it.")]


class WorkerStart(Event, frozen=True, kw_only=True):
    """A worker process answers from now on."""

    kind: ClassVar[Kind] = Kind("worker.start", ("process",), ("start",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the worker.")]
    worker: Annotated[str, Field("honeypot.worker", "Name of the worker, also in the names of its files.")]


class WorkerExit(Event, frozen=True, kw_only=True):
    """A worker process has ended; the supervisor starts another unless the sensor is ending."""

    kind: ClassVar[Kind] = Kind("worker.exit", ("process",), ("end",), 20)
    pid: Annotated[int, Field("process.pid", "Process of the worker.")]
    worker: Annotated[str, Field("honeypot.worker", "Name of the worker.")]
    exit_code: Annotated[int, Field("process.exit_code", "Exit status; negative: the signal that ended it.")]
    outcome: Outcome = None


class HospitalExtend(Event, frozen=True, kw_only=True):
    """The hospital's studies and appointments of further days were made, or could not be."""

    kind: ClassVar[Kind] = Kind("hospital.extend", ("process",), ("change",), 10)
    pid: Annotated[int, Field("process.pid", "Process that did it.")]
    outcome: Outcome = None
    reason: Annotated[str | None, Field("event.reason", "Why it failed.")] = None


class SensorError(Event, frozen=True, kw_only=True):
    """An error of ours that nothing foresaw. The connection it happened on is lost, the worker goes on."""

    kind: ClassVar[Kind] = Kind("sensor.error", ("process",), ("error",), 70)
    detail: Annotated[str, Field("error.stack_trace", "Where it happened.")]


class JournalGap(Event, frozen=True, kw_only=True):
    """Events could not be written (the disk was full, say) and are lost; writing works again."""

    kind: ClassVar[Kind] = Kind("journal.gap", ("file",), ("error",), 60)
    events: Annotated[int, Field("honeypot.lost.events", "Events lost.")]
    reason: Annotated[str | None, Field("event.reason", "What the system said.")] = None


# Sessions and connections


class SessionStart(Event, frozen=True, kw_only=True):
    """The first connection of a visitor, or the first after a gap of more than 30 minutes."""

    kind: ClassVar[Kind] = Kind("session.start", ("session", "network"), ("start",), 10)


class SessionEnd(Event, frozen=True, kw_only=True):
    """Nothing was heard from a visitor for 30 minutes. Emitted later than that, by whoever notices."""

    kind: ClassVar[Kind] = Kind("session.end", ("session", "network"), ("end",), 10)
    start: Annotated[str, Field("event.start", "Moment of the first connection.")]
    end: Annotated[str, Field("event.end", "Last moment at which a connection was open.")]
    connections: Annotated[int, Field("honeypot.connections", "Connections in the session.")]
    reason: Annotated[str | None, Field("event.reason", "`evicted`: the table was full; else absent.")] = None


class ConnectionOpen(Event, frozen=True, kw_only=True):
    """A TCP connection was accepted."""

    kind: ClassVar[Kind] = Kind("connection.open", ("network", "session"), ("connection", "start"), 10, recurs=True)


class ConnectionClose(Event, frozen=True, kw_only=True):
    """A TCP connection has ended. Its duration is the event's."""

    kind: ClassVar[Kind] = Kind("connection.close", ("network", "session"), ("connection", "end"), 10, recurs=True)
    reason: Annotated[
        str,
        Field(
            "event.reason",
            "How it ended: peer-fin, peer-reset, closed (by us), aborted (by us, with RST), timeout or shutdown.",
        ),
    ]
    bytes_in: Annotated[int, Field("source.bytes", "Bytes received.")]
    bytes_out: Annotated[int, Field("destination.bytes", "Bytes sent.")]
    pdus_in: Annotated[int | None, Field("dicom.pdus.received", "PDUs received.")] = None
    pdus_out: Annotated[int | None, Field("dicom.pdus.sent", "PDUs sent.")] = None
    rq_segments: Annotated[
        int | None,
        Field("dicom.client.segments", "Reads that the A-ASSOCIATE-RQ came in: TCP segments, or several at once."),
    ] = None
    after_ac: Annotated[
        str | None,
        Field(
            "dicom.client.after_ac",
            "What the peer did first on the accepted association: silent_fin, rst, abort, release or dimse.",
        ),
    ] = None


class ProtocolUnknown(Event, frozen=True, kw_only=True):
    """What came first on a connection is not the protocol of the door."""

    kind: ClassVar[Kind] = Kind("protocol.unknown", ("network", "intrusion_detection"), ("protocol", "info"), 20)
    guess: Annotated[str, Field("honeypot.protocol", "Likely protocol: http, tls, ssh, rdp, smb, ...; or unknown.")]
    first_bytes: Hex
    text: Annotated[str | None, Field("honeypot.first_line", "The first line, where the bytes are text.")] = None


# Associations


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


# DIMSE


class _Command(Event, frozen=True, kw_only=True):
    """What every DIMSE command has."""

    message_id: MessageId = None
    context_id: ContextId = None
    abstract_syntax: AbstractSyntax = None
    transfer_syntax: TransferSyntax = None


class _Query(_Command, frozen=True, kw_only=True):
    """A query or retrieval as asked for; what came of it is in the `.end` event with the same message ID."""

    priority: Priority = None
    level: Level = None
    keys: Keys = None
    wildcard: Wildcard = None
    bytes: Bytes = None


class _SubOperations(_Command, frozen=True, kw_only=True):
    """The end of a retrieval: the counters of its last response (PS3.4 C.4.2 and C.4.3)."""

    status: Status
    outcome: Outcome = None
    remaining: Annotated[int | None, Field("dicom.suboperations.remaining", "Sub-operations not done.")] = None
    completed: Annotated[int | None, Field("dicom.suboperations.completed", "Sub-operations completed.")] = None
    failed: Annotated[int | None, Field("dicom.suboperations.failed", "Sub-operations failed.")] = None
    warning: Annotated[int | None, Field("dicom.suboperations.warning", "Sub-operations with warnings.")] = None
    bytes: Bytes = None


class CEcho(_Command, frozen=True, kw_only=True):
    """C-ECHO, and its answer."""

    kind: ClassVar[Kind] = Kind("dicom.c-echo", ("network",), ("protocol", "info"), 20, recurs=True)
    status: Status = 0
    outcome: Outcome = "success"


class CFind(_Query, frozen=True, kw_only=True):
    """A C-FIND request."""

    kind: ClassVar[Kind] = Kind("dicom.c-find", ("network",), ("protocol", "access"), 40)


class CFindEnd(_Command, frozen=True, kw_only=True):
    """The last response to a C-FIND."""

    kind: ClassVar[Kind] = Kind("dicom.c-find.end", ("network",), ("protocol", "end"), 40)
    status: Status
    outcome: Outcome = None
    matches: Annotated[int, Field("dicom.query.matches", "Matches sent.")] = 0
    bytes: Bytes = None


class CGet(_Query, frozen=True, kw_only=True):
    """A C-GET request."""

    kind: ClassVar[Kind] = Kind("dicom.c-get", ("network",), ("protocol", "access"), 60)


class CGetEnd(_SubOperations, frozen=True, kw_only=True):
    """The last response to a C-GET."""

    kind: ClassVar[Kind] = Kind("dicom.c-get.end", ("network",), ("protocol", "end"), 60)


class CMove(_Query, frozen=True, kw_only=True):
    """A C-MOVE request. Nothing is ever sent to the destination."""

    kind: ClassVar[Kind] = Kind("dicom.c-move", ("network",), ("protocol", "access"), 60)
    destination: Annotated[str, Field("dicom.move.destination", "Move destination (0000,0600).")]


class CMoveEnd(_SubOperations, frozen=True, kw_only=True):
    """The last response to a C-MOVE."""

    kind: ClassVar[Kind] = Kind("dicom.c-move.end", ("network",), ("protocol", "end"), 60)


class CStore(_Command, frozen=True, kw_only=True):
    """An object was sent to us with C-STORE, and answered."""

    kind: ClassVar[Kind] = Kind("dicom.c-store", ("network", "file"), ("protocol", "creation"), 60)
    status: Status
    outcome: Outcome = None
    priority: Priority = None
    sop_class: SopClass = None
    sop_instance: SopInstance = None
    bytes: Bytes = None
    sha256: Sha256 = None
    originator: Annotated[str | None, Field("dicom.move.originator", "Move originator AE title (0000,1030).")] = None
    originator_id: Annotated[
        int | None, Field("dicom.move.originator_message_id", "Move originator message ID (0000,1031).")
    ] = None


class CCancel(_Command, frozen=True, kw_only=True):
    """C-CANCEL; `message_id` is the one of the operation to be cancelled."""

    kind: ClassVar[Kind] = Kind("dicom.c-cancel", ("network",), ("protocol", "info"), 20)
    running: Annotated[bool | None, Field("dicom.cancel.running", "Whether that operation was running.")] = None


class NCommand(_Command, frozen=True, kw_only=True):
    """A DIMSE-N command, one that the standard doesn't define, or one that isn't taken from everybody; its answer."""

    kind: ClassVar[Kind] = Kind("dicom.n-command", ("network",), ("protocol", "access"), 40)
    command: Annotated[int, Field("dicom.command.field", "Command field (0000,0100).", code)]
    name: Annotated[str | None, Field("dicom.command.name", "Name of the command, as in N-ACTION-RQ.")] = None
    sop_class: SopClass = None
    sop_instance: SopInstance = None
    type_id: Annotated[
        int | None, Field("dicom.command.type_id", "Event type ID (0000,1002) or action type ID (0000,1008).")
    ] = None
    keys: Keys = None
    bytes: Bytes = None
    status: Status = None
    outcome: Outcome = None


class _Normalized(_Command, frozen=True, kw_only=True):
    """What the commands of a DIMSE-N service have, and their answers."""

    sop_class: SopClass = None
    sop_instance: SopInstance = None
    keys: Keys = None
    bytes: Bytes = None
    status: Status = None
    outcome: Outcome = None


class _Step(_Normalized, frozen=True, kw_only=True):
    """What N-CREATE and N-SET of a modality performed procedure step say (PS3.4 annex F)."""

    step_status: Annotated[
        str | None, Field("dicom.step.status", "Performed Procedure Step Status (0040,0252) as sent.")
    ] = None


class NCreate(_Step, frozen=True, kw_only=True):
    """N-CREATE of a modality performed procedure step, and its answer."""

    kind: ClassVar[Kind] = Kind("dicom.n-create", ("network",), ("protocol", "creation"), 60)
    made: Annotated[
        bool | None, Field("dicom.step.uid_made", "Whether the SOP instance UID is ours, for want of one in it.")
    ] = None
    scheduled: Annotated[
        tuple[str, ...], Field("dicom.step.scheduled", "Entries of our worklist that it names: their step IDs.")
    ] = ()


class NSet(_Step, frozen=True, kw_only=True):
    """N-SET of a modality performed procedure step, and its answer."""

    kind: ClassVar[Kind] = Kind("dicom.n-set", ("network",), ("protocol", "change"), 60)


class NAction(_Normalized, frozen=True, kw_only=True):
    """N-ACTION that asks for storage commitment (PS3.4 annex J), and its answer. What comes of it is in
    `dicom.n-event-report` with the same transaction UID, where the persona tells it on the same association."""

    kind: ClassVar[Kind] = Kind("dicom.n-action", ("network",), ("protocol", "access"), 40)
    type_id: Annotated[int | None, Field("dicom.command.type_id", "Action type ID (0000,1008).")] = None
    transaction_uid: TransactionUid = None
    references: Annotated[int, Field("dicom.commitment.references", "Objects that it names.")] = 0


class NEventReport(_Normalized, frozen=True, kw_only=True):
    """N-EVENT-REPORT with the result of a storage commitment: ours, with the peer's answer, or the peer's, with ours.

    Ours is on record when it is answered, or will not be any more; without a status it wasn't answered.
    """

    kind: ClassVar[Kind] = Kind("dicom.n-event-report", ("network",), ("protocol", "info"), 40)
    by: Annotated[str, Field("dicom.commitment.by", "Whose it is: peer or sensor.")]
    type_id: Annotated[int | None, Field("dicom.command.type_id", "Event type ID (0000,1002).")] = None
    transaction_uid: TransactionUid = None
    committed: Annotated[int | None, Field("dicom.commitment.committed", "Objects that are kept.")] = None
    failed: Annotated[int | None, Field("dicom.commitment.failed", "Objects that are not.")] = None
    sent: Annotated[
        bool, Field("dicom.commitment.sent", "False: the association ended before, and nothing was sent.")
    ] = True


# The vault


class FileCaptured(Event, frozen=True, kw_only=True):
    """An object that a visitor sent is in the vault, or was already."""

    kind: ClassVar[Kind] = Kind("file.captured", ("file",), ("creation",), 60)
    sha256: Sha256
    size: Annotated[int, Field("file.size", "Bytes of the captured file, with preamble and meta header.")]
    mime_type: Annotated[str, Field("file.mime_type", "Type that it was sent as.")] = "application/dicom"
    name: Annotated[str | None, Field("file.name", "Path below the vault; absent: only hash and size are kept.")] = (
        None
    )
    new: Annotated[bool, Field("honeypot.capture.new", "False: the same file was there before.")] = True
    complete: Annotated[bool, Field("honeypot.capture.complete", "False: the transfer broke off.")] = True
    sop_class: SopClass = None
    sop_instance: SopInstance = None


class VaultDropped(Event, frozen=True, kw_only=True):
    """The oldest transcripts were removed to stay within the budget."""

    kind: ClassVar[Kind] = Kind("vault.dropped", ("file",), ("deletion",), 10)
    segments: Annotated[tuple[str, ...], Field("honeypot.dropped.segments", "Transcript segments removed.")]
    bytes: Annotated[int, Field("honeypot.dropped.bytes", "Bytes removed.")]


class VaultLimit(Event, frozen=True, kw_only=True):
    """Something was not kept because a limit was reached; for an object, its hash and size are known still."""

    kind: ClassVar[Kind] = Kind("vault.limit", ("file",), ("error",), 40)
    limit: Annotated[str, Field("honeypot.limit", "objects_mib, object_mib (see vault in the settings) or disk.")]
    what: Annotated[str, Field("honeypot.limited", "object or transcript.")]
    bytes: Annotated[int, Field("honeypot.dropped.bytes", "Bytes not kept.")]
    sha256: Sha256 = None
