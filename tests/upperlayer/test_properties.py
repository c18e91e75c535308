"""What holds for any bytes, any split of them over reads, and any order of PDUs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from struct import pack
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dicomhawk.upperlayer import dimse, itemcodec, pdu
from dicomhawk.upperlayer.dialect import Dialect, Reaction
from dicomhawk.upperlayer.dimse import Command, Key
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from dicomhawk.upperlayer.indications import Violation
from dicomhawk.upperlayer.machine import State
from dicomhawk.upperlayer.message import Assembler, CommandReceived, DataSetFragment
from dicomhawk.upperlayer.provider import Provider
from dicomhawk.upperlayer.rules import STANDARD
from tests.upperlayer import strategies as our
from tests.upperlayer.golden import GOLDEN
from tests.upperlayer.playbook import (
    CT,
    DIALECT,
    IMPLICIT,
    PLAIN_CLOSES,
    answer,
    associated,
    converse,
    decode,
    echo_rq,
    output,
    p_data,
    policy,
    request,
)

POLICY = policy()
GOLDEN_PDUS = sorted({data for talk in GOLDEN.values() for _, data in talk.turns}, key=len)
quirks = st.dictionaries(
    st.sampled_from(Quirk),
    st.builds(
        Reaction,
        st.none() | st.tuples(our.u8, our.u8),
        st.sampled_from(PLAIN_CLOSES),
        st.none() | st.floats(0.0, 100.0),
    ),
)
dialects = st.builds(
    Dialect,
    artim=st.floats(0.0, 100.0),
    partial_pdu=st.floats(0.0, 100.0),
    idle=st.floats(0.0, 100.0),
    max_pdu=st.sampled_from((16, 100, 16384, 1 << 20)),
    before_association=quirks,
    on_association=quirks,
    after_release=st.sampled_from(PLAIN_CLOSES),
    after_reject=st.sampled_from(PLAIN_CLOSES),
    after_artim=st.sampled_from(PLAIN_CLOSES),
)


# The codec


@given(st.integers(1, 7), our.u8, st.binary(max_size=300))
def test_decoding_any_bytes_raises_nothing_but_protocol_errors(pdu_type: int, reserved: int, body: bytes) -> None:
    try:
        kind, length = pdu.decode_header(bytes((pdu_type, reserved)) + len(body).to_bytes(4, "big"), 0, 1 << 20)
        unit = pdu.decode(kind, reserved, body)
    except ProtocolError:
        return
    assert length == len(body)
    assert pdu.encode(unit) == bytes((pdu_type, reserved)) + len(body).to_bytes(4, "big") + body


@given(st.binary(min_size=6, max_size=6), st.integers(0, 1 << 32))
def test_a_header_never_claims_more_than_its_bound(header: bytes, maximum: int) -> None:
    try:
        _, length = pdu.decode_header(header, 0, maximum)
    except ProtocolError:
        return
    assert length <= max(maximum, pdu.MAX_ASSOCIATE_LENGTH)


@given(st.lists(st.tuples(our.u8, our.u8, st.binary(max_size=12)), max_size=12))
def test_items_that_decode_encode_to_themselves(parts: list[tuple[int, int, bytes]]) -> None:
    """Any types and contents, with lengths that are right at the outer level."""
    data = b"".join(bytes((kind, reserved)) + len(x).to_bytes(2, "big") + x for kind, reserved, x in parts)
    for whole in (data, b"\x50\0" + len(data).to_bytes(2, "big") + data):
        try:
            items = itemcodec.decode_items(whole)
        except ProtocolError as error:
            assert error.quirk in (Quirk.ITEM_LENGTH, Quirk.ITEM_OVERRUN)
        else:
            assert itemcodec.encode_items(items) == whole


@given(our.pdus)
def test_a_pdu_decodes_to_what_was_encoded(unit: pdu.PDU) -> None:
    data = pdu.encode(unit)
    assert decode(data) == unit
    assert pdu.encode(decode(data)) == data


@given(st.data())
def test_a_cut_or_changed_pdu_is_refused_or_encodes_to_itself(data: st.DataObject) -> None:
    original = bytearray(data.draw(st.sampled_from(GOLDEN_PDUS[:40])))
    for _ in range(data.draw(st.integers(1, 3))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(our.u8)
    body = bytes(original[6 : data.draw(st.integers(6, len(original)))])
    if 1 <= original[0] <= 7 and (original[0] in (1, 2, 4) or len(body) == 4):
        try:
            unit = pdu.decode(original[0], original[1], body)
        except ProtocolError:
            return
        assert pdu.encode(unit) == bytes(original[:2]) + len(body).to_bytes(4, "big") + body


# Command sets and messages

texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16)
TAGS = st.lists(our.u32, max_size=4).map(tuple)
KINDS = {Key.OffendingElement: TAGS, Key.AttributeIdentifierList: TAGS, Key.CommandGroupLength: our.u32}
TEXTS = (Key.MoveDestination, Key.MoveOriginatorApplicationEntityTitle, Key.ErrorComment)


def values(key: Key) -> st.SearchStrategy[Any]:
    if key in KINDS:
        return KINDS[key]
    return texts if key.name.endswith("UID") or key in TEXTS else our.u16


commands = st.fixed_dictionaries(
    {Key.CommandField: our.u16}, optional={key: values(key) for key in Key if key is not Key.CommandField}
)


@given(commands)
def test_a_command_set_decodes_to_what_was_encoded(elements: dict[int, Any]) -> None:
    data = dimse.encode(elements)
    command = dimse.decode(data)
    assert command.elements == {**elements, Key.CommandGroupLength: len(data) - 12}
    assert dimse.encode(command.elements, command.elements) == data


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda x: dimse.encode({Key.CommandField: 1}) + x))
def test_decoding_any_command_set_raises_nothing_but_protocol_errors(data: bytes) -> None:
    try:
        command = dimse.decode(data)
    except ProtocolError as error:
        assert error.quirk is Quirk.COMMAND_SET
    else:
        dimse.decode(dimse.encode(dimse.response(command, 0)))
        assert command.name and repr(command)


@settings(max_examples=300)
@given(
    st.sampled_from(("1.2", "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1")),
    st.lists(st.tuples(st.integers(0, 99), our.u8), max_size=2),
    st.lists(st.tuples(our.u16, our.u16), max_size=2),
    st.lists(our.u16, min_size=2, max_size=4),
)
@example("1.2.840.10008.1.1", [], [(Key.MessageID, 0x4321)], [1, 0x1234, 0x4321])
@example("1.2.840.10008.1.1", [], [(Key.MessageID, 0x1234)], [1, 0x1234, 0x4321])
@example("1.2.840.10008.1.1", [(16, 28)], [], [1, 2])
def test_a_command_set_like_one_before_decodes_like_any_other(
    uid: str, changes: list[tuple[int, int]], more: list[tuple[int, int]], numbers: list[int]
) -> None:
    """What is remembered makes no difference, whatever the bytes around the message ID are."""
    head = {Key.AffectedSOPClassUID: uid, Key.CommandField: 0x0030}
    for number in numbers:
        raw = bytearray(dimse.encode({**head, Key.MessageID: number, Key.CommandDataSetType: 0x0101}))
        raw += b"".join(pack("<HHLH", 0, key, 2, value) for key, value in more)
        for place, value in changes:
            raw[place % len(raw)] = value
        try:
            plain = dimse._elements(bytes(raw), STANDARD)
        except ProtocolError:
            with pytest.raises(ProtocolError):
                dimse.decode(bytes(raw))
        else:
            assert list(dimse.decode(bytes(raw)).elements.items()) == list(plain.items())


@given(
    st.lists(
        st.tuples(st.sampled_from((1, 3, 5)), our.u8, st.binary(max_size=40) | st.just(p_data(1, echo_rq())[12:]))
    )
)
def test_an_assembler_takes_any_values(pdvs: list[tuple[int, int, bytes]]) -> None:
    assembler = Assembler()
    for pdv in pdvs:
        try:
            assembler.add(pdu.PDV(*pdv), {1, 3}, 0)
        except ProtocolError:
            return


@given(st.binary(max_size=3000), st.lists(st.integers(0, 400), max_size=12), st.integers(0, 500))
def test_a_message_in_any_pieces_is_the_same_message(data: bytes, cuts: list[int], maximum: int) -> None:
    """Fragments of any size, several to a PDU or not, and reads of any size."""
    command = Command({Key.CommandField: 1, Key.MessageID: 9, Key.CommandDataSetType: 1})
    raw = dimse.encode(command.elements)
    stream = b""
    for kind, whole in ((1, raw), (0, data)):
        places = sorted({0, *(cut for cut in cuts if 0 < cut < len(whole))})
        pieces = [whole[a:b] for a, b in zip(places, [*places[1:], len(whole)], strict=True)]
        pdvs = [pdu.PDV(1, kind | (2 if n == len(pieces) - 1 else 0), x) for n, x in enumerate(pieces)]
        step = 1 + maximum % 3
        stream += b"".join(pdu.encode(pdu.PDataTF(tuple(pdvs[n : n + step]))) for n in range(0, len(pdvs), step))
    provider = associated(rq=request((1, CT, (IMPLICIT,))))
    found = []
    for start in range(0, len(stream), maximum + 1):
        provider.feed(stream[start : start + maximum + 1], 0.0)
        while (indication := provider.poll(0.0)) is not None:
            found.append(indication)
    first, *rest = found
    assert isinstance(first, CommandReceived) and first.raw == raw
    assert all(isinstance(fragment, DataSetFragment) for fragment in rest)
    assert b"".join(fragment.data for fragment in rest) == data
    assert [fragment.last for fragment in rest] == [False] * (len(rest) - 1) + [True]


# The provider

garbage = st.binary(max_size=30)
meaningful = st.sampled_from(GOLDEN_PDUS) | our.pdus.map(pdu.encode) | st.just(p_data(1, echo_rq()))
streams = st.tuples(
    st.booleans().map(lambda opened: pdu.encode(request()) if opened else b""),
    st.lists(st.one_of(meaningful, meaningful, meaningful, garbage), max_size=8).map(b"".join),
).map(b"".join)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def recorded(indications: list[Any]) -> list[Any]:
    """Indications to compare. What a violation shows is whatever of the PDU had come by then."""
    return [(i.quirk, i.detail, i.state, i.reaction) if isinstance(i, Violation) else i for i in indications]


@settings(max_examples=300)
@given(streams, st.lists(st.integers(0, 3000), max_size=20), st.booleans(), dialects)
@example(pdu.encode(request()) + p_data(1, echo_rq()), list(range(3000)), False, DIALECT)
def test_any_split_over_reads_gives_the_same(
    data: bytes, places: list[int], requesting: bool, dialect: Dialect
) -> None:
    seen = []
    for parts in ([data], cut(data, places), cut(data, range(0, len(data), 1 + len(places)))):
        provider = Provider(dialect, 0.0, requestor=requesting)
        if requesting:
            provider.request(request())
        found, out = converse(provider, parts, POLICY)
        seen.append((recorded(found), out, provider.state, provider.close, provider.received))
    assert seen[0] == seen[1] == seen[2]


@settings(max_examples=200)
@given(streams, st.lists(st.integers(0, 3000), max_size=20), st.booleans())
def test_every_byte_is_consumed_or_left_over(data: bytes, places: list[int], requesting: bool) -> None:
    provider = Provider(DIALECT, 0.0, requestor=requesting)
    if requesting:
        provider.request(request())
    found = b""
    for part in cut(data, places):
        provider.feed(part, 0.0)
        while (indication := provider.poll(0.0)) is not None:
            answer(provider, indication, POLICY)
        offset, taken = provider.consumed()
        assert not taken or offset == len(found)
        found += taken
    assert found + provider.leftover == data
    provider.transport_closed()
    assert found + provider.leftover == data


@settings(max_examples=200)
@given(st.lists(meaningful, max_size=10), st.booleans(), dialects)
def test_any_order_of_pdus_leaves_the_provider_in_order(
    units: list[bytes], requesting: bool, dialect: Dialect
) -> None:
    provider = Provider(dialect, 0.0, requestor=requesting)
    if requesting:
        provider.request(request())
        output(provider)
    _, out = converse(provider, units, POLICY)
    while out:  # what is sent are whole PDUs, whatever came
        size = 6 + int.from_bytes(out[2:6], "big")
        decode(out[:size])
        out = out[size:]
    assert (provider.state is State.STA1) == (provider.close is not None)
    now = 0.0
    for _ in range(3):  # idle, ARTIM, and that's it
        if provider.deadline is not None:
            now = max(now, provider.deadline)
            provider.handle_timer(now)
            output(provider, now)
    assert provider.deadline is None
    assert provider.state in (State.STA1, State.STA3)


@given(st.lists(st.tuples(st.sampled_from(("feed", "poll", "timer", "close")), garbage, st.floats(0, 1000))))
def test_any_use_with_any_time_raises_nothing(steps: list[tuple[str, bytes, float]]) -> None:
    provider = Provider(DIALECT, 0.0)
    for what, data, now in steps:
        match what:
            case "feed":
                provider.feed(data, now)
            case "poll":
                provider.poll(now)
            case "timer":
                provider.handle_timer(now)
            case "close":
                provider.transport_closed()
        assert provider.deadline is None or isinstance(provider.deadline, float)
