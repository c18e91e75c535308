"""Fields that several event types have."""

from __future__ import annotations

from typing import Annotated

from ..fields import Field, code

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
