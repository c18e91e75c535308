"""The provider as a playbook: bytes in, indications and bytes out, on both sides of an association."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer.dialect import Close, Dialect, Reaction
from dicomhawk.upperlayer.dimse import Command, Key
from dicomhawk.upperlayer.errors import Quirk
from dicomhawk.upperlayer.machine import State
from dicomhawk.upperlayer.message import CommandReceived, DataSetFragment
from dicomhawk.upperlayer.negotiation import Accepted, Context, negotiate
from dicomhawk.upperlayer.provider import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    Provider,
    ReleaseConfirmation,
    ReleaseIndication,
    TransportClosed,
    Violation,
)
from tests.upperlayer.playbook import (
    CT,
    DIALECT,
    IMPLICIT,
    VERIFICATION,
    associated,
    echo_rq,
    indications,
    output,
    p_data,
    policy,
    request,
)

RQ = pdu.encode(request())
RELEASE_RQ, RELEASE_RP = bytes.fromhex("0500000000040000 0000"), bytes.fromhex("0600000000040000 0000")
RJ = bytes.fromhex("03000000000400010101")
ABORT = bytes.fromhex("07000000000400000000")
ECHO = p_data(1, echo_rq())
STORE = p_data(1, Command({Key.CommandField: 1, Key.MessageID: 1, Key.CommandDataSetType: 1}))


def abort(source: int, reason: int) -> bytes:
    return bytes((7, 0, 0, 0, 0, 4, 0, 0, source, reason))


def requestor(*contexts: tuple[int, str, tuple[str, ...]], dialect: Dialect = DIALECT) -> Provider:
    """A requestor in Sta5, with nothing left to write."""
    provider = Provider(dialect, 0.0, requestor=True)
    provider.request(request(*contexts))
    assert output(provider)[0] == pdu.RQ
    return provider


def accepted(rq: pdu.AssociateRQ) -> Accepted:
    outcome = negotiate(rq, policy())
    assert isinstance(outcome, Accepted)
    return outcome


AC = pdu.encode(accepted(request()).ac)


# The acceptor


def test_an_echo_from_beginning_to_end() -> None:
    provider = Provider(DIALECT, 0.0)
    assert provider.state is State.STA2
    assert indications(provider, RQ) == [AssociateIndication(request(), RQ[6:])]
    assert provider.state is State.STA3
    provider.accept(accepted(request()))
    assert provider.state is State.STA6
    assert output(provider) == AC
    (received,) = indications(provider, ECHO)
    assert isinstance(received, CommandReceived) and received.command == dimse.decode(received.raw)
    provider.send(1, dimse.encode(dimse.response(received.command, 0)))
    assert output(provider) == p_data(1, Command(dimse.response(received.command, 0)))
    assert indications(provider, RELEASE_RQ) == [ReleaseIndication()]
    assert provider.state is State.STA8
    provider.confirm_release(1.0)
    assert output(provider) == RELEASE_RP
    assert (provider.state, provider.close, provider.deadline) == (State.STA13, None, 31.0)
    assert provider.transport_closed() == TransportClosed(State.STA13)
    assert (provider.state, provider.close, provider.deadline) == (State.STA1, Close.FIN, None)
    assert (provider.received, provider.pdus_received) == (len(RQ + ECHO + RELEASE_RQ), 3)


def test_everything_in_one_read_is_answered_step_by_step() -> None:
    provider = Provider(DIALECT, 0.0)
    provider.feed(RQ + ECHO + ECHO + RELEASE_RQ, 0.0)
    assert isinstance(provider.poll(0.0), AssociateIndication)
    provider.accept(accepted(request()))
    assert isinstance(provider.poll(0.0), CommandReceived)
    assert isinstance(provider.poll(0.0), CommandReceived)
    assert provider.poll(0.0) == ReleaseIndication()
    assert provider.poll(0.0) is None


def test_byte_by_byte_with_polls_between() -> None:
    provider = Provider(DIALECT, 0.0)
    for byte in RQ[:-1]:
        assert indications(provider, bytes((byte,))) == []
        assert provider.poll(0.0) is None
    assert len(indications(provider, RQ[-1:])) == 1
    provider.accept(accepted(request()))
    for byte in ECHO[:-1]:
        assert indications(provider, bytes((byte,))) == []
        provider.consumed()
    assert len(indications(provider, ECHO[-1:])) == 1


def test_a_rejection() -> None:
    provider = Provider(DIALECT, 0.0)
    indications(provider, RQ)
    provider.reject(pdu.AssociateRJ(1, 1, 7), 2.0)
    assert output(provider) == bytes.fromhex("03000000000400010107")
    assert (provider.state, provider.close, provider.deadline) == (State.STA13, None, 32.0)


def test_contexts_and_the_peers_maximum_are_known_once_accepted() -> None:
    rq = request((1, VERIFICATION, (IMPLICIT,)), (3, "1.2.3", (IMPLICIT,)))
    provider = associated(rq=rq)
    assert provider.contexts == {1: Context(1, VERIFICATION, IMPLICIT)}
    assert provider.peer_maximum_length == 16384


def test_a_message_is_sent_in_fragments_that_the_peer_can_take() -> None:
    rq = request()
    provider = associated(rq=replace(rq, items=(*rq.items[:-1], it.UserInformation((it.MaximumLength(200),)))))
    data = bytes(range(256)) * 4
    provider.send(1, dimse.encode(echo_rq().elements), data)
    assert output(provider) == p_data(1, echo_rq(), data, maximum=200)


def test_data_sets_are_handed_on_with_their_place_in_the_stream() -> None:
    provider = associated(rq=request((1, CT, (IMPLICIT,))))
    start = provider.received
    two = bytes.fromhex("04 00 00000013 00000005 01 00 aaaaaa 00000006 01 02 bbbbbbbb")
    found = indications(provider, STORE + two)
    assert isinstance(found[0], CommandReceived)
    at = start + len(STORE) + 12
    assert found[1:] == [
        DataSetFragment(1, memoryview(b"\xaa" * 3), False, at),
        DataSetFragment(1, memoryview(b"\xbb" * 4), True, at + 9),
    ]


TWO_ECHOES = pdu.encode(pdu.PDataTF((pdu.PDV(1, 3, ECHO[12:]),) * 2))


def test_reads_between_two_values_of_one_pdu() -> None:
    provider = associated()
    indications(provider, ECHO + TWO_ECHOES[:40])  # so that the PDU doesn't begin where the buffer does
    provider.feed(TWO_ECHOES[40:], 0.0)
    start = provider.received
    assert isinstance(provider.poll(0.0), CommandReceived)
    assert provider.consumed() == (start - len(TWO_ECHOES), TWO_ECHOES[:-74])
    assert provider.leftover == TWO_ECHOES[-74:]
    provider.feed(RELEASE_RQ[:3], 0.0)
    provider.feed(RELEASE_RQ[3:] + TWO_ECHOES[:1], 0.0)
    assert isinstance(provider.poll(0.0), CommandReceived)
    assert provider.poll(0.0) == ReleaseIndication()
    assert provider.poll(0.0) is None
    assert provider.consumed() == (start - 74, TWO_ECHOES[-74:] + RELEASE_RQ)


def test_values_after_an_abort_are_skipped() -> None:
    provider = associated()
    provider.feed(TWO_ECHOES + ABORT, 0.0)
    assert isinstance(provider.poll(0.0), CommandReceived)
    provider.abort(0.0)
    assert provider.poll(0.0) == AbortIndication(0, 0)


def test_an_abort_of_the_peer() -> None:
    provider = associated()
    assert indications(provider, abort(2, 6)) == [AbortIndication(2, 6)]
    assert (provider.state, provider.close, output(provider)) == (State.STA1, Close.FIN, b"")


@pytest.mark.parametrize("state", [State.STA2, State.STA3])
def test_an_abort_of_the_peer_before_the_association(state: State) -> None:
    provider = Provider(DIALECT, 0.0)
    if state is State.STA3:
        indications(provider, RQ)
    assert indications(provider, ABORT) == [AbortIndication(0, 0)]
    assert (provider.state, provider.close) == (State.STA1, Close.FIN)


def test_our_own_abort() -> None:
    provider = associated()
    provider.feed(ECHO + ECHO, 0.0)
    assert isinstance(provider.poll(0.0), CommandReceived)
    provider.abort(5.0, source=2, reason=6)
    assert output(provider) == abort(2, 6)
    assert provider.poll(5.0) is None  # what comes after is not looked at any more
    assert (provider.state, provider.deadline) == (State.STA13, 35.0)
    provider = associated()
    provider.abort(5.0, close=Close.RESET)
    assert (provider.state, provider.close) == (State.STA1, Close.RESET)


def test_data_can_still_be_sent_until_the_release_is_confirmed() -> None:
    provider = associated()
    indications(provider, RELEASE_RQ)
    provider.send(1, dimse.encode(echo_rq().elements))
    assert (output(provider), provider.state) == (ECHO, State.STA8)


def test_data_still_come_until_the_peer_has_confirmed_our_release() -> None:
    provider = associated()
    provider.release()
    assert (output(provider), provider.state) == (RELEASE_RQ, State.STA7)
    assert isinstance(indications(provider, ECHO)[0], CommandReceived)
    assert provider.state is State.STA7
    assert indications(provider, RELEASE_RP) == [ReleaseConfirmation()]
    assert (provider.state, provider.close) == (State.STA1, Close.FIN)


# The requestor


def test_a_requestor_from_beginning_to_end() -> None:
    provider = Provider(DIALECT, 0.0, requestor=True)
    assert (provider.state, provider.deadline) == (State.STA1, None)
    provider.request(request())
    assert (output(provider), provider.state) == (RQ, State.STA5)
    assert indications(provider, AC) == [AssociateConfirmation(accepted(request()).ac)]
    assert provider.state is State.STA6
    assert provider.contexts == {1: Context(1, VERIFICATION, IMPLICIT)}
    provider.send(1, dimse.encode(echo_rq().elements))
    assert output(provider) == ECHO
    provider.release()
    assert indications(provider, RELEASE_RP) == [ReleaseConfirmation()]
    assert (provider.state, provider.close) == (State.STA1, Close.FIN)


def test_a_requestor_knows_its_contexts_and_roles_from_the_answer() -> None:
    rq = request(
        (1, CT, (IMPLICIT,)),
        (3, VERIFICATION, (IMPLICIT,)),
        (5, "1.2.3", (IMPLICIT,)),
        user=(it.RoleSelection(CT, 0, 1),),
    )
    provider = Provider(DIALECT, 0.0, requestor=True)
    provider.request(rq)
    answer = accepted(rq).ac
    unasked = it.AnsweredContext(9, 0, (it.TransferSyntax(IMPLICIT),))
    indications(provider, pdu.encode(replace(answer, items=(*answer.items, unasked))))
    assert provider.contexts == {
        1: Context(1, CT, IMPLICIT, scu=False, scp=True),
        3: Context(3, VERIFICATION, IMPLICIT),
    }


def test_a_requestor_that_is_rejected() -> None:
    provider = requestor()
    assert indications(provider, RJ) == [AssociateConfirmation(pdu.AssociateRJ(1, 1, 1))]
    assert (provider.state, provider.close) == (State.STA1, Close.FIN)


def test_what_comes_before_a_requestor_has_asked_is_dropped() -> None:
    provider = Provider(DIALECT, 0.0, requestor=True)
    assert indications(provider, b"220 ready\r\n") == []
    assert provider.consumed() == (0, b"220 ready\r\n")


# Release collision, PS3.8 7.2.2


def test_the_requestors_side_of_a_release_collision() -> None:
    provider = requestor()
    indications(provider, AC)
    provider.release()
    output(provider)
    assert indications(provider, RELEASE_RQ) == [ReleaseIndication(collision=True)]
    assert provider.state is State.STA9
    provider.confirm_release(0.0)
    assert (output(provider), provider.state, provider.close) == (RELEASE_RP, State.STA11, None)
    assert indications(provider, RELEASE_RP) == [ReleaseConfirmation()]
    assert (provider.state, provider.close) == (State.STA1, Close.FIN)


def test_the_acceptors_side_of_a_release_collision() -> None:
    provider = associated()
    provider.release()
    output(provider)
    assert indications(provider, RELEASE_RQ) == [ReleaseIndication(collision=True)]
    assert provider.state is State.STA10
    with pytest.raises(ValueError, match="EVT14"):
        provider.confirm_release(0.0)  # not yet
    assert indications(provider, RELEASE_RP) == [ReleaseConfirmation()]
    assert provider.state is State.STA12
    provider.confirm_release(0.0)
    assert (output(provider), provider.state, provider.deadline) == (RELEASE_RP, State.STA13, 30.0)


# What the user may not do


@pytest.mark.parametrize("state", ["sta1", "sta2", "sta3", "sta6", "sta8", "sta13"])
def test_primitives_out_of_place_are_the_callers_mistake(state: str) -> None:
    provider = associated() if state in ("sta6", "sta8") else Provider(DIALECT, 0.0, requestor=state == "sta1")
    match state:
        case "sta3":
            indications(provider, RQ)
        case "sta8":
            indications(provider, RELEASE_RQ)
        case "sta13":
            indications(provider, RJ)
    outcome = accepted(request())
    primitives = {
        "request": (lambda: provider.request(request()), {"sta1"}),
        "accept": (lambda: provider.accept(outcome), {"sta3"}),
        "reject": (lambda: provider.reject(pdu.AssociateRJ(1, 1, 1), 0.0), {"sta3"}),
        "send": (lambda: provider.send(1, b""), {"sta6", "sta8"}),
        "release": (provider.release, {"sta6"}),
        "confirm_release": (lambda: provider.confirm_release(0.0), {"sta8"}),
        "abort": (lambda: provider.abort(0.0), {"sta3", "sta6", "sta8"}),
    }
    output(provider)
    for name, (use, allowed) in primitives.items():
        if state not in allowed:
            with pytest.raises(ValueError, match=r"not possible|requested once"):
                use()
            assert output(provider) == b"", name


def test_an_association_is_requested_once() -> None:
    provider = requestor()
    indications(provider, RJ)
    with pytest.raises(ValueError, match="once"):
        provider.request(request())
    acceptor = Provider(DIALECT, 0.0)
    acceptor.transport_closed()
    with pytest.raises(ValueError, match="requestor"):
        acceptor.request(request())


# Things that go wrong, with the standard's own dialect


@pytest.mark.parametrize(
    ("data", "quirk"),
    [
        (AC, Quirk.UNEXPECTED_PDU),
        (RJ, Quirk.UNEXPECTED_PDU),
        (ECHO, Quirk.UNEXPECTED_PDU),
        (RELEASE_RQ, Quirk.UNEXPECTED_PDU),
        (RELEASE_RP, Quirk.UNEXPECTED_PDU),
        (b"GET / HTTP/1.1\r\n\r\n", Quirk.UNKNOWN_PDU),
        (b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\x03\0\0\0", Quirk.PDU_LENGTH),  # RDP
        (b"\x01\0\xff\xff\xff\xff", Quirk.PDU_TOO_LONG),
        (b"\x01\0\0\0\0\x04\0\1\0\0", Quirk.PDU_LENGTH),
        (RQ[:2] + (len(RQ) - 7).to_bytes(4, "big") + RQ[6:-1], Quirk.ITEM_OVERRUN),
    ],
)
def test_before_the_association_the_answer_is_aa_1(data: bytes, quirk: Quirk) -> None:
    provider = Provider(DIALECT, 0.0)
    (violation,) = indications(provider, data, now=3.0)
    assert isinstance(violation, Violation)
    assert (violation.quirk, violation.state) == (quirk, State.STA2)
    assert violation.data == data[:256]
    assert output(provider) == abort(0, 0)
    assert (provider.state, provider.close, provider.deadline) == (State.STA13, None, 33.0)


@pytest.mark.parametrize(
    ("data", "quirk", "reply"),
    [
        (RQ, Quirk.UNEXPECTED_PDU, (2, 2)),
        (AC, Quirk.UNEXPECTED_PDU, (2, 2)),
        (RJ, Quirk.UNEXPECTED_PDU, (2, 2)),
        (RELEASE_RP, Quirk.UNEXPECTED_PDU, (2, 2)),
        (b"\xff" * 6, Quirk.UNKNOWN_PDU, (2, 1)),
        (b"\x04\0\0\0\x40\x01", Quirk.PDU_TOO_LONG, (2, 6)),
        (b"\x05\0\0\0\0\x05", Quirk.PDU_LENGTH, (2, 6)),
        (b"\x04\0\0\0\0\0", Quirk.PDV_LENGTH, (2, 6)),
        (b"\x04\0\0\0\0\x06\0\0\0\xff\1\3", Quirk.PDV_LENGTH, (2, 6)),
        (p_data(3, echo_rq()), Quirk.PDV_CONTEXT, (2, 5)),
        (b"\x04\0\0\0\0\x06\0\0\0\2\1\0", Quirk.PDV_ORDER, (2, 6)),
        (p_data(1, b"\x08\0\0\0\0\0\0\0"), Quirk.COMMAND_SET, (2, 6)),
    ],
)
def test_on_an_association_the_answer_is_aa_8(data: bytes, quirk: Quirk, reply: tuple[int, int]) -> None:
    provider = associated()
    (violation,) = indications(provider, data, now=3.0)
    assert isinstance(violation, Violation)
    assert (violation.quirk, violation.state, violation.reaction.abort) == (quirk, State.STA6, reply)
    assert output(provider) == abort(*reply)
    assert (provider.state, provider.close, provider.deadline) == (State.STA13, None, 33.0)


def test_a_command_that_is_too_long_is_given_up_before_it_is_held() -> None:
    provider = associated()
    piece = b"\x04\0\0\0\x40\0\0\0\x3f\xfc\1\1" + bytes(16378)
    found = [violation for _ in range(5) for violation in indications(provider, piece)]
    assert [v.quirk for v in found if isinstance(v, Violation)] == [Quirk.COMMAND_TOO_LONG]
    assert len(found) == 1


def test_data_before_the_answer_to_the_request_are_out_of_place() -> None:
    provider = Provider(DIALECT, 0.0)
    found = indications(provider, RQ + ECHO)
    assert [type(f) for f in found] == [AssociateIndication, Violation]
    assert output(provider) == abort(2, 2)
    with pytest.raises(ValueError, match="Sta13"):
        provider.accept(accepted(request()))


def test_an_unexpected_pdu_is_judged_without_being_decoded() -> None:
    garbage = b"\2\0\0\0\x10\0" + bytes(4096)
    provider = associated()
    (violation,) = indications(provider, garbage)
    assert isinstance(violation, Violation) and violation.quirk is Quirk.UNEXPECTED_PDU
    assert indications(provider, garbage) == []  # AA-6


# Sta13: waiting for the peer to close


@pytest.fixture
def closing() -> Provider:
    """In Sta13 until 30.0."""
    provider = associated()
    indications(provider, RELEASE_RQ)
    provider.confirm_release(0.0)
    output(provider)
    return provider


@pytest.mark.parametrize("data", [AC, RJ, ECHO, RELEASE_RQ, RELEASE_RP, b"\x04\0\0\0\0\0"])
def test_in_sta13_pdus_are_ignored(closing: Provider, data: bytes) -> None:
    assert indications(closing, data * 3, now=9.0) == []
    assert (output(closing), closing.state, closing.deadline) == (b"", State.STA13, 30.0)


@pytest.mark.parametrize(("data", "reply"), [(RQ, (2, 2)), (b"\xff" * 6, (2, 1)), (b"\7\0\0\0\0\5", (2, 6))])
def test_in_sta13_a_request_or_garbage_is_aborted_and_the_timer_runs_on(
    closing: Provider, data: bytes, reply: tuple[int, int]
) -> None:
    (violation,) = indications(closing, data, now=9.0)
    assert isinstance(violation, Violation) and violation.state is State.STA13
    assert (output(closing), closing.state, closing.deadline) == (abort(*reply), State.STA13, 30.0)


def test_in_sta13_an_abort_ends_the_wait(closing: Provider) -> None:
    assert indications(closing, ABORT, now=9.0) == [AbortIndication(0, 0)]
    assert (closing.state, closing.close) == (State.STA1, Close.FIN)


def test_in_sta13_the_timer_ends_the_wait(closing: Provider) -> None:
    assert closing.handle_timer(29.9) is None
    assert closing.state is State.STA13
    assert closing.handle_timer(30.0) is None
    assert (closing.state, closing.close, closing.deadline) == (State.STA1, Close.FIN, None)


def test_after_garbage_nothing_is_looked_at_any_more() -> None:
    provider = Provider(DIALECT, 0.0)
    assert len(indications(provider, b"GET / HTTP/1.1\r\n" + RQ)) == 1
    assert indications(provider, RQ) == []
    assert len(output(provider)) == 10


# Timers


def test_the_artim_timer_of_a_silent_connection() -> None:
    provider = Provider(Dialect(artim=7.0, after_artim=Close.RESET), 100.0)
    assert provider.deadline == 107.0
    assert provider.handle_timer(106.9) is None
    violation = provider.handle_timer(107.0)
    assert violation == Violation(Quirk.TIMEOUT, "no A-ASSOCIATE-RQ", State.STA2, b"", Reaction(None, Close.RESET))
    assert (provider.state, provider.close, provider.deadline) == (State.STA1, Close.RESET, None)
    assert provider.handle_timer(1000.0) is None


def test_dripping_bytes_do_not_put_the_artim_timer_off() -> None:
    provider = Provider(DIALECT, 0.0)
    for second in range(29):
        indications(provider, RQ[second : second + 1], now=float(second))
        provider.consumed()
    assert provider.deadline == 30.0
    violation = provider.handle_timer(30.0)
    assert isinstance(violation, Violation) and violation.data == RQ[:29]
    assert provider.leftover == RQ[:29]


def test_the_artim_timer_stops_once_the_request_is_there() -> None:
    provider = Provider(DIALECT, 0.0)
    indications(provider, RQ, now=1.0)
    assert provider.deadline is None


def test_an_idle_association() -> None:
    provider = associated(Dialect(idle=10.0, artim=5.0))
    indications(provider, ECHO, now=2.0)
    assert provider.deadline == 12.0
    provider.send(1, dimse.encode(echo_rq().elements))
    output(provider, now=4.0)
    assert provider.deadline == 14.0
    violation = provider.handle_timer(14.0)
    assert isinstance(violation, Violation)
    assert (violation.quirk, violation.detail) == (Quirk.TIMEOUT, "an idle association")
    assert (output(provider), provider.state, provider.deadline) == (abort(2, 0), State.STA13, 19.0)
    assert indications(provider, ABORT, now=15.0) == [AbortIndication(0, 0)]


def test_a_pdu_that_does_not_end() -> None:
    provider = associated(Dialect(partial_pdu=3.0, idle=None))
    assert provider.deadline is None
    indications(provider, ECHO[:9], now=1.0)
    assert provider.deadline == 4.0
    violation = provider.handle_timer(4.0)
    assert isinstance(violation, Violation)
    assert (violation.quirk, violation.data) == (Quirk.TIMEOUT, ECHO[:9])
    assert provider.leftover == ECHO[:9]


def test_a_requestor_does_not_wait_for_an_answer_for_ever() -> None:
    provider = requestor(dialect=Dialect(idle=10.0))
    violation = provider.handle_timer(10.0)
    assert isinstance(violation, Violation) and violation.state is State.STA5
    assert output(provider) == abort(2, 0)


# Dialects


@pytest.mark.parametrize("close", list(Close))
@pytest.mark.parametrize("reply", [None, (0, 0), (2, 3)])
def test_a_dialect_decides_what_happens_before_an_association(reply: tuple[int, int] | None, close: Close) -> None:
    reaction = Reaction(reply, close, hold=4.0)
    provider = Provider(Dialect(before_association={Quirk.UNKNOWN_PDU: reaction}), 0.0)
    (violation,) = indications(provider, b"SSH-2.0-x\r\n", now=1.0)
    assert isinstance(violation, Violation) and violation.reaction is reaction
    assert output(provider) == (b"" if reply is None else abort(*reply))
    if close is Close.WAIT:
        assert (provider.state, provider.close, provider.deadline) == (State.STA13, None, 5.0)
    else:
        assert (provider.state, provider.close, provider.deadline) == (State.STA1, close, None)


def test_a_dialect_decides_what_happens_on_an_association() -> None:
    mapping = {Quirk.UNEXPECTED_PDU: Reaction(None, Close.RESET)}
    dialect = Dialect(on_association=mapping, on_association_default=Reaction((0, 9), Close.FIN))
    provider = associated(dialect)
    indications(provider, RQ)
    assert (output(provider), provider.close) == (b"", Close.RESET)
    provider = associated(dialect)
    indications(provider, b"\xff" * 6)
    assert (output(provider), provider.close) == (abort(0, 9), Close.FIN)


def test_a_dialect_decides_what_happens_after_release_and_rejection() -> None:
    dialect = Dialect(after_release=Close.FIN, after_reject=Close.RESET)
    provider = associated(dialect)
    indications(provider, RELEASE_RQ)
    provider.confirm_release(0.0)
    assert (output(provider), provider.close) == (RELEASE_RP, Close.FIN)
    provider = Provider(dialect, 0.0)
    indications(provider, RQ)
    provider.reject(pdu.AssociateRJ(1, 1, 1), 0.0)
    assert (output(provider), provider.close) == (RJ, Close.RESET)


def test_a_dialect_decides_how_long_a_pdu_may_be() -> None:
    provider = associated(Dialect(max_pdu=len(ECHO) - 6))
    assert isinstance(indications(provider, ECHO)[0], CommandReceived)
    provider = associated(Dialect(max_pdu=len(ECHO) - 7))
    (violation,) = indications(provider, ECHO[:6])  # before its body has come
    assert isinstance(violation, Violation) and violation.quirk is Quirk.PDU_TOO_LONG


def test_the_hold_of_a_reaction_does_not_restart_in_sta13() -> None:
    provider = Provider(Dialect(before_association_default=Reaction(None, Close.WAIT, hold=3.0)), 0.0)
    indications(provider, RELEASE_RP)
    assert provider.deadline == 3.0
    indications(provider, RQ, now=2.0)
    assert provider.deadline == 3.0


# What the transcript is made from


def test_consumed_hands_out_each_byte_once_with_its_place() -> None:
    provider = Provider(DIALECT, 0.0)
    stream = RQ + ECHO + ECHO[:20]
    found = b""
    for start in range(0, len(stream), 17):
        provider.feed(stream[start : start + 17], 0.0)
        while (indication := provider.poll(0.0)) is not None:
            if isinstance(indication, AssociateIndication):
                provider.accept(accepted(indication.rq))
        offset, data = provider.consumed()
        if data:
            assert offset == len(found)
        found += data
        assert provider.consumed()[1] == b""
    assert found == RQ + ECHO
    assert provider.leftover == ECHO[:20]
    provider.transport_closed()
    assert provider.leftover == ECHO[:20]


def test_what_is_not_polled_yet_is_not_consumed() -> None:
    provider = associated()
    provider.feed(ECHO + RELEASE_RQ, 0.0)
    start = provider.received - len(ECHO + RELEASE_RQ)
    provider.poll(0.0)
    assert provider.consumed() == (start, ECHO)
    assert provider.leftover == RELEASE_RQ
    assert provider.poll(0.0) == ReleaseIndication()
    assert provider.consumed() == (start + len(ECHO), RELEASE_RQ)
    assert provider.leftover == b""


def test_bytes_that_come_after_the_end_follow_those_that_were_left_over() -> None:
    provider = Provider(DIALECT, 0.0)
    indications(provider, RQ[:50])
    provider.consumed()
    provider.handle_timer(30.0)
    assert provider.leftover == RQ[:50]
    assert indications(provider, RQ[50:]) == []
    assert provider.consumed() == (0, RQ)
    assert provider.leftover == b""


def test_bytes_that_are_given_up_are_consumed_too() -> None:
    provider = Provider(DIALECT, 0.0)
    indications(provider, b"GET / HTTP/1.1\r\n")
    assert provider.consumed() == (0, b"GET / HTTP/1.1\r\n")
    indications(provider, b"Host: x\r\n\r\n")
    assert provider.consumed() == (16, b"Host: x\r\n\r\n")
