"""A DICOM door: what all connections on the same persona share in one worker."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ...evidence import ecs
from ...evidence import events as ev
from ...evidence.recorder import Recorder
from ...lures.bait import Lures
from ...persona import clients
from ...persona.model import Persona
from ...persona.model.capacity import Capacity
from ...settings import Deployment, Remote
from ...upperlayer import pdu
from ...upperlayer.indications import AssociateIndication
from ...upperlayer.negotiation import Accepted, Outcome, Rejected, negotiate
from ..holdings import Holdings
from ..lured import baited
from ..processes import descriptor_limit
from .describe import association
from .heads import Heads
from .pace import Pace
from .slots import Slots
from .turns import Turns

if TYPE_CHECKING:
    from .connection import Connection

REMEMBERED_ANSWERS = 64
"""Answers kept: scanners and workstations send the same A-ASSOCIATE-RQ again and again, and few different ones."""
DESCRIPTORS_EACH = 3
"""Descriptors reckoned for a connection: its socket, and files that are written or read for it."""
SWEEP_SECONDS = 0.25
"""How often deadlines are looked at: one timer for all connections costs less than one for each."""


class Answer(NamedTuple):
    """The answer to an A-ASSOCIATE-RQ, ready to be sent and to be recorded."""

    outcome: Outcome
    encoded: bytes
    event: ecs.Encoded
    bait: tuple[ev.LureTaken, ...]
    """What of it is bait."""


class Door:
    """Negotiation, clock, evidence and hospital for the connections of one worker."""

    def __init__(
        self,
        persona: Persona,
        deployment: Deployment,
        recorder: Recorder,
        holdings: Holdings,
        clock: Callable[[], float],
        remotes: Iterable[Remote] = (),
        places: tuple[Slots, Heads] | None = None,
        lures: Lures | None = None,
    ) -> None:
        """`places`: what a visitor's connections wait for, in all workers of a sensor, and in which order."""
        self.persona = persona
        self.lures = lures
        remotes = tuple(remotes)
        known = {remote.ae_title for remote in remotes}
        remotes += tuple(bait.remote for bait in lures.titles if bait.remote.ae_title not in known) if lures else ()
        self.policy = persona.policy(deployment, remotes)
        self.dialect = persona.dialect()
        self.pace = Pace(persona.timing)
        self.deployment = deployment
        self.recorder = recorder
        self.holdings = holdings
        self.clock = clock
        self.remotes: Mapping[str, Remote] = MappingProxyType({remote.ae_title: remote for remote in remotes})
        """By AE title, without padding: whom the archive knows as callers and destinations. Never contacted."""
        self.connections: set[Connection] = set()
        self.capacity = descriptor_limit() // DESCRIPTORS_EACH
        self.turns: Turns | None = None
        """Who waits for whom; None: nobody does."""
        if places is not None and persona.capacity != Capacity():
            self.turns = Turns(persona.capacity, *places, clock)
        self._clients = clients.load()
        self._answers: OrderedDict[tuple[bytes, bool], Answer] = OrderedDict()

    def answer(self, indication: AssociateIndication, *, full: bool = False) -> Answer:
        """What to answer to a request; the same bytes get the same answer.

        `full`: there may be no more associations.
        """
        answers = self._answers
        raw = indication.raw
        key = raw, full
        known = answers.get(key)
        if known is not None:
            answers.move_to_end(key)
            return known
        outcome = negotiate(indication.rq, self.policy, full=full)
        match outcome:
            case Accepted(ac):
                encoded = pdu.encode(ac)
            case Rejected(rj):
                encoded = pdu.encode(rj)
            case _:
                encoded = b""
        client = self._clients.identify(indication.rq, len(raw))
        event = association(indication.rq, outcome, len(raw), client)
        answer = Answer(outcome, encoded, self.recorder.prepare(event), baited(self.lures, indication.rq))
        if len(raw) <= pdu.REMEMBERED_LENGTH:
            answers[key] = answer
            if len(answers) > REMEMBERED_ANSWERS:
                answers.popitem(last=False)
        return answer

    def sweep(self) -> None:
        """Let connections act whose deadline has passed. To be called every `SWEEP_SECONDS`."""
        now = self.clock()
        for connection in list(self.connections):
            connection.check_deadline(now)
        if self.turns is not None:
            self.turns.sweep()

    def close(self) -> None:
        """End all connections, as when the product is shut down."""
        for connection in list(self.connections):
            connection.shut_down()
