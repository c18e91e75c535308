"""What an experiment is, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from .line import Line
from .transcript import Take


class Needs(Enum):
    """What must be there, or be allowed, before an experiment is played."""

    NOTHING = "nothing"
    TIME = "time"
    """It waits for the other side's timers."""
    SAMPLE = "sample"
    """Objects that the archive holds, and of which we know what is in them."""
    STORING = "storing"
    """Leave to store the synthetic objects."""
    CROWD = "crowd"
    """It opens some associations side by side."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An object that the archive holds: what queries and retrievals ask for."""

    patient_id: str
    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class_uid: str
    ours: bool
    """Whether it is one of the synthetic ones, so that everything about it is known."""


@dataclass
class Laboratory:
    """The system under observation, and the connections that an experiment made to it."""

    address: tuple[str, int]
    called: str
    calling: str
    stranger: str = "STRANGER"
    """An AE title that the other side doesn't know."""
    reply: float = 1.2
    """Longest wait for an answer of the upper layer, seconds; `run.greet` makes it longer for a slow system."""
    quiet: float = 0.8
    """How long is watched whether something more comes, or the connection is closed, when nothing need come."""
    patience: float = 75.0
    """Longest wait for a timer, seconds."""
    samples: int = 100
    """How often response times are taken."""
    crowd: int = 32
    """Associations that are opened side by side, at most."""
    sample: Sample | None = None
    lines: list[Line] = field(default_factory=list)
    begun: Callable[[], None] = lambda: None
    """Called by an experiment about a timer, once there is nothing left but to wait."""

    def line(self, label: str = "") -> Line:
        """A new connection."""
        line = Line(self, label)
        self.lines.append(line)
        return line

    def takes(self) -> tuple[Take, ...]:
        """What is on record since the last call; connections that are still open are closed."""
        lines, self.lines = self.lines, []
        return tuple(line.finish(0.0) for line in lines)


@dataclass(frozen=True, slots=True)
class Experiment:
    """Something to try, with a name that says what."""

    name: str
    about: str
    play: Callable[[Laboratory], None]
    needs: Needs = Needs.NOTHING
    timed: bool = False
    """Whether moments are what it is about."""
    sampled: bool = False
    """Whether its response times are one distribution."""
    alone: bool = True
    """Whether nothing else may go on beside it."""

    @property
    def group(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]


class Catalogue:
    """Experiments in the order in which they are played; `add` decorates a function that plays one."""

    def __init__(self) -> None:
        self.experiments: dict[str, Experiment] = {}

    def add(
        self,
        name: str,
        about: str,
        *,
        needs: Needs = Needs.NOTHING,
        timed: bool = False,
        sampled: bool = False,
        alone: bool = True,
    ) -> Callable[[Callable[[Laboratory], None]], Callable[[Laboratory], None]]:
        """Register a function as an experiment."""

        def register(play: Callable[[Laboratory], None]) -> Callable[[Laboratory], None]:
            if name in self.experiments:
                raise ValueError(f"there are two experiments {name}")
            self.experiments[name] = Experiment(name, about, play, needs, timed, sampled, alone)
            return play

        return register

    def include(self, others: Iterable[Catalogue]) -> None:
        """Take over the experiments of other catalogues, in their order."""
        for other in others:
            self.experiments.update(other.experiments)
