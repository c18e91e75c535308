"""Captured objects: what visitors sent, each once, under the SHA-256 of its file.

``objects/ab/<sha256>`` is a DICOM Part 10 file: the head that the caller gives (preamble and file meta
information) and the data set as sent. Files are readable by the owner only and never executable.
Over a budget, only hash and size are had: what is in the vault is never pushed out by something new, since
then a flood of rubbish would wash away the evidence.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from .hashing import Hasher

RESERVE = 1 << 20
"""Bytes of budget that an upload takes at a time, so that the shared counter is touched once a mebibyte."""
BATCH = 1 << 17
"""Bytes of an upload that are written, and given to be hashed, at a time."""
MAX_VECTOR = 1024
"""Buffers that one writev takes (IOV_MAX of Linux)."""
INCOMING = "incoming"

_USED = Struct("<Q")


class Captured(NamedTuple):
    """What became of an upload."""

    ordinal: int
    sha256: str
    size: int
    """Bytes of the whole file, head included."""
    path: Path | None
    """Where it is; None: it was not kept."""
    name: str | None
    """The same, below the vault."""
    new: bool
    """False: the same file was there before."""
    limit: str | None
    """Why it was not kept: ``objects_mib``, ``object_mib`` or ``disk``."""


class Budget:
    """Bytes used by captured objects, counted by all processes together in a small mapped file."""

    def __init__(self, path: Path, limit: int) -> None:
        self._limit = limit
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(self._fd, 0, _USED.size)
        self._map = mmap.mmap(self._fd, _USED.size)

    @property
    def used(self) -> int:
        """Bytes used, including what uploads under way have reserved."""
        return int(_USED.unpack(self._map[:])[0])

    def add(self, size: int, *, within: bool = True) -> bool:
        """Add `size` bytes (may be negative); False, and nothing added, if that is `within` the limit no more."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)
        try:
            used = self.used + size
            if within and used > self._limit:
                return False
            self._map[:] = _USED.pack(max(0, used))
            return True
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def recount(self, used: int) -> None:
        """Set what is used; for the start, when nothing is under way."""
        self._map[:] = _USED.pack(used)

    def close(self) -> None:
        """Give the mapping and the descriptor back."""
        self._map.close()
        os.close(self._fd)


class ObjectStore:
    """Captured objects, as one worker writes them."""

    def __init__(self, vault: Path, writer: str, budget: int, largest: int) -> None:
        """`budget`: bytes for all objects; `largest`: bytes of one. Removes what an earlier run of this
        writer left unfinished."""
        self.vault = vault
        self.folder = vault / "objects"
        self.largest = largest
        self._incoming = self.folder / INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in self._incoming.glob(f"{writer}.*"):
            leftover.unlink(missing_ok=True)
        self._writer = writer
        self._count = 0
        self.budget = Budget(vault / "objects.used", budget)
        self.hasher = Hasher()

    def open(self, head: bytes, ordinal: int = 1) -> ObjectSink:
        """Begin an upload. `head`: what precedes the data set in the file; `ordinal`: its number among the
        uploads of the connection."""
        self._count += 1
        return ObjectSink(self, self._incoming / f"{self._writer}.{self._count}", head, ordinal)

    def path(self, sha256: str) -> Path:
        """Where the object with that hash is, if it was kept."""
        return self.folder / sha256[:2] / sha256

    def prepare(self) -> None:
        """At the start of the sensor, before any worker: clear what was unfinished, count what is there."""
        for leftover in self._incoming.iterdir():
            leftover.unlink(missing_ok=True)
        self.budget.recount(sum(_sizes(self.folder)))

    def close(self) -> None:
        """Give descriptors back."""
        self.hasher.close()
        self.budget.close()


class ObjectSink:
    """One upload: written in batches as it comes, hashed beside that, named when it is complete. Disk trouble is
    never raised."""

    __slots__ = (
        "_batch",
        "_batched",
        "_fd",
        "_hash",
        "_hashing",
        "_limit",
        "_path",
        "_reserved",
        "_size",
        "_store",
        "ordinal",
    )

    def __init__(self, store: ObjectStore, path: Path, head: bytes, ordinal: int) -> None:
        self.ordinal = ordinal
        self._store = store
        self._path = path
        self._hash = hashlib.sha256()
        self._hashing = False  # part of it is the hasher's
        self._batch: list[bytes | bytearray | memoryview] = []
        self._batched = 0
        self._size = 0
        self._reserved = 0
        self._limit: str | None = None
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            self._limit = "disk"
        self.write(head)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add to the file; `chunk` must not change any more. Whether it is kept or not, the transcript refers to
        these bytes and never has them: else what is over the objects' budget would push older transcripts out."""
        self._batch.append(chunk)
        self._batched += len(chunk)
        self._size += len(chunk)
        if self._batched >= BATCH:
            self._hashing = True
            self._store.hasher.update(self._hash.update, self._batch, self._batched)
            self._write_batch()

    def _write_batch(self) -> None:
        batch, self._batch, self._batched = self._batch, [], 0
        if self._fd < 0:
            return
        if self._size > self._store.largest:
            self._give_up("object_mib")
            return
        if self._size > self._reserved:
            wanted = max(RESERVE, self._size - self._reserved)
            if not self._store.budget.add(wanted):
                # The rest may be less than a whole reserve.
                wanted = self._size - self._reserved
                if not self._store.budget.add(wanted):
                    self._give_up("objects_mib")
                    return
            self._reserved += wanted
        try:
            wanted = sum(map(len, batch))
            written = os.writev(self._fd, batch[:MAX_VECTOR])
            if written < wanted:
                rest = memoryview(b"".join(batch))[written:]
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self._give_up("disk")

    def finish(self) -> Captured:
        """Close and name the file, also where the transfer broke off: what came is evidence."""
        if self._hashing:
            if self._batch:
                self._store.hasher.update(self._hash.update, self._batch, self._batched)
            self._store.hasher.wait()
        else:
            for chunk in self._batch:
                self._hash.update(chunk)
        self._write_batch()
        sha256 = self._hash.hexdigest()
        path: Path | None = self._store.path(sha256)
        assert path is not None
        new = False
        if path.exists():
            self._discard()
            with contextlib.suppress(OSError):
                os.utime(path)  # retention goes by when it was last received
        elif self._fd < 0:
            path = None
        else:
            try:
                path.parent.mkdir(exist_ok=True, mode=0o700)
                self._path.rename(path)
            except OSError:
                self._give_up("disk")
                path = None
            else:
                new = True
                os.close(self._fd)
                self._fd = -1
                self._store.budget.add(self._size - self._reserved, within=False)
        name = None if path is None else path.relative_to(self._store.vault).as_posix()
        return Captured(self.ordinal, sha256, self._size, path, name, new, None if path else self._limit)

    def abort(self) -> None:
        """Throw away what came."""
        self._discard()

    def _give_up(self, limit: str) -> None:
        self._limit = limit
        self._discard()

    def _discard(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._path.unlink(missing_ok=True)
        if self._reserved:
            self._store.budget.add(-self._reserved, within=False)
            self._reserved = 0


def _sizes(folder: Path) -> Iterator[int]:
    for shard in folder.iterdir():
        if len(shard.name) == 2 and shard.is_dir():
            with os.scandir(shard) as entries:
                for entry in entries:
                    yield entry.stat().st_size
