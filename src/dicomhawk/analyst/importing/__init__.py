"""Logs of other honeypots as events of ours, so that sensors can be compared."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...evidence.documents import Document
from ...settings import SettingsError
from . import dicompot, dumps, legacy
from .connections import Connection
from .lines import MAX_LINES, Line, Lines, Parsed
from .shaping import shaped

DICOM_PORT = 11112
"""dicompot's and the old DICOMHawk's own port; their logs don't say which one a visitor came to."""


class _Format(NamedTuple):
    product: str
    read: Callable[[Line], Parsed | None]
    connections: Callable[[Iterable[Parsed]], tuple[list[Connection], int, int]]
    aside: bytes = b""
    """Near the beginning of files that are pynetdicom's log."""


_FORMATS = {
    "dicompot": _Format(dicompot.PRODUCT, dicompot.read, dicompot.connections),
    "dicomhawk-legacy": _Format(legacy.PRODUCT, legacy.read, legacy.connections, dumps.HEAD),
}
FORMATS = tuple(_FORMATS)


class Imported(Iterator[Document]):
    """The events of a log, as ECS documents in the order of time. `sentence` says how it went, when it is over."""

    def __init__(self, format: _Format, path: Path, sensor: str, port: int) -> None:
        self._lines = Lines(path, format.read, format.aside)
        self._wrong = self._orphans = self._connections = self._unmatched = 0
        self._format = format
        self._events = self._shaped(sensor, port)

    def __iter__(self) -> Iterator[Document]:
        return self

    def __next__(self) -> Document:
        return next(self._events)

    @property
    def skipped(self) -> int:
        """Lines that say nothing that can be used."""
        return self._lines.torn + self._wrong + self._orphans

    @property
    def sentence(self) -> str:
        """What was read and what was not."""
        lines = self._lines
        said = [f"{lines.total} lines, {self._connections} connections"]
        if broken := lines.torn + self._wrong:
            said.append(f"{broken} lines skipped that are torn or not of this format")
        if self._orphans:
            said.append(f"{self._orphans} lines skipped whose connection began before the log")
        if self._unmatched:
            said.append(f"{self._unmatched} requests of pynetdicom's log belong to no association")
        if lines.broken:
            said.append(f"{len(lines.broken)} files are damaged and were read as far as possible")
        if lines.stopped:
            said.append(f"stopped after {MAX_LINES} lines or too many bytes: import the files in parts")
        return "; ".join(said) + "."

    def _shaped(self, sensor: str, port: int) -> Iterator[Document]:
        connections, self._wrong, self._orphans = self._format.connections(self._lines)
        self._connections = len(connections)
        requests = list(itertools.islice(dumps.requests_in(self._lines.text()), dumps.MAX_REQUESTS))
        self._unmatched = dumps.add_requests(connections, requests)
        yield from shaped(connections, product=self._format.product, sensor=sensor, port=port)


def events_from(format: str, path: Path, sensor: str, *, port: int = DICOM_PORT) -> Imported:
    """The events in the log at `path`, a file or a folder of rotated files, plain or gzipped.

    `format` is one of `FORMATS`; `sensor` becomes ``observer.name``; `port` is our side's where the log doesn't say.
    The same log gives the same events with the same identifiers. Raises `SettingsError`.
    """
    if format not in _FORMATS:
        raise SettingsError(f"{format!r} is no format that can be imported: {', '.join(FORMATS)}.")
    if not sensor.strip():
        raise SettingsError("An import needs the name of the sensor whose log it is.")
    return Imported(_FORMATS[format], path, sensor, port)
