"""A file of JSON lines, that may be moved away at any moment (as logrotate does) and is made again then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import msgspec

from ...evidence.documents import Document
from ...settings import Settings
from ...settings.outputs import FileOutput
from .base import Batch, Output, Record, Temporary, encode, rendered
from .formats.tpot import flat

TAIL_BYTES = 16 << 20
"""Of the end of a file that is looked through for what was written before we were killed: several batches."""
_MODE = 0o640  # a log shipper is in the group


class FileLines(Output):
    """Appends each batch in one write, and waits until it is on the disk."""

    def __init__(self, output: FileOutput, settings: Settings) -> None:
        self._path = output.path if output.path.is_absolute() else settings.data / output.path
        self._render: Callable[[Record], bytes] = {"ecs": as_it_is, "tpot": as_tpot}[output.format]
        self._identifier = ("event", "id") if output.format == "ecs" else ("dicom_event_id",)
        self._fd = -1
        self._inode: tuple[int, int] | None = None
        self._there: set[str] = set()
        """Identifiers of what a former run wrote last."""

    @property
    def where(self) -> str:
        return str(self._path)

    async def send(self, batch: Batch) -> None:
        lines = rendered(batch, self._render)
        try:
            await asyncio.to_thread(self._append, batch, lines)
        except OSError as error:
            self._let_go()
            raise Temporary(f"{self._path} can't be written: {error.strerror}") from None

    async def close(self) -> None:
        self._let_go()

    def _append(self, batch: Batch, lines: list[bytes]) -> None:
        self._reopen()
        new = [line for record, line in zip(batch, lines, strict=True) if record.id not in self._there]
        self._there.clear()
        data = b"".join(line + b"\n" for line in new)
        while data:
            data = data[os.write(self._fd, data) :]
        os.fsync(self._fd)

    def _reopen(self) -> None:
        """Have the file open that is at the path now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            found = None
        if self._fd >= 0 and found is not None and (found.st_dev, found.st_ino) == self._inode:
            return
        first = self._fd < 0
        self._let_go()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        state = os.fstat(self._fd)
        self._inode = (state.st_dev, state.st_ino)
        if first and state.st_size:
            self._look_back(state.st_size)

    def _look_back(self, size: int) -> None:
        begin = max(0, size - TAIL_BYTES)
        tail = os.pread(self._fd, TAIL_BYTES, begin)
        if not tail.endswith(b"\n"):
            os.write(self._fd, b"\n")  # a line that was cut short stays alone
        for line in tail.split(b"\n"):
            try:
                found: Any = msgspec.json.decode(line)
                for key in self._identifier:
                    found = found[key]
            except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
                continue
            if isinstance(found, str):
                self._there.add(found)

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._inode = -1, None


def as_it_is(record: Record) -> bytes:
    """The ECS document."""
    return record.line


def as_tpot(record: Record) -> bytes:
    """The flat document of T-Pot."""
    document: Document = flat(record)
    return encode(document)
