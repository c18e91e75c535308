"""How long evidence is kept, as the settings want it: by age and by size, the oldest first.

Only what is closed goes, never a segment that is being written, and what the analyst hasn't read yet stays until it
is `HARD` times as old or as much as the settings allow. Each file that goes has an entry in the chain before it is
removed, so that what is gone can be told from what was taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..settings import Settings
from .chain import Chain, Fact
from .objects import Budget
from .place import read_place
from .seal import Segment, everything

HARD = 2
"""What wasn't read goes at so many times the age or size at which the rest goes."""
BATCH = 64
"""Files that are removed together: their entries are on the disk before."""
_MIB = 1 << 20
_DAY_SECONDS = 86_400

What = Literal["journal", "transcript", "object"]
Reason = Literal["age", "size", "unread"]


class Removed(NamedTuple):
    """Files of one kind that were removed for one reason."""

    what: What
    reason: Reason
    names: tuple[str, ...]
    """Below the data folder."""
    bytes: int


class _File(NamedTuple):
    name: str
    path: Path
    day: str
    bytes: int
    closed: bool
    read: bool


class Retention:
    """Removes what the settings don't keep. `chain` is told of it; `clock` gives seconds since the epoch."""

    def __init__(self, settings: Settings, chain: Chain, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._limits = settings.retention
        self._chain = chain
        self._clock = clock

    def apply(self) -> list[Removed]:
        """Remove what is too old or too much. Raises as `Chain.append` does."""
        limits = self._limits
        if not (limits.journal_days or limits.journal_mib or limits.transcripts_days or limits.objects_days):
            return []
        journal, transcripts = self._segments()
        unread = min((file.day for file in journal if not file.read), default="9")
        done: list[Removed] = []
        done += self._remove("journal", self._journal(journal))
        done += self._remove("transcript", self._old(transcripts, limits.transcripts_days, unread))
        done += self._remove("object", self._old(self._objects(), limits.objects_days, unread))
        return done

    def _segments(self) -> tuple[list[_File], list[_File]]:
        place = read_place(self._settings.data)
        if place is None and self._settings.analyst.enabled:
            place = {}
        journal: list[_File] = []
        transcripts: list[_File] = []
        for segment in everything(self._settings):
            size = _size(segment)
            if size is None:
                continue
            is_journal = segment.name.startswith("journal/")
            read = not is_journal or place is None or place.get(segment.path.name, 0) >= size
            closed = segment.name in self._chain.sealed
            file = _File(segment.name, segment.path, segment.day, size, closed, read)
            (journal if is_journal else transcripts).append(file)
        return journal, transcripts

    def _objects(self) -> Iterator[_File]:
        for path in sorted((self._settings.vault_dir / "objects").glob("[0-9a-f][0-9a-f]/*")):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            name = f"vault/objects/{path.parent.name}/{path.name}"
            yield _File(name, path, _day(status.st_mtime), status.st_size, True, True)

    def _journal(self, files: list[_File]) -> Iterator[tuple[_File, Reason]]:
        """What goes of the journal, by age and then by size."""
        days, most = self._limits.journal_days, self._limits.journal_mib * _MIB
        total = sum(file.bytes for file in files)
        for file in files:
            if not file.closed:
                continue
            reason: Reason | None = None
            if days and file.day < self._day_before(days):
                reason = "age" if file.read else "unread" if file.day < self._day_before(HARD * days) else None
            if reason is None and most and total > most:
                reason = "size" if file.read else "unread" if total > HARD * most else None
            if reason is not None:
                total -= file.bytes
                yield file, reason

    def _old(self, files: Iterable[_File], days: int, unread: str) -> Iterator[tuple[_File, Reason]]:
        """What goes of the vault by age. `unread`: the day of the first events that weren't read."""
        if not days:
            return
        for file in files:
            if not file.closed or file.day >= self._day_before(days):
                continue
            if file.day < unread:
                yield file, "age"
            elif file.day < self._day_before(HARD * days):
                yield file, "unread"

    def _remove(self, what: What, files: Iterator[tuple[_File, Reason]]) -> Iterator[Removed]:
        by_reason: dict[Reason, list[_File]] = {}
        for file, reason in list(files):
            by_reason.setdefault(reason, []).append(file)
        for reason, found in by_reason.items():
            for at in range(0, len(found), BATCH):
                batch = found[at : at + BATCH]
                self._chain.append([self._fact(file, what, reason) for file in batch])
                for file in batch:
                    file.path.unlink(missing_ok=True)
                if what == "object":
                    self._give_back(sum(file.bytes for file in batch))
            yield Removed(what, reason, tuple(file.name for file in found), sum(file.bytes for file in found))

    def _fact(self, file: _File, what: What, reason: Reason) -> Fact:
        known = self._chain.sealed.get(file.name)
        digest = file.path.name if what == "object" else known.sha256 if known is not None else ""
        return Fact(kind="removed", segment=file.name, bytes=file.bytes, sha256=digest, reason=reason)

    def _give_back(self, size: int) -> None:
        """To the budget of captured objects."""
        budget = Budget(self._settings.vault_dir / "objects.used", self._settings.vault.objects_mib * _MIB)
        budget.add(-size)
        budget.close()

    def _day_before(self, days: int) -> str:
        return _day(self._clock() - days * _DAY_SECONDS)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _size(segment: Segment) -> int | None:
    try:
        return segment.path.stat().st_size
    except FileNotFoundError:
        return None
