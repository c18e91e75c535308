"""Two transcripts side by side: every difference, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from math import exp, sqrt
from typing import NamedTuple

from . import words
from .experiments import ALL
from .laboratory import Experiment
from .transcript import Answer, End, Observation, Step, Take, Transcript

SLACK_SECONDS, SLACK_SHARE = 1.0, 0.15
"""By how much moments may differ where they are what an experiment is about: a busy machine, a slow network."""
CARELESS_SECONDS = 3.0
"""And where they aren't."""
SIGNIFICANCE = 0.01
"""Below this probability, two samples of response times are not of one distribution."""
FEWEST_SAMPLES = 20


class Difference(NamedTuple):
    """Something by which the two can be told apart."""

    experiment: str
    words: str


def compare(
    first: Transcript, second: Transcript, names: tuple[str, str] = ("the product", "the persona")
) -> list[Difference]:
    """All differences, in the order of the experiments; those that only one of them has are left out."""
    found: list[Difference] = []
    for name, one in first.observations.items():
        other = second.observations.get(name)
        if other is not None:
            experiment = ALL.experiments.get(name)
            found += (Difference(name, text) for text in observations(one, other, names, experiment))
    return found


def observations(
    one: Observation, other: Observation, names: tuple[str, str], experiment: Experiment | None = None
) -> Iterator[str]:
    """What differs in one experiment."""
    sampled = experiment is not None and experiment.sampled
    timed = experiment is not None and experiment.timed
    if sampled:
        yield from _samples(one, other, names)
        return
    for first, second in zip_longest(one.takes, other.takes):
        if first is None or second is None or first.label != second.label:
            yield _both("the exchange goes on differently", names, *(_label(take) for take in (first, second)))
            return
        where = f"{first.label}: " if first.label else ""
        for text in takes(first, second, names, timed=timed):
            yield where + text


def _label(take: Take | None) -> str:
    return "it ends" if take is None else (take.label or "one connection")


def _both(what: str, names: tuple[str, str], first: str, second: str) -> str:
    return f"{what}: {names[0]}: {first}; {names[1]}: {second}"


def takes(first: Take, second: Take, names: tuple[str, str], *, timed: bool) -> Iterator[str]:
    """What differs on one connection."""
    accepted = words.contexts(first), words.contexts(second)
    for one, other in zip_longest(first.steps, second.steps):
        if one is None or other is None or one.label != other.label:
            labels = ("nothing" if step is None else step.label for step in (one, other))
            yield _both("what could be sent next", names, *labels)
            break
        yield from _steps(one, other, accepted, names, timed=timed)
    ends = (first.end, second.end)
    near = _near(first.seconds, second.seconds, timed=timed)
    if ends[0] is not ends[1] or (End.OPEN not in ends and not near):
        yield _both(f"after {first.last.label} the connection is", names, words.ending(first), words.ending(second))


def _steps(
    one: Step,
    other: Step,
    accepted: tuple[dict[int, tuple[str, str]], dict[int, tuple[str, str]]],
    names: tuple[str, str],
    *,
    timed: bool,
) -> Iterator[str]:
    heads = words.headlines(one.answers), words.headlines(other.answers)
    where = f"after {one.label}"
    if heads[0] != heads[1]:
        yield _both(where, names, *map(_listed, heads))
        return
    lines = words.lines(one.answers, accepted[0]), words.lines(other.answers, accepted[1])
    if lines[0] != lines[1]:
        for pair in _unlike(*lines):
            yield _both(where, names, *pair)
    elif [answer.pdu for answer in one.answers] != [answer.pdu for answer in other.answers]:
        unlike = next((a, b) for a, b in zip(one.answers, other.answers, strict=False) if a.pdu != b.pdu)
        yield _both(f"{where}, bytes of {words.name(unlike[0].pdu)}", names, *_first_unlike(*unlike))
    for a, b in zip(one.answers, other.answers, strict=False):
        if not _near(a.seconds, b.seconds, timed=timed):
            yield _both(f"{where}, {words.name(a.pdu)} comes", names, f"{a.seconds:.3g} s", f"{b.seconds:.3g} s")
            break


def _listed(heads: Sequence[str], most: int = 6) -> str:
    if not heads:
        return "nothing"
    return ", ".join(heads[:most]) + (f" ... ({len(heads)} in all)" if len(heads) > most else "")


def _unlike(first: list[str], second: list[str]) -> Iterator[tuple[str, str]]:
    """The lines that differ, those of one beside what stands in their place in the other."""
    for tag, one, one_end, other, other_end in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from zip_longest(first[one:one_end], second[other:other_end], fillvalue="nothing")


def _first_unlike(first: Answer, second: Answer) -> tuple[str, str]:
    pairs = enumerate(zip(first.pdu, second.pdu, strict=False))
    at = next((n for n, (x, y) in pairs if x != y), min(len(first.pdu), len(second.pdu)))
    one, other = (f"{answer.pdu[at : at + 8].hex()} at {at}" for answer in (first, second))
    return one, other


def _near(first: float, second: float, *, timed: bool) -> bool:
    slack = SLACK_SECONDS if timed else CARELESS_SECONDS
    return abs(first - second) <= max(slack, SLACK_SHARE * max(first, second))


# Response times and pauses


def response_times(observation: Observation) -> list[float]:
    """Seconds until the last answer of each step that had one, in order."""
    return [
        step.answers[-1].seconds
        for take in observation.takes
        for step in take.steps
        if step.answers and not step.label.startswith(("A-ASSOCIATE", "A-RELEASE"))
    ] or [take.steps[1].answers[-1].seconds for take in observation.takes if take.steps[1].answers]


def pauses(observation: Observation) -> dict[tuple[int, ...], float]:
    """Where answers pause, and the share of the answers that do."""
    seen = [
        answer.pauses
        for take in observation.takes
        for step in take.steps
        for answer in step.answers
        if not step.label.startswith(("A-ASSOCIATE", "A-RELEASE"))
    ]
    return {where: seen.count(where) / len(seen) for where in dict.fromkeys(seen)}


def _usual(found: dict[tuple[int, ...], float]) -> tuple[int, ...] | None:
    return max(found, key=lambda where: found[where]) if found else None


def _samples(one: Observation, other: Observation, names: tuple[str, str]) -> Iterator[str]:
    usual = _usual(pauses(one)), _usual(pauses(other))
    if usual[0] != usual[1] and None not in usual:
        yield _both("answers are written", names, *map(_pausing, usual))
    times = response_times(one), response_times(other)
    if min(map(len, times)) < FEWEST_SAMPLES:
        if (not times[0]) is not (not times[1]):
            yield _both("answers", names, *(f"{len(found)}" for found in times))
        return
    probability = same_distribution(*times)
    if probability < SIGNIFICANCE:
        yield _both(f"response times differ (p = {probability:.2g})", names, *map(_spread, times))


def _pausing(where: tuple[int, ...] | None) -> str:
    return "in one piece" if not where else f"with a pause after {', '.join(map(str, where))} bytes"


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    shown = (ordered[int(len(ordered) * share)] for share in (0.05, 0.5, 0.95))
    return " / ".join(f"{seconds * 1000:.2f}" for seconds in shown) + " ms (5, 50, 95 %)"


def same_distribution(first: Sequence[float], second: Sequence[float]) -> float:
    """The probability of the two-sample Kolmogorov-Smirnov statistic, by its asymptotic formula."""
    n, m = len(first), len(second)
    ordered = sorted([(value, 1 / n) for value in first] + [(value, -1 / m) for value in second])
    distance = total = 0.0
    for position, (value, step) in enumerate(ordered):
        total += step
        if position + 1 == len(ordered) or ordered[position + 1][0] != value:  # ties count together
            distance = max(distance, abs(total))
    effective = sqrt(n * m / (n + m))
    return _kolmogorov((effective + 0.12 + 0.11 / effective) * distance)


def _kolmogorov(x: float) -> float:
    if x < 0.2:  # the series does not converge there, and its limit is 1
        return 1.0
    term: Callable[[int], float] = lambda k: (-1.0) ** (k - 1) * exp(-2 * (k * x) ** 2)  # noqa: E731
    return max(0.0, min(1.0, 2 * sum(map(term, range(1, 101)))))
