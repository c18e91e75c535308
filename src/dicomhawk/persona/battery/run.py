"""Plays experiments against a system, one after the other; those about timers side by side where that is possible."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from . import sampling
from .building import RELEASE_RQ
from .experiments import ALL
from .laboratory import Experiment, Laboratory, Needs
from .line import Line
from .reading import acceptance, rejection
from .transcript import End, Observation, Transcript
from .waiting import Waiting

SETTLE_SECONDS = 60.0
"""For how long a system may recover from one experiment before the next."""
SETTLE_PAUSE = 0.25
GREETING_SECONDS = 10.0
"""For the answer to the first association."""
SLOWER, SLOWEST_REPLY = 20.0, 8.0
"""What is waited for an answer: so many times what the first one took, up to seconds that are bearable."""
CALLED_NOT_RECOGNIZED, CALLING_NOT_RECOGNIZED = 7, 3
"""Reasons of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""


STOPPED = "it had stopped answering"
"""Why experiments are missing that were to come after it."""


class BatteryError(Exception):
    """The system can't be observed; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be played."""

    timers: bool = True
    crowd: bool = True
    storing: bool = False
    """Whether the synthetic objects may be stored."""
    looking: bool = False
    """Whether objects that are there may be asked for."""
    only: frozenset[str] | None = None
    """Names or groups of experiments; None: all."""

    def chosen(self) -> list[Experiment]:
        """The experiments to play, in order."""
        return [
            experiment
            for experiment in ALL.experiments.values()
            if self.only is None or experiment.name in self.only or experiment.group in self.only
        ]


Tell = Callable[[str, int, int], None]
"""Called with what is played now, how many experiments are done, and how many there are."""


def _say_nothing(*_: object) -> None:
    pass


def play(lab: Laboratory, plan: Plan, tell: Tell = _say_nothing) -> Transcript:
    """Play the battery. Raises `BatteryError` if nobody answers, or the AE titles are refused."""
    greet(lab)
    return _Player(lab, plan, tell).play()


def place(host: str, port: int) -> str:
    """An address as people write it, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def greet(lab: Laboratory) -> None:
    """One association. Raises `BatteryError` with what is wrong."""
    where = place(*lab.address)
    take = Line(lab, "greeting").associate(seconds=GREETING_SECONDS).finish(0.0)
    if take.end is End.UNREACHED:
        raise BatteryError(f"Nobody answers at {where}.")
    if acceptance(take) is not None:
        taken = next(answer.seconds for answer in take.answers)
        lab.reply = min(max(lab.reply, SLOWER * taken), SLOWEST_REPLY)
        return
    refused = rejection(take)
    if refused is None and take.end is End.OPEN and not list(take.answers):
        raise BatteryError(f"{where} takes connections and says nothing: it is not a DICOM archive, or it is busy.")
    if refused is None:
        raise BatteryError(f"What answers at {where} is not a DICOM archive.")
    if (refused.source, refused.reason) == (1, CALLED_NOT_RECOGNIZED):
        # Some products say so, too, of callers that they don't know.
        raise BatteryError(
            f"{where} doesn't answer to the AE title {lab.called}, or not to {lab.calling}: "
            "give its own by --called, or one that it knows by --calling."
        )
    if (refused.source, refused.reason) == (1, CALLING_NOT_RECOGNIZED):
        raise BatteryError(f"{where} doesn't know the AE title {lab.calling}: give one that it knows by --calling.")
    raise BatteryError(
        f"{where} refuses associations (result {refused.result}, source {refused.source}, reason {refused.reason})."
    )


class _Player:
    def __init__(self, lab: Laboratory, plan: Plan, tell: Tell) -> None:
        self._lab = lab
        self._plan = plan
        self._tell = tell
        self._observations: dict[str, Observation] = {}
        self._missing: dict[str, str] = {}
        self._looked = False

    def play(self) -> Transcript:
        chosen = self._plan.chosen()
        timers = [experiment for experiment in chosen if experiment.needs is Needs.TIME]
        others = [experiment for experiment in chosen if experiment.needs is not Needs.TIME]
        for done, experiment in enumerate(others):
            self._tell(experiment.about, done, len(chosen))
            why = self._obstacle(experiment)
            if why is not None:
                self._missing[experiment.name] = why
                continue
            if not self._settled():
                self._missing.update((late.name, STOPPED) for late in (*others[done:], *timers))
                return self._transcript()
            experiment.play(self._lab)
            self._observations[experiment.name] = Observation(experiment.name, self._lab.takes())
        if self._plan.timers:
            waiting = Waiting(self._lab, self._observations, self._settled)
            for done, timer, takes in waiting.play(timers):
                if takes is None:
                    self._missing[timer.name] = STOPPED
                else:
                    self._observations[timer.name] = Observation(timer.name, takes)
                left = len(timers) - done
                self._tell(f"{left} more timers", len(others) + done, len(chosen))
        else:
            self._missing.update((experiment.name, "timers were left out") for experiment in timers)
        return self._transcript()

    def _transcript(self) -> Transcript:
        lab = self._lab
        order = {name: found for name in ALL.experiments if (found := self._observations.get(name)) is not None}
        patience = lab.patience if self._plan.timers else 0.0
        return Transcript(lab.called, lab.calling, order, self._missing, patience)

    def _obstacle(self, experiment: Experiment) -> str | None:
        """Why an experiment can't be played; None if it can."""
        plan, lab = self._plan, self._lab
        match experiment.needs:
            case Needs.CROWD if not plan.crowd:
                return "it needs several associations at a time"
            case Needs.STORING:
                if not plan.storing:
                    return "it needs leave to store objects (--store)"
                if experiment.group != "storing" and not self._ours():
                    return "the synthetic objects were not taken"
            case Needs.SAMPLE:
                self._look()
                if lab.sample is None:
                    return "there is nothing in the archive that could be asked for (--store would put it there)"
        return None

    def _ours(self) -> bool:
        self._look()
        return self._lab.sample is not None and self._lab.sample.ours

    def _look(self) -> None:
        if self._looked:
            return
        self._looked = True
        if self._plan.storing and sampling.stored(self._transcript()):
            self._lab.sample = sampling.synthetic()
        elif self._plan.looking:
            self._lab.sample = sampling.existing(self._lab)

    def _settled(self) -> bool:
        """Whether it accepts an association, in the end."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            line = Line(self._lab, "settling").associate()
            if line.open:
                line.send(RELEASE_RQ, "A-RELEASE-RQ").hear()
                line.finish(0.0)
                return True
            line.finish(0.0)
            if time.monotonic() > deadline:
                return False
            time.sleep(SETTLE_PAUSE)
