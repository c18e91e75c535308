"""The journal: append-only NDJSON files of events, the only truth.

Each writing process has its own files, so that no process waits for another. A response is sent to a visitor
only after `Journal.flush` has handed the events before it to the kernel; whatever then kills the process, they
are in the file. A line that was cut short by such a death stays as it is: the next run begins a new file, and
the readers skip and count lines that are not whole.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from .spool import Spool, segments
from .stamps import Clock, rfc3339

SUFFIX = ".ndjson"
MAX_LINE = 1 << 22
"""Longest line that a reader takes: 256 entries of 1 KiB, some times over."""
POLL_SECONDS = 0.25

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Journal(Spool):
    """The files of one writing process. `append` takes whole lines with their newline."""

    def __init__(self, folder: Path, writer: str, rotate_bytes: int, clock: Clock = time.time_ns) -> None:
        super().__init__(folder, writer, SUFFIX, rotate_bytes, clock=clock)

    def take_losses(self) -> tuple[int, str | None] | None:
        """Lines lost since the last call and why, once writing works again; else None."""
        if not self.lost_lines or self.failing:
            return None
        lost, self.lost_lines = self.lost_lines, 0
        return lost, self.reason


class Reader:
    """Iterates over the events of a journal in the order of time; `torn` counts lines that are not whole."""

    def __init__(self, folder: Path, *, since: str | None = None) -> None:
        """`since`: only events at or after that moment (RFC 3339, UTC, as in ``@timestamp``)."""
        self.torn = 0
        self._since = since or ""
        self._files: dict[Path, _File] = {}
        self._folder = folder
        self._merged = self._merge()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        return next(self._merged)

    def more(self) -> Iterator[dict[str, Any]]:
        """What was written since the last event that was given."""
        return self._merge(settled=False)

    def _merge(self, settled: bool = True) -> Iterator[dict[str, Any]]:
        writers: dict[str, list[_File]] = {}
        for day, writer, _, path in segments(self._folder, SUFFIX):
            # A file may hold some events of the next day: those that waited at midnight.
            if not self._since or day >= _day_before(self._since):
                writers.setdefault(writer, []).append(self._files.setdefault(path, _File(path)))
        return heapq.merge(*(self._events(files, settled) for files in writers.values()), key=_order)

    def _events(self, files: list[_File], settled: bool) -> Iterator[dict[str, Any]]:
        for file in files:
            for line in file.lines(settled):
                event = event_of(line)
                if event is None:
                    self.torn += 1
                elif event["@timestamp"] >= self._since:
                    yield event


class _File:
    """One file of a journal, and how far it was read."""

    __slots__ = ("_offset", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def lines(self, settled: bool) -> Iterator[bytes]:
        """The lines after those that were given before; a last one that isn't whole only if `settled`."""
        for line in lines_from(self._path, self._offset, settled):
            self._offset += len(line)
            yield line


def lines_from(path: Path, offset: int, settled: bool) -> Iterator[bytes]:
    """The lines of a segment from `offset` on, none longer than `MAX_LINE`; a last one that isn't whole only if
    `settled`: nobody writes the segment."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        while line := file.readline(MAX_LINE):
            if not line.endswith(b"\n") and not settled and len(line) < MAX_LINE:
                return
            yield line


def read(folder: Path, *, since: str | None = None) -> Reader:
    """The events of a journal, merged over its files in the order of time, in constant memory."""
    return Reader(folder, since=since)


def follow(
    folder: Path, *, since: str | None = None, wait: Callable[[], bool] | None = None
) -> Iterator[dict[str, Any]]:
    """Events from `since` on (default: from now on) and then as they are written, by all writers, over rotations.

    `wait` is called when there is nothing new, and ends the iteration by returning False (default: sleeps).
    """
    reader = Reader(folder, since=since or rfc3339(time.time_ns() // 1000))
    while True:
        found = False
        for event in reader.more():
            found = True
            yield event
        if found:
            continue
        if wait is None:
            time.sleep(POLL_SECONDS)
        elif not wait():
            return


def _order(event: dict[str, Any]) -> tuple[str, str]:
    return event["@timestamp"], event["event"]["id"]


def event_of(line: bytes) -> dict[str, Any] | None:
    """The event in a line; None if the line isn't whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        event = _decode(line)
        _order(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None
    return event


def _day_before(moment: str) -> str:
    return (date.fromisoformat(moment[:10]) - timedelta(days=1)).isoformat()
