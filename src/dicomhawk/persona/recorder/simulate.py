"""What ours as a persona would answer to the bytes that a system was sent, without any socket or clock.

The upper layer is sans-IO, so that a persona can be tried against a whole transcript in a moment. Services are
not part of it: what follows a command other than C-ECHO can't be foreseen here.
"""

from __future__ import annotations

from typing import NamedTuple

from ...settings import Deployment, Remote
from ...upperlayer import dimse
from ...upperlayer.dialect import Close
from ...upperlayer.dimse import CommandField
from ...upperlayer.errors import Quirk
from ...upperlayer.indications import AssociateIndication, ReleaseIndication, Violation
from ...upperlayer.message import CommandReceived
from ...upperlayer.negotiation import Accepted, Rejected, negotiate
from ...upperlayer.provider import Provider
from .. import sopclasses
from ..battery.reading import Splitter
from ..battery.transcript import End, Take
from ..model import Persona

_STEP = 0.001
"""Pretended seconds between two steps: each follows the answer to the one before at once."""
MOST_TIMERS = 20
"""Timers that are let run out one after the other."""
END_OF_SENDING = "the end of what we send"


class Foreseen(NamedTuple):
    """What ours would have answered."""

    steps: tuple[tuple[bytes, ...], ...]
    """PDUs after each step; fewer steps than were observed if a service would answer."""
    seconds: tuple[tuple[float, ...], ...]
    """When."""
    end: End | None
    """None: not foreseen."""
    ended: float
    quirks: tuple[tuple[Quirk, bool], ...]
    """What it found wrong, and whether an association was open."""


class Simulator:
    """A persona on no network."""

    def __init__(self, persona: Persona, called: str, calling: str) -> None:
        own = Deployment(
            seed="0123456789abcdef",
            hospital="Any Hospital",
            locale="en_US",
            ae_title=called,
            uid_root="1.2.3",
        )
        self._policy = persona.policy(own, (Remote.model_validate({"ae_title": calling}),))
        self._dialect = persona.dialect()
        self._repeats_class = persona.responses.affected_sop_class

    def play(self, take: Take) -> Foreseen:
        """The same steps, answered by the persona."""
        return _Play(self, take).play()


class _Play:
    def __init__(self, simulator: Simulator, take: Take) -> None:
        self._policy = simulator._policy
        self._repeats_class = simulator._repeats_class
        self._take = take
        self._now = 0.0
        self._provider = Provider(simulator._dialect, 0.0)
        self._quirks: list[tuple[Quirk, bool]] = []
        self._steps: list[list[tuple[float, bytes]]] = []
        self._beyond = False
        self._ended: tuple[End, float] | None = None
        self._splitter = Splitter()

    def play(self) -> Foreseen:
        for step in self._take.steps:
            self._now += _STEP
            self._began = self._now
            self._steps.append([])
            if self._ended is None and step.label == END_OF_SENDING:
                self._note(self._provider.peer_closed(self._now))
            elif self._ended is None and step.sent:
                self._provider.feed(step.sent, self._now)
            self._advance()
            if self._beyond:
                return self._foreseen(None, 0.0, known=len(self._steps) - 1)
        self._wait(self._now + self._take.seconds)
        if self._ended is None:
            return self._foreseen(End.OPEN, self._take.seconds)
        return self._foreseen(self._ended[0], self._ended[1] - self._began)

    def _foreseen(self, end: End | None, ended: float, known: int | None = None) -> Foreseen:
        steps = self._steps[:known]
        return Foreseen(
            tuple(tuple(data for _, data in step) for step in steps),
            tuple(tuple(seconds for seconds, _ in step) for step in steps),
            end,
            ended,
            tuple(self._quirks),
        )

    def _wait(self, until: float) -> None:
        for _ in range(MOST_TIMERS):
            deadline = self._provider.deadline
            if self._ended is not None or deadline is None or deadline > until:
                return
            self._now = max(self._now, deadline)
            self._note(self._provider.handle_timer(self._now))
            self._advance()

    def _note(self, violation: object) -> None:
        if isinstance(violation, Violation):
            self._quirks.append((violation.quirk, bool(self._provider.contexts)))

    def _advance(self) -> None:
        provider = self._provider
        while self._ended is None and provider.close is None and not self._beyond:
            indication = provider.poll(self._now)
            if indication is None:
                break
            self._react(indication)
        data = b"".join(bytes(part) for part in provider.take_output(self._now))
        self._steps[-1] += ((self._now - self._began, unit) for unit in self._splitter.feed(data))
        if provider.close is not None and self._ended is None:
            self._ended = (End.RESET if provider.close is Close.RESET else End.FIN, self._now)

    def _react(self, indication: object) -> None:
        provider = self._provider
        match indication:
            case AssociateIndication(rq):
                outcome = negotiate(rq, self._policy)
                if isinstance(outcome, Accepted):
                    provider.accept(outcome)
                elif isinstance(outcome, Rejected):
                    provider.reject(outcome.rj, self._now)
                else:
                    self._quirks.append((Quirk.UNANSWERED, False))
                    provider.leave_unanswered(self._now)
            case ReleaseIndication():
                provider.confirm_release(self._now)
            case Violation():
                self._note(indication)
            case CommandReceived():
                self._command(indication)

    def _command(self, received: CommandReceived) -> None:
        command = received.command
        context = self._provider.contexts.get(received.context_id)
        plain = command.command_field == CommandField.C_ECHO_RQ and not command.has_data_set
        on_verification = context is not None and context.abstract_syntax == sopclasses.VERIFICATION
        if not (
            plain and on_verification and command.sop_class_uid == sopclasses.VERIFICATION and self._repeats_class
        ):
            self._beyond = not command.has_data_set
        elif not self._provider.can_send:
            self._note(self._provider.refuse(Quirk.PEER_MAXIMUM, "a maximum length that takes nothing", self._now))
        else:
            self._provider.send(received.context_id, dimse.encode(dimse.response(command, 0)))
