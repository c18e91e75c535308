"""Items and sub-items of the association PDUs (PS3.8 section 9.3.2, 9.3.3 and annex D; PS3.7 annex D.3.3).

Each is a frozen dataclass with exactly the fields of the wire, its reserved byte included, so that
``encode(decode(x)) == x`` for every item. UIDs and names are kept as sent (ISO 8859-1, padding and all);
`trimmed` gives the form to compare. What no class here describes is kept as an `UnknownItem`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import pack
from typing import Any

from .errors import ProtocolError, Quirk
from .reader import Reader

MAX_ITEMS = 512
"""Items at one level: 128 contexts, each with a role and an extended negotiation, and some more."""


def trimmed(text: str) -> str:
    """`text` without the padding that PS3.5 allows: trailing NULs, spaces on both sides."""
    return text.strip("\0 ")


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of a type that the standard doesn't define here."""

    item_type: int
    data: bytes
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ApplicationContext:
    """Application Context Item, 10H (PS3.8 9.3.2.1)."""

    name: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """Presentation Context Item of an A-ASSOCIATE-RQ, 20H (PS3.8 9.3.2.2)."""

    context_id: int
    items: tuple[AbstractSyntax | TransferSyntax | UnknownItem, ...]
    reserved: int = 0
    reserved_fields: bytes = b"\0\0\0"

    @property
    def abstract_syntax(self) -> str:
        """The (first) abstract syntax, trimmed; empty if there is none."""
        return next((trimmed(i.uid) for i in self.items if isinstance(i, AbstractSyntax)), "")

    @property
    def transfer_syntaxes(self) -> tuple[str, ...]:
        """The transfer syntaxes, trimmed, in the order proposed."""
        return tuple(trimmed(i.uid) for i in self.items if isinstance(i, TransferSyntax))


@dataclass(frozen=True, slots=True)
class AnsweredContext:
    """Presentation Context Item of an A-ASSOCIATE-AC, 21H (PS3.8 9.3.3.2).

    `result`: 0 acceptance, 1 user-rejection, 2 no-reason, 3 abstract-syntax-not-supported,
    4 transfer-syntaxes-not-supported.
    """

    context_id: int
    result: int
    items: tuple[AbstractSyntax | TransferSyntax | UnknownItem, ...]
    reserved: int = 0
    reserved_fields: bytes = b"\0\0"

    @property
    def transfer_syntax(self) -> str:
        """The transfer syntax, trimmed; without significance unless `result` is 0."""
        return next((trimmed(i.uid) for i in self.items if isinstance(i, TransferSyntax)), "")


@dataclass(frozen=True, slots=True)
class AbstractSyntax:
    """Abstract Syntax Sub-Item, 30H (PS3.8 9.3.2.2.1)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """Transfer Syntax Sub-Item, 40H (PS3.8 9.3.2.2.2)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class UserInformation:
    """User Information Item, 50H (PS3.8 9.3.2.3)."""

    items: tuple[UserItem, ...]
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """Maximum Length Sub-Item, 51H (PS3.8 D.1): longest P-DATA-TF that the sender receives; 0 is no limit."""

    length: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ImplementationClassUID:
    """Implementation Class UID Sub-Item, 52H (PS3.7 D.3.3.2.1)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class AsynchronousOperationsWindow:
    """Asynchronous Operations Window Sub-Item, 53H (PS3.7 D.3.3.3); 0 is no limit."""

    invoked: int
    performed: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU Role Selection Sub-Item, 54H (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: int
    scp: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ImplementationVersionName:
    """Implementation Version Name Sub-Item, 55H (PS3.7 D.3.3.2.3)."""

    name: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP Class Extended Negotiation Sub-Item, 56H (PS3.7 D.3.3.5)."""

    sop_class_uid: str
    application_information: bytes
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP Class Common Extended Negotiation Sub-Item, 57H (PS3.7 D.3.3.6)."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...]
    extension: bytes = b""
    version: int = 0


@dataclass(frozen=True, slots=True)
class UserIdentityRequest:
    """User Identity Sub-Item of an A-ASSOCIATE-RQ, 58H (PS3.7 D.3.3.7.1).

    `identity_type`: 1 username, 2 username and passcode, 3 Kerberos, 4 SAML, 5 JSON Web Token.
    """

    identity_type: int
    positive_response_requested: int
    primary: bytes
    secondary: bytes = b""
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class UserIdentityResponse:
    """User Identity Sub-Item of an A-ASSOCIATE-AC, 59H (PS3.7 D.3.3.7.2)."""

    server_response: bytes
    reserved: int = 0


UserItem = (
    MaximumLength
    | ImplementationClassUID
    | AsynchronousOperationsWindow
    | RoleSelection
    | ImplementationVersionName
    | ExtendedNegotiation
    | CommonExtendedNegotiation
    | UserIdentityRequest
    | UserIdentityResponse
    | UnknownItem
)
ContextItem = AbstractSyntax | TransferSyntax | UnknownItem
Item = ApplicationContext | ProposedContext | AnsweredContext | UserInformation | UnknownItem


# Decoding: one small function for each item type. Each gets a reader of the item's value, and the reserved byte.


def _context_items(reader: Reader) -> tuple[ContextItem, ...]:
    return _sequence(reader, _CONTEXT_ITEMS)


def _proposed_context(reader: Reader, reserved: int) -> ProposedContext:
    context_id, fields = reader.u8(), reader.take(3)
    return ProposedContext(context_id, _context_items(reader), reserved, fields)


def _answered_context(reader: Reader, reserved: int) -> AnsweredContext:
    context_id, first, result, second = reader.take(4)
    return AnsweredContext(context_id, result, _context_items(reader), reserved, bytes((first, second)))


def _role_selection(reader: Reader, reserved: int) -> RoleSelection:
    return RoleSelection(reader.text(reader.u16()), reader.u8(), reader.u8(), reserved)


def _extended_negotiation(reader: Reader, reserved: int) -> ExtendedNegotiation:
    return ExtendedNegotiation(reader.text(reader.u16()), reader.rest(), reserved)


def _common_extended_negotiation(reader: Reader, version: int) -> CommonExtendedNegotiation:
    sop_class, service_class = reader.text(reader.u16()), reader.text(reader.u16())
    related = reader.nested(reader.u16(), Quirk.ITEM_LENGTH)
    uids = []
    while related.remaining:
        uids.append(related.text(related.u16()))
    return CommonExtendedNegotiation(sop_class, service_class, tuple(uids), reader.rest(), version)


def _user_identity_request(reader: Reader, reserved: int) -> UserIdentityRequest:
    identity_type, positive = reader.u8(), reader.u8()
    return UserIdentityRequest(
        identity_type, positive, reader.take(reader.u16()), reader.take(reader.u16()), reserved
    )


def _user_identity_response(reader: Reader, reserved: int) -> UserIdentityResponse:
    return UserIdentityResponse(reader.take(reader.u16()), reserved)


_Decoders = dict[int, Callable[[Reader, int], "Item | UserItem | ContextItem"]]

_CONTEXT_ITEMS: _Decoders = {
    0x30: lambda reader, reserved: AbstractSyntax(reader.text(reader.remaining), reserved),
    0x40: lambda reader, reserved: TransferSyntax(reader.text(reader.remaining), reserved),
}
_USER_ITEMS: _Decoders = {
    0x51: lambda reader, reserved: MaximumLength(reader.u32(), reserved),
    0x52: lambda reader, reserved: ImplementationClassUID(reader.text(reader.remaining), reserved),
    0x53: lambda reader, reserved: AsynchronousOperationsWindow(reader.u16(), reader.u16(), reserved),
    0x54: _role_selection,
    0x55: lambda reader, reserved: ImplementationVersionName(reader.text(reader.remaining), reserved),
    0x56: _extended_negotiation,
    0x57: _common_extended_negotiation,
    0x58: _user_identity_request,
    0x59: _user_identity_response,
}
_ITEMS: _Decoders = {
    0x10: lambda reader, reserved: ApplicationContext(reader.text(reader.remaining), reserved),
    0x20: _proposed_context,
    0x21: _answered_context,
    0x50: lambda reader, reserved: UserInformation(_sequence(reader, _USER_ITEMS), reserved),
}


def _sequence(reader: Reader, decoders: _Decoders) -> tuple[Any, ...]:
    found: list[Any] = []
    while reader.remaining:
        if len(found) == MAX_ITEMS:
            raise ProtocolError(Quirk.TOO_MANY_ITEMS, f"more than {MAX_ITEMS} items at one level")
        item_type, reserved, length = reader.u8(), reader.u8(), reader.u16()
        value = reader.nested(length, Quirk.ITEM_LENGTH)
        decode = decoders.get(item_type)
        if decode is None:
            found.append(UnknownItem(item_type, value.rest(), reserved))
        else:
            found.append(decode(value, reserved))
            value.finish()
    return tuple(found)


def decode_items(reader: Reader) -> tuple[Item, ...]:
    """The variable items of an A-ASSOCIATE-RQ or -AC, in the order of the wire.

    Raises `ProtocolError` for lengths that don't add up.
    """
    return _sequence(reader, _ITEMS)


# Encoding


def _text(value: str) -> bytes:
    return value.encode("latin-1", "replace")


def _counted(value: bytes) -> bytes:
    return pack(">H", len(value)) + value


def _body(item: Item | UserItem | ContextItem) -> tuple[int, int, bytes]:
    """Type, reserved byte and value of an item."""
    match item:
        case UnknownItem(item_type, data, reserved):
            return item_type, reserved, data
        case ApplicationContext(name, reserved):
            return 0x10, reserved, _text(name)
        case ProposedContext(context_id, items, reserved, fields):
            return 0x20, reserved, bytes((context_id,)) + fields + encode_items(items)
        case AnsweredContext(context_id, result, items, reserved, fields):
            head = bytes((context_id, fields[0], result, fields[1]))
            return 0x21, reserved, head + encode_items(items)
        case AbstractSyntax(uid, reserved):
            return 0x30, reserved, _text(uid)
        case TransferSyntax(uid, reserved):
            return 0x40, reserved, _text(uid)
        case UserInformation(user_items, reserved):
            return 0x50, reserved, encode_items(user_items)
        case MaximumLength(length, reserved):
            return 0x51, reserved, pack(">L", length)
        case ImplementationClassUID(uid, reserved):
            return 0x52, reserved, _text(uid)
        case AsynchronousOperationsWindow(invoked, performed, reserved):
            return 0x53, reserved, pack(">HH", invoked, performed)
        case RoleSelection(uid, scu, scp, reserved):
            return 0x54, reserved, _counted(_text(uid)) + bytes((scu, scp))
        case ImplementationVersionName(name, reserved):
            return 0x55, reserved, _text(name)
        case ExtendedNegotiation(uid, information, reserved):
            return 0x56, reserved, _counted(_text(uid)) + information
        case CommonExtendedNegotiation(uid, service, related, extension, version):
            uids = b"".join(_counted(_text(general)) for general in related)
            value = _counted(_text(uid)) + _counted(_text(service)) + _counted(uids) + extension
            return 0x57, version, value
        case UserIdentityRequest(identity_type, positive, primary, secondary, reserved):
            head = bytes((identity_type, positive))
            return 0x58, reserved, head + _counted(primary) + _counted(secondary)
        case UserIdentityResponse(response, reserved):
            return 0x59, reserved, _counted(response)


def encode_items(items: tuple[Item | UserItem | ContextItem, ...]) -> bytes:
    """The bytes of the items, one after the other."""
    parts = []
    for item in items:
        item_type, reserved, value = _body(item)
        parts.append(pack(">BBH", item_type, reserved, len(value)) + value)
    return b"".join(parts)
