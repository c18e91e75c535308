"""A session's lines of the journal, each with the place where it is: what evidence is cited by."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..evidence.documents import Document
from ..evidence.journal import MAX_LINE, SUFFIX, event_of
from ..evidence.spool import segments
from .summary import AmbiguousSession


class Located(NamedTuple):
    """An event, and where it is in the journal."""

    segment: str
    """The file's name."""
    offset: int
    line: bytes
    """With its newline."""
    event: Document


def session_named(folder: Path, beginning: str) -> str:
    """The one session in the journal at `folder` whose identifier begins or ends so. Raises `AmbiguousSession`."""
    found: set[str] = set()
    text = beginning.encode()
    for _, _, _, path in segments(folder, SUFFIX):
        for _, line in _lines(path):
            if text in line:
                session = (event_of(line) or {}).get("session")
                if isinstance(session, str) and (session.startswith(beginning) or session.endswith(beginning)):
                    found.add(session)
    if not found:
        raise AmbiguousSession(f"There is no session {beginning}.")
    if len(found) > 1:
        raise AmbiguousSession(f"{len(found)} sessions begin or end with {beginning}; give more of it.")
    return found.pop()


def lines_of(folder: Path, session: str) -> Iterator[Located]:
    """The events of a session, in the order of time. Memory stays flat."""
    writers: dict[str, list[Path]] = {}
    for _, writer, _, path in segments(folder, SUFFIX):
        writers.setdefault(writer, []).append(path)
    return heapq.merge(*(_of_writer(paths, session) for paths in writers.values()), key=_order)


def _of_writer(paths: list[Path], session: str) -> Iterator[Located]:
    text = session.encode()
    for path in paths:
        for offset, line in _lines(path):
            if text in line:
                event = event_of(line)
                if event is not None and event.get("session") == session:
                    yield Located(path.name, offset, line, event)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines and their offsets; those that aren't whole are passed over by who decodes them."""
    offset = 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(MAX_LINE):
            yield offset, line
            offset += len(line)


def _order(located: Located) -> tuple[str, str]:
    event = located.event
    return event["@timestamp"], event["event"]["id"]
