"""The upper layer service provider of one connection (PS3.8), sans-IO, in the manner of h11.

Bytes from the peer go in by `Provider.feed`; `Provider.poll` gives the indications that they amount to, one at
a time, so that each can be answered before the bytes behind it are looked at. Primitives (`accept`, `send`,
`release`, ...) queue bytes, which `take_output` hands out; `close` says when and how the connection is to be
closed. Time comes in as a number of seconds from any fixed moment. It serves both sides of an association.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from . import pdu as p
from .dialect import SERVICE_USER, Close, Dialect, Reaction
from .errors import ProtocolError, Quirk
from .fragments import IMPLICIT_VR_LITTLE_ENDIAN, fragments, packed, whole_fragments
from .indications import (
    AbortIndication,
    AssociateConfirmation,
    AssociateIndication,
    Indication,
    ReleaseConfirmation,
    ReleaseIndication,
    TransportClosed,
    Violation,
)
from .intake import Buffer, Intake
from .items import RoleSelection, trimmed
from .machine import NEXT, TABLE, Action, Event, State
from .message import Assembler
from .negotiation import ACCEPTANCE, Accepted, Context
from .pdu import HEADER_SIZE, MAX_CONTROL_LENGTH, P_DATA, PDV_HEADER_SIZE, check_pdvs, decode_header, pdv_at

__all__ = [
    "AbortIndication",
    "AssociateConfirmation",
    "AssociateIndication",
    "Buffer",
    "Indication",
    "Provider",
    "ReleaseConfirmation",
    "ReleaseIndication",
    "TransportClosed",
    "Violation",
]

STEP_PIECES = 1024
"""Pieces of a data set that wait to be written at a time: a peer may announce a maximum length of next to nothing."""
STEP_BYTES = 4 << 20
"""Bytes of a data set that wait to be written at a time."""
SHOWN_BYTES = 256
"""How much of an offending PDU a `Violation` shows."""


# Looking a member of an enumeration up in its class (0.3 us in Python 3.11) costs more than what is done with it.
_STA1, _STA2, _STA3 = State.STA1, State.STA2, State.STA3
_STA6, _STA8, _STA13 = State.STA6, State.STA8, State.STA13
_EVT7, _EVT9, _EVT14 = Event.EVT7, Event.EVT9, Event.EVT14
_AA_2, _AA_3, _AA_6, _AE_6, _AR_2, _AR_9 = (
    Action.AA_2,
    Action.AA_3,
    Action.AA_6,
    Action.AE_6,
    Action.AR_2,
    Action.AR_9,
)
_FIN, _RESET, _WAIT, _KEEP = Close.FIN, Close.RESET, Close.WAIT, Close.KEEP
_DROP, _LINGER, _DRAIN = Close.DROP, Close.LINGER, Close.DRAIN

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
_SENDS_DATA = frozenset(s for e, s in TABLE if e is Event.EVT9)
_UNTIMED = frozenset({State.STA1, State.STA3})
_UNEXPECTED = frozenset({Action.AA_1, Action.AA_7, Action.AA_8})
_IGNORED = frozenset(t for t, event in _EVENT.items() if TABLE[event, State.STA13] is Action.AA_6)
_RELEASE_INDICATION = ReleaseIndication()
_RELEASE_RQ = p.encode(p.ReleaseRQ())
_RELEASE_RP = p.encode(p.ReleaseRP())


class Provider(Intake):
    """One connection's upper layer. The acceptor's side unless `requestor`.

    `contexts` are the agreed presentation contexts by identifier, `peer_maximum_length` bounds what we send,
    `received` counts the bytes fed so far and `pdus_received` the PDUs. `works` is set by the service user
    while it is at work, which products react to.
    """

    __slots__ = (
        "_activity",
        "_artim",
        "_assembler",
        "_begun",
        "_dialect",
        "_eager",
        "_ending",
        "_out",
        "_piece",
        "_proposed",
        "_requestor",
        "close",
        "contexts",
        "pdus_received",
        "peer_maximum_length",
        "state",
        "works",
    )

    def __init__(self, dialect: Dialect, now: float, *, requestor: bool = False) -> None:
        super().__init__()
        self._dialect = dialect
        self._requestor = requestor
        self._assembler: Assembler | None = None
        self._out: list[Buffer] = []
        self._deaf = requestor  # until it has asked
        self._activity = self._begun = now
        self._artim: float | None = None if requestor else now + dialect.artim
        self._eager = dialect.eager
        self._ending = _WAIT  # how Sta13 is left
        self._piece = 0
        self._proposed: Mapping[int, Context] = {}
        self.state = _STA1 if requestor else _STA2  # Evt5, AE-5
        self.contexts: Mapping[int, Context] = {}
        self.peer_maximum_length = 0
        self.close: Close | None = None
        self.pdus_received = 0
        self.works = False

    # Bytes in

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes from the transport; `poll` says what they mean."""
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
                return self._wrong(Event.EVT19, error.quirk, error.detail, buffer[start : start + SHOWN_BYTES], now)
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
            return self._drain(pdu_type, length, buffer, start, now)
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
            return self._wrong(event, Quirk.UNEXPECTED_PDU, state, shown, now)
        if pdu_type == p.RQ:
            if length > dialect.grammar.longest_request:
                return self._wrong(Event.EVT19, Quirk.PDU_TOO_LONG, detail, shown, now)
        elif pdu_type != P_DATA:
            longest = dialect.longest_control
            if length != MAX_CONTROL_LENGTH and (longest is None or length > longest):
                return self._wrong(Event.EVT19, Quirk.PDU_LENGTH, detail, shown, now)
        self._position = start
        return length

    def _drain(self, pdu_type: int, length: int, buffer: bytes, start: int, now: float) -> Indication | None:
        """The PDU that is still looked at in Sta13 (`Close.DRAIN`)."""
        drain = self._dialect.drain
        self._position = start + HEADER_SIZE
        if pdu_type == p.ABORT:  # AA-2
            self._leave(_DROP, now)
            return None
        if pdu_type in _IGNORED and not (pdu_type == P_DATA and length > self._dialect.max_pdu):
            body = -(-length // drain.block) * drain.block
            if len(buffer) - self._position < body:
                self._position = start
                self._keep(HEADER_SIZE + body)
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

    def _aborted(self, source: int, reason: int) -> AbortIndication:
        """AA-2 and AA-3: the peer's A-ABORT."""
        close = self._dialect.after_abort
        self.state = _STA13
        self._skip_values()
        self._end(self._drop() if close is _DROP else close)
        return AbortIndication(source, reason)

    def _drop(self) -> Close:
        """What closing makes of the connection at this moment: input that wasn't read resets it."""
        return _RESET if self._position < len(self._buffer) and self._pending is None else _FIN

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

    def refuse(self, quirk: Quirk, detail: str, now: float) -> Violation | None:
        """The service user finds fault with a message: what the dialect has for `quirk` is done, as for any other
        violation. None if the association is over."""
        return self._wrong(Event.EVT19, quirk, detail, b"", now)

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
                        context = context._replace(scu=bool(role.scu), scp=bool(role.scp))
                    agreed[answer.context_id] = context
            self.contexts = agreed
            self._agree(unit.maximum_length or 0)
        else:
            self._end(Close.FIN)
        return AssociateConfirmation(unit)

    def _wrong(self, event: Event, quirk: Quirk, detail: str, raw: bytes, now: float) -> Violation | None:
        """Actions AA-1, AA-7 and AA-8: abort as the dialect says, and tell the user."""
        action = TABLE.get((event, self.state))
        if action is None or action is Action.AA_6:
            return None
        before = self.state
        reaction = self._reaction(quirk, action)
        if reaction.close is _KEEP:
            if self._assembler is not None:
                self._assembler.reset()
            return Violation(quirk, detail, before, raw[:SHOWN_BYTES], reaction)
        for source_and_reason in (reaction.abort, reaction.again):
            if source_and_reason is not None:
                self._out.append(p.encode(p.Abort(*source_and_reason)))
        if action is not Action.AA_7 or reaction.close is not _WAIT:  # AA-7 lets the ARTIM timer run on
            self._leave(reaction.close, now, reaction.hold)
        return Violation(quirk, detail, before, raw[:SHOWN_BYTES], reaction)

    def _reaction(self, quirk: Quirk, action: Action) -> Reaction:
        dialect = self._dialect
        if action is Action.AA_1:
            return dialect.before_association.get(quirk, dialect.before_association_default)
        if quirk in dialect.in_service and self.in_service:
            return dialect.in_service[quirk]
        return dialect.on_association.get(quirk, dialect.on_association_default)

    @property
    def awaits_data_set(self) -> bool:
        """Whether a command has come whose data set is still to come, or the rest of it."""
        return self._assembler is not None and self._assembler.in_data_set

    @property
    def in_service(self) -> bool:
        """Whether a service is at work: it waits for a data set, or it `works`."""
        return self.works or self.awaits_data_set

    def expect_no_data_set(self) -> None:
        """The service user doesn't take the data set of the last command: a command is next."""
        if self._assembler is not None:
            self._assembler.reset()

    def _leave(self, close: Close, now: float, hold: float | None = None) -> None:
        """Go to Sta13 with a timer running, or close at once."""
        self.state = _STA13
        self._skip_values()
        if close is _LINGER and self._drop() is _FIN:
            self._ending = close
            self._artim = now + (self._dialect.linger if hold is None else hold)
        elif close is _WAIT or close is _DRAIN:
            self._eager = close is _DRAIN
            self._ending = close
            self._artim = now + (self._dialect.artim if hold is None else hold)
        else:
            self._end(self._drop() if close is _DROP or close is _LINGER else close)

    def _end(self, close: Close) -> None:
        self.state = _STA1
        self._artim = None
        self._deaf = True
        self._skip_values()
        self.close = close

    # The transport's and the clock's events

    def transport_closed(self) -> TransportClosed:
        """Evt17: the peer closed, or the connection broke (AA-4, AA-5, AR-5)."""
        before = self.state
        self._end(_FIN)
        return TransportClosed(before)

    def postpone(self, seconds: float) -> None:
        """Nobody looked at the association for so long: what the peer has to do in time may take longer by it."""
        self._activity += seconds
        self._begun += seconds

    @property
    def in_pdu(self) -> bool:
        """Whether the header of a PDU has come and its body not yet."""
        return self._pending is not None and self._needed > HEADER_SIZE

    def peer_closed(self, now: float) -> Violation | None:
        """The peer closed its side, which counts once all input is understood: `close` says what is to be done."""
        violation = None
        if self._pending is not None and self.state is _STA6:
            quirk = Quirk.PARTIAL_HEADER if self._needed == HEADER_SIZE else Quirk.PARTIAL_PDU
            dialect = self._dialect
            reaction = dialect.in_service.get(quirk) if self.in_service else None
            reaction = reaction or dialect.half_closed.get(quirk)
            if reaction is not None and reaction.close is not _KEEP:
                if reaction.abort is not None:
                    self._out.append(p.encode(p.Abort(*reaction.abort)))
                detail = "the peer closed its side within a PDU"
                violation = Violation(quirk, detail, self.state, bytes(self._pending[:SHOWN_BYTES]), reaction)
        self._end(_FIN)
        return violation

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` wants to be called; None: not at all."""
        if self._artim is not None:
            later = self._dialect.partial_request
            if later is None or self.state is not _STA2 or self._pending is None or self._needed == HEADER_SIZE:
                return self._artim
            return self._activity + later
        if self.state in _UNTIMED:
            return None
        limit, since = self._patience()
        return None if limit is None else since + limit

    def _patience(self) -> tuple[float | None, float]:
        """How long the peer may take on an association, and from when."""
        dialect = self._dialect
        if self._pending is not None and self._needed > HEADER_SIZE:
            return dialect.partial_pdu, self._activity
        limit = dialect.idle
        if dialect.data_set is not None and self.awaits_data_set:
            limit = dialect.data_set
        elif self._pending is not None and dialect.partial_header is not None:
            limit = dialect.partial_header
        elif self._pending is not None:
            return limit, self._activity
        return limit, self._activity if self._pending is None else self._begun

    def handle_timer(self, now: float) -> Indication | None:
        """Act if the deadline has passed: Evt18, or an abort of an association that fell silent."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return None
        begun = bytes(self._pending or b"")
        if self._artim is not None:
            before = self.state
            if before is _STA2 and self._needed > HEADER_SIZE and self._dialect.partial_request is not None:
                return self._wrong(Event.EVT19, Quirk.PARTIAL_PDU, "an A-ASSOCIATE-RQ that does not end", begun, now)
            self._end(self._dialect.after_artim)  # AA-2
            if before is _STA13:
                return None
            reaction = Reaction(None, self._dialect.after_artim)
            return Violation(Quirk.TIMEOUT, "no A-ASSOCIATE-RQ", before, begun[:SHOWN_BYTES], reaction)
        if self._pending is None:
            violation = self._wrong(Event.EVT19, Quirk.TIMEOUT, "an idle association", begun, now)
        else:
            quirk = Quirk.PARTIAL_HEADER if self._needed == HEADER_SIZE else Quirk.PARTIAL_PDU
            if self._eager:  # what it has read of the PDU is gone
                self._buffer, self._position, self._mark, self._pending = begun, len(begun), 0, None
            violation = self._wrong(Event.EVT19, quirk, "a PDU that does not end", begun, now)
        self._activity = now
        return violation

    # Bytes out

    def take_output(self, now: float) -> list[Buffer]:
        """What to write to the transport, in order; sending counts as activity."""
        out = self._out
        if out:
            self._out = []
            self._activity = now
        return out

    # Primitives of the service user

    def _primitive(self, event: Event) -> Action:
        action = TABLE.get((event, self.state))
        if action is None:
            raise ValueError(f"{event.name} is not possible in Sta{self.state.value}")
        return action

    def accept(self, answer: Accepted, encoded: bytes | None = None) -> None:
        """Evt7: accept the association. `encoded` saves encoding the same A-ASSOCIATE-AC again."""
        self.state = NEXT[self._primitive(_EVT7)]
        self.contexts = answer.contexts
        self._agree(answer.peer_maximum_length)
        self._out.append(p.encode(answer.ac) if encoded is None else encoded)

    def reject(self, rj: p.AssociateRJ, now: float) -> None:
        """Evt8: reject the association."""
        self._primitive(Event.EVT8)
        self._out.append(p.encode(rj))
        self._leave(self._dialect.after_reject, now)

    def leave_unanswered(self, now: float) -> Reaction:
        """Neither accept nor reject: do as the dialect says for `Quirk.UNANSWERED`, which is returned."""
        self._primitive(Event.EVT8)
        reaction = self._dialect.reaction(Quirk.UNANSWERED, associated=False)
        if reaction.abort is not None:
            self._out.append(p.encode(p.Abort(*reaction.abort)))
        self._leave(reaction.close, now, reaction.hold)
        return reaction

    def request(self, rq: p.AssociateRQ) -> None:
        """Evt1 and Evt2: as the requestor, ask for an association on an open connection."""
        self._primitive(Event.EVT1)
        if not self._requestor or self.close is not None:
            raise ValueError("an association is requested once, by the requestor")
        self._proposed = {c.context_id: Context(c.context_id, c.abstract_syntax, "") for c in rq.contexts}
        self._out.append(p.encode(rq))
        self._deaf = False
        self.state = NEXT[Action.AE_2]

    def _agree(self, peer_maximum_length: int) -> None:
        self.peer_maximum_length = peer_maximum_length
        self._piece = self._dialect.fragments.piece(peer_maximum_length)

    @property
    def can_send(self) -> bool:
        """Whether anything fits within the maximum length that the peer announced."""
        return self._piece > 0

    def send(self, context_id: int, command: bytes, data: Buffer | None = None) -> None:
        """Evt9: a DIMSE message, as P-DATA-TFs within the peer's maximum length."""
        if self.state not in _SENDS_DATA:
            self._primitive(_EVT9)
        piece = self._piece
        if data is not None and self._dialect.fragments.packed:
            self._out += packed(context_id, command, data, piece)
            return
        whole_from = self._dialect.fragments.whole_from
        if whole_from is not None and piece >= whole_from:
            syntax = self.contexts[context_id].transfer_syntax
            self._out += whole_fragments(context_id, command, piece, IMPLICIT_VR_LITTLE_ENDIAN, command=True)
            if data is not None:
                self._out += whole_fragments(context_id, data, piece, syntax)
            return
        self._out += fragments(context_id, command, piece, command=True)
        if data is not None:
            self._out += fragments(context_id, data, piece)

    @property
    def data_step(self) -> int:
        """How much of a data set `send_data` should be given at a time: whole pieces, and not too many."""
        return self._piece * max(1, min(STEP_PIECES, STEP_BYTES // self._piece))

    def send_data(self, context_id: int, data: Buffer, *, last: bool = True) -> None:
        """Evt9: the data set of the command that was sent last, or a part of it; alternates headers with views of
        `data`. See `data_step`."""
        self._primitive(_EVT9)
        self._out += fragments(context_id, data, self._piece, last=last)

    def release(self) -> None:
        """Evt11: ask to release."""
        self.state = NEXT[self._primitive(Event.EVT11)]
        self._out.append(_RELEASE_RQ)

    def confirm_release(self, now: float) -> None:
        """Evt14: agree to a release."""
        action = self._primitive(_EVT14)
        self._out.append(_RELEASE_RP)
        if action is _AR_9:
            self.state = NEXT[action]
        else:
            self._leave(self._dialect.after_release, now)

    def hang_up(self, now: float) -> None:
        """End the connection without an A-ABORT, as the dialect does."""
        self._leave(self._dialect.hang_up, now)

    def abort(self, now: float, source: int = SERVICE_USER, reason: int = 0, close: Close = Close.WAIT) -> None:
        """Evt15: abort the association."""
        self._primitive(Event.EVT15)
        self._out.append(p.encode(p.Abort(source, reason)))
        self._leave(close, now)
