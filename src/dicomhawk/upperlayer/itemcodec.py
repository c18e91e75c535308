"""The bytes of items and sub-items: ``encode_items(decode_items(x)) == x`` for all that it takes."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, pack
from typing import Any, TypeVar

from .errors import ProtocolError, Quirk
from .items import (
    AbstractSyntax,
    AnsweredContext,
    ApplicationContext,
    AsynchronousOperationsWindow,
    CommonExtendedNegotiation,
    ContextItem,
    ExtendedNegotiation,
    ImplementationClassUID,
    ImplementationVersionName,
    Item,
    MaximumLength,
    ProposedContext,
    RoleSelection,
    TransferSyntax,
    UnknownItem,
    UserIdentityRequest,
    UserIdentityResponse,
    UserInformation,
    UserItem,
)
from .reader import Reader

MAX_ITEMS = 512
"""Items at one level: 128 contexts, each with a role and an extended negotiation, and some more."""
MAX_ITEMS_IN_ALL = 4096
"""Items of a PDU: 128 contexts with 30 transfer syntaxes each. 64 KiB could hold four times as many."""

_T = TypeVar("_T")
_ITEM_HEADER = Struct(">BBH")

_Decoders = dict[int, Callable[["_Walk", bytes, int], Item | UserItem | ContextItem]]


# Decoding: one small function for each item type, from the value and the reserved byte of the item.


class _Walk:
    """Goes through the items of one PDU and counts them."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_ITEMS_IN_ALL

    def sequence(self, data: bytes, decoders: _Decoders) -> tuple[Any, ...]:
        """The items, one after the other, that fill `data`."""
        found: list[Any] = []
        position, end = 0, len(data)
        while position < end:
            start = position + _ITEM_HEADER.size
            if start > end:
                raise ProtocolError(Quirk.ITEM_OVERRUN, f"{end - position} bytes left for an item header")
            item_type, reserved, length = _ITEM_HEADER.unpack_from(data, position)
            position = start + length
            if position > end:
                detail = f"item {item_type:02X}H claims {length} bytes, {end - start} left"
                raise ProtocolError(Quirk.ITEM_OVERRUN, detail)
            if len(found) == MAX_ITEMS or not self._left:
                raise ProtocolError(Quirk.TOO_MANY_ITEMS, f"item {item_type:02X}H after {len(found)} others")
            self._left -= 1
            value = data[start:position]
            decode = decoders.get(item_type)
            item = UnknownItem(item_type, value, reserved) if decode is None else decode(self, value, reserved)
            found.append(item)
        return tuple(found)


def _text_item(kind: Callable[[str, int], _T]) -> Callable[[_Walk, bytes, int], _T]:
    return lambda _, value, reserved: kind(value.decode("latin-1"), reserved)


def _proposed_context(walk: _Walk, value: bytes, reserved: int) -> ProposedContext:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    context_id, fields = reader.u8(), reader.take(3)
    return ProposedContext(context_id, walk.sequence(reader.rest(), _CONTEXT_ITEMS), reserved, fields)


def _answered_context(walk: _Walk, value: bytes, reserved: int) -> AnsweredContext:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    context_id, first, result, second = reader.take(4)
    found = walk.sequence(reader.rest(), _CONTEXT_ITEMS)
    return AnsweredContext(context_id, result, found, reserved, bytes((first, second)))


def _user_information(walk: _Walk, value: bytes, reserved: int) -> UserInformation:
    return UserInformation(walk.sequence(value, _USER_ITEMS), reserved)


def _maximum_length(_: _Walk, value: bytes, reserved: int) -> MaximumLength:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    item = MaximumLength(reader.u32(), reserved)
    reader.finish()
    return item


def _asynchronous_operations_window(_: _Walk, value: bytes, reserved: int) -> AsynchronousOperationsWindow:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    item = AsynchronousOperationsWindow(reader.u16(), reader.u16(), reserved)
    reader.finish()
    return item


def _role_selection(_: _Walk, value: bytes, reserved: int) -> RoleSelection:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    item = RoleSelection(reader.text(reader.u16()), reader.u8(), reader.u8(), reserved)
    reader.finish()
    return item


def _extended_negotiation(_: _Walk, value: bytes, reserved: int) -> ExtendedNegotiation:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    return ExtendedNegotiation(reader.text(reader.u16()), reader.rest(), reserved)


def _common_extended_negotiation(_: _Walk, value: bytes, version: int) -> CommonExtendedNegotiation:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    sop_class, service_class = reader.text(reader.u16()), reader.text(reader.u16())
    related = Reader(reader.take(reader.u16()), Quirk.ITEM_LENGTH)
    uids: list[str] = []
    while related.remaining:
        if len(uids) == MAX_ITEMS:
            raise ProtocolError(Quirk.TOO_MANY_ITEMS, f"more than {MAX_ITEMS} related general SOP classes")
        uids.append(related.text(related.u16()))
    return CommonExtendedNegotiation(sop_class, service_class, tuple(uids), reader.rest(), version)


def _user_identity_request(_: _Walk, value: bytes, reserved: int) -> UserIdentityRequest:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    identity_type, positive = reader.u8(), reader.u8()
    primary, secondary = reader.take(reader.u16()), reader.take(reader.u16())
    reader.finish()
    return UserIdentityRequest(identity_type, positive, primary, secondary, reserved)


def _user_identity_response(_: _Walk, value: bytes, reserved: int) -> UserIdentityResponse:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    item = UserIdentityResponse(reader.take(reader.u16()), reserved)
    reader.finish()
    return item


_CONTEXT_ITEMS: _Decoders = {
    0x30: _text_item(AbstractSyntax),
    0x40: _text_item(TransferSyntax),
}
_USER_ITEMS: _Decoders = {
    0x51: _maximum_length,
    0x52: _text_item(ImplementationClassUID),
    0x53: _asynchronous_operations_window,
    0x54: _role_selection,
    0x55: _text_item(ImplementationVersionName),
    0x56: _extended_negotiation,
    0x57: _common_extended_negotiation,
    0x58: _user_identity_request,
    0x59: _user_identity_response,
}
_ITEMS: _Decoders = {
    0x10: _text_item(ApplicationContext),
    0x20: _proposed_context,
    0x21: _answered_context,
    0x50: _user_information,
}


def decode_items(data: bytes) -> tuple[Item, ...]:
    """The variable items of an A-ASSOCIATE-RQ or -AC, in the order of the wire.

    Raises `ProtocolError` for lengths that don't add up, and for too many items.
    """
    return _Walk().sequence(data, _ITEMS)


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
        parts.append(_ITEM_HEADER.pack(item_type, reserved, len(value)) + value)
    return b"".join(parts)
