"""How an association ends when it does not end by itself: what is wrong, what comes too late, and how it closes."""

from __future__ import annotations

from . import pdu as p
from .dialect import Close, Dialect, Reaction
from .errors import Quirk
from .indications import AbortIndication, Indication, TransportClosed, Violation
from .intake import Buffer, Intake
from .machine import TABLE, Action, Event, State
from .message import Assembler
from .pdu import HEADER_SIZE

SHOWN_BYTES = 256
"""How much of an offending PDU a `Violation` shows."""

# Looking a member of an enumeration up in its class (0.3 us in Python 3.11) costs more than what is done with it.
_STA1, _STA2, _STA6, _STA13 = State.STA1, State.STA2, State.STA6, State.STA13
_FIN, _RESET, _WAIT, _KEEP = Close.FIN, Close.RESET, Close.WAIT, Close.KEEP
_DROP, _LINGER, _DRAIN = Close.DROP, Close.LINGER, Close.DRAIN

_UNTIMED = frozenset({State.STA1, State.STA3})


class Lifetime(Intake):
    """The state of one side of a connection, its timers, and its end.

    `works` is set by the service user while it is at work, which products react to, and `asks` while it waits for the
    response to a sub-operation; `close` says how the connection is to be closed, once it is.
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
        "asks",
        "close",
        "state",
        "works",
    )

    def __init__(self, dialect: Dialect, now: float, *, requestor: bool) -> None:
        super().__init__()
        self._dialect = dialect
        self._assembler: Assembler | None = None
        self._out: list[Buffer] = []
        self._deaf = requestor  # until it has asked
        self._activity = self._begun = now
        self._artim: float | None = None if requestor else now + dialect.artim
        self._eager = dialect.eager
        self._ending = _WAIT  # how Sta13 is left
        self.state = _STA1 if requestor else _STA2  # Evt5, AE-5
        self.close: Close | None = None
        self.works = False
        self.asks = False

    # What is wrong

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
        if self.asks and quirk in dialect.in_suboperation:
            return dialect.in_suboperation[quirk]
        if quirk in dialect.in_service and self.in_service:
            return dialect.in_service[quirk]
        return dialect.on_association.get(quirk, dialect.on_association_default)

    def look(self, now: float) -> Violation | None:
        """The service user looks for a command and waits for none: what has begun of a command set is forgotten, and
        part of a header is `Quirk.CUT_HEADER`. To be called when `poll` has no more to say."""
        begun = self.forget_begun()
        return self._wrong(Event.EVT19, Quirk.CUT_HEADER, "part of a PDU's header", begun, now) if begun else None

    def forget_begun(self) -> bytes:
        """Forget what has come of a command set, and of a PDU's header, which is returned."""
        if self._assembler is not None:
            self._assembler.forget_command()
        if self._pending is None or self.in_pdu:
            return b""
        begun = bytes(self._pending)
        self._buffer, self._position, self._mark, self._pending = begun, len(begun), 0, None
        return begun

    def refuse(self, quirk: Quirk, detail: str, now: float) -> Violation | None:
        """The service user finds fault with a message: what the dialect has for `quirk` is done, as for any other
        violation. None if the association is over."""
        return self._wrong(Event.EVT19, quirk, detail, b"", now)

    def _aborted(self, source: int, reason: int) -> AbortIndication:
        """AA-2 and AA-3: the peer's A-ABORT."""
        close = self._dialect.after_abort
        self.state = _STA13
        self._skip_values()
        self._end(self._drop() if close is _DROP else close)
        return AbortIndication(source, reason)

    # Its end

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

    def _drop(self) -> Close:
        """What closing makes of the connection at this moment: input that wasn't read resets it."""
        return _RESET if self._position < len(self._buffer) and self._pending is None else _FIN

    def transport_closed(self) -> TransportClosed:
        """Evt17: the peer closed, or the connection broke (AA-4, AA-5, AR-5)."""
        before = self.state
        self._end(_FIN)
        return TransportClosed(before)

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

    # What it is at, and for how long it may be

    def postpone(self, seconds: float) -> None:
        """Nobody looked at the association for so long: what the peer has to do in time may take longer by it."""
        self._activity += seconds
        self._begun += seconds

    @property
    def in_pdu(self) -> bool:
        """Whether the header of a PDU has come and its body not yet."""
        return self._pending is not None and self._needed > HEADER_SIZE

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
