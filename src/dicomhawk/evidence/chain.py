"""The chain: one line for each segment that was closed or removed, each with the hash of the line before it.

Whoever knows one line's hash knows all lines up to it: that is what is worth publishing (`Head`). A line is JSON;
its hash is the SHA-256 of its bytes without the newline, and its signature, which is its last member, is of the same
bytes without that member. Both can be checked with sha256sum and openssl; docs/evidence.md says how.

Several processes may append: each takes a lock, reads what others appended since, and adds its own lines with one
write, which is on the disk before the lock is given back.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple

import msgspec

from ..settings import Settings
from . import keys
from .stamps import Clock, rfc3339

NAME = "chain.ndjson"
BEFORE = "0" * 64
"""What the first line has for the hash of the one before it."""
MAX_LINE = 1 << 16
"""Longest line that a reader takes; ours have some hundred bytes."""
_SIGNATURE = b',"signature":"'  # within a string, its quotation marks would be escaped

Kind = Literal["begun", "sealed", "removed", "key", "torn"]


class ChainError(Exception):
    """The chain can't be continued; the message is one sentence for the operator."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an entry says."""

    kind: Kind
    segment: str = ""
    """``sealed``, ``removed``: file, below the data folder."""
    bytes: int = 0
    """Of the file; ``torn``: of the unfinished line that was taken from the end of the chain."""
    sha256: str = ""
    """Of the file; absent where it was removed before it was closed."""
    reason: str = ""
    """``removed``: age, size, unread (age or size, though it had not been analysed), budget (of the vault)."""
    public: str = ""
    """``key``: the public key of this entry and those that follow, base 64."""
    sensor: str = ""
    """``begun``: name of the sensor."""


class Entry(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A fact, and its place in the chain."""

    entry: int
    """From 1."""
    time: str
    """RFC 3339, UTC."""
    previous: str
    """SHA-256 of the line before."""
    key: str = ""
    """Which key signed it (`keys.ID_LENGTH`)."""


class Line(NamedTuple):
    """A line of the chain as it is."""

    data: bytes
    """Without the newline."""
    entry: Entry | None
    """None: it isn't an entry."""

    @property
    def hash(self) -> str:
        """What the next line has as `Entry.previous`."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def message(self) -> bytes:
        """What was signed."""
        before, found, _ = self.data.rpartition(_SIGNATURE)
        return before + b"}" if found else self.data

    @property
    def signature(self) -> bytes | None:
        """None if there is none, or it can't be read."""
        _, found, after = self.data.rpartition(_SIGNATURE)
        try:
            return base64.b64decode(after.removesuffix(b'"}'), validate=True) if found else None
        except ValueError:
            return None


class Head(NamedTuple):
    """The last line: who knows it can tell whether anything before it was changed."""

    entry: int
    """Its number; 0: there is none."""
    hash: str


class Sealed(NamedTuple):
    """A closed segment."""

    bytes: int
    sha256: str


class Chain:
    """The chain of a data folder. What cannot be read in it is passed over here; `verify` tells of it."""

    def __init__(self, settings: Settings, clock: Clock = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self.folder = settings.evidence_dir
        self.path = self.folder / NAME
        self.sealed: dict[str, Sealed] = {}
        """Closed segments that were not removed, by their names, in the order of the chain."""
        self._offset = self._number = 0
        self._hash = BEFORE
        self._key = ""

    @property
    def head(self) -> Head:
        """Of what was read so far."""
        return Head(self._number, self._hash)

    @property
    def key(self) -> str:
        """Which key signed the last line that was read; empty: none."""
        return self._key

    def refresh(self) -> None:
        """Read what was appended since the last time."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            self._forget()
            return
        with file:
            if os.fstat(file.fileno()).st_size < self._offset:
                self._forget()
            file.seek(self._offset)
            for line in _lines(file):
                self._take(line)
                self._offset += len(line.data) + 1

    def append(self, facts: Iterable[Fact]) -> Head:
        """Add entries, signed if the settings say so; they are on the disk when this returns. Raises `OSError`,
        `ChainError`, and `SettingsError` if the key can't be used."""
        signer = keys.signer(self._settings)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refresh()
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                torn = self._cut(fd)
                # Another process may have been looking at the same files.
                news = [fact for fact in facts if fact.kind != "sealed" or fact.segment not in self.sealed]
                if news or torn:
                    self._write(fd, [*self._due(torn, signer), *news], signer)
            finally:
                os.close(fd)
        return self.head

    def _cut(self, fd: int) -> int:
        """Bytes of a line at the end that the death of its writer cut short; they are taken away."""
        torn = os.fstat(fd).st_size - self._offset
        if not torn:
            return 0
        if torn > MAX_LINE or b"\n" in os.pread(fd, torn, self._offset):
            raise ChainError(f"{self.path} can't be continued: behind entry {self._number} it isn't a chain.")
        os.ftruncate(fd, self._offset)
        return torn

    def _due(self, torn: int, signer: keys.Signer | None) -> Iterator[Fact]:
        """What has to be said before anything else."""
        if torn:
            yield Fact(kind="torn", bytes=torn)
        if not self._number:
            yield Fact(kind="begun", sensor=self._settings.sensor_name or socket.gethostname())
        if signer is not None and signer.public.id != self._key:
            yield Fact(kind="key", public=signer.public.text)

    def _write(self, fd: int, facts: list[Fact], signer: keys.Signer | None) -> None:
        data = bytearray()
        number, previous = self.head
        moment = rfc3339(self._clock() // 1000)
        lines = []
        for fact in facts:
            number += 1
            entry = Entry(
                **msgspec.structs.asdict(fact),
                entry=number,
                time=moment,
                previous=previous,
                key=signer.public.id if signer else "",
            )
            body = msgspec.json.encode(entry)
            if signer is not None:
                body = b'%b%b%b"}' % (body[:-1], _SIGNATURE, base64.b64encode(signer.sign(body)))
            line = Line(body, entry)
            lines.append(line)
            previous = line.hash
            data += body + b"\n"
        written = os.write(fd, data)
        if written < len(data):
            os.ftruncate(fd, self._offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(fd)
        for line in lines:
            self._take(line)
        self._offset += len(data)

    def _take(self, line: Line) -> None:
        entry = line.entry
        self._hash = line.hash
        self._number = entry.entry if entry is not None else self._number + 1
        if entry is None:
            return
        self._key = entry.key
        if entry.kind == "sealed":
            self.sealed[entry.segment] = Sealed(entry.bytes, entry.sha256)
        elif entry.kind == "removed":
            self.sealed.pop(entry.segment, None)

    def _forget(self) -> None:
        self.sealed.clear()
        self._offset = self._number = 0
        self._hash = BEFORE
        self._key = ""


def read(path: Path) -> Iterator[Line]:
    """The whole lines of a chain, in their order. Raises `FileNotFoundError`."""
    with path.open("rb") as file:
        yield from _lines(file)


def _lines(file: IO[bytes]) -> Iterator[Line]:
    while (data := file.readline(MAX_LINE)).endswith(b"\n"):
        line = data[:-1]
        yield Line(line, _entry(line))


def _entry(line: bytes) -> Entry | None:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


_decode = msgspec.json.Decoder(Entry).decode
