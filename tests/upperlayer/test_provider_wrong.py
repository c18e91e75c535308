"""The provider when things go wrong: what it answers, when it gives up, and what a dialect decides."""

from __future__ import annotations

import pytest

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dialect import Close, Dialect, Reaction
from dicomhawk.upperlayer.errors import Quirk
from dicomhawk.upperlayer.indications import AbortIndication, AssociateIndication, Violation
from dicomhawk.upperlayer.machine import State
from dicomhawk.upperlayer.message import CommandReceived
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.playbook import (
    ABORT,
    AC,
    DIALECT,
    ECHO,
    RELEASE_RP,
    RELEASE_RQ,
    RJ,
    RQ,
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
    found = [
        violation for _ in range(dimse.MAX_COMMAND_SET // 16378 + 2) for violation in indications(provider, piece)
    ]
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
    assert (violation.quirk, violation.data) == (Quirk.PARTIAL_PDU, ECHO[:9])
    assert provider.leftover == ECHO[:9]


def test_a_requestor_does_not_wait_for_an_answer_for_ever() -> None:
    provider = requestor(dialect=Dialect(idle=10.0))
    violation = provider.handle_timer(10.0)
    assert isinstance(violation, Violation) and violation.state is State.STA5
    assert output(provider) == abort(2, 0)


# Dialects


@pytest.mark.parametrize("close", [Close.WAIT, Close.FIN, Close.RESET])
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
