"""Every PDU and every item, from bytes written down by hand after the tables of PS3.8 and PS3.7; and their bounds."""

from __future__ import annotations

import pytest

from dicomhawk.upperlayer import itemcodec, pdu
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from dicomhawk.upperlayer.grammar import STRICT
from tests.upperlayer.playbook import decode

FIXED = bytes.fromhex("0001 0000") + b"CALLED          " + b"CALLING         " + bytes(32)
UID = b"1.2.840.10008.1.1"
UID_HEX = UID.hex()

ITEMS: list[tuple[str, it.Item | it.UserItem]] = [
    ("10 00 0003 312e32", it.ApplicationContext("1.2")),
    ("10 07 0003 312e32", it.ApplicationContext("1.2", reserved=7)),
    (
        "20 00 0012 01 00ff00 30 00 0003 312e32 40 00 0003 312e33",
        it.ProposedContext(1, (it.AbstractSyntax("1.2"), it.TransferSyntax("1.3")), 0, b"\x00\xff\x00"),
    ),
    ("20 00 0004 ff 000000", it.ProposedContext(255, ())),
    ("21 00 000b 03 00 04 00 40 00 0003 312e33", it.AnsweredContext(3, 4, (it.TransferSyntax("1.3"),))),
    ("21 00 0004 03 aa 00 bb", it.AnsweredContext(3, 0, (), 0, b"\xaa\xbb")),
    ("50 00 0000", it.UserInformation(())),
    ("50 00 0008 51 00 0004 00004000", it.UserInformation((it.MaximumLength(16384),))),
    ("33 05 0002 abcd", it.UnknownItem(0x33, b"\xab\xcd", 5)),
    ("51 00 0004 00004000", it.UnknownItem(0x51, b"\x00\x00\x40\x00")),  # not at home at the top
]
USER_ITEMS: list[tuple[str, it.UserItem]] = [
    ("51 00 0004 00004000", it.MaximumLength(16384)),
    ("52 00 0005 312e322e33", it.ImplementationClassUID("1.2.3")),
    ("53 00 0004 0005 0000", it.AsynchronousOperationsWindow(5, 0)),
    (f"54 00 0015 0011 {UID_HEX} 01 00", it.RoleSelection(UID.decode(), 1, 0)),
    ("55 00 0003 414243", it.ImplementationVersionName("ABC")),
    (f"56 00 0016 0011 {UID_HEX} 010001", it.ExtendedNegotiation(UID.decode(), b"\1\0\1")),
    (
        "57 00 0016 0003 312e32 0003 312e33 000a 0003 312e34 0003 312e35",
        it.CommonExtendedNegotiation("1.2", "1.3", ("1.4", "1.5")),
    ),
    (
        "57 02 000e 0003 312e32 0003 312e33 0000 ffff",
        it.CommonExtendedNegotiation("1.2", "1.3", (), b"\xff\xff", version=2),
    ),
    ("58 00 000a 02 01 0002 7573 0002 7077", it.UserIdentityRequest(2, 1, b"us", b"pw")),
    ("58 00 0006 01 00 0000 0000", it.UserIdentityRequest(1, 0, b"")),
    ("59 00 0004 0002 6f6b", it.UserIdentityResponse(b"ok")),
    ("20 00 0001 00", it.UnknownItem(0x20, b"\0")),  # not at home here
    ("ff 00 0000", it.UnknownItem(0xFF, b"")),
]


@pytest.mark.parametrize(("text", "item"), ITEMS)
def test_items(text: str, item: it.Item) -> None:
    data = bytes.fromhex(text)
    assert itemcodec.decode_items(data) == (item,)
    assert itemcodec.encode_items((item,)) == data


@pytest.mark.parametrize(("text", "item"), USER_ITEMS)
def test_user_information_sub_items(text: str, item: it.UserItem) -> None:
    data = bytes.fromhex(text)
    whole = b"\x50\0" + len(data).to_bytes(2, "big") + data
    assert itemcodec.decode_items(whole) == (it.UserInformation((item,)),)
    assert itemcodec.encode_items((it.UserInformation((item,)),)) == whole


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("03 00 00000004 00 01 02 03", pdu.AssociateRJ(1, 2, 3)),
        ("03 0a 00000004 0b 02 03 02", pdu.AssociateRJ(2, 3, 2, 0x0A, 0x0B)),
        ("05 00 00000004 00000000", pdu.ReleaseRQ()),
        ("05 01 00000004 01020304", pdu.ReleaseRQ(1, b"\1\2\3\4")),
        ("06 00 00000004 00000000", pdu.ReleaseRP()),
        ("06 01 00000004 01020304", pdu.ReleaseRP(1, b"\1\2\3\4")),
        ("07 00 00000004 0000 02 06", pdu.Abort(2, 6)),
        ("07 01 00000004 0203 00 00", pdu.Abort(0, 0, 1, b"\2\3")),
        ("04 00 00000008 00000004 01 03 abcd", pdu.PDataTF((pdu.PDV(1, 3, b"\xab\xcd"),))),
        (
            "04 09 00000011 00000003 01 00 ff 00000006 ff 02 00010203",
            pdu.PDataTF((pdu.PDV(1, 0, b"\xff"), pdu.PDV(255, 2, b"\0\1\2\3")), 9),
        ),
        ("04 00 00000006 00000002 03 00", pdu.PDataTF((pdu.PDV(3, 0, b""),))),
    ],
)
def test_pdus(text: str, unit: pdu.PDU) -> None:
    data = bytes.fromhex(text)
    assert decode(data) == unit
    assert pdu.encode(unit) == data


@pytest.mark.parametrize(("number", "kind"), [(1, pdu.AssociateRQ), (2, pdu.AssociateAC)])
def test_association_pdus(number: int, kind: type[pdu.AssociateRQ] | type[pdu.AssociateAC]) -> None:
    reserved = bytes(range(32))
    fixed = bytes.fromhex("0003 0004") + b"CALLED \0\0       " + b"\xe9          \0 A  " + reserved
    user = bytes.fromhex("50 00 0008 51 00 0004 00008000")
    body = fixed + bytes.fromhex("10 00 0004 312e3200") + user
    data = bytes((number, 5)) + len(body).to_bytes(4, "big") + body
    unit = decode(data)
    assert isinstance(unit, kind)
    assert pdu.encode(unit) == data
    assert (unit.protocol_version, unit.reserved, unit.reserved_2, unit.reserved_3) == (3, 5, 4, reserved)
    assert (unit.called_ae_title, unit.calling_ae_title) == ("CALLED", "\xe9          \0 A")
    assert unit.application_context == "1.2"
    assert unit.maximum_length == 32768


def test_an_association_pdu_may_lack_every_item() -> None:
    unit = pdu.decode(1, 0, FIXED)
    assert isinstance(unit, pdu.AssociateRQ)
    assert (unit.application_context, unit.maximum_length, unit.contexts, unit.user_items) == (None, None, (), ())


def test_the_contexts_of_a_request_and_of_its_answer() -> None:
    context = it.ProposedContext(
        1, (it.AbstractSyntax("1.2\0"), it.TransferSyntax(" 1.3 "), it.TransferSyntax("1.4"))
    )
    assert (context.abstract_syntax, context.transfer_syntaxes) == ("1.2", ("1.3", "1.4"))
    assert it.ProposedContext(1, (it.UnknownItem(0x41, b""),)).abstract_syntax == ""
    assert it.AnsweredContext(1, 3, ()).transfer_syntax == ""


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("A", b"A               "),
        ("SIXTEEN_LETTERS_", b"SIXTEEN_LETTERS_"),
        ("X" * 20, b"X" * 16),
        ("é→", b"\xe9?" + b" " * 14),
    ],
)
def test_an_ae_title_has_sixteen_bytes(name: str, wire: bytes) -> None:
    assert pdu.ae_title(name) == wire


# What is wrong, and how it is called


def quirk_of(pdu_type: int, body: bytes) -> Quirk:
    with pytest.raises(ProtocolError) as caught:
        pdu.decode(pdu_type, 0, body)
    assert str(caught.value).startswith(caught.value.quirk.value)
    return caught.value.quirk


@pytest.mark.parametrize(
    ("header", "quirk"),
    [
        ("00 00 00000004", Quirk.UNKNOWN_PDU),
        ("08 00 00000004", Quirk.UNKNOWN_PDU),
        ("16 03 01020001", Quirk.UNKNOWN_PDU),  # TLS
        ("47 45 54202f20", Quirk.UNKNOWN_PDU),  # GET /
        ("03 00 00132ee0", Quirk.PDU_LENGTH),  # TPKT, the beginning of RDP
        ("05 00 00000000", Quirk.PDU_LENGTH),
        ("06 00 00000005", Quirk.PDU_LENGTH),
        ("07 00 ffffffff", Quirk.PDU_LENGTH),
        ("01 00 00010001", Quirk.PDU_TOO_LONG),
        ("02 00 ffffffff", Quirk.PDU_TOO_LONG),
        ("04 00 00004001", Quirk.PDU_TOO_LONG),
        ("04 00 ffffffff", Quirk.PDU_TOO_LONG),
    ],
)
def test_headers_that_are_refused_before_their_body(header: str, quirk: Quirk) -> None:
    with pytest.raises(ProtocolError) as caught:
        pdu.decode_header(bytes.fromhex(header), 0, 16384)
    assert caught.value.quirk is quirk


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("01 00 00010000", (1, 65536)),
        ("02 00 00010000", (2, 65536)),
        ("04 00 00004000", (4, 16384)),
        ("04 00 00000000", (4, 0)),
        ("07 ff 00000004", (7, 4)),
    ],
)
def test_headers_at_the_limit(header: str, expected: tuple[int, int]) -> None:
    assert pdu.decode_header(b"..." + bytes.fromhex(header), 3, 16384) == expected


@pytest.mark.parametrize(
    ("items", "quirk"),
    [
        ("10", Quirk.ITEM_OVERRUN),
        ("10 00 00", Quirk.ITEM_OVERRUN),
        ("10 00 0001", Quirk.ITEM_OVERRUN),
        ("99 00 0002 00", Quirk.ITEM_OVERRUN),
        ("20 00 0003 010000", Quirk.ITEM_LENGTH),
        ("21 00 0003 010000", Quirk.ITEM_LENGTH),
        ("20 00 0008 01000000 30 00 0001", Quirk.ITEM_OVERRUN),
        ("20 00 0006 01000000 3000", Quirk.ITEM_OVERRUN),
        ("50 00 0004 51 00 0004 00004000", Quirk.ITEM_OVERRUN),
        ("50 00 0007 51 00 0003 000040", Quirk.ITEM_LENGTH),
        ("50 00 0009 51 00 0005 0000400000", Quirk.ITEM_LENGTH),
        ("50 00 0007 53 00 0003 000100", Quirk.ITEM_LENGTH),
        ("50 00 0009 53 00 0005 0001000100", Quirk.ITEM_LENGTH),
        ("50 00 0008 54 00 0004 0003 0101", Quirk.ITEM_LENGTH),
        ("50 00 0008 54 00 0004 0001 3101", Quirk.ITEM_LENGTH),
        ("50 00 0009 54 00 0005 0000 010101", Quirk.ITEM_LENGTH),
        ("50 00 0005 56 00 0001 00", Quirk.ITEM_LENGTH),
        ("50 00 0007 56 00 0003 0002 31", Quirk.ITEM_LENGTH),
        ("50 00 0008 57 00 0004 0000 0000", Quirk.ITEM_LENGTH),
        ("50 00 000b 57 00 0007 0000 0000 0001 00", Quirk.ITEM_LENGTH),
        ("50 00 000c 57 00 0008 0000 0000 0002 0001", Quirk.ITEM_LENGTH),
        ("50 00 0006 58 00 0002 0101", Quirk.ITEM_LENGTH),
        ("50 00 0009 58 00 0005 0101 0001 31", Quirk.ITEM_LENGTH),
        ("50 00 000b 58 00 0007 0101 0000 0000 00", Quirk.ITEM_LENGTH),
        ("50 00 0006 59 00 0002 0001", Quirk.ITEM_LENGTH),
        ("50 00 0007 59 00 0003 0000 00", Quirk.ITEM_LENGTH),
    ],
)
@pytest.mark.parametrize("pdu_type", [1, 2])
def test_items_that_do_not_add_up(pdu_type: int, items: str, quirk: Quirk) -> None:
    assert quirk_of(pdu_type, FIXED + bytes.fromhex(items)) is quirk


@pytest.mark.parametrize("size", [0, 1, 67])
def test_an_association_pdu_shorter_than_its_fixed_fields(size: int) -> None:
    assert quirk_of(1, FIXED[:size]) is Quirk.PDU_LENGTH


def test_items_are_counted_at_one_level_and_in_all() -> None:
    empty = b"\x99\0\0\0"
    assert len(itemcodec.decode_items(empty * STRICT.most_siblings)) == STRICT.most_siblings
    assert quirk_of(1, FIXED + empty * (STRICT.most_siblings + 1)) is Quirk.TOO_MANY_ITEMS
    full = b"\x50\0\x08\0" + empty * 512
    assert len(itemcodec.decode_items(full * 7)) == 7
    assert quirk_of(1, FIXED + full * 8) is Quirk.TOO_MANY_ITEMS
    related = b"\x57\0\x04\x08\0\0\0\0\x04\x02" + bytes(2 * 513)
    assert quirk_of(1, FIXED + b"\x50\0\x04\x0c" + related) is Quirk.TOO_MANY_ITEMS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "00",
        "0000000201",
        "00000001 01",
        "00000001 01 03",
        "00000000 01 03",
        "00000003 01 03",
        "ffffffff 01 03 00",
        "7fffffff 01 03",
        "00000002 01 03 00",
        "00000002 01 03 00000003 01 03",
        "00000000 00000002 01 03",
        "00000001 01 00000002 01 03",
    ],
)
def test_values_that_leave_their_pdu(body: str) -> None:
    assert quirk_of(4, bytes.fromhex(body)) is Quirk.PDV_LENGTH


def test_only_short_requests_are_remembered() -> None:
    body = FIXED + b"\x99\0\0\1\0"
    assert pdu.decode(1, 0, body) is pdu.decode(1, 0, bytes(bytearray(body)))
    long = FIXED + b"\x99\0\x50\0" + bytes(0x5000)
    assert pdu.decode(1, 0, long) == pdu.decode(1, 0, long)
    assert pdu.decode(1, 0, long) is not pdu.decode(1, 0, long)
