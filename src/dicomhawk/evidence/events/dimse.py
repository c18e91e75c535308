"""DIMSE commands, and what came of them (PS3.7, PS3.4)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind, code
from .common import (
    AbstractSyntax,
    Bytes,
    ContextId,
    Keys,
    Level,
    MessageId,
    Outcome,
    Priority,
    Sha256,
    SopClass,
    SopInstance,
    Status,
    TransactionUid,
    TransferSyntax,
    Wildcard,
)


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
    destination: Annotated[
        str | None, Field("dicom.move.destination", "Move destination (0000,0600) of a refused C-MOVE.")
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
