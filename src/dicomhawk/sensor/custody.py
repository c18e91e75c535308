"""What was recorded is closed for good while the sensor runs: closed segments get their entry in the chain of hashes,
and what is older or more than is to be kept goes. The supervisor does it, so that no visitor waits for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from ..evidence import events as ev
from ..evidence.chain import ChainError
from ..evidence.fields import MAX_ENTRIES, Event
from ..evidence.retention import Retention
from ..evidence.seal import Sealer
from ..settings import Settings, SettingsError

EVERY_SECONDS = 20.0
"""How long a closed segment waits for its entry: who gets in has as long to change it unnoticed."""
KEEP_SECONDS = 600.0
"""How often retention looks at what there is."""
PASS_SECONDS = 0.2
"""Of hashing at a time: the supervisor has workers to look after."""
LAST_SECONDS = 0.5
"""For what was closed when the sensor ended; the rest is found by the next run."""


class Custody:
    """Looks after the chain of `settings`; what was done is told to `emit`. `monotonic`: seconds to wait by."""

    def __init__(
        self,
        settings: Settings,
        emit: Callable[[Event], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sealer = Sealer(settings, monotonic=monotonic)
        self._retention = Retention(settings, self._sealer.chain)
        self._emit = emit
        self._monotonic = monotonic
        self._due = self._retention_due = monotonic()
        self._told = 0
        self._failure = ""

    def look_after(self) -> None:
        """To be called now and then: does what is due, for a fraction of a second."""
        now = self._monotonic()
        if now < self._due:
            return
        self._due = now + EVERY_SECONDS
        try:
            work = self._sealer.work(PASS_SECONDS)
            if work.more:
                self._due = now
            elif now >= self._retention_due:
                self._retention_due = now + KEEP_SECONDS
                for removed in self._retention.apply():
                    self._emit(
                        ev.EvidenceRemoved(
                            what=removed.what,
                            reason=removed.reason,
                            segments=removed.names[:MAX_ENTRIES],
                            bytes=removed.bytes,
                        )
                    )
            self._tell_head()
            self._failure = ""
        except (OSError, ChainError, SettingsError) as error:
            self._failed(str(error))

    def finish(self) -> None:
        """At the end, when nothing writes any more: entries for what was closed by that."""
        try:
            self._sealer.work(LAST_SECONDS)
        except (OSError, ChainError, SettingsError) as error:
            print(f"The chain of evidence can't be continued: {error}", file=sys.stderr, flush=True)

    def _tell_head(self) -> None:
        head = self._sealer.chain.head
        if head.entry > self._told:
            self._told = head.entry
            self._emit(ev.EvidenceHead(entries=head.entry, head=head.hash, key=self._sealer.chain.key or None))

    def _failed(self, reason: str) -> None:
        if reason != self._failure:
            self._failure = reason
            print(f"The chain of evidence can't be continued: {reason}", file=sys.stderr, flush=True)
            self._emit(ev.EvidenceFailure(reason=reason))
