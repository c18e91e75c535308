"""What was observed and can be foreseen, and how far a persona foresees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...settings import SettingsError
from ..battery.compare import SLACK_SECONDS, SLACK_SHARE
from ..battery.experiments import ALL
from ..battery.transcript import End, Take, Transcript
from ..model import Persona
from .simulate import Foreseen, Simulator

FORESEEABLE = frozenset({"association", "negotiation", "syntaxes", "before", "on", "timers"})
"""Groups of experiments in which no service answers but C-ECHO."""
CARELESS_SECONDS = 3.0


class Seen(NamedTuple):
    """One connection of one experiment."""

    experiment: str
    take: Take
    timed: bool


class Evidence:
    """All connections that can be foreseen."""

    def __init__(self, transcript: Transcript) -> None:
        self.called, self.calling = transcript.called, transcript.calling
        self.seen = list(_seen(transcript))

    def unexplained(self, persona: Persona, among: Iterable[int] | None = None) -> set[int]:
        """Numbers of the connections (of those `among`) that the persona would answer differently."""
        try:
            simulator = Simulator(persona, self.called, self.calling)
        except SettingsError:
            return set(range(len(self.seen)))
        numbers = range(len(self.seen)) if among is None else among
        return {n for n in numbers if not alike(self.seen[n], simulator.play(self.seen[n].take))}

    def foreseen(self, persona: Persona, number: int) -> Foreseen:
        """What the persona would answer on one connection."""
        return Simulator(persona, self.called, self.calling).play(self.seen[number].take)

    def of(self, *groups: str) -> list[int]:
        """Numbers of the connections of some groups of experiments, or of single ones."""
        wanted = set(groups)
        return [
            n
            for n, seen in enumerate(self.seen)
            if seen.experiment in wanted or seen.experiment.partition(".")[0] in wanted
        ]


def _seen(transcript: Transcript) -> Iterator[Seen]:
    for name, observation in transcript.observations.items():
        if name.partition(".")[0] in FORESEEABLE:
            experiment = ALL.experiments.get(name)
            timed = experiment is not None and experiment.timed
            for take in observation.takes:
                if take.end is not End.UNREACHED:
                    yield Seen(name, take, timed)


def alike(seen: Seen, foreseen: Foreseen) -> bool:
    """Whether the connection went as foreseen, as far as that goes."""
    take = seen.take
    said = [answer.pdu for step in take.steps for answer in step.answers]
    if not seen.timed and foreseen.end is take.end and said == [data for step in foreseen.steps for data in step]:
        return True  # what comes a little late, comes in the next step
    for position, (step, expected) in enumerate(zip(take.steps, foreseen.steps, strict=False)):
        found = tuple(answer.pdu for answer in step.answers)
        last = position + 1 == len(take.steps)
        # Of two A-ABORTs before a reset, the second may be lost on the way.
        lost = last and take.end is End.RESET and found and found == expected[: len(found)]
        if found != expected and not lost:
            return False
        if seen.timed:
            times = zip(step.answers, foreseen.seconds[position], strict=False)
            if any(not near(answer.seconds, then, timed=True) for answer, then in times):
                return False
    if foreseen.end is None:
        return True
    if foreseen.end is not take.end:
        return False
    return take.end is End.OPEN or near(take.seconds, foreseen.ended, timed=seen.timed)


def near(observed: float, expected: float, *, timed: bool) -> bool:
    """Whether two moments are the same, for a busy machine."""
    slack = SLACK_SECONDS if timed else CARELESS_SECONDS
    return abs(observed - expected) <= max(slack, SLACK_SHARE * max(observed, expected))
