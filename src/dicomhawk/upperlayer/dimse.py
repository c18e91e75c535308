"""DIMSE command sets (PS3.7 sections 9.3, 10.3 and annex E): Implicit VR Little Endian, group 0000.

A `Command` is a mapping from the standard's element keywords to values; `decode` keeps the order of the wire
and every element, known or not, and `encode` writes the elements in the order given (ascending, by default),
because products differ in it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from struct import Struct, iter_unpack, pack

from .errors import ProtocolError, Quirk
from .rules import STANDARD, Rules
from .sequences import DELIMITERS, UNDEFINED, behind_sequence

MAX_COMMAND_SET = 1 << 20
"""Longest command set. Real ones have some 150 bytes, an N-GET may list hundreds of attributes; products take any."""
MAX_ELEMENTS = 20_000
"""Elements of a command set: the standard has 31 and 14 retired ones, but a product may count none."""
MAX_KEPT = 256
"""Elements of a command set that are kept, beyond those that the standard has."""
NO_DATA_SET = 0x0101
"""Command Data Set Type that says: no data set follows. Any other value says that one does."""
_WHITE_SPACE = b" \t\n\v\f\r"

_HEADER = Struct("<HHL")
_US_ELEMENT = Struct("<HHLH")
_GROUP_LENGTH = Struct("<HHLL")


class CommandField(IntEnum):
    """(0000,0100), PS3.7 E.1-1."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF

    @property
    def label(self) -> str:
        """The standard's way to write it, as in C-STORE-RQ."""
        return self.name.replace("_", "-")


RESPONSE_BIT = 0x8000
_FIELDS = {int(field): field for field in CommandField}


class Key(IntEnum):
    """Element numbers of group 0000, by the standard's keywords (PS3.7 E.1-1, E.2-1)."""

    CommandGroupLength = 0x0000
    AffectedSOPClassUID = 0x0002
    RequestedSOPClassUID = 0x0003
    CommandField = 0x0100
    MessageID = 0x0110
    MessageIDBeingRespondedTo = 0x0120
    MoveDestination = 0x0600
    Priority = 0x0700
    CommandDataSetType = 0x0800
    Status = 0x0900
    OffendingElement = 0x0901
    ErrorComment = 0x0902
    ErrorID = 0x0903
    AffectedSOPInstanceUID = 0x1000
    RequestedSOPInstanceUID = 0x1001
    EventTypeID = 0x1002
    AttributeIdentifierList = 0x1005
    ActionTypeID = 0x1008
    NumberOfRemainingSuboperations = 0x1020
    NumberOfCompletedSuboperations = 0x1021
    NumberOfFailedSuboperations = 0x1022
    NumberOfWarningSuboperations = 0x1023
    MoveOriginatorApplicationEntityTitle = 0x1030
    MoveOriginatorMessageID = 0x1031


_KEYS = {int(key): key for key in Key}
_US = frozenset(
    {
        Key.CommandField,
        Key.MessageID,
        Key.MessageIDBeingRespondedTo,
        Key.Priority,
        Key.CommandDataSetType,
        Key.Status,
        Key.ErrorID,
        Key.EventTypeID,
        Key.ActionTypeID,
        Key.NumberOfRemainingSuboperations,
        Key.NumberOfCompletedSuboperations,
        Key.NumberOfFailedSuboperations,
        Key.NumberOfWarningSuboperations,
        Key.MoveOriginatorMessageID,
    }
)
_AT = frozenset({Key.OffendingElement, Key.AttributeIdentifierList})
_TEXT = frozenset({Key.MoveDestination, Key.MoveOriginatorApplicationEntityTitle, Key.ErrorComment})
_UI = frozenset(
    {
        Key.AffectedSOPClassUID,
        Key.RequestedSOPClassUID,
        Key.AffectedSOPInstanceUID,
        Key.RequestedSOPInstanceUID,
    }
)

# Looking a member up in its class costs more than all else that is done with an element.
_REQUESTS_AN_INSTANCE = frozenset(
    map(
        int,
        (CommandField.N_GET_RQ, CommandField.N_SET_RQ, CommandField.N_ACTION_RQ, CommandField.N_DELETE_RQ),
    )
)
_GROUP_LENGTH_KEY: int = Key.CommandGroupLength.value
_AFFECTED_SOP_CLASS_UID: int = Key.AffectedSOPClassUID.value
_REQUESTED_SOP_CLASS_UID: int = Key.RequestedSOPClassUID.value
_COMMAND_FIELD: int = Key.CommandField.value
_MESSAGE_ID: int = Key.MessageID.value
_RESPONDED_TO: int = Key.MessageIDBeingRespondedTo.value
_DATA_SET_TYPE: int = Key.CommandDataSetType.value
_STATUS: int = Key.Status.value

Value = int | str | tuple[int, ...] | bytes


class Command:
    """One command set. `elements` maps element numbers to values, in the order of the wire; the last counts
    of an element that is there more than once. Of elements that the standard doesn't have, some hundred are there.

    US elements are int, UI/AE/LO ones str (trimmed), AT ones tuples of ``0xGGGGEEEE``; everything else, and
    every element whose length doesn't fit its VR, stays bytes.
    """

    __slots__ = ("command_field", "elements", "has_data_set", "message_id")

    def __init__(self, elements: Mapping[int, Value]) -> None:
        self.elements = elements
        field = elements.get(_COMMAND_FIELD)
        self.command_field = field if isinstance(field, int) else -1
        self.has_data_set = elements.get(_DATA_SET_TYPE) != NO_DATA_SET
        message_id = elements.get(_MESSAGE_ID)
        self.message_id = message_id if isinstance(message_id, int) else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Command) and list(self.elements.items()) == list(other.elements.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inner = ", ".join(f"{_KEYS[k].name if k in _KEYS else hex(k)}={v!r}" for k, v in self.elements.items())
        return f"Command({inner})"

    @property
    def name(self) -> str:
        """As in C-FIND-RQ; ``0x1234`` for a command field that the standard doesn't have."""
        field = _FIELDS.get(self.command_field)
        return field.label if field is not None else f"{self.command_field:#06x}"

    def number(self, key: int, default: int = 0) -> int:
        """An element of VR US; `default` if it is absent or not an integer."""
        value = self.elements.get(key)
        return value if isinstance(value, int) else default

    def text(self, key: int) -> str:
        """An element of VR UI, AE or LO; empty if it is absent or not text."""
        value = self.elements.get(key)
        return value if isinstance(value, str) else ""

    @property
    def sop_class_uid(self) -> str:
        """Affected or, in DIMSE-N requests, Requested SOP Class UID; the other one where that is missing."""
        affected = self.text(_AFFECTED_SOP_CLASS_UID)
        if affected and self.command_field not in _REQUESTS_AN_INSTANCE:
            return affected
        return self.text(_REQUESTED_SOP_CLASS_UID) or affected

    @property
    def sop_instance_uid(self) -> str:
        """Affected or Requested SOP Instance UID, as `sop_class_uid`."""
        affected = self.text(Key.AffectedSOPInstanceUID)
        if affected and self.command_field not in _REQUESTS_AN_INSTANCE:
            return affected
        return self.text(Key.RequestedSOPInstanceUID) or affected

    @property
    def status(self) -> int:
        """Status of a response; -1 if absent."""
        return self.number(_STATUS, -1)


def decode(data: bytes, rules: Rules = STANDARD) -> Command:
    """A command set from its bytes. Raises `ProtocolError` with `Quirk.COMMAND_SET` or `COMMAND_ELEMENT`."""
    size = len(data)
    if _SHORTEST_REMEMBERED < size <= _LONGEST_REMEMBERED:
        # Most are what the peer sent before with another message ID: C-ECHO, and queries.
        at = _MESSAGE_ID_AFTER_UID + data[_UID_LENGTH_AT]
        if data[at - _HEADER.size : at] == _MESSAGE_ID_HEADER and at + 2 <= size:
            known = _remembered(data[:at], data[at + 2 :], rules)
            if known is not None:
                return Command({**known, _MESSAGE_ID: data[at] | data[at + 1] << 8})
    return Command(_elements(data, rules))


_LONGEST_REMEMBERED = 100
"""Bytes. Those that name an instance are longer, and never the same again."""
_SHORTEST_REMEMBERED = 40
_UID_LENGTH_AT = 16  # in (0000,0002) after (0000,0000)
_MESSAGE_ID_AFTER_UID = 12 + _HEADER.size + 10 + _HEADER.size  # its value: there is (0000,0100) between
_MESSAGE_ID_HEADER = _HEADER.pack(0, _MESSAGE_ID, 2)
_EXAMPLES = 0x1234, 0x4321  # as part of the header of an element, either would be refused


@lru_cache(maxsize=64)
def _remembered(before: bytes, after: bytes, rules: Rules) -> dict[int, Value] | None:
    """The elements of a command set whose message ID is between `before` and `after`; None if it is not."""
    try:
        one, other = (_elements(before + number.to_bytes(2, "little") + after, rules) for number in _EXAMPLES)
    except ProtocolError:
        return None
    # They differ in more if what looks like a message ID is within another element, or there is a second one.
    alike = list(other.items()) == list({**one, _MESSAGE_ID: _EXAMPLES[1]}.items())
    return one if alike and one.get(_MESSAGE_ID) == _EXAMPLES[0] else None


def _elements(data: bytes, rules: Rules) -> dict[int, Value]:
    elements: dict[int, Value] = {}
    count, position, end = 0, 0, len(data)
    too_long = set()
    while position < end:
        start = position + _HEADER.size
        if start > end and rules.short_tail:
            break
        if start > end or count == MAX_ELEMENTS:
            raise ProtocolError(Quirk.COMMAND_SET, f"{end - position} bytes after element {count}")
        count += 1
        group, number, length = _HEADER.unpack_from(data, position)
        if group != 0 and (group == DELIMITERS or not rules.any_group):
            raise ProtocolError(Quirk.COMMAND_SET, f"an element of group {group:04x}")
        if start == end and length and rules.short_tail:
            break
        if length == UNDEFINED and rules.open_end and (group or number not in _KEYS):
            position = behind_sequence(data, start)
            continue
        position = start + length
        if position > end:
            raise ProtocolError(Quirk.COMMAND_SET, f"element {number:04x} claims {length} bytes")
        if group != 0 or (rules.first_counts and number in elements):
            continue
        if number not in _KEYS and len(elements) >= MAX_KEPT:
            continue
        if number in rules.longest and length > rules.longest[number]:
            too_long.add(number)
        if number in _US and (length == 2 or (rules.long_numbers and length)):
            elements[number] = data[start] | (data[start + 1] << 8 if length > 1 else 0)
        elif rules.c_strings and number in _UI:
            uid = data[start:position].translate(None, _WHITE_SPACE)
            elements[number] = uid.partition(b"\0")[0].decode("latin-1")
        elif rules.c_strings and number in _TEXT:
            elements[number] = data[start:position].partition(b"\0")[0].decode("latin-1").strip(" ")
        elif number in _UI:
            elements[number] = data[start:position].decode("latin-1").rstrip("\0 ")
        else:
            elements[number] = _value(number, data[start:position])
    field = elements.get(_COMMAND_FIELD)
    if not isinstance(field, int):
        raise ProtocolError(Quirk.COMMAND_SET, "no Command Field")
    _check(field, elements, too_long, rules)
    return elements


def _check(field: int, elements: Mapping[int, Value], too_long: Container[int], rules: Rules) -> None:
    """Raise `ProtocolError` unless the command with these elements is one that the product takes."""
    mandatory = rules.mandatory.get(field)
    if mandatory is None:
        if rules.known_fields_only:
            raise ProtocolError(Quirk.COMMAND_ELEMENT, f"command field {field:#06x}")
        return
    for number in mandatory:
        value = elements.get(number)
        if value is None or number in too_long or (number in _US and not isinstance(value, int)):
            raise ProtocolError(Quirk.COMMAND_ELEMENT, f"element {number:04x} of command {field:#06x}")
    for number in rules.filled.get(field, ()):
        if not elements.get(number):
            raise ProtocolError(Quirk.COMMAND_ELEMENT, f"element {number:04x} of command {field:#06x} is empty")
    announced = elements.get(_DATA_SET_TYPE) != NO_DATA_SET
    if announced != rules.data_set.get(field, announced):
        raise ProtocolError(Quirk.COMMAND_ELEMENT, f"data set of command {field:#06x}")


def _value(number: int, value: bytes) -> Value:
    if number == _GROUP_LENGTH_KEY and len(value) == 4:
        return int.from_bytes(value, "little")
    if number in _AT and len(value) % 4 == 0:
        return tuple(group << 16 | element for group, element in iter_unpack("<HH", value))
    if number in _TEXT:
        return value.decode("latin-1").strip(" \0")
    return value


def _bytes(number: int, value: str | tuple[int, ...] | bytes) -> bytes:
    if isinstance(value, tuple):
        return b"".join(pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)
    if isinstance(value, bytes):
        return value
    raw = value.encode("latin-1", "replace")
    if len(raw) & 1:
        raw += b"\0" if number in _UI else b" "
    return raw


def encode(elements: Mapping[int, Value], order: Iterable[int] | None = None) -> bytes:
    """The bytes of a command set with its group length put in front.

    `order` names the element numbers in the order to write; by default ascending. A group length among
    `elements` is ignored.
    """
    body = b""
    for number in sorted(elements) if order is None else order:
        if number == _GROUP_LENGTH_KEY:
            continue
        value = elements[number]
        if isinstance(value, int):
            body += _US_ELEMENT.pack(0, number, 2, value)
        else:
            raw = _bytes(number, value)
            body += _HEADER.pack(0, number, len(raw)) + raw
    return _GROUP_LENGTH.pack(0, _GROUP_LENGTH_KEY, 4, len(body)) + body


def response(request: Command, status: int, **more: Value) -> dict[int, Value]:
    """The elements of the response to a request (PS3.7 9.3 and 10.3), without a data set.

    `more` has further elements by keyword, as in ``ErrorComment="..."``.
    """
    elements: dict[int, Value] = {
        _COMMAND_FIELD: request.command_field | RESPONSE_BIT,
        _RESPONDED_TO: request.message_id,
        _DATA_SET_TYPE: NO_DATA_SET,
        _STATUS: status,
    }
    sop_class_uid = request.sop_class_uid
    if sop_class_uid:
        elements[_AFFECTED_SOP_CLASS_UID] = sop_class_uid
    for keyword, value in more.items():
        elements[Key[keyword]] = value
    return elements
