"""What can be wrong with bytes from a peer: one exception, and a name for each quirk."""

from __future__ import annotations

from enum import Enum


class Quirk(Enum):
    """A way in which input departs from PS3.8 and PS3.7. A dialect answers each in its own manner."""

    UNKNOWN_PDU = "unknown-pdu"
    """A PDU type outside 1..7: most often not DICOM at all."""
    PDU_TOO_LONG = "pdu-too-long"
    """A PDU that claims more bytes than its type may have here."""
    PDU_LENGTH = "pdu-length"
    """A PDU of a fixed layout that claims another length, or ends within its fixed fields."""
    ITEM_OVERRUN = "item-overrun"
    """An item or sub-item that claims more bytes than hold it."""
    ITEM_LENGTH = "item-length"
    """An item of a fixed layout with another length, or one whose inner lengths don't add up."""
    TOO_MANY_ITEMS = "too-many-items"
    PDV_LENGTH = "pdv-length"
    """A presentation data value whose length leaves its PDU, or is too short for its own header."""
    PDV_CONTEXT = "pdv-context"
    """A presentation data value on a context that was not accepted, or not the message's."""
    PDV_ORDER = "pdv-order"
    """Data set fragments before their command, or a command within a data set."""
    PDV_ODD = "pdv-odd"
    """A fragment of an odd length, where the product takes none."""
    COMMAND_TOO_LONG = "command-too-long"
    COMMAND_SET = "command-set"
    """A command set that isn't Implicit VR Little Endian elements of group 0000."""
    COMMAND_REFUSED = "command-refused"
    """A command that the service user won't have: not from this peer, not here, or not at all."""
    DATA_SET = "data-set"
    """A data set that can't be read in its transfer syntax."""
    COMMAND_ELEMENT = "command-element"
    """A command set that lacks an element, or has one that the product doesn't take."""
    PEER_MAXIMUM = "peer-maximum"
    """A maximum length announced that is too short to send anything within."""
    UNEXPECTED_PDU = "unexpected-pdu"
    """A valid PDU that the state machine does not allow now."""
    UNANSWERED = "unanswered"
    """An A-ASSOCIATE-RQ that can be understood, and that the product neither accepts nor rejects."""
    TIMEOUT = "timeout"
    """The peer took too long."""
    PARTIAL_HEADER = "partial-header"
    """The peer took too long within the six header bytes of a PDU, or closed its side there."""
    CUT_HEADER = "cut-header"
    """Only part of a PDU's six header bytes was there when the service user, at work, looked for a command."""
    PARTIAL_PDU = "partial-pdu"
    """The peer took too long within the body of a PDU, or closed its side there."""


class ProtocolError(Exception):
    """Input that can't be understood; `quirk` says how, `detail` where."""

    def __init__(self, quirk: Quirk, detail: str) -> None:
        super().__init__(f"{quirk.value}: {detail}")
        self.quirk = quirk
        self.detail = detail
