"""Closed segments get their entry in the chain, and can't be written any more.

A segment is closed when no process holds its lock: its writer went on to another file, ended, or died. What has its
entry is made read-only, which writers look at before they continue a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..settings import Settings
from . import journal, transcript
from .chain import Chain, Fact, Head, Sealed
from .spool import segments
from .vault import dropped

BATCH = 64
"""Segments whose entries are written together, and are on the disk together."""
_CHUNK = 1 << 20
_READ_ONLY = 0o400


class Segment(NamedTuple):
    """A file of the journal or of the transcripts."""

    name: str
    """Below the data folder."""
    path: Path
    day: str
    writer: str
    number: int
    least: int
    """Bytes of one that holds nothing."""


class Work(NamedTuple):
    """What was done."""

    entries: int
    """That were added to the chain."""
    head: Head
    more: bool
    """Whether something was left for the next time."""


class Late(Exception):
    """A file takes longer than there is time."""


class Sealer:
    """Looks after the chain of a data folder. Any process may; none needs to know of the others."""

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self.chain = Chain(settings)
        self._begun: _Begun | None = None

    def work(self, seconds: float | None = None) -> Work:
        """Give closed segments their entries, and what was removed for the budget. Ends after about `seconds`, in the
        middle of a file if need be, which the next call goes on with. Raises as `Chain.append` does."""
        chain = self.chain
        chain.refresh()
        deadline = None if seconds is None else self._monotonic() + seconds
        before = chain.head.entry
        with dropped(self._settings.vault_dir) as removed:
            if removed:
                chain.append(map(self._removed, removed))
        facts: list[Fact] = []
        more = False
        try:
            for segment in self._closed():
                if deadline is not None and self._monotonic() > deadline:
                    raise Late
                sealed = self._seal(segment, deadline)
                if sealed is not None:
                    facts.append(Fact(kind="sealed", segment=segment.name, bytes=sealed.bytes, sha256=sealed.sha256))
                if len(facts) >= BATCH:
                    chain.append(facts)
                    facts = []
        except Late:
            more = True
        if facts:
            chain.append(facts)
        return Work(chain.head.entry - before, chain.head, more)

    def _closed(self) -> Iterator[Segment]:
        """Segments without an entry that seem to hold something."""
        for segment in everything(self._settings):
            if segment.name not in self.chain.sealed:
                yield segment

    def _removed(self, dropped: tuple[str, int]) -> Fact:
        """What to say of a transcript segment that a worker removed to stay within the budget."""
        segment = f"vault/transcripts/{dropped[0]}"
        known = self.chain.sealed.get(segment)
        digest = known.sha256 if known is not None else ""
        return Fact(kind="removed", segment=segment, bytes=dropped[1], sha256=digest, reason="budget")

    def _seal(self, segment: Segment, deadline: float | None) -> Sealed | None:
        """Size and hash of a file that is closed and holds something, which is then read-only; else None."""
        begun = self._begun
        if begun is None or begun.name != segment.name:
            begun = self._begin(segment)
        if begun is None:
            return None
        self._begun = begun
        while chunk := os.read(begun.fd, _CHUNK):
            begun.digest.update(chunk)
            begun.size += len(chunk)
            if deadline is not None and self._monotonic() > deadline:
                raise Late
        os.fchmod(begun.fd, _READ_ONLY)
        self._leave()
        return Sealed(begun.size, begun.digest.hexdigest())

    def _begin(self, segment: Segment) -> _Begun | None:
        self._leave()
        try:
            # Not even locked for a moment if it is empty: its writer may be about to begin it.
            if segment.path.stat().st_size <= segment.least:
                return None
            fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return _Begun(segment.name, fd)

    def _leave(self) -> None:
        """Give back the file that was begun."""
        begun, self._begun = self._begun, None
        if begun is not None:
            os.close(begun.fd)


class _Begun:
    """A file of which a part was hashed. It stays locked, so that nobody continues it."""

    def __init__(self, name: str, fd: int) -> None:
        self.name = name
        self.fd = fd
        self.size = 0
        self.digest = hashlib.sha256()


def everything(settings: Settings) -> Iterator[Segment]:
    """All segments of journal and transcripts, in the order of day and number."""
    transcripts = settings.vault_dir / "transcripts"
    for day, writer, number, path in segments(settings.journal_dir, journal.SUFFIX):
        yield Segment(f"journal/{path.name}", path, day, writer, number, 0)
    for day, writer, number, path in segments(transcripts, transcript.SUFFIX):
        yield Segment(f"vault/transcripts/{path.name}", path, day, writer, number, transcript.HEADER_SIZE)
