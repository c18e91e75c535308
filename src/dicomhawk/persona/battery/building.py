"""Bytes to send: PDUs, items, commands and data sets, whole or wrong on purpose.

The upper layer's own codec writes nothing that is wrong, so everything here is put together from bytes: each
length can be told to lie. Sections are those of PS3.8, unless they say PS3.7 or PS3.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack

from ...upperlayer import dimse, pdu
from ...upperlayer.dimse import CommandField, Key, Value
from ...upperlayer.negotiation import DICOM_APPLICATION_CONTEXT
from .. import sopclasses

IMPLEMENTATION_CLASS_UID = "2.25.329800735698586629295641978511506172"
"""Who the recorder says it is; below no organisation's root (PS3.5 B.2)."""
IMPLEMENTATION_VERSION_NAME = "RECORDER_1"
MAXIMUM_LENGTH = 16384

IMPLICIT, EXPLICIT, DEFLATED, BIG = sopclasses.transfer_syntaxes(
    ("implicit-le", "explicit-le", "deflated", "explicit-be")
)
VERIFICATION = sopclasses.VERIFICATION
NOWHERE = "2.25.92871263498712634871263487126"
"""A UID that names nothing: neither a SOP class nor a transfer syntax, nor anybody's study."""
LAST, COMMAND = 2, 1
"""Bits of a message control header (E.2)."""
DATA_SET_FOLLOWS = 0x0001

RELEASE_RQ = pdu.encode(pdu.ReleaseRQ())
RELEASE_RP = pdu.encode(pdu.ReleaseRP())
ABORT = pdu.encode(pdu.Abort(0, 0))

Proposal = tuple[int, str | None, Sequence[str]]
"""A presentation context to propose: identifier, abstract syntax (None: left out), transfer syntaxes."""


def raw(text: str | bytes) -> bytes:
    """ISO 8859-1, as the upper layer reads it."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


def unit(kind: int, body: bytes, *, reserved: int = 0, length: int | None = None) -> bytes:
    """A PDU (9.3.1) of any type; `length`: what it claims."""
    return pack(">BBL", kind, reserved, len(body) if length is None else length) + body


def item(kind: int, body: str | bytes, *, reserved: int = 0, length: int | None = None) -> bytes:
    """An item or sub-item (9.3.2) of any type."""
    body = raw(body)
    return pack(">BBH", kind, reserved, len(body) if length is None else length) + body


def counted(text: str | bytes) -> bytes:
    """A value behind its length in two bytes."""
    return pack(">H", len(raw(text))) + raw(text)


APPLICATION_CONTEXT = item(0x10, DICOM_APPLICATION_CONTEXT)


def context(proposal: Proposal, *, reserved: bytes = bytes(3), item_reserved: int = 0) -> bytes:
    """A presentation context item (9.3.2.2)."""
    number, abstract, syntaxes = proposal
    parts = [] if abstract is None else [item(0x30, abstract, reserved=item_reserved)]
    parts += (item(0x40, syntax, reserved=item_reserved) for syntax in syntaxes)
    return item(0x20, bytes((number,)) + reserved + b"".join(parts), reserved=item_reserved)


def maximum_length(length: int) -> bytes:
    """D.1."""
    return item(0x51, pack(">L", length))


def role(sop_class: str, scu: int, scp: int) -> bytes:
    """PS3.7 D.3.3.4."""
    return item(0x54, counted(sop_class) + bytes((scu, scp)))


def window(invoked: int, performed: int) -> bytes:
    """PS3.7 D.3.3.3."""
    return item(0x53, pack(">HH", invoked, performed))


def extended(sop_class: str, information: bytes) -> bytes:
    """PS3.7 D.3.3.5."""
    return item(0x56, counted(sop_class) + information)


def common_extended(sop_class: str, service: str, related: Iterable[str]) -> bytes:
    """PS3.7 D.3.3.6."""
    return item(0x57, counted(sop_class) + counted(service) + counted(b"".join(map(counted, related))))


def identity(kind: int, respond: int, primary: bytes, secondary: bytes = b"") -> bytes:
    """PS3.7 D.3.3.7.1."""
    return item(0x58, bytes((kind, respond)) + counted(primary) + counted(secondary))


def user(
    *more: bytes,
    length: int | None = MAXIMUM_LENGTH,
    uid: str | None = IMPLEMENTATION_CLASS_UID,
    version: str | None = IMPLEMENTATION_VERSION_NAME,
) -> bytes:
    """A user information item (9.3.2.3) with `more` sub-items in it; None leaves one of the usual out."""
    parts = [] if length is None else [maximum_length(length)]
    parts += [] if uid is None else [item(0x52, uid)]
    parts += more
    parts += [] if version is None else [item(0x55, version)]
    return item(0x50, b"".join(parts))


def ae_title(title: str | bytes) -> bytes:
    """The 16 bytes of an AE title, padded with spaces."""
    return raw(title).ljust(16)[:16]


def associate(
    called: str | bytes,
    calling: str | bytes,
    items: bytes,
    *,
    kind: int = pdu.RQ,
    version: int = 1,
    reserved: int = 0,
    reserved_2: int = 0,
    reserved_3: bytes = bytes(32),
    length: int | None = None,
) -> bytes:
    """An A-ASSOCIATE-RQ (9.3.2), or -AC, with its variable items as they are given."""
    body = pack(">HH", version, reserved_2) + ae_title(called) + ae_title(calling) + reserved_3 + items
    return unit(kind, body, reserved=reserved, length=length)


def items(
    proposals: Iterable[Proposal], *, application: bytes = APPLICATION_CONTEXT, information: bytes | None = None
) -> bytes:
    """The variable items of an A-ASSOCIATE-RQ, in the usual order."""
    return application + b"".join(map(context, proposals)) + (user() if information is None else information)


def pdv(number: int, control: int, data: bytes, *, length: int | None = None) -> bytes:
    """A presentation data value item (9.3.5.1)."""
    return pack(">LBB", len(data) + 2 if length is None else length, number, control) + data


def p_data(*values: bytes) -> bytes:
    """A P-DATA-TF (9.3.5)."""
    return unit(pdu.P_DATA, b"".join(values))


def command(field: int, *, data_set: bool = False, **elements: Value) -> bytes:
    """A command set (PS3.7 6.3.1); `elements` by keyword, as in ``MessageID=1``."""
    found: dict[int, Value] = {
        Key.CommandField: field,
        Key.CommandDataSetType: DATA_SET_FOLLOWS if data_set else dimse.NO_DATA_SET,
    }
    found.update((Key[keyword], value) for keyword, value in elements.items())
    return dimse.encode(found)


def message(number: int, command_set: bytes, data: bytes | None = None) -> bytes:
    """A DIMSE message: a P-DATA-TF for the command and one for the data set."""
    head = p_data(pdv(number, COMMAND | LAST, command_set))
    return head if data is None else head + p_data(pdv(number, LAST, data))


def echo_command(message_id: int = 1, **more: Value) -> bytes:
    """The command set of a C-ECHO-RQ (PS3.7 9.3.5)."""
    usual: dict[str, Value] = {"AffectedSOPClassUID": VERIFICATION, "MessageID": message_id}
    return command(CommandField.C_ECHO_RQ, data_set=False, **(usual | more))


def echo(number: int = 1, message_id: int = 1) -> bytes:
    """A C-ECHO-RQ."""
    return message(number, echo_command(message_id))
