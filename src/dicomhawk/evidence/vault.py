"""The vault: what visitors sent or received, byte for byte, within budgets.

Transcripts (`transcript.py`) and captured objects (`objects.py`) of one worker, together with the budgets,
which all workers share: at the limit the oldest transcript segments are removed, while captured objects stay
and new ones are not kept. Either is told in an event.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from ..settings import Vault as VaultSettings
from .events import VaultDropped, VaultLimit
from .fields import Event
from .objects import Captured as Captured
from .objects import ObjectSink as ObjectSink
from .objects import ObjectStore
from .spool import segments
from .stamps import Clock
from .transcript import HEADER_SIZE, SUFFIX, Transcript, TranscriptWriter

MIB = 1 << 20
MAX_SEGMENT = 64 * MIB
"""Bytes of one segment: what is lost at once when the budget is reached."""
DROPPED = ".dropped"
"""File with what was removed to stay within the budget and has no entry in the chain yet."""
SEGMENTS_IN_BUDGET = 16
"""A small budget has small segments, so that reaching it doesn't empty it."""
_DROPPED = re.compile(r"^([\w.-]+) (\d+)$", re.MULTILINE | re.ASCII)


class VaultWriter:
    """The vault as one worker writes it. Disk trouble is never raised; `take_notices` tells of it."""

    def __init__(self, folder: Path, writer: str, settings: VaultSettings, clock: Clock = time.time_ns) -> None:
        self.folder = folder
        self._budget = settings.transcripts_mib * MIB
        self._segment_bytes = min(MAX_SEGMENT, self._budget // SEGMENTS_IN_BUDGET)
        self._notices: list[Event] = []
        self.transcripts_dir = folder / "transcripts"
        self.transcripts = TranscriptWriter(
            self.transcripts_dir, writer, self._segment_bytes, clock=clock, opened=self._make_room
        )
        self._objects = ObjectStore(folder, writer, settings.objects_mib * MIB, settings.object_mib * MIB)

    def transcript(self, connection: str, source: tuple[str, int], destination: tuple[str, int]) -> Transcript:
        """Begin the transcript of a connection."""
        return self.transcripts.open(connection, source, destination)

    def open_object(self, head: bytes, ordinal: int) -> ObjectSink:
        """Begin to capture an object; `head` is its preamble and file meta information."""
        return self._objects.open(head, ordinal)

    def flush(self) -> None:
        """Hand the transcripts so far to the kernel."""
        self.transcripts.flush()

    def take_notices(self) -> list[Event]:
        """What the operator should know, since the last call."""
        losses = self.transcripts.take_losses()
        if losses is not None:
            self._notices.append(VaultLimit(limit="disk", what="transcript", bytes=losses[0]))
        notices, self._notices = self._notices, []
        return notices

    def close(self) -> None:
        """Write what is left and close all files."""
        self.transcripts.close()
        self._objects.close()

    def _make_room(self) -> None:
        """Remove the oldest segments that nobody writes until a new one fits into the budget."""
        removed: list[tuple[str, int]] = []
        freed = 0
        with _locked(self.transcripts_dir):
            total = 0
            idle = []
            for _, _, _, path in segments(self.transcripts_dir, SUFFIX):
                state = _state(path)
                if state is None:
                    continue
                size, modified, active = state
                total += max(size, self._segment_bytes) if active else size
                if not active:
                    idle.append((modified, path, size))
            for _, path, size in sorted(idle):
                if total <= self._budget and size > HEADER_SIZE:
                    continue
                if not _removed(path):
                    continue
                total -= size
                if size > HEADER_SIZE:  # else it held nothing
                    removed.append((path.name, size))
                    freed += size
            if removed:
                _note_dropped(self.transcripts_dir, removed)
        if removed:
            self._notices.append(VaultDropped(segments=tuple(name for name, _ in removed), bytes=freed))


def prepare(folder: Path, settings: VaultSettings) -> None:
    """To be called once at the start of the sensor, before any worker: clears what earlier runs left unfinished
    and counts what is there."""
    store = ObjectStore(folder, "prepare", settings.objects_mib * MIB, settings.object_mib * MIB)
    store.prepare()
    store.close()


@contextlib.contextmanager
def dropped(folder: Path) -> Iterator[list[tuple[str, int]]]:
    """Names and sizes of transcript segments that workers removed to stay within the budget, since the last time that
    the block was left without an error."""
    transcripts = folder / "transcripts"
    taken = transcripts / f"{DROPPED}.taken"
    if (transcripts / DROPPED).exists() and not taken.exists():
        with _locked(transcripts):
            (transcripts / DROPPED).rename(taken)
    yield _names(_text(taken))
    taken.unlink(missing_ok=True)


def dropped_now(folder: Path) -> set[str]:
    """Names of those segments that nobody told the chain of yet."""
    texts = (_text(folder / "transcripts" / name) for name in (f"{DROPPED}.taken", DROPPED))
    return {name for text in texts for name, _ in _names(text)}


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except FileNotFoundError:
        return ""


def _names(text: str) -> list[tuple[str, int]]:
    return [(match[1], int(match[2])) for match in _DROPPED.finditer(text)]


def _note_dropped(transcripts: Path, removed: list[tuple[str, int]]) -> None:
    """For whoever looks after the chain; the caller has the lock."""
    with contextlib.suppress(OSError), (transcripts / DROPPED).open("a", encoding="ascii") as file:
        file.write("".join(f"{name} {size}\n" for name, size in removed))


@contextlib.contextmanager
def _locked(transcripts: Path) -> Iterator[None]:
    with (transcripts / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _removed(path: Path) -> bool:
    """Remove a segment unless a process writes it, which it can't begin to meanwhile."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _state(path: Path) -> tuple[int, int, bool] | None:
    """Size, moment of the last write (ns), and whether a process writes it; None if it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return status.st_size, status.st_mtime_ns, True
        return status.st_size, status.st_mtime_ns, False
    finally:
        os.close(fd)
