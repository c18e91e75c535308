"""Waits for the other side's timers, several at a time where one doesn't hold up the others."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from .laboratory import Experiment, Laboratory
from .reading import acceptance
from .transcript import Observation, Take

MOST_SIDE_BY_SIDE = 3
"""Associations that are held for their timers at once, and one more: many products have few threads, and stretch the
timers of all when there are more associations than these."""
BLOCKED_AFTER = 1.0
"""A client that is answered later than that was held up."""
_BESIDE = {
    "timers.silent": "capacity.beside-silent",
    "timers.header": "capacity.beside-half",
    "timers.half-request": "capacity.beside-half",
    "timers.unparsable": "capacity.beside-unparsable",
    "timers.after-reject": "capacity.beside-rejected",
}
"""The experiment that tells whether a timer holds the others up."""

Watched = tuple[Take, ...] | None
"""The connections of an experiment; None if nobody answered any more."""


class Waiting:
    """Each timer begins alone. One that holds others up keeps the door until its end; the others share places."""

    def __init__(self, lab: Laboratory, observations: Mapping[str, Observation], settled: Callable[[], bool]) -> None:
        self._lab = lab
        self._observations = observations
        self._settled = settled
        self._door = threading.Lock()
        self._places = threading.Semaphore(max(1, min(served(observations), MOST_SIDE_BY_SIDE) - 1))
        self._single = held_up(observations, "capacity.beside-open")
        self._finished: queue.Queue[tuple[Experiment, Watched]] = queue.Queue()
        self._gone = False

    def play(self, timers: list[Experiment]) -> Iterator[tuple[int, Experiment, Watched]]:
        """Play them; each as it is finished, with how many are by then."""
        # Those that hold nobody up come first: they wait while the others take their turns.
        for timer in sorted(timers, key=self._holds_up):
            threading.Thread(target=self._watch, args=(timer,), daemon=True).start()
            time.sleep(0.02)
        for done in range(1, len(timers) + 1):
            yield done, *self._next()

    def _next(self) -> tuple[Experiment, Watched]:
        while True:
            try:
                return self._finished.get(timeout=0.2)  # so that Ctrl-C is heard
            except queue.Empty:
                continue

    def _holds_up(self, timer: Experiment) -> bool:
        return self._single or (timer.name in _BESIDE and held_up(self._observations, _BESIDE[timer.name]))

    def _watch(self, timer: Experiment) -> None:
        lab = replace(self._lab, lines=[])
        if self._holds_up(timer):
            with self._door:
                self._try(timer, lab)
        else:
            with self._places:
                self._door.acquire()
                begun = threading.Event()

                def release() -> None:
                    if not begun.is_set():
                        begun.set()
                        self._door.release()

                lab.begun = release
                try:
                    self._try(timer, lab)
                finally:
                    release()
        self._finished.put((timer, lab.takes() or None))

    def _try(self, timer: Experiment, lab: Laboratory) -> None:
        """Play it if anybody still answers; one such wait is enough for all."""
        self._gone = self._gone or not self._settled()
        if not self._gone:
            timer.play(lab)


def served(observations: Mapping[str, Observation]) -> int:
    """Associations side by side that were served at once; 1 if that wasn't observed."""
    found = observations.get("capacity.served")
    takes = () if found is None else found.takes
    return max(1, sum(acceptance(take) is not None and bool(take.last.answers) for take in takes))


def held_up(observations: Mapping[str, Observation], name: str) -> bool:
    """Whether the client beside the first one had to wait; True if that wasn't observed."""
    found = observations.get(name)
    take = None if found is None else found.take("beside it")
    answers = [] if take is None else list(take.answers)
    return not answers or answers[0].seconds > BLOCKED_AFTER
