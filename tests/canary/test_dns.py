"""DNS: what is answered, that nobody gains by asking, and that nothing that comes breaks it."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.canary.dns import MAX_MESSAGE, DnsError, Zone, answer, malformed, parse, zone_of
from dicomhawk.canary.rates import BURST, Rates, Seen

ZONE = Zone("img.example.net", IPv4Address("192.0.2.53"))


def question(name: str, kind: int = 1, *, flags: int = 0x0100, kind_of_data: int = 1, edns: bool = False) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split(".") if label) + b"\0"
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0) if edns else b""
    head = struct.pack(">6H", 0x1234, flags, 1, 0, 0, int(edns))
    return head + labels + struct.pack(">HH", kind, kind_of_data) + opt


def asked(name: str, kind: int = 1, **how: object) -> bytes:
    return answer(parse(question(name, kind, **how)), ZONE)  # type: ignore[arg-type]


def code(message: bytes) -> int:
    return message[3] & 15


def counts(message: bytes) -> tuple[int, ...]:
    return struct.unpack_from(">6H", message)[2:]


@pytest.mark.parametrize("name", ["a.img.example.net", "IMG.example.NET", "x.y.z.img.example.net"])
def test_every_name_of_the_zone_has_its_address(name: str) -> None:
    message = asked(name)
    assert message[:2] == b"\x12\x34" and code(message) == 0 and message[2] & 0x84 == 0x84
    assert counts(message) == (1, 1, 0, 0)
    assert message.endswith(ZONE.address.packed)
    assert question(name)[12:] in message  # in its case, which resolvers check


@pytest.mark.parametrize("kind", [28, 16, 15, 65, 12, 33])
def test_other_types_have_no_data(kind: int) -> None:
    message = asked("a.img.example.net", kind)
    assert code(message) == 0 and counts(message) == (1, 0, 1, 0)


@pytest.mark.parametrize("name", ["example.net", "google.com", "", "aimg.example.net", "img.example.net.evil.org"])
def test_other_names_are_refused(name: str) -> None:
    message = asked(name)
    assert code(message) == 5 and counts(message) == (1, 0, 0, 0)


def test_the_zone_says_who_serves_it() -> None:
    assert counts(asked("img.example.net", 2)) == (1, 1, 0, 0)
    assert counts(asked("img.example.net", 6)) == (1, 1, 0, 0)


def test_other_operations_and_classes_are_not_ours() -> None:
    assert code(asked("a.img.example.net", flags=0x2000)) == 4
    assert code(asked("version.bind", 16, kind_of_data=3)) == 5


@given(st.sampled_from([1, 2, 6, 16, 28, 255, 252]), st.booleans(), st.text("abc", min_size=1, max_size=40))
def test_no_answer_is_much_longer_than_its_question(kind: int, edns: bool, label: str) -> None:
    for name in (f"{label}.img.example.net", "img.example.net"):
        sent = question(name, kind, edns=edns)
        assert len(answer(parse(sent), ZONE)) <= len(sent) + 60


def test_edns_is_answered_with_edns() -> None:
    message = asked("a.img.example.net", edns=True)
    assert counts(message) == (1, 1, 0, 1) and message[-11:-8] == b"\0\0\x29"


@given(st.binary(max_size=600))
def test_whatever_comes_is_answered_briefly_or_not(data: bytes) -> None:
    try:
        found = answer(parse(data), ZONE)
    except DnsError:
        assert len(malformed(data) or b"") in (0, 12)
    else:
        assert len(found) <= len(data) + 60


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 11,
        question("a.example")[:-1],
        question("a.example", flags=0x8000),  # an answer
        question("a.example")[:12] + b"\xc0\x0c" + b"\0\1\0\1",  # a name that is itself
        question("a.example")[:12] + b"\x3f" + b"a" * 10,
        question(".".join(["a" * 60] * 5)),
        struct.pack(">6H", 1, 0, 2, 0, 0, 0) + question("a.example")[12:] * 2,
        struct.pack(">6H", 1, 0, 0, 0, 0, 0),
        b"\0" * (MAX_MESSAGE + 1),
    ],
)
def test_what_is_no_question_is_none(data: bytes) -> None:
    with pytest.raises(DnsError):
        parse(data)


def test_an_answer_to_an_answer_is_none() -> None:
    assert malformed(question("a.example", flags=0x8180)) is None


def test_a_network_gets_so_much_and_no_more() -> None:
    rates = Rates()
    allowed = sum(rates.allows(f"192.0.2.{number % 250}", 100.0) for number in range(500))
    assert allowed == BURST
    assert rates.allows("198.51.100.1", 100.0)
    assert rates.allows("192.0.2.1", 101.0)


def test_the_same_visit_counts_once_a_minute() -> None:
    seen = Seen()
    assert seen.is_new(("t", "a"), 0.0) and not seen.is_new(("t", "a"), 59.0)
    assert seen.is_new(("t", "b"), 59.0) and seen.is_new(("t", "a"), 61.0)


def test_no_two_zones_are_set_up_alike() -> None:
    zones = {zone_of(f"z{number}.example", ZONE.address)._replace(name="") for number in range(50)}
    assert len(zones) == 50
    assert zone_of("a.example", ZONE.address) == zone_of("a.example", ZONE.address)
