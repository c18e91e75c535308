"""The analyst at work: reads what is new, analyses the sessions that it belongs to, examines what was captured.

Each step is a transaction or can be done again, so that the process can be killed at any moment.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from ..evidence.place import write_place
from ..settings import Settings
from . import actors
from .alerting import Alerter
from .analysis import Knowledge
from .lookups import Lookups
from .payload import Examiner, examine_pending
from .reading import Journal
from .writing import Writer

GROUP = 400
"""Sessions analysed in one transaction."""
MAX_SERIOUS = 10_000
"""Sessions that are looked at before others; more wait as all do."""
WAIT_SECONDS = 0.5
"""Between two looks at a journal in which nothing is new."""
REST = 20.0
"""A session that grows is analysed again after so many times as long as its analysis took."""
MIN_REST_SECONDS = 1.0
BEHIND_SECONDS = 10.0
"""For so long it is waited until all of the journal is read: a flood that doesn't end must not hide what happens
meanwhile."""
CLUSTER_SECONDS = 30.0
"""Between two looks at who belongs together, while there is something new."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds that a database that can't be used is left alone."""
FILES_AT_ONCE = 8
"""Captured files examined between two looks at the journal."""
LOOKUPS_AT_ONCE = 16


class Done(NamedTuple):
    """What a run did."""

    events: int = 0
    torn: int = 0
    sessions: int = 0
    files: int = 0


@dataclass
class _Vault:
    """A vault, and what isn't looked for in it at the moment."""

    folder: Path
    elsewhere: dict[str, float] = field(default_factory=dict)
    rests: float = 0.0


class Service:
    """The loop. `close` when done."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        journals: Sequence[Path],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`journals` are folders; the vault of each is beside it. Raises `SettingsError`."""
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._journals = [Journal(folder) for folder in journals]
        self._vaults = [_Vault(folder.parent / "vault") for folder in journals]
        self._alerter = Alerter(settings)
        self._writer = Writer(engine, Knowledge(settings), self._alerter.consider)
        self._lookups = Lookups(settings)
        self._examiner = Examiner(settings)
        self._noted: dict[str, int] = {}
        self._rests: dict[str, float] = {}
        self._serious: dict[str, None] = {}
        self._caught_up = clock()
        self._unclustered = True
        self._clustered = -CLUSTER_SECONDS

    def close(self) -> None:
        """End the examiner's process, and questions that are under way."""
        self._examiner.close()
        self._lookups.close()

    def once(self) -> Done:
        """Until nothing is left to be done."""
        self._writer.renew()
        done = Done()
        while True:
            step = self._step(following=False)
            done = Done(*(a + b for a, b in zip(done, step, strict=True)))
            if not any(step):
                break
        self._cluster()
        self._release()
        return done

    def follow(self, going_on: Callable[[float], bool]) -> None:
        """Until `going_on`, which waits for so many seconds, says False."""
        renewed = False
        pause = WAIT_SECONDS
        while True:
            try:
                if not renewed:
                    self._writer.renew()
                    renewed = True
                busy = any(self._step(following=True))
                if self._unclustered and self._clock() - self._clustered >= CLUSTER_SECONDS:
                    self._cluster()
                self._release()
                pause = 0.0 if busy else WAIT_SECONDS
            except (OperationalError, InterfaceError) as error:
                # Nothing is lost: what was read and not written is read again.
                reason = str(error.orig).strip().splitlines()[0][:200]
                print(f"The database can't be used at the moment: {reason}.", file=sys.stderr, flush=True)
                pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            if not going_on(pause):
                return

    def _step(self, following: bool) -> Done:
        read, torn, more = 0, 0, False
        for journal in self._journals:
            progress = journal.read(self._engine)
            read, torn, more = read + progress.events, torn + progress.torn, more or progress.more
            self._serious.update(dict.fromkeys(sorted(progress.serious)[: MAX_SERIOUS - len(self._serious)]))
        if more and not (following and self._clock() - self._caught_up >= BEHIND_SECONDS):
            return Done(read, torn)  # a session is analysed once all of it is there
        self._caught_up = self._clock()
        analysed = self._analyse(following)
        examined = 0
        for vault in self._vaults:
            began = self._clock()
            if following and began < vault.rests:
                continue
            done = examine_pending(self._engine, self._examiner, vault.folder, FILES_AT_ONCE, vault.elsewhere)
            vault.rests = self._clock() + REST * (self._clock() - began) if not done else 0.0
            examined += done
        if examined < FILES_AT_ONCE:
            self._note_place()
        self._lookups.pending(self._engine, LOOKUPS_AT_ONCE)
        return Done(read, torn, analysed, examined)

    def _note_place(self) -> None:
        """Say how far this sensor's journal was read, so that its retention removes nothing that wasn't."""
        for journal in self._journals:
            if journal.folder == self._settings.journal_dir and (place := journal.place(self._engine)) != self._noted:
                with contextlib.suppress(OSError):  # a full disk; what isn't noted is kept
                    write_place(self._settings.data, place)
                    self._noted = place

    def _analyse(self, following: bool) -> int:
        now = self._clock()
        self._rests = {name: until for name, until in self._rests.items() if until > now}
        # However many visitors there are, those of whom there is something serious don't wait for the others.
        first = [name for name in self._serious if not following or name not in self._rests][: GROUP // 2]
        for name in first:
            del self._serious[name]
        resting = [*self._rests, *first] if following else first
        names = first + self._writer.stale(GROUP - len(first), resting)
        if not names:
            return 0
        for cost in self._writer.analyse(names):
            self._rests[cost.session] = now + max(MIN_REST_SECONDS, REST * cost.seconds)
        self._unclustered = True
        return len(names)

    def _cluster(self) -> None:
        actors.cluster(self._engine)
        self._unclustered = False
        self._clustered = self._clock()

    def _release(self) -> None:
        with self._engine.begin() as connection:
            self._alerter.due(connection, time.time_ns() // 1000)
