"""The primitives of the service user (PS3.8 section 7): what it can have one side of an association say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import pdu as p
from .dialect import SERVICE_USER, Close, Dialect, Reaction
from .errors import Quirk
from .fragments import IMPLICIT_VR_LITTLE_ENDIAN, fragments, packed, runs, whole_cuts, whole_fragments
from .intake import Buffer
from .lifetime import Lifetime
from .machine import NEXT, TABLE, Action, Event
from .negotiation import Accepted, Context

STEP_PIECES = 1024
"""Pieces of a data set that wait to be written at a time: a peer may announce a maximum length of next to nothing."""
STEP_BYTES = 4 << 20
"""Bytes of a data set that wait to be written at a time."""

# Looking a member of an enumeration up in its class (0.3 us in Python 3.11) costs more than what is done with it.
_EVT7, _EVT9, _EVT14 = Event.EVT7, Event.EVT9, Event.EVT14
_AR_9 = Action.AR_9

_SENDS_DATA = frozenset(s for e, s in TABLE if e is Event.EVT9)
_RELEASE_RQ = p.encode(p.ReleaseRQ())
_RELEASE_RP = p.encode(p.ReleaseRP())


class Primitives(Lifetime):
    """Queues bytes, which `take_output` hands out. A primitive that the state doesn't allow raises `ValueError`.

    `contexts` are the agreed presentation contexts by identifier, `peer_maximum_length` bounds what we send.
    """

    __slots__ = ("_piece", "_proposed", "_requestor", "contexts", "peer_maximum_length")

    def __init__(self, dialect: Dialect, now: float, *, requestor: bool) -> None:
        super().__init__(dialect, now, requestor=requestor)
        self._requestor = requestor
        self._piece = 0
        self._proposed: Mapping[int, Context] = {}
        self.contexts: Mapping[int, Context] = {}
        self.peer_maximum_length = 0

    def take_output(self, now: float) -> list[Buffer]:
        """What to write to the transport, in order; sending counts as activity."""
        out = self._out
        if out:
            self._out = []
            self._activity = now
        return out

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

    def parts(self, context_id: int, data: Buffer) -> Iterator[tuple[int, int, int]]:
        """Beginning and end of each part of a data set that `send_data` takes at a time, so that not too much of it
        waits to be written, and the length of its fragments, of which the last may be shorter."""
        piece, whole_from = self._piece, self._dialect.fragments.whole_from
        most = max(1, min(STEP_PIECES, STEP_BYTES // piece))
        if whole_from is not None and piece >= whole_from and len(data) > piece:
            yield from runs(whole_cuts(data, piece, self.contexts[context_id].transfer_syntax), most)
            return
        size, step = len(data), piece * most
        for start in range(0, max(size, 1), step):
            yield start, min(start + step, size), piece

    def send_data(self, context_id: int, data: Buffer, piece: int, *, last: bool = True) -> None:
        """Evt9: the data set of the command that was sent last, or a part of it, in fragments of `piece` bytes;
        alternates headers with views of `data`. See `parts`."""
        self._primitive(_EVT9)
        self._out += fragments(context_id, data, piece, last=last)

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
