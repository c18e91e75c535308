"""A requestor and an acceptor, joined in memory, under random scripts: nothing is raised and both come to an end."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dialect import Close, Dialect
from dicomhawk.upperlayer.indications import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    Indication,
    ReleaseConfirmation,
    ReleaseIndication,
    Violation,
)
from dicomhawk.upperlayer.machine import TABLE, Event, State
from dicomhawk.upperlayer.message import CommandReceived, DataSetFragment
from dicomhawk.upperlayer.negotiation import Accepted, negotiate
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.playbook import CT, IMPLICIT, PLAIN_CLOSES, policy, request

POLICY = policy()
RQ = request((1, CT, (IMPLICIT,)))
STORE = dimse.encode({dimse.Key.CommandField: 1, dimse.Key.MessageID: 1, dimse.Key.CommandDataSetType: 1})
OUTCOME = negotiate(RQ, POLICY)
MOVES = ("accept", "accept", "reject", "send", "send", "release", "confirm", "abort", "wait", "cut")
MOVES += ("deliver",) * 8
EVENT = {
    "accept": Event.EVT7,
    "reject": Event.EVT8,
    "send": Event.EVT9,
    "release": Event.EVT11,
    "confirm": Event.EVT14,
    "abort": Event.EVT15,
}


class Side:
    """One provider, the bytes on their way to it, and what its user has seen."""

    def __init__(self, dialect: Dialect, *, requestor: bool) -> None:
        self.provider = Provider(dialect, 0.0, requestor=requestor)
        self.arriving = bytearray()
        self.seen: list[Indication] = []
        self.sent: list[bytes] = []
        self.gone = False

    def received(self) -> list[bytes]:
        """The data sets that came in whole."""
        whole, collected = [], b""
        for indication in self.seen:
            if isinstance(indication, DataSetFragment):
                collected += indication.data
                if indication.last:
                    whole.append(collected)
                    collected = b""
        return whole


class Pair:
    """Both sides and the wire between them."""

    def __init__(self, dialect: Dialect) -> None:
        self.now = 0.0
        self.requestor = Side(dialect, requestor=True)
        self.acceptor = Side(dialect, requestor=False)
        self.sides = (self.requestor, self.acceptor)

    def other(self, side: Side) -> Side:
        return self.acceptor if side is self.requestor else self.requestor

    def settle(self, side: Side) -> None:
        """What an adapter does after each call: pass the output on, and close if that's wanted."""
        provider = side.provider
        other = self.other(side)
        for part in provider.take_output(self.now):
            other.arriving += part
        if provider.close is not None and not side.gone:
            side.gone = True
            if provider.close is Close.RESET:
                other.arriving.clear()

    def deliver(self, side: Side, count: int) -> None:
        data = bytes(side.arriving[:count])
        del side.arriving[:count]
        provider = side.provider
        if data and not side.gone:
            provider.feed(data, self.now)
            while (indication := provider.poll(self.now)) is not None:
                side.seen.append(
                    indication._replace(data=memoryview(bytes(indication.data)))
                    if isinstance(indication, DataSetFragment)
                    else indication
                )
        self.settle(side)
        if not side.arriving and self.other(side).gone and not side.gone:
            provider.transport_closed()
            self.settle(side)

    def use(self, side: Side, move: str, data: bytes) -> None:
        """One primitive, which raises if and only if the table has no place for it."""
        provider = side.provider
        if move == "request":
            provider.request(RQ)
        else:
            possible = (EVENT[move], provider.state) in TABLE
            try:
                self.primitive(side, move, data)
            except ValueError:
                assert not possible, move
            else:
                assert possible, move
        self.settle(side)

    def primitive(self, side: Side, move: str, data: bytes) -> None:
        provider = side.provider
        match move:
            case "accept":
                assert isinstance(OUTCOME, Accepted)
                provider.accept(OUTCOME)
            case "reject":
                provider.reject(pdu.AssociateRJ(1, 1, 1), self.now)
            case "send":
                provider.send(1, STORE, data)
                side.sent.append(data)
            case "release":
                provider.release()
            case "confirm":
                provider.confirm_release(self.now)
            case "abort":
                provider.abort(self.now)

    def wait(self, side: Side) -> None:
        """Time passes until this side's deadline."""
        deadline = side.provider.deadline
        if deadline is not None:
            self.now = max(self.now, deadline)
            indication = side.provider.handle_timer(self.now)
            if indication is not None:
                side.seen.append(indication)
            self.settle(side)

    def finish(self) -> None:
        """Well-meaning users and a patient clock from here on."""
        for _ in range(20):
            for side in self.sides:
                self.deliver(side, len(side.arriving))
                for move in ("accept", "confirm"):
                    if (EVENT[move], side.provider.state) in TABLE:
                        self.use(side, move, b"")
            if all(side.gone or side.provider.state is State.STA1 for side in self.sides):
                return
            for side in self.sides:
                self.deliver(side, len(side.arriving))
            if not any(side.arriving for side in self.sides):
                for side in self.sides:
                    self.wait(side)


steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from(MOVES), st.binary(max_size=30), st.integers(1, 400)), max_size=60
)
dialects = st.builds(
    Dialect,
    after_release=st.sampled_from(PLAIN_CLOSES),
    after_reject=st.sampled_from(PLAIN_CLOSES),
    after_artim=st.sampled_from(PLAIN_CLOSES),
)


@settings(max_examples=400)
@given(dialects, steps)
def test_no_script_raises_or_deadlocks(dialect: Dialect, script: list[tuple[bool, str, bytes, int]]) -> None:
    pair = Pair(dialect)
    pair.use(pair.requestor, "request", b"")
    for requesting, move, data, count in script:
        side = pair.requestor if requesting else pair.acceptor
        match move:
            case "deliver":
                pair.deliver(side, count)
            case "wait":
                pair.wait(side)
            case "cut":
                if count > 380 and not side.gone:
                    side.provider.transport_closed()
                    pair.settle(side)
            case _ if not side.gone:
                pair.use(side, move, data)
    pair.finish()
    for side in pair.sides:
        assert side.provider.state is State.STA1, (side.provider.state, side.seen)
        event(type(side.seen[-1]).__name__ if side.seen else "nothing seen")
        other = pair.other(side)
        assert side.received() == other.sent[: len(side.received())]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=3000)), max_size=10),
    st.lists(st.tuples(st.booleans(), st.integers(1, 4000)), max_size=60),
    st.tuples(st.booleans(), st.booleans()).filter(any),
)
def test_what_is_sent_arrives_and_both_release_in_order(
    messages: list[tuple[bool, bytes]], deliveries: list[tuple[bool, int]], releasing: tuple[bool, bool]
) -> None:
    """No aborts: whatever the timing, every data set arrives whole and nobody sees anything wrong."""
    pair = Pair(Dialect())
    pair.use(pair.requestor, "request", b"")
    pair.deliver(pair.acceptor, 1 << 20)
    pair.use(pair.acceptor, "accept", b"")
    pair.deliver(pair.requestor, 1 << 20)
    for requesting, data in messages:
        pair.use(pair.requestor if requesting else pair.acceptor, "send", data)
    for requesting, count in deliveries:
        pair.deliver(pair.requestor if requesting else pair.acceptor, count)
    for wanted, side in zip(releasing, pair.sides, strict=True):
        if wanted:
            pair.use(side, "release", b"")
    pair.finish()
    kinds: Any = (AssociateIndication, AssociateConfirmation, CommandReceived, DataSetFragment)
    for side in pair.sides:
        assert side.received() == pair.other(side).sent
        ends = [i for i in side.seen if not isinstance(i, kinds)]
        assert all(isinstance(i, ReleaseIndication | ReleaseConfirmation) for i in ends), ends
        assert not [i for i in side.seen if isinstance(i, Violation | AbortIndication)]
        assert side.provider.state is State.STA1
    if all(releasing):
        assert ReleaseIndication(collision=True) in pair.requestor.seen
