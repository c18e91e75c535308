"""What was sent and what came back, as immutable records: nothing in them is interpreted yet."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec


class End(Enum):
    """How a connection ended."""

    FIN = "closed in order"
    RESET = "reset"
    OPEN = "left open"
    """It was still open when the experiment was over."""
    UNREACHED = "not reached"
    """It was never open."""


class Answer(msgspec.Struct, frozen=True):
    """One PDU that came back, header included; or bytes that are none."""

    pdu: bytes
    seconds: float
    """Since the bytes of its step were sent, until its last byte was there."""
    pauses: tuple[int, ...] = ()
    """Bytes of it after which nothing came for a while (see `line.PAUSE`)."""
    began: float | None = None
    """As `seconds`, until its first byte; None if that wasn't noticed."""


class Step(msgspec.Struct, frozen=True):
    """Something done to the other side, and what followed it."""

    label: str
    sent: bytes
    answers: tuple[Answer, ...]
    sent_whole: bool = True
    """False: the connection had ended before."""


class Take(msgspec.Struct, frozen=True):
    """One connection, in the order of its steps."""

    label: str
    steps: tuple[Step, ...]
    end: End
    seconds: float
    """Between the last step and the end, or for how long that was watched."""

    @property
    def last(self) -> Step:
        """The last step; there always is one, the connection itself."""
        return self.steps[-1]

    @property
    def answers(self) -> Iterator[Answer]:
        """Everything that came back."""
        for step in self.steps:
            yield from step.answers


class Observation(msgspec.Struct, frozen=True):
    """One experiment, played once."""

    experiment: str
    takes: tuple[Take, ...]

    def take(self, label: str) -> Take | None:
        """The first connection of that name."""
        return next((take for take in self.takes if take.label == label), None)


class Transcript(msgspec.Struct, frozen=True):
    """All that was seen of one system."""

    called: str
    calling: str
    observations: dict[str, Observation]
    missing: dict[str, str]
    """Experiments that were not played, and why."""
    patience: float = 0.0
    """Seconds for which the experiments about timers watched."""

    def take(self, experiment: str, label: str = "") -> Take | None:
        """One connection of an experiment; None if it wasn't played."""
        observation = self.observations.get(experiment)
        return None if observation is None else observation.take(label)

    def takes(self, experiment: str) -> tuple[Take, ...]:
        """All connections of an experiment; none if it wasn't played."""
        observation = self.observations.get(experiment)
        return () if observation is None else observation.takes
