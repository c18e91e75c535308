"""Log files of other honeypots, line by line: plain or gzipped, one file or a folder of rotated ones."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from ...evidence.fields import MAX_STRING
from ...settings import SettingsError

MAX_LINE = 1 << 20
"""Bytes of the longest line that is taken: a data set written out as text has some ten thousand."""
MAX_LINES = 2_000_000
"""Of one import: all lines of it are in memory at once, for connections overlap and exports are in no order."""
MAX_BYTES = 4 << 30
"""Of one import, after decompression: a gzip file can hold a thousand times its size."""
FIRST_YEAR, LAST_YEAR = 2000, 2100
"""A moment outside is no moment of a log."""

Line = dict[str, Any]
Parsed = tuple[int, Line]
"""Moment (microseconds since the epoch) and the fields of a line."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_LINES = 100
_HEAD = 4096
_TEXT_LINES = 50_000_000
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
"""Programs of Windows write it in front of the first line."""
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Lines:
    """The lines of a log that `read` takes; what isn't taken is counted.

    `read` gives a line's moment and fields; None for a line of no interest. It raises KeyError, TypeError or
    ValueError for one that isn't of its format.
    """

    def __init__(self, path: Path, read: Callable[[Line], Parsed | None], aside: bytes = b"") -> None:
        """Files that have the text `aside` near their beginning are left aside.

        Raises `SettingsError` if there is nothing to read at `path`.
        """
        self._read = read
        self._aside = aside
        self.aside: list[Path] = []
        self.torn = 0
        # A second may be in two files, and their lines of it are in no order but the files'.
        self._files = sorted(self._to_read(path), key=self._beginning)
        self.total = 0
        self.broken: list[str] = []
        self.stopped = False

    def __iter__(self) -> Iterator[Parsed]:
        budget = MAX_BYTES
        for file in self._files:
            try:
                with _opened(file) as stream:
                    for raw, size in _bounded_lines(stream):
                        self.total += 1
                        budget -= size
                        if self.total > MAX_LINES or budget < 0:
                            self.stopped = True
                            return
                        parsed = self._parsed(raw)
                        if parsed is not None:
                            yield parsed
            except (OSError, EOFError, zlib.error):
                self.broken.append(file.name)

    def _to_read(self, path: Path) -> list[Path]:
        found = _files(path)
        if self._aside:
            self.aside = sorted((file for file in found if self._aside in _head(file)), key=_written)
        return [file for file in found if file not in self.aside]

    def text(self) -> Iterator[str]:
        """The lines of the files that were left aside, as text, the oldest file first."""
        for file in self.aside:
            try:
                with _opened(file) as stream:
                    for raw, _ in itertools.islice(_bounded_lines(stream), _TEXT_LINES):
                        yield raw.decode("utf-8", "replace")
            except (OSError, EOFError, zlib.error):
                self.broken.append(file.name)

    def _beginning(self, file: Path) -> tuple[int, int]:
        """The moment of the first of a file's lines that has one; when it was last written."""
        first = 0
        with contextlib.suppress(OSError, EOFError, zlib.error), _opened(file) as stream:
            for raw, _ in itertools.islice(_bounded_lines(stream), _FIRST_LINES):
                parsed = self._parsed(raw)
                if parsed is not None:
                    first = parsed[0]
                    break
        self.torn = 0
        return first, _written(file)

    def _parsed(self, raw: bytes) -> Parsed | None:
        if not raw.strip():
            return None
        try:
            if len(raw) > MAX_LINE:
                raise ValueError("too long")
            return self._read(_decode(raw.removeprefix(_MARK)))
        except (KeyError, TypeError, ValueError, RecursionError):
            self.torn += 1
            return None


def text_of(line: Line, key: str) -> str:
    """The text at `key`, without blanks around it, cut after `MAX_STRING` characters; empty if there is none."""
    value = line.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:MAX_STRING]
    return value.strip()[:MAX_STRING] if isinstance(value, str) else ""


def count_of(line: Line, key: str) -> int | None:
    """The whole number at `key`, 0 or more; None if there is none."""
    try:
        value = int(text_of(line, key))
    except ValueError:
        return None
    return value if 0 <= value < 1 << 31 else None


def port_of(line: Line, *keys: str) -> int | None:
    """The first TCP port at one of `keys`; None if there is none."""
    for key in keys:
        value = count_of(line, key)
        if value is not None and value < 1 << 16:
            return value
    return None


def moment_at(text: str, zone: tzinfo = UTC) -> int:
    """A moment in microseconds since the epoch; one without a time zone is in `zone`. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if not FIRST_YEAR <= at.year < LAST_YEAR:
        raise ValueError(f"{text} is no moment of a log")
    return ((at if at.tzinfo else at.replace(tzinfo=zone)) - _EPOCH) // _MICROSECOND


def _files(path: Path) -> list[Path]:
    try:
        found = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        for file in found:
            file.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    if not found:
        raise SettingsError(f"{path} has no files in it.")
    return found


def _head(file: Path) -> bytes:
    with contextlib.suppress(OSError, EOFError, zlib.error), _opened(file) as stream:
        return stream.read(_HEAD)
    return b""


def _written(file: Path) -> int:
    """When a file was last written; 0 if it is gone."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _opened(file: Path) -> BinaryIO:
    with file.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
    return cast(BinaryIO, gzip.open(file, "rb")) if packed else file.open("rb")


def _bounded_lines(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Lines and their sizes; of one longer than `MAX_LINE` only that and one more byte."""
    while raw := stream.readline(MAX_LINE + 1):
        size = len(raw)
        while size > MAX_LINE and not raw.endswith(b"\n"):
            rest = stream.readline(MAX_LINE)
            size += len(rest)
            if not rest or rest.endswith(b"\n") or size > MAX_BYTES:
                break
        yield raw, size
