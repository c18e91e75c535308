"""Command sets: every DIMSE-C and DIMSE-N message as pynetdicom encodes it, and what hostile ones are called."""

from __future__ import annotations

from io import BytesIO
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID
from pynetdicom import dimse_messages, dimse_primitives, dsutils
from pynetdicom.dimse_messages import DIMSEMessage

from dicomhawk.upperlayer import dimse
from dicomhawk.upperlayer.dimse import NO_DATA_SET, Command, CommandField, Key
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from dicomhawk.upperlayer.rules import STANDARD

SOP_CLASS, INSTANCE = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
CLASS = {"AffectedSOPClassUID": SOP_CLASS}
AFFECTED = {**CLASS, "AffectedSOPInstanceUID": INSTANCE}
REQUESTED = {"RequestedSOPClassUID": SOP_CLASS, "RequestedSOPInstanceUID": INSTANCE}
COUNTERS = {
    f"NumberOf{kind}Suboperations": n for n, kind in enumerate(("Remaining", "Completed", "Failed", "Warning"))
}

REQUESTS: list[tuple[str, dict[str, object], str | None]] = [
    ("C-ECHO", CLASS, None),
    ("C-STORE", {**AFFECTED, "Priority": 1}, "DataSet"),
    (
        "C-STORE",
        {
            **AFFECTED,
            "Priority": 2,
            "MoveOriginatorApplicationEntityTitle": "MOVER",
            "MoveOriginatorMessageID": 9,
        },
        "DataSet",
    ),
    ("C-FIND", {**CLASS, "Priority": 0}, "Identifier"),
    ("C-GET", {**CLASS, "Priority": 2}, "Identifier"),
    ("C-MOVE", {**CLASS, "Priority": 2, "MoveDestination": "SOMEWHERE"}, "Identifier"),
    ("N-EVENT-REPORT", {**AFFECTED, "EventTypeID": 3}, "EventInformation"),
    ("N-GET", {**REQUESTED, "AttributeIdentifierList": [0x00100010, 0x7FE00010]}, None),
    ("N-SET", REQUESTED, "ModificationList"),
    ("N-ACTION", {**REQUESTED, "ActionTypeID": 4}, "ActionInformation"),
    ("N-CREATE", AFFECTED, "AttributeList"),
    ("N-DELETE", REQUESTED, None),
]
RESPONSES: list[tuple[str, dict[str, object], str | None]] = [
    ("C-ECHO", {**CLASS, "Status": 0x0122}, None),
    ("C-STORE", {**AFFECTED, "Status": 0xB000}, None),
    ("C-FIND", {**CLASS, "Status": 0xFF00}, "Identifier"),
    ("C-GET", {**CLASS, "Status": 0xFF00, **COUNTERS}, None),
    ("C-MOVE", {**CLASS, "Status": 0xFF00, **COUNTERS}, None),
    ("C-MOVE", {**CLASS, "Status": 0xA801, "ErrorComment": "no such place", "OffendingElement": [0x00000600]}, None),
    ("N-EVENT-REPORT", {**AFFECTED, "EventTypeID": 3, "Status": 0}, "EventReply"),
    ("N-GET", {**AFFECTED, "Status": 0}, "AttributeList"),
    ("N-SET", {**AFFECTED, "Status": 0}, "AttributeList"),
    ("N-ACTION", {**AFFECTED, "ActionTypeID": 4, "Status": 0}, "ActionReply"),
    ("N-CREATE", {**AFFECTED, "Status": 0}, "AttributeList"),
    ("N-DELETE", {**AFFECTED, "Status": 0x0112, "ErrorID": 77}, None),
]
MESSAGES = [(f"{name}-RQ", fields, data) for name, fields, data in REQUESTS]
MESSAGES += [(f"{name}-RSP", fields, data) for name, fields, data in RESPONSES]


def by_pynetdicom(name: str, fields: dict[str, object], data: str | None) -> bytes:
    """The command set of a message as pynetdicom makes it."""
    service = name.rsplit("-", 1)[0]
    kind = name.replace("-", "_")
    primitive = getattr(dimse_primitives, service.replace("-", "_"))()
    for keyword, value in fields.items():
        setattr(primitive, keyword, UID(value) if keyword.endswith("UID") else value)  # type: ignore[arg-type]
    setattr(primitive, "MessageID" if name.endswith("RQ") else "MessageIDBeingRespondedTo", 513)
    if data is not None:
        setattr(primitive, data, BytesIO(b"\x08\x00\x52\x00\x00\x00\x00\x00"))
    message: DIMSEMessage = getattr(dimse_messages, kind)()
    message.primitive_to_message(primitive)
    first, *_ = message.encode_msg(1, 16384)
    ((_, value),) = first.presentation_data_value_list
    assert value[0] == 3
    return bytes(value[1:])


def expected(name: str, fields: dict[str, object], data: str | None) -> dict[int, object]:
    elements: dict[int, object] = {
        Key.CommandField: CommandField[name.replace("-", "_")],
        Key.MessageID if name.endswith("RQ") else Key.MessageIDBeingRespondedTo: 513,
        Key.CommandDataSetType: NO_DATA_SET if data is None else 1,
    }
    for keyword, value in fields.items():
        elements[Key[keyword]] = tuple(value) if isinstance(value, list) else value
    return elements


@pytest.mark.parametrize(("name", "fields", "data"), MESSAGES, ids=[m[0] for m in MESSAGES])
def test_a_message_of_pynetdicom(name: str, fields: dict[str, object], data: str | None) -> None:
    raw = by_pynetdicom(name, fields, data)
    command = dimse.decode(raw)
    assert command.name == name
    assert command.has_data_set == (data is not None)
    wanted = expected(name, fields, data)
    found = {number: value for number, value in command.elements.items() if number in wanted}
    assert found == wanted
    assert set(command.elements) - set(wanted) <= {0, Key.OffendingElement, Key.ErrorComment, Key.Status}
    assert dimse.encode(command.elements) == raw


@pytest.mark.parametrize(("name", "fields", "data"), MESSAGES, ids=[m[0] for m in MESSAGES])
def test_our_message_read_by_pynetdicom(name: str, fields: dict[str, object], data: str | None) -> None:
    wanted = expected(name, fields, data)
    theirs = dsutils.decode(BytesIO(dimse.encode(wanted)), True, True)  # type: ignore[arg-type]
    for number, value in wanted.items():
        element = theirs[0, number]
        got = list(element.value) if element.VM > 1 else element.value
        if element.VR == "AT":
            got = tuple(int(tag) for tag in (got if element.VM > 1 else [got]))
        assert got == value, element


def test_the_request_and_response_of_each_service_differ_in_one_bit() -> None:
    for field in CommandField:
        if field.name.endswith("_RQ") and field is not CommandField.C_CANCEL_RQ:
            assert field | dimse.RESPONSE_BIT == CommandField[field.name[:-2] + "RSP"]


def element(number: int, value: bytes, group: int = 0, length: int | None = None) -> bytes:
    return pack("<HHL", group, number, len(value) if length is None else length) + value


FIELD = element(0x0100, b"\x30\0")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        FIELD[:-1],
        FIELD + b"\0",
        FIELD + b"\0" * 7,
        element(0x0110, b"\1\0"),  # no command field
        element(0x0100, b"\x30"),
        element(0x0100, b"\x30\0\0\0"),
        FIELD + element(0x0010, b"A ", group=8),
        FIELD + element(0x0002, b"", length=1),
        FIELD + element(0x0002, b"1.2.3", length=0xFFFFFFFF),
        FIELD + b"\0\0\x02\0UI\x04\x001.2\0",  # Explicit VR: its length field has a VR in it
        FIELD + b"".join(element(0x2000 + n, b"") for n in range(dimse.MAX_ELEMENTS)),
    ],
)
def test_what_is_no_command_set(raw: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        dimse.decode(raw)
    assert caught.value.quirk is Quirk.COMMAND_SET


@pytest.mark.parametrize(
    ("number", "value", "decoded"),
    [
        (Key.AffectedSOPClassUID, b"1.2.3\0", "1.2.3"),
        (Key.AffectedSOPClassUID, b"1.2.3 ", "1.2.3"),
        (Key.AffectedSOPClassUID, b"\xff\0\0", "\xff"),
        (Key.MoveDestination, b" STORE \0", "STORE"),
        (Key.MessageID, b"\1\2", 0x0201),
        (Key.MessageID, b"\1", b"\1"),
        (Key.MessageID, b"", b""),
        (Key.Status, b"\1\0\2\0", b"\1\0\2\0"),
        (Key.OffendingElement, b"\x10\0\x20\0", (0x00100020,)),
        (Key.AttributeIdentifierList, b"", ()),
        (Key.AttributeIdentifierList, b"\x10\0\x20", b"\x10\0\x20"),
        (Key.CommandGroupLength, b"\1\0\0\0", 1),
        (Key.CommandGroupLength, b"\1\0", b"\1\0"),
        (0x5110, b"retired", b"retired"),
    ],
)
def test_values_that_fit_their_vr_and_values_that_do_not(number: int, value: bytes, decoded: dimse.Value) -> None:
    assert dimse.decode(FIELD + element(number, value)).elements[number] == decoded


def test_the_last_counts_of_an_element_that_is_there_twice() -> None:
    assert dimse.decode(FIELD + element(0x0100, b"\1\0")).command_field == 1


@pytest.mark.parametrize(
    ("data_set_type", "has"), [(b"\1\1", False), (b"\0\0", True), (b"\1\0", True), (b"\2\1", True), (b"\1", True)]
)
def test_whether_a_data_set_follows(data_set_type: bytes, has: bool) -> None:
    assert dimse.decode(FIELD + element(0x0800, data_set_type)).has_data_set is has


def test_what_a_command_says_of_itself() -> None:
    empty = Command({})
    assert (empty.command_field, empty.message_id, empty.status) == (-1, 0, -1)
    assert (empty.sop_class_uid, empty.sop_instance_uid) == ("", "")
    odd = Command({Key.CommandField: 0x1234, Key.MessageID: b"\1", Key.AffectedSOPClassUID: b"", Key.Status: b""})
    assert (odd.name, odd.message_id, odd.status, odd.sop_class_uid) == ("0x1234", 0, -1, "")
    get = Command({Key.CommandField: 0x0110, Key.RequestedSOPClassUID: "1.2", Key.RequestedSOPInstanceUID: "1.3"})
    assert (get.sop_class_uid, get.sop_instance_uid) == ("1.2", "1.3")
    assert repr(get) == "Command(CommandField=272, RequestedSOPClassUID='1.2', RequestedSOPInstanceUID='1.3')"
    assert get != Command({}) and get == Command(dict(get.elements))


def test_elements_are_written_ascending_or_in_the_order_given() -> None:
    elements = {Key.Status: 0, Key.AffectedSOPClassUID: "1.2", Key.CommandGroupLength: 99}
    ascending = element(0x0002, b"1.2\0") + element(0x0900, b"\0\0")
    assert dimse.encode(elements) == element(0, pack("<L", len(ascending))) + ascending
    other = element(0x0900, b"\0\0") + element(0x0002, b"1.2\0")
    order = (Key.CommandGroupLength, Key.Status, Key.AffectedSOPClassUID)
    assert dimse.encode(elements, order) == element(0, pack("<L", len(other))) + other


@pytest.mark.parametrize(
    ("number", "value", "wire"),
    [
        (Key.MoveDestination, "ODD", b"ODD "),
        (Key.ErrorComment, "é→", b"\xe9?"),
        (Key.OffendingElement, (0x00100020, 0xFFFE0001), b"\x10\0\x20\0\xfe\xff\1\0"),
        (0x5110, b"as it is", b"as it is"),
    ],
)
def test_values_on_the_wire(number: int, value: dimse.Value, wire: bytes) -> None:
    assert dimse.encode({number: value})[12:] == element(number, wire)


def test_a_response() -> None:
    request = dimse.decode(FIELD + element(0x0110, b"\7\0") + element(0x0002, b"1.2\0"))
    assert dimse.response(request, 0x0110, ErrorComment="no") == {
        Key.AffectedSOPClassUID: "1.2",
        Key.CommandField: 0x8030,
        Key.MessageIDBeingRespondedTo: 7,
        Key.CommandDataSetType: NO_DATA_SET,
        Key.Status: 0x0110,
        Key.ErrorComment: "no",
    }
    assert Key.AffectedSOPClassUID not in dimse.response(Command({Key.CommandField: 0x0030}), 0)


def _mutated(raw: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for at, piece in changes:
        at %= len(raw)
        raw = raw[:at] + piece + raw[at + len(piece) :]
    return raw


ECHO = dimse.encode(
    {
        Key.AffectedSOPClassUID: "1.2.840.10008.1.1",
        Key.CommandField: CommandField.C_ECHO_RQ,
        Key.MessageID: 5,
        Key.CommandDataSetType: NO_DATA_SET,
    }
)
PIECES = [b"\0\0\x10\x01\x02\0\0\0", b"\x10\x01", b"\0\0", b"\x12", b"\x34\x12", b"\x21\x43", b"\x0a\0\0\0"]
CHANGES = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(PIECES) | st.binary(max_size=3)), max_size=4)


@given(CHANGES, st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=3), st.binary(max_size=20))
def test_what_is_remembered_of_a_command_set_is_what_decoding_gives(
    changes: list[tuple[int, bytes]], numbers: list[int], more: bytes
) -> None:
    for number in numbers:
        raw = _mutated(ECHO[:56] + number.to_bytes(2, "little") + ECHO[58:] + more, changes)
        try:
            expected = Command(dimse._elements(raw, STANDARD))
        except ProtocolError:
            with pytest.raises(ProtocolError):
                dimse.decode(raw)
        else:
            assert dimse.decode(raw) == expected


def test_an_echo_is_remembered_without_its_message_id() -> None:
    dimse._remembered.cache_clear()
    for number in range(5):
        command = dimse.decode(ECHO[:56] + number.to_bytes(2, "little") + ECHO[58:])
        assert (command.message_id, command.name) == (number, "C-ECHO-RQ")
    assert dimse._remembered.cache_info().hits == 4


def test_a_second_message_id_counts() -> None:
    second = pack("<HHLH", 0, Key.MessageID, 2, 0x1234)
    for number in (0x1234, 7):
        assert dimse.decode(ECHO[:56] + number.to_bytes(2, "little") + ECHO[58:] + second).message_id == 0x1234
