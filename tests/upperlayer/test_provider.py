"""The provider as a playbook: bytes in, indications and bytes out, on both sides of an association."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer.dialect import Close
from dicomhawk.upperlayer.dimse import Command
from dicomhawk.upperlayer.indications import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    ReleaseConfirmation,
    ReleaseIndication,
    TransportClosed,
)
from dicomhawk.upperlayer.machine import State
from dicomhawk.upperlayer.message import CommandReceived, DataSetFragment
from dicomhawk.upperlayer.negotiation import Context
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.playbook import (
    ABORT,
    AC,
    CT,
    DIALECT,
    ECHO,
    IMPLICIT,
    RELEASE_RP,
    RELEASE_RQ,
    RJ,
    RQ,
    STORE,
    VERIFICATION,
    abort,
    accepted,
    associated,
    echo_rq,
    indications,
    output,
    p_data,
    request,
    requestor,
)

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
        1: Context(1, CT, IMPLICIT, scu=False, scp=True, default_roles=False),
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
