"""Append-only files of one writing process: what the journal and the transcripts are written with.

What is appended waits in memory until `flush`, which hands all of it to the kernel in one write. From then on
it survives the death of the process (not that of the machine: nothing here waits for the disk). Trouble
with the disk is never raised: what can't be written is kept up to `MAX_HELD`, then dropped and counted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from .stamps import Clock

MAX_HELD = 1 << 20
"""Bytes kept in memory while the disk refuses them: some thousand events, and bounded however long it lasts."""
FLUSH_AT = 1 << 18
"""Bytes after which they are written without being asked, so that a long upload doesn't collect in memory."""
_DAY_NS = 86_400 * 1_000_000_000
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.([A-Za-z0-9_-]+)\.(\d{4,})")


class Spool:
    """Files ``YYYY-MM-DD.<writer>.<nnnn><suffix>`` in `folder`, rotated at `rotate_bytes` and at midnight UTC."""

    def __init__(
        self,
        folder: Path,
        writer: str,
        suffix: str,
        rotate_bytes: int,
        *,
        clock: Clock = time.time_ns,
        header: Callable[[int], bytes] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> None:
        """`header` gives what a new file begins with, from the bytes lost before it; with it, files are never
        continued from an earlier run. `opened` is called after a new file is in use. Files carry a shared lock while
        they are written (flock), and one that may not be written any more is never continued."""
        if not re.fullmatch(r"[A-Za-z0-9_-]+", writer):
            raise ValueError(f"{writer!r} can't be part of a file's name")
        self.folder = folder
        self.writer = writer
        self.suffix = suffix
        self.rotate_bytes = rotate_bytes
        self.lost_bytes = 0
        self.lost_lines = 0
        self.reason: str | None = None
        self.size = 0
        self.name = ""
        self._clock = clock
        self._header = header
        self._opened = opened
        self._pending = bytearray()
        self._fd = -1
        self._midnight = 0
        self._failing = False
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._rotate(clock(), resume=header is None)

    def append(self, data: bytes, now: int) -> None:
        """Keep `data` for the next `flush`. `now` is in nanoseconds since the epoch."""
        pending = self._pending
        if not pending and now >= self._midnight:
            self._rotate(now)
        pending += data
        if len(pending) >= FLUSH_AT:
            self.flush()

    def position(self, now: int) -> tuple[str, int]:
        """File and offset at which what is appended next, at this same moment, will be found."""
        if not self._pending and now >= self._midnight:
            self._rotate(now)
        return self.name, self.size + len(self._pending)

    @property
    def failing(self) -> bool:
        """Whether the last attempt to write failed."""
        return self._failing

    def flush(self) -> None:
        """Hand everything that was appended to the kernel."""
        pending = self._pending
        if not pending:
            return
        try:
            if self._fd < 0:
                self._open()
            written = os.write(self._fd, pending)
        except OSError as error:
            self._failed(error.strerror or "error")
            return
        self.size += written
        if written < len(pending):
            del pending[:written]
            self._failed("short write")
            return
        pending.clear()
        self._failing = False
        if self.size >= self.rotate_bytes:
            self._rotate(self._clock())

    def rest(self, now: int) -> None:
        """Close a file whose day is over, so that it counts as closed though nothing more comes."""
        if not self._pending and now >= self._midnight:
            self._leave()

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        self._leave()

    def _leave(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)  # processes that were forked since have the descriptor as well
            os.close(self._fd)
            self._fd = -1

    def _failed(self, reason: str) -> None:
        self._failing = True
        self.reason = reason
        if len(self._pending) > MAX_HELD:
            self.lost_bytes += len(self._pending)
            self.lost_lines += self._pending.count(b"\n")
            self._pending.clear()
            # Something may have been written in part: what comes next belongs into another file.
            self._rotate(self._clock())

    def _rotate(self, now: int, resume: bool = False) -> None:
        self._leave()
        self._midnight = (now // _DAY_NS + 1) * _DAY_NS
        day = time.strftime("%Y-%m-%d", time.gmtime(now // 1_000_000_000))
        taken = (n for d, w, n, _ in _named_so(self.folder, self.suffix) if d == day and w == self.writer)
        number = max(taken, default=0)
        if resume and number and self._resume(self._named(day, number)):
            return
        self.name = self._named(day, number + 1)
        # Should it not open now, the first attempt to write opens it, and its header is as long as this one.
        self.size = len(self._header(0)) if self._header else 0
        try:
            self._open()
        except OSError as error:
            self._failing = True
            self.reason = error.strerror

    def _named(self, day: str, number: int) -> str:
        return f"{day}.{self.writer}.{number:04d}{self.suffix}"

    def _resume(self, name: str) -> bool:
        """Continue that file if it isn't full, ends with a whole line, and was not closed for good."""
        try:
            fd = os.open(self.folder / name, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status = os.fstat(fd)
            size = status.st_size
            whole = not size or os.pread(fd, 1, size - 1) == b"\n"
            if whole and size < self.rotate_bytes and status.st_mode & stat.S_IWUSR:
                self.name, self._fd, self.size = name, fd, size
                return True
        except OSError:
            pass
        os.close(fd)
        return False

    def _open(self) -> None:
        path = self.folder / self.name
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        if self._header is None:
            self._fd = os.open(path, flags, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_SH)
            self.size = os.fstat(self._fd).st_size
        else:
            fd = _created(path, flags)
            try:
                header = self._header(self.lost_bytes)
                if os.write(fd, header) != len(header):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.close(fd)
                path.unlink()
                raise
            self._fd = fd
        if self._opened is not None:
            self._opened()


def _created(path: Path, flags: int) -> int:
    """A new file with its lock. Whoever makes room takes an empty file without a lock for one that nobody writes: if
    that was faster, there is another."""
    while True:
        fd = os.open(path, flags | os.O_EXCL, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
        except OSError:
            os.close(fd)
            path.unlink()
            raise
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)


def segments(folder: Path, suffix: str) -> list[tuple[str, str, int, Path]]:
    """The files of all spools in `folder`: day, writer, number and path, in the order of day and number.

    What only has a segment's name, as a folder or a pipe, would stop whoever reads it, and isn't one.
    """
    return [found for found in _named_so(folder, suffix) if found[3].is_file()]


def _named_so(folder: Path, suffix: str) -> list[tuple[str, str, int, Path]]:
    found = []
    for path in folder.glob(f"*{suffix}"):
        match = _NAME.fullmatch(path.name.removesuffix(suffix))
        if match:
            found.append((match[1], match[2], int(match[3]), path))
    return sorted(found)
