"""ZIP archives that strangers made: bounded in what is read of them, and in what becomes of it."""

from __future__ import annotations

import io
import sys
import zipfile
import zlib
from types import TracebackType
from typing import Final, Self

MAX_ARCHIVE: Final = 256 << 20
"""Bytes of an archive."""
MAX_DIRECTORY: Final = 512 << 10
"""Bytes of its directory, which is read whole: that of some thousand files."""
MAX_MEMBER: Final = 64 << 20
"""Bytes of a file in it."""
MAX_UNPACKED: Final = 512 << 20
"""Bytes of all of them."""
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What the product unpacks; other ways take as much memory as an archive says."""
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError, RuntimeError, KeyError),
    *(MemoryError, OverflowError),
)
"""What the library raises for an archive that is none, is encrypted, or packed in an unknown way."""


class UnpackingError(Exception):
    """It is no archive, or one beyond our limits."""


class _Bounded(io.BufferedReader):
    """A file of which no more than `most` bytes are read at once."""

    most = MAX_DIRECTORY

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file. Raises `BadZipFile`."""
        at = self.tell()
        left = self.seek(0, io.SEEK_END) - at
        self.seek(at)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self.most:
            raise zipfile.BadZipFile("the directory is too long")
        return super().read(max(wanted, 0))


class Unpacking:
    """The archive in an open file, whose descriptor stays open. Raises `UnpackingError`. For one thread at a time."""

    def __init__(self, fd: int) -> None:
        self._file = _Bounded(io.FileIO(fd, closefd=False))
        try:
            self._archive = zipfile.ZipFile(self._file)
        except _BROKEN as error:
            self._file.close()
            raise UnpackingError(str(error)) from None
        self._file.most = sys.maxsize
        self._members = [member for member in self._archive.infolist() if not member.is_dir()]
        self._left = MAX_UNPACKED

    def __len__(self) -> int:
        return len(self._members)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._file.close()

    def member(self, number: int) -> bytes | None:
        """The content of a file, by its number from 0; None if it can't be read, or is too long."""
        member, most = self._members[number], min(MAX_MEMBER, self._left)
        if member.compress_type not in _PACKED:
            return None
        try:
            with self._archive.open(member) as file:
                content = file.read(most + 1)
        except _BROKEN:
            return None
        if len(content) > most:
            return None
        self._left -= len(content)
        return content
