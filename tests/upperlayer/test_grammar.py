"""Which A-ASSOCIATE-RQs can be understood, by the grammar of a product that is lenient, and by the strict one."""

from __future__ import annotations

from struct import pack

import pytest

from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from dicomhawk.upperlayer.grammar import STRICT, Grammar, Layout
from dicomhawk.upperlayer.itemcodec import decode_items
from tests.upperlayer.playbook import CT, RQ

LENIENT = Grammar(
    longest_request=1 << 20,
    longest_text=64,
    version_first=True,
    answers_as_proposals=True,
    maximum_length=Layout.LENIENT,
    asynchronous_operations=Layout.OPAQUE,
    role_selection=Layout.LENIENT,
    common_extended=Layout.OPAQUE,
    user_identity=Layout.REREAD,
    identity_responses_as_requests=True,
)


def item(item_type: int, value: bytes) -> bytes:
    return pack(">BBH", item_type, 0, len(value)) + value


def user(*items: bytes, grammar: Grammar = LENIENT) -> tuple[it.UserItem, ...]:
    (found,) = decode_items(item(0x50, b"".join(items)), grammar)
    assert isinstance(found, it.UserInformation)
    return found.items


VERSION = item(0x55, b"V")
NAME = it.ImplementationVersionName("V")
IDENTITY = b"\1\0\0\2me"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (item(0x51, b"\0\0\x40\0"), it.MaximumLength(16384)),
        (item(0x51, b"\0\0\x40\0rest"), it.MaximumLength(16384)),
        (item(0x51, b"\0\0"), it.MaximumLength(0x5500)),  # the four bytes reach into the next item
        (item(0x53, b"\0\1\0\2"), it.AsynchronousOperationsWindow(1, 2)),
        (item(0x53, b"\0"), it.UnknownItem(0x53, b"\0")),
        (item(0x54, b"\0\3" + b"1.2" + b"\1\0"), it.RoleSelection("1.2", 1, 0)),
        (item(0x54, b"\0\3" + b"1.2" + b"\1\0rest"), it.RoleSelection("1.2", 1, 0)),
        (item(0x54, b"\0\x46" + b"1" * 64 + b"\1\0rest" + b"\0\0"), it.RoleSelection("1" * 64, 1, 0)),
        (item(0x57, b"\xff"), it.UnknownItem(0x57, b"\xff")),
        (item(0x58, IDENTITY + b"\0\0"), it.UserIdentityRequest(1, 0, b"me")),
        (item(0x59, IDENTITY + b"\0\0"), it.UserIdentityRequest(1, 0, b"me")),
    ],
)
def test_what_a_lenient_grammar_takes(value: bytes, expected: it.UserItem) -> None:
    assert user(value, VERSION) == (expected, NAME)


@pytest.mark.parametrize(
    "value",
    [
        item(0x51, b"\0\0\x40\0rest"),
        item(0x51, b"\0\0"),
        item(0x53, b"\0"),
        item(0x54, b"\0\3" + b"1.2" + b"\1\0rest"),
        item(0x57, b"\xff"),
        item(0x58, IDENTITY + b"\0\0rest"),
    ],
)
def test_what_the_strict_one_does_not(value: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        user(value, VERSION, grammar=STRICT)
    assert caught.value.quirk is Quirk.ITEM_LENGTH


@pytest.mark.parametrize(
    "value",
    [
        item(0x51, b"\0\0"),  # nothing behind it
        item(0x52, b"1" * 65),
        item(0x55, b"V" * 65),
        item(0x54, b"\0\3" + b"1.2" + b"\1"),
        item(0x54, b"\0\4" + b"1.2" + b"\1\0"),
        item(0x56, b"\0\4" + b"1.2"),
        item(0x58, b"\1\0\0\2me\0"),
        item(0x58, b"\1\0\0\2me\0\1"),
        item(0x60, b"") + b"\0",
    ],
)
def test_what_no_grammar_takes(value: bytes) -> None:
    with pytest.raises(ProtocolError):
        user(value)


def test_what_is_behind_an_identity_is_read_again() -> None:
    with_passcode = b"\2\0\0\2me\0\4pass"
    assert user(item(0x58, with_passcode + VERSION)) == (it.UserIdentityRequest(2, 0, b"me", b"pass"), NAME)
    behind = IDENTITY + pack(">H", len(VERSION)) + VERSION
    assert user(item(0x58, behind)) == (it.UserIdentityRequest(1, 0, b"me", VERSION), NAME)
    with pytest.raises(ProtocolError):
        user(item(0x58, IDENTITY + b"\0\1x"))


def test_contexts_of_an_answer_as_proposals() -> None:
    syntax = item(0x30, CT.encode())
    assert decode_items(item(0x21, b"\1\0\0\0" + syntax), LENIENT) == (
        it.ProposedContext(1, (it.AbstractSyntax(CT),)),
    )
    assert decode_items(item(0x21, b"\1\0\3\0" + b"rubbish"), LENIENT) == (
        it.ProposedContext(1, (), reserved_fields=b"\0\3\0"),
    )


def test_a_wrong_version_before_items_that_make_no_sense() -> None:
    body = bytearray(RQ[6:] + b"\x60")
    with pytest.raises(ProtocolError):
        pdu.decode(pdu.RQ, 0, bytes(body), LENIENT)
    body[1] = 2
    unit = pdu.decode(pdu.RQ, 0, bytes(body), LENIENT)
    assert isinstance(unit, pdu.AssociateRQ)
    assert (unit.protocol_version, unit.items) == (2, ())
    with pytest.raises(ProtocolError):
        pdu.decode(pdu.RQ, 0, bytes(body), STRICT)


def test_the_same_bytes_are_understood_by_each_grammar_in_its_own_way() -> None:
    body = RQ[6:] + item(0x50, item(0x53, b""))
    for _ in range(2):
        assert isinstance(pdu.decode(pdu.RQ, 0, body, LENIENT), pdu.AssociateRQ)
        with pytest.raises(ProtocolError):
            pdu.decode(pdu.RQ, 0, body, STRICT)


def test_the_longest_request() -> None:
    header = pack(">BBL", pdu.RQ, 0, 100_000)
    assert pdu.decode_header(header, 0, 16384, LENIENT.longest_request) == (pdu.RQ, 100_000)
    with pytest.raises(ProtocolError):
        pdu.decode_header(header, 0, 16384)


def test_a_grammar_may_take_more_items() -> None:
    empty = b"\x99\0\0\0"
    with pytest.raises(ProtocolError) as caught:
        decode_items(empty * 600, STRICT)
    assert caught.value.quirk is Quirk.TOO_MANY_ITEMS
    more = Grammar(most_items=600, most_siblings=600)
    assert len(decode_items(empty * 600, more)) == 600
    with pytest.raises(ProtocolError):
        decode_items(empty * 601, more)
