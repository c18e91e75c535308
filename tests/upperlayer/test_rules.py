"""Command sets that are not as they should be: as a tolerant archive takes them, and as DCMTK 3.6.7 was seen to."""

from __future__ import annotations

import struct

import pytest

from dicomhawk.persona.model import load
from dicomhawk.upperlayer import dimse
from dicomhawk.upperlayer.dimse import Key
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from tests.upperlayer.playbook import VERIFICATION

DCMTK = load("dcmqrscp").dialect().rules


def element(number: int, value: bytes, group: int = 0, length: int | None = None) -> bytes:
    """An element that claims `length`."""
    return struct.pack("<HHL", group, number, len(value) if length is None else length) + value


CLASS = element(2, VERIFICATION.encode() + b"\0")
FIELD, ID, NO_DATA = element(0x100, b"\x30\0"), element(0x110, b"\7\0"), element(0x800, b"\1\1")
ECHO = CLASS + FIELD + ID + NO_DATA
ITEM, ITEM_END, SEQUENCE_END = (element(number, b"", group=0xFFFE) for number in (0xE000, 0xE00D, 0xE0DD))
OPEN_ITEM = element(0xE000, b"", group=0xFFFE, length=0xFFFFFFFF)
OPEN = element(0x1140, b"", group=8, length=0xFFFFFFFF)
INSIDE = element(0x1150, b"1.2.3\0", group=8)
SEQUENCE = OPEN + OPEN_ITEM + INSIDE + OPEN + ITEM + SEQUENCE_END + ITEM_END + SEQUENCE_END
STORE = element(2, b"1.2.3\0") + element(0x100, b"\1\0") + ID + element(0x700, b"\0\0") + element(0x800, b"\0\0")
TAKEN = {
    "as it should be": ECHO,
    "with its group length": element(0, struct.pack("<L", len(ECHO))) + ECHO,
    "with a wrong group length": element(0, b"\xff\0\0\0") + ECHO,
    "the other way round": NO_DATA + ID + FIELD + CLASS,
    "another field later": CLASS + FIELD + element(0x100, b"\x20\0") + ID + NO_DATA,
    "a long number": CLASS + FIELD + element(0x110, b"\7\0\x08\0") + NO_DATA,
    "spaces around the class": element(2, b" " + VERIFICATION.encode() + b"  ") + FIELD + ID + NO_DATA,
    "another group": ECHO + element(0x16, b"1.2\0", group=8),
    "another group first": element(0x16, b"1.2\0", group=8) + ECHO,
    "an unknown element": ECHO + element(0x4444, b"abcd"),
    "six bytes behind": ECHO + bytes(6),
    "an element without end": ECHO + element(0x4444, b"abcd", length=0xFFFFFFFF),
    "a known element without end, and nothing of it": ECHO + element(0x902, b"", length=0xFFFFFFFF),
    "a value of which nothing is there": ECHO + element(0x902, b"", length=100),
    "a short message ID": CLASS + FIELD + element(0x110, b"\7") + NO_DATA,
    "a sequence": CLASS + SEQUENCE + FIELD + ID + NO_DATA,
    "an unknown sequence": CLASS + element(0x4444, b"", length=0xFFFFFFFF) + SEQUENCE_END + FIELD + ID + NO_DATA,
    "thousands of elements": ECHO + element(0x902, b"") * 1000 + element(0x4444, b"") * 9000,
    "many unknown elements first": b"".join(element(0x2000 + n, b"") for n in range(1000)) + ECHO,
    "a class of 64 characters": element(2, b"1." + b"2" * 62) + FIELD + ID + NO_DATA,
}
REFUSED = {
    "no field": CLASS + ID + NO_DATA,
    "an unknown field": CLASS + element(0x100, b"\x34\x12") + ID + NO_DATA,
    "another field first": CLASS + element(0x100, b"\x20\0") + FIELD + ID + NO_DATA,
    "no message ID": CLASS + FIELD + NO_DATA,
    "an empty message ID": CLASS + FIELD + element(0x110, b"") + NO_DATA,
    "no class": FIELD + ID + NO_DATA,
    "a class of 66 characters": element(2, b"1." + b"2" * 64) + FIELD + ID + NO_DATA,
    "no data set type": CLASS + FIELD + ID,
    "a data set": CLASS + FIELD + ID + element(0x800, b"\1\0"),
    "an element that is cut": ECHO + element(0x4444, b"abcd", length=100),
    "an item": ECHO + ITEM,
    "a value without end": ECHO + element(0x902, b"abcd", length=0xFFFFFFFF),
    "a number without end": ECHO + element(0x700, b"\0\0", length=0xFFFFFFFF),
    "a sequence of text": ECHO + element(0x4444, b"abcdefgh", length=0xFFFFFFFF),
    "a sequence that ends in an item": ECHO + OPEN + OPEN_ITEM,
    "a sequence that ends behind an item": ECHO + OPEN + ITEM,
    "a sequence whose item is cut": ECHO + OPEN + element(0xE000, INSIDE, group=0xFFFE, length=100),
    "an element between items": ECHO + OPEN + INSIDE + SEQUENCE_END,
    "a deep sequence": ECHO + (OPEN + OPEN_ITEM) * 100 + (ITEM_END + SEQUENCE_END) * 100,
    "a store without an instance": STORE,
    "a store of an empty instance": STORE + element(0x1000, b""),
    "a store of a blank instance": STORE + element(0x1000, b"  "),
    "a store of a long instance": STORE + element(0x1000, b"1" * 66),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_dcmtk_takes(name: str) -> None:
    command = dimse.decode(TAKEN[name], DCMTK)
    assert (command.command_field, command.message_id) == (0x30, 7)
    assert command.sop_class_uid == (VERIFICATION if "characters" not in name else "1." + "2" * 62)


@pytest.mark.parametrize("name", REFUSED)
def test_what_dcmtk_refuses(name: str) -> None:
    for _ in range(2):  # also when it is remembered
        with pytest.raises(ProtocolError) as caught:
            dimse.decode(REFUSED[name], DCMTK)
        assert caught.value.quirk in (Quirk.COMMAND_SET, Quirk.COMMAND_ELEMENT)


def test_white_space_of_a_uid_goes() -> None:
    uid = VERIFICATION.encode()
    for odd in (uid[:4] + b" \t" + uid[4:] + b"\n", b"\r" + uid + b"\0 9"):
        assert dimse.decode(element(2, odd) + FIELD + ID + NO_DATA, DCMTK).sop_class_uid == VERIFICATION
    assert dimse.decode(element(2, uid[:4] + b" " + uid[4:]) + FIELD + ID + NO_DATA).sop_class_uid != VERIFICATION


def test_what_the_standard_does_not_have_is_not_kept_without_end() -> None:
    elements = dimse.decode(TAKEN["many unknown elements first"], DCMTK).elements
    assert dimse.MAX_KEPT < len(elements) <= dimse.MAX_KEPT + 4
    with pytest.raises(ProtocolError):
        dimse.decode(ECHO + element(0x4444, b"") * dimse.MAX_ELEMENTS, DCMTK)


def test_an_optional_element_may_be_too_long() -> None:
    raw = STORE + element(0x1000, b"1.2.3\0") + element(0x1030, b"A" * 20)
    assert dimse.decode(raw, DCMTK).text(Key.AffectedSOPInstanceUID) == "1.2.3"


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("no class", True),
        ("no message ID", True),
        ("an unknown field", True),
        ("a store without an instance", True),
        ("another field first", True),
        ("no field", False),
        ("an element that is cut", False),
        ("an item", False),
    ],
)
def test_the_standard_demands_a_command_field_only(name: str, taken: bool) -> None:
    if taken:
        assert isinstance(dimse.decode(REFUSED[name]).command_field, int)
    else:
        with pytest.raises(ProtocolError):
            dimse.decode(REFUSED[name])


def test_the_last_of_two_counts_by_default() -> None:
    assert dimse.decode(TAKEN["another field later"]).command_field == 0x20
