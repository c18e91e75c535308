"""The bytes of items and sub-items: ``encode_items(decode_items(x)) == x`` for all that the strict grammar takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct, pack
from typing import Any, TypeVar

from .errors import ProtocolError, Quirk
from .grammar import STRICT, Grammar, Layout
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

MAX_RELATED = 512
"""Related general SOP classes of one item; PS3.4 annex B knows fewer storage classes."""

_T = TypeVar("_T")
_ITEM_HEADER = Struct(">BBH")

_MAXIMUM_LENGTH = 0x51
_LENGTH_FIELD = 4
_WITH_PASSCODE = 2

_Decoder = Callable[["_Walk", bytes, int], Item | UserItem | ContextItem]
_Decoders = dict[int, _Decoder]


# Decoding: one small function for each item type, from the value and the reserved byte of the item.


class _Walk:
    """Goes through the items of one PDU and counts them.

    `fields_only` is set by a decoder for an item that ends behind its fields, whatever length it claims.
    """

    __slots__ = ("_left", "_siblings", "fields_only", "tables")

    def __init__(self, tables: _Tables) -> None:
        self._left = tables.grammar.most_items
        self._siblings = tables.grammar.most_siblings
        self.fields_only: int | None = None
        self.tables = tables

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
            if len(found) == self._siblings or not self._left:
                raise ProtocolError(Quirk.TOO_MANY_ITEMS, f"item {item_type:02X}H after {len(found)} others")
            self._left -= 1
            if length < _LENGTH_FIELD and item_type == _MAXIMUM_LENGTH:
                value = self._short_maximum_length(data, start, position)
            else:
                value = data[start:position]
            decode = decoders.get(item_type)
            item = UnknownItem(item_type, value, reserved) if decode is None else decode(self, value, reserved)
            if self.fields_only is not None:
                position, self.fields_only = start + self.fields_only, None
            found.append(item)
        return tuple(found)

    def _short_maximum_length(self, data: bytes, start: int, position: int) -> bytes:
        """The value of a 51H sub-item that claims less than its field."""
        if self.tables.grammar.maximum_length is not Layout.LENIENT:
            return data[start:position]
        return data[start : start + _LENGTH_FIELD]


def _text_item(kind: Callable[[str, int], _T], longest: int | None = None) -> Callable[[_Walk, bytes, int], _T]:
    def decode(_: _Walk, value: bytes, reserved: int) -> _T:
        if longest is not None and len(value) > longest:
            raise ProtocolError(Quirk.ITEM_LENGTH, f"{len(value)} bytes of text")
        return kind(value.decode("latin-1"), reserved)

    return decode


def _proposed_context(walk: _Walk, value: bytes, reserved: int) -> ProposedContext:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    context_id, fields = reader.u8(), reader.take(3)
    return ProposedContext(context_id, walk.sequence(reader.rest(), walk.tables.context), reserved, fields)


def _answered_context(walk: _Walk, value: bytes, reserved: int) -> AnsweredContext:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    context_id, first, result, second = reader.take(4)
    found = walk.sequence(reader.rest(), walk.tables.context)
    return AnsweredContext(context_id, result, found, reserved, bytes((first, second)))


def _answer_as_proposal(walk: _Walk, value: bytes, reserved: int) -> ProposedContext:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    context_id, fields = reader.u8(), reader.take(3)
    found = () if fields[1] else walk.sequence(reader.rest(), walk.tables.context)
    return ProposedContext(context_id, found, reserved, fields)


def _user_information(walk: _Walk, value: bytes, reserved: int) -> UserInformation:
    return UserInformation(walk.sequence(value, walk.tables.user), reserved)


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
        if len(uids) == MAX_RELATED:
            raise ProtocolError(Quirk.TOO_MANY_ITEMS, f"more than {MAX_RELATED} related general SOP classes")
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


def _lenient_maximum_length(_: _Walk, value: bytes, reserved: int) -> MaximumLength:
    return MaximumLength(Reader(value, Quirk.ITEM_LENGTH).u32(), reserved)


def _lenient_window(_: _Walk, value: bytes, reserved: int) -> AsynchronousOperationsWindow:
    reader = Reader(value, Quirk.ITEM_LENGTH)
    return AsynchronousOperationsWindow(reader.u16(), reader.u16(), reserved)


def _lenient_role_selection(longest: int | None) -> Callable[[_Walk, bytes, int], RoleSelection]:
    def decode(_: _Walk, value: bytes, reserved: int) -> RoleSelection:
        reader = Reader(value, Quirk.ITEM_LENGTH)
        length = reader.u16()
        if length + 2 > reader.remaining:
            raise ProtocolError(Quirk.ITEM_LENGTH, f"a UID of {length} bytes, {reader.remaining} left for all")
        if longest is not None:
            length = min(length, longest)
        return RoleSelection(reader.text(length), reader.u8(), reader.u8(), reserved)

    return decode


def _lenient_user_identity(layout: Layout) -> Callable[[_Walk, bytes, int], UserIdentityRequest]:
    def decode(walk: _Walk, value: bytes, reserved: int) -> UserIdentityRequest:
        reader = Reader(value, Quirk.ITEM_LENGTH)
        identity_type, positive = reader.u8(), reader.u8()
        primary, secondary = reader.take(reader.u16()), reader.take(reader.u16())
        if layout is Layout.REREAD:
            used = len(value) - reader.remaining
            walk.fields_only = used if identity_type == _WITH_PASSCODE else used - len(secondary)
        return UserIdentityRequest(identity_type, positive, primary, secondary, reserved)

    return decode


def _opaque(item_type: int, decode: _Decoder) -> _Decoder:
    """What `decode` makes of an item if it can, and the item as it is if it can't."""

    def decode_or_keep(walk: _Walk, value: bytes, reserved: int) -> Item | UserItem | ContextItem:
        try:
            return decode(walk, value, reserved)
        except ProtocolError:
            return UnknownItem(item_type, value, reserved)

    return decode_or_keep


def _by_layout(layout: Layout, item_type: int, strict: _Decoder, lenient: _Decoder) -> _Decoder:
    if layout is Layout.STRICT:
        return strict
    return _opaque(item_type, lenient) if layout is Layout.OPAQUE else lenient


class _Tables:
    """The decoders of one grammar, by item type."""

    __slots__ = ("context", "grammar", "outer", "user")

    def __init__(self, grammar: Grammar) -> None:
        longest = grammar.longest_text
        self.grammar = grammar
        self.context: _Decoders = {
            0x30: _text_item(AbstractSyntax, longest),
            0x40: _text_item(TransferSyntax, longest),
        }
        identity = _by_layout(
            grammar.user_identity, 0x58, _user_identity_request, _lenient_user_identity(grammar.user_identity)
        )
        self.user: _Decoders = {
            _MAXIMUM_LENGTH: _by_layout(
                grammar.maximum_length, _MAXIMUM_LENGTH, _maximum_length, _lenient_maximum_length
            ),
            0x52: _text_item(ImplementationClassUID, longest),
            0x53: _by_layout(grammar.asynchronous_operations, 0x53, _asynchronous_operations_window, _lenient_window),
            0x54: _by_layout(grammar.role_selection, 0x54, _role_selection, _lenient_role_selection(longest)),
            0x55: _text_item(ImplementationVersionName, longest),
            0x56: _extended_negotiation,
            0x57: _by_layout(
                grammar.common_extended, 0x57, _common_extended_negotiation, _common_extended_negotiation
            ),
            0x58: identity,
            0x59: identity if grammar.identity_responses_as_requests else _user_identity_response,
        }
        self.outer: _Decoders = {
            0x10: _text_item(ApplicationContext, longest),
            0x20: _proposed_context,
            0x21: _answer_as_proposal if grammar.answers_as_proposals else _answered_context,
            0x50: _user_information,
        }


@lru_cache(maxsize=16)
def _tables(grammar: Grammar) -> _Tables:
    return _Tables(grammar)


def decode_items(data: bytes, grammar: Grammar = STRICT) -> tuple[Item, ...]:
    """The variable items of an A-ASSOCIATE-RQ or -AC, in the order of the wire.

    Raises `ProtocolError` for lengths that don't add up as far as `grammar` minds, and for too many items.
    """
    tables = _tables(grammar)
    return _Walk(tables).sequence(data, tables.outer)


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
