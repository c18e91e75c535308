"""The upper layer service provider of one connection (PS3.8), sans-IO, in the manner of h11.

Bytes from the peer go in by `Provider.feed`; `Provider.poll` gives the indications that they amount to, one at
a time, so that each can be answered before the bytes behind it are looked at. `Primitives` (`accept`, `send`,
`release`, ...) queue bytes, which `take_output` hands out; `close` says when and how the connection is to be
closed. Time comes in as a number of seconds from any fixed moment. It serves both sides of an association.
"""

from __future__ import annotations

from typing import Literal

from . import pdu as p
from .dialect import Close, Dialect, Reaction
from .errors import ProtocolError, Quirk
from .indications import (
    AssociateConfirmation,
    AssociateIndication,
    Indication,
    ReleaseConfirmation,
    ReleaseIndication,
    Violation,
)
from .items import RoleSelection, trimmed
from .lifetime import SHOWN_BYTES
from .machine import NEXT, TABLE, Action, Event, State
from .message import Assembler
from .negotiation import ACCEPTANCE
from .pdu import HEADER_SIZE, MAX_CONTROL_LENGTH, P_DATA, PDV_HEADER_SIZE, check_pdvs, decode_header, pdv_at
from .primitives import Primitives

# Looking a member of an enumeration up in its class (0.3 us in Python 3.11) costs more than what is done with it.
_STA3, _STA6, _STA8, _STA13 = State.STA3, State.STA6, State.STA8, State.STA13
_AA_2, _AA_3, _AA_6, _AE_6, _AR_2 = Action.AA_2, Action.AA_3, Action.AA_6, Action.AE_6, Action.AR_2
_DROP, _LINGER, _DRAIN, _KEEP, _RESET = Close.DROP, Close.LINGER, Close.DRAIN, Close.KEEP, Close.RESET

_EVENT = {
    p.RQ: Event.EVT6,
    p.AC: Event.EVT3,
    p.RJ: Event.EVT4,
    p.P_DATA: Event.EVT10,
    p.RELEASE_RQ: Event.EVT12,
    p.RELEASE_RP: Event.EVT13,
    p.ABORT: Event.EVT16,
}
_TAKES_DATA = frozenset(s for (e, s), action in TABLE.items() if action in (Action.DT_2, Action.AR_6))
_UNEXPECTED = frozenset({Action.AA_1, Action.AA_7, Action.AA_8})
_IGNORED = frozenset(t for t, event in _EVENT.items() if TABLE[event, State.STA13] is Action.AA_6)
_RELEASE_INDICATION = ReleaseIndication()


class Provider(Primitives):
    """One connection's upper layer. The acceptor's side unless `requestor`.

    `received` counts the bytes fed so far and `pdus_received` the PDUs.
    """

    __slots__ = ("_header", "_refused_header", "pdus_received")

    def __init__(self, dialect: Dialect, now: float, *, requestor: bool = False) -> None:
        super().__init__(dialect, now, requestor=requestor)
        self.pdus_received = 0
        self._header: tuple[int, int] | None = None  # type and length of a PDU whose body is still looked at in Sta13
        self._refused_header = ""  # of a PDU that is too long, in words, while the product has not let go of it

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes from the transport; `poll` says what they mean."""
        longest = self._dialect.partial_command
        if longest is not None and now - self._activity >= longest and not self.works and self._assembler is not None:
            self._assembler.forget_command()
        self._activity = now
        if self._ending is _LINGER and self.state is _STA13:
            data = self.leftover + data
            self.received += len(data) - len(self.leftover)
            self._buffer, self._position, self._mark, self._pending = data, 0, 0, None
            self._end(_RESET)
        else:
            self._take(data)

    def poll(self, now: float) -> Indication | None:
        """The next indication, or None when more bytes are needed."""
        if self._position == len(self._buffer):
            return None
        while True:
            if self._inside:
                indication = self._next_pdv(now)
            elif self._deaf:
                self._position = len(self._buffer)
                return None
            else:
                ready = self._next_pdu(now)
                if ready is None:
                    return None
                indication = None if ready is True else ready
            if indication is not None:
                return indication

    def _next_pdu(self, now: float) -> Indication | Literal[True] | None:
        """An indication; True for a PDU that gives none by itself; None when bytes are missing."""
        if self._pending is not None:
            return None
        buffer, start = self._buffer, self._position
        have = len(buffer) - start
        if self._refused_header:  # it meets it again as soon as anything more has come
            detail, self._refused_header = self._refused_header, ""
            return self._wrong(Event.EVT19, Quirk.PDU_LENGTH, detail, buffer[start : start + SHOWN_BYTES], now)
        if self._header is not None and self.state is _STA13:
            return self._drain(*self._header, buffer, start, start, now)
        if have < HEADER_SIZE:
            if have:
                self._begun = self._activity
                self._keep(HEADER_SIZE)
            return None
        if self._eager and not (buffer[start] == P_DATA and self.state is _STA6):
            judged = self._judge(buffer, start, now)
            if not isinstance(judged, int):
                return judged
            pdu_type, length = buffer[start], judged
        else:
            try:
                pdu_type, length = decode_header(
                    buffer, start, self._dialect.max_pdu, self._dialect.grammar.longest_request
                )
            except ProtocolError as error:
                if self._eager:
                    self._position = start + HEADER_SIZE
                else:
                    self._deaf = True  # where the next PDU begins can't be known any more
                shown = buffer[start : start + SHOWN_BYTES]
                violation = self._wrong(Event.EVT19, error.quirk, error.detail, shown, now)
                if violation is not None and violation.reaction.close is _KEEP:
                    self._refused_header = error.detail
                return violation
        if have < HEADER_SIZE + length:
            self._keep(HEADER_SIZE + length)
            return None
        end = start + HEADER_SIZE + length
        self._position = end
        self.pdus_received += 1
        if pdu_type == P_DATA and self.state in _TAKES_DATA:
            return self._begin_p_data(start, end, now)
        event = _EVENT[pdu_type]
        action = TABLE[event, self.state]
        if action is _AR_2:  # nothing to decode in it
            self.state = _STA8
            return _RELEASE_INDICATION
        if action is _AA_3 and length != MAX_CONTROL_LENGTH:
            return self._aborted(0, 0)
        if action is _AA_6:
            return True
        if action in _UNEXPECTED:  # not worth decoding
            detail = f"PDU type {pdu_type} in Sta{self.state.value}"
            raw = buffer[start : min(end, start + SHOWN_BYTES)]
            return self._wrong(event, Quirk.UNEXPECTED_PDU, detail, raw, now)
        body = buffer[start + HEADER_SIZE : end]
        try:
            unit = p.decode(pdu_type, buffer[start + 1], body, self._dialect.grammar)
        except ProtocolError as error:
            return self._wrong(Event.EVT19, error.quirk, error.detail, buffer[start:end], now)
        return self._received(action, unit, body)

    def _judge(self, buffer: bytes, start: int, now: float) -> Indication | int | None:
        """What an eager product makes of six header bytes: the length of the body, if it reads that."""
        pdu_type, dialect = buffer[start], self._dialect
        length = int.from_bytes(buffer[start + 2 : start + HEADER_SIZE], "big")
        if self._ending is _DRAIN and self.state is _STA13:
            return self._drain(pdu_type, length, buffer, start, start + HEADER_SIZE, now)
        self._position = start + HEADER_SIZE
        shown = buffer[start : start + SHOWN_BYTES]
        event = _EVENT.get(pdu_type)
        if event is None:
            return self._wrong(Event.EVT19, Quirk.UNKNOWN_PDU, f"PDU type {pdu_type:#04x}", shown, now)
        detail = f"a PDU of type {pdu_type} with length {length}"
        if pdu_type == P_DATA and length > dialect.max_pdu:
            return self._wrong(Event.EVT19, Quirk.PDU_TOO_LONG, detail, shown, now)
        action = TABLE[event, self.state]
        if action is _AA_2:
            body = buffer[start + HEADER_SIZE : start + HEADER_SIZE + MAX_CONTROL_LENGTH]
            return self._aborted(*body[2:]) if len(body) == MAX_CONTROL_LENGTH else self._aborted(0, 0)
        if action in _UNEXPECTED:
            state = f"PDU type {pdu_type} in Sta{self.state.value}"
            violation = self._wrong(event, Quirk.UNEXPECTED_PDU, state, shown, now)
            if self._ending is _DRAIN and self.state is _STA13:
                self._header = pdu_type, length  # it is the one that is still looked at
            return violation
        if pdu_type == p.RQ:
            if length > dialect.grammar.longest_request:
                return self._wrong(Event.EVT19, Quirk.PDU_TOO_LONG, detail, shown, now)
        elif pdu_type != P_DATA:
            longest = dialect.longest_control
            if length != MAX_CONTROL_LENGTH and (longest is None or length > longest):
                return self._wrong(Event.EVT19, Quirk.PDU_LENGTH, detail, shown, now)
        self._position = start
        return length

    def _drain(
        self, pdu_type: int, length: int, buffer: bytes, start: int, begin: int, now: float
    ) -> Indication | None:
        """The PDU that is still looked at in Sta13 (`Close.DRAIN`), whose body begins at `begin`."""
        drain = self._dialect.drain
        self._position = begin
        if pdu_type == p.ABORT:  # AA-2
            self._leave(_DROP, now)
            return None
        if pdu_type in _IGNORED and not (pdu_type == P_DATA and length > self._dialect.max_pdu):
            body = -(-length // drain.block) * drain.block
            if len(buffer) - begin < body:
                self._position = start
                self._keep(begin - start + body)
                return None
            self._position += body
            self._leave(drain.close, now)
            return None
        reaction = Reaction(drain.abort, drain.close)
        if drain.abort is not None:
            self._out.append(p.encode(p.Abort(*drain.abort)))
        self._leave(drain.close, now)
        detail = f"PDU type {pdu_type} in Sta13"
        return Violation(Quirk.UNEXPECTED_PDU, detail, _STA13, buffer[start : start + SHOWN_BYTES], reaction)

    def _begin_p_data(self, start: int, end: int, now: float) -> Indication | Literal[True]:
        position = start + HEADER_SIZE
        try:
            check_pdvs(self._buffer, position, end)
        except ProtocolError as error:
            return self._wrong(Event.EVT19, error.quirk, error.detail, self._buffer[start:end], now) or True
        self._position, self._inside = position, end
        return self._next_pdv(now) or True

    def _next_pdv(self, now: float) -> Indication | None:
        buffer, position = self._buffer, self._position
        context_id, control, data = pdv_at(buffer, position)
        offset = self.received - len(buffer) + position + PDV_HEADER_SIZE
        self._position = position = position + PDV_HEADER_SIZE + len(data)
        if position == self._inside:
            self._inside = 0
        if self._assembler is None:
            self._assembler = Assembler(self._dialect.rules)
        try:
            return self._assembler.add((context_id, control, data), self.contexts, offset)
        except ProtocolError as error:
            return self._wrong(Event.EVT19, error.quirk, error.detail, bytes(data[:SHOWN_BYTES]), now)

    def _received(self, action: Action, unit: p.PDU, body: bytes) -> Indication:
        if action is _AE_6:
            assert isinstance(unit, p.AssociateRQ)
            self.state = _STA3
            self._artim = None
            return AssociateIndication(unit, body)
        match action:
            case Action.AE_3 | Action.AE_4:
                assert isinstance(unit, p.AssociateAC | p.AssociateRJ)
                return self._confirmed(action, unit)
            case Action.AA_2 | Action.AA_3:
                assert isinstance(unit, p.Abort)
                return self._aborted(unit.source, unit.reason)
            case Action.AR_8:
                self.state = State.STA9 if self._requestor else State.STA10
                return ReleaseIndication(collision=True)
            case Action.AR_3:
                self._end(Close.FIN)
                return ReleaseConfirmation()
            case Action.AR_10:
                self.state = NEXT[action]
                return ReleaseConfirmation()
        raise AssertionError(f"{action.value} on a {type(unit).__name__}")

    def _confirmed(self, action: Action, unit: p.AssociateAC | p.AssociateRJ) -> AssociateConfirmation:
        if isinstance(unit, p.AssociateAC):
            self.state = NEXT[action]
            roles = {trimmed(r.sop_class_uid): r for r in unit.user_items if isinstance(r, RoleSelection)}
            agreed = {}
            for answer in unit.contexts:
                context = self._proposed.get(answer.context_id)
                if answer.result == ACCEPTANCE and context is not None:
                    context = context._replace(transfer_syntax=answer.transfer_syntax)
                    role = roles.get(context.abstract_syntax)
                    if role is not None:
                        context = context._replace(scu=bool(role.scu), scp=bool(role.scp), default_roles=False)
                    agreed[answer.context_id] = context
            self.contexts = agreed
            self._agree(unit.maximum_length or 0)
        else:
            self._end(Close.FIN)
        return AssociateConfirmation(unit)
