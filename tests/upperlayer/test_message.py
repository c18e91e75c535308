"""Messages put together from any fragments, and taken apart within the peer's maximum length."""

from __future__ import annotations

import pytest

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dimse import Command, Key
from dicomhawk.upperlayer.errors import ProtocolError, Quirk
from dicomhawk.upperlayer.fragments import FILLING, UNLIMITED, fragments
from dicomhawk.upperlayer.message import Assembler, CommandReceived, DataSetFragment
from tests.upperlayer.playbook import CT, decode, echo_rq

COMMAND, LAST = 1, 2
ECHO = dimse.encode(echo_rq().elements)
STORE = dimse.encode({Key.AffectedSOPClassUID: CT, Key.CommandField: 1, Key.MessageID: 3, Key.CommandDataSetType: 1})
CONTEXTS = {1, 3}


def add(assembler: Assembler, *pdvs: tuple[int, int, bytes]) -> list[CommandReceived | DataSetFragment | None]:
    return [assembler.add(pdu.PDV(*pdv), CONTEXTS, 0) for pdv in pdvs]


@pytest.mark.parametrize("size", range(1, len(ECHO) + 1))
def test_a_command_in_pieces(size: int) -> None:
    pieces = [ECHO[i : i + size] for i in range(0, len(ECHO), size)]
    assembler = Assembler()
    *before, whole = add(
        assembler, *((1, COMMAND | (LAST if n == len(pieces) - 1 else 0), x) for n, x in enumerate(pieces))
    )
    assert before == [None] * (len(pieces) - 1)
    assert whole == CommandReceived(1, dimse.decode(ECHO), ECHO)
    assert assembler.idle


@pytest.mark.parametrize("split", range(len(ECHO) + 1))
def test_a_command_in_two_pieces_either_of_them_possibly_empty(split: int) -> None:
    found = add(Assembler(), (1, COMMAND, ECHO[:split]), (1, COMMAND | LAST, ECHO[split:]))
    assert found[0] is None
    assert isinstance(found[1], CommandReceived) and found[1].raw == ECHO


def test_a_data_set_is_handed_on_and_not_held() -> None:
    assembler = Assembler()
    data = bytes(range(10))
    found = []
    for offset, pdv in [
        (0, (1, COMMAND | LAST, STORE)),
        (100, (1, 0, data)),
        (200, (1, 0, b"")),
        (300, (1, LAST, data[:1])),
    ]:
        found.append(assembler.add(pdu.PDV(*pdv), CONTEXTS, offset))
        assert assembler.idle == (offset == 300)
    assert isinstance(found[0], CommandReceived) and found[0].command.has_data_set
    assert found[1:] == [
        DataSetFragment(1, memoryview(data), False, 100),
        DataSetFragment(1, memoryview(b""), False, 200),
        DataSetFragment(1, memoryview(data[:1]), True, 300),
    ]


def test_messages_on_different_contexts_one_after_the_other() -> None:
    assembler = Assembler()
    kinds = add(assembler, (1, 3, STORE), (1, LAST, b"x"), (3, 3, ECHO), (1, 3, ECHO), (3, 3, STORE), (3, LAST, b""))
    command, fragment = CommandReceived, DataSetFragment
    assert [type(kind) for kind in kinds] == [command, fragment, command, command, command, fragment]
    assert [kind.context_id for kind in kinds if kind is not None] == [1, 1, 3, 1, 3, 3]


@pytest.mark.parametrize(
    ("before", "wrong", "quirk"),
    [
        ([], (5, 3, ECHO), Quirk.PDV_CONTEXT),
        ([], (0, 3, ECHO), Quirk.PDV_CONTEXT),
        ([(1, COMMAND, ECHO[:9])], (3, 3, ECHO[9:]), Quirk.PDV_CONTEXT),
        ([(1, 3, STORE)], (3, 0, b"x"), Quirk.PDV_CONTEXT),
        ([(1, 3, STORE)], (3, 3, ECHO), Quirk.PDV_CONTEXT),
        ([], (1, 0, b"x"), Quirk.PDV_ORDER),
        ([], (1, LAST, b"x"), Quirk.PDV_ORDER),
        ([(1, 3, ECHO)], (1, LAST, b"x"), Quirk.PDV_ORDER),
        ([(1, COMMAND, ECHO[:9])], (1, LAST, b"x"), Quirk.PDV_ORDER),
        ([(1, 3, STORE)], (1, 3, ECHO), Quirk.PDV_ORDER),
        ([(1, 3, STORE), (1, 0, b"x")], (1, COMMAND, b""), Quirk.PDV_ORDER),
        ([(1, 3, STORE), (1, LAST, b"x")], (1, LAST, b"x"), Quirk.PDV_ORDER),
        ([], (1, 3, b""), Quirk.COMMAND_SET),
        ([], (1, 3, ECHO[:-1]), Quirk.COMMAND_SET),
        ([], (1, COMMAND, bytes(dimse.MAX_COMMAND_SET + 1)), Quirk.COMMAND_TOO_LONG),
        ([(1, COMMAND, bytes(dimse.MAX_COMMAND_SET // 4))] * 4, (1, COMMAND, b"x"), Quirk.COMMAND_TOO_LONG),
        ([(1, COMMAND, bytes(dimse.MAX_COMMAND_SET // 4))] * 4, (1, 3, b"x"), Quirk.COMMAND_TOO_LONG),
    ],
)
def test_fragments_out_of_place(
    before: list[tuple[int, int, bytes]], wrong: tuple[int, int, bytes], quirk: Quirk
) -> None:
    assembler = Assembler()
    add(assembler, *before)
    with pytest.raises(ProtocolError) as caught:
        add(assembler, wrong)
    assert caught.value.quirk is quirk


def test_other_bits_of_the_control_header_mean_nothing() -> None:
    assembler = Assembler()
    (received,) = add(assembler, (1, 0xFF, STORE))
    assert isinstance(received, CommandReceived)
    (fragment,) = add(assembler, (1, 0xFC, b"x"))
    assert fragment == DataSetFragment(1, memoryview(b"x"), False, 0)


# Taking apart


def sent(parts: list[bytes | memoryview]) -> list[pdu.PDataTF]:
    """The PDUs that the parts are, when written one after the other."""
    found, data = [], b"".join(parts)
    while data:
        size = 6 + int.from_bytes(data[2:6], "big")
        unit = decode(data[:size])
        assert isinstance(unit, pdu.PDataTF)
        found.append(unit)
        data = data[size:]
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 121, 122, 123, 244, 245, 1000])
@pytest.mark.parametrize("maximum", [0, 1, 127, 128, 129, 130, 4096, 16382, 16384])
@pytest.mark.parametrize("command", [True, False])
def test_fragments_keep_to_the_maximum_and_carry_it_all(size: int, maximum: int, command: bool) -> None:
    data = bytes(n % 251 for n in range(size))
    units = sent(fragments(5, data, FILLING.piece(maximum), command=command))
    pdvs = [pdv for unit in units for pdv in unit.pdvs]
    assert len(units) == len(pdvs) >= 1
    assert b"".join(pdv.data for pdv in pdvs) == data
    assert {pdv.context_id for pdv in pdvs} == {5}
    assert {pdv.control & COMMAND for pdv in pdvs} == {int(command)}
    assert [bool(pdv.control & LAST) for pdv in pdvs] == [False] * (len(pdvs) - 1) + [True]
    limit = max(maximum, FILLING.smallest) if maximum else UNLIMITED + 6
    assert all(len(pdv.data) + 6 <= limit for pdv in pdvs)
    assert all(len(pdv.data) % 2 == 0 for pdv in pdvs[:-1])  # PS3.8 annex E: even pieces


def test_a_fragment_is_as_large_as_it_may_be() -> None:
    units = sent(fragments(1, bytes(40000), FILLING.piece(16384)))
    assert [len(unit.pdvs[0].data) for unit in units] == [16378, 16378, 7244]
    units = sent(fragments(1, bytes(UNLIMITED + 1), FILLING.piece(0)))
    assert [len(unit.pdvs[0].data) for unit in units] == [UNLIMITED, 1]


def test_fragments_are_views_of_the_data_and_not_copies() -> None:
    data = bytes(100_000)
    parts = fragments(1, data, 16378)
    assert all(len(header) == 12 for header in parts[::2])
    assert all(isinstance(view, memoryview) and view.obj is data for view in parts[1::2])


def test_what_was_taken_apart_goes_together_again() -> None:
    assembler = Assembler()
    data = bytes(1000)
    found = [
        assembler.add(pdv, {9}, 0)
        for unit in sent([*fragments(9, STORE, 122, command=True), *fragments(9, data, 194)])
        for pdv in unit.pdvs
    ]
    received = [f for f in found if f is not None]
    assert isinstance(received[0], CommandReceived) and received[0].command == dimse.decode(STORE)
    assert isinstance(received[0].command, Command)
    assert b"".join(f.data for f in received[1:] if isinstance(f, DataSetFragment)) == data
    assert assembler.idle


@pytest.mark.parametrize("maximum", [0, 128, 1000, 16384])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_data_set_in_steps_is_cut_as_in_one(maximum: int, pieces: int) -> None:
    piece = FILLING.piece(maximum)
    step = piece * pieces
    data = bytes(range(256)) * (step // 100 + 1)
    stepwise: list[bytes] = []
    for start in range(0, len(data), step):
        last = start + step >= len(data)
        stepwise += map(bytes, fragments(3, data[start : start + step], piece, last=last))
    assert b"".join(stepwise) == b"".join(map(bytes, fragments(3, data, piece)))
