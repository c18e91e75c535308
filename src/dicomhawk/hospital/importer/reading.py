"""Reading files that claim to be DICOM, within bounds: PS3.10 section 7 and whatever comes close to it.

The data set up to the pixel data is held in memory; the pixel data is only measured, and copied later. What
can't be read ends as `Unreadable`, with a reason for the operator, whatever the bytes are.
"""

from __future__ import annotations

import errno
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.elements import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    DataSet,
    ElementsError,
    decode,
)
from dicomhawk.hospital.importer.walk import Pixels, Unreadable, find_pixels
from dicomhawk.hospital.registry import UIDS

DISK_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
"""What the disk says when it has no room: of no single file's fault."""

HEAD_LIMIT = 256 * 2**20
"""Bytes of a data set without its pixel data: far more than the largest segmentations and waveforms have."""

META_LIMIT = 64 * 2**10
"""Bytes of file meta information; real ones have some hundred."""

INFLATE_LIMIT = 4 * 2**30
"""Bytes that a deflated data set may have when inflated: no such object is larger, and a bomb has no end."""

MAX_ELEMENTS = 4_000_000
"""Elements of one data set; an enhanced multi-frame object with 2,000 frames has some 200,000."""

FIRST_LOOK = 64 * 2**10
"""Bytes of a data set in which its identifying attributes usually are; the rest is read only if they are not."""

REFERENCING = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (94, 95, 204, 205))
"""Transfer syntaxes of objects whose pixel data is elsewhere (PS3.5 sections A.6 and A.7)."""

_PREAMBLE = 132
_CHUNK = 2**20

__all__ = ["Layout", "Opened", "Pixels", "Unreadable", "copy_span", "look", "looks_like_dicom", "opened"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a file's data set begins, and in which syntax it is."""

    dataset_offset: int
    transfer_syntax: str
    complete: bool  # has preamble, prefix and file meta information with the transfer syntax


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was read up to its pixel data. `file` is the data set's file: the inflated one if deflated."""

    layout: Layout
    file: IO[bytes]
    dataset: DataSet
    pixels: Pixels | None


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file (132, if it has as many) may be DICOM's."""
    if head[128:132] == b"DICM" or head[:4] == b"DICM":
        return True
    return _guessed_syntax(head) is not None


def look(path: Path, *, stop_at: int) -> tuple[Layout, DataSet]:
    """What the file's data set has before the tag `stop_at`, without long values. Raises `Unreadable`."""
    with regular_file(path) as file:
        layout = _read_layout(file)
        if layout.transfer_syntax == DEFLATED_LE:
            with _inflated(file, layout.dataset_offset) as inflated:
                return layout, _decoded(inflated.read(FIRST_LOOK), layout, head=True, stop_at=stop_at)
        file.seek(layout.dataset_offset)
        return layout, _decoded(file.read(FIRST_LOOK), layout, head=True, stop_at=stop_at)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """The file at `path`, its data set read up to the pixel data. Raises `Unreadable`."""
    with regular_file(path) as raw:
        layout = _read_layout(raw)
        if layout.transfer_syntax == DEFLATED_LE:
            with _inflated(raw, layout.dataset_offset) as inflated:
                yield _opened(layout, inflated, 0)
        else:
            yield _opened(layout, raw, layout.dataset_offset)


def copy_span(file: IO[bytes], start: int, end: int, write: Callable[[bytes], object]) -> None:
    """Hand the bytes of `file` from `start` to `end` to `write`, in chunks. Raises `Unreadable` if cut short."""
    file.seek(start)
    left = end - start
    while left:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            raise Unreadable("it became shorter while it was read")
        write(chunk)
        left -= len(chunk)


@contextmanager
def regular_file(path: Path) -> Iterator[IO[bytes]]:
    """The file at `path`, open for reading; every `OSError` within but for a full disk becomes `Unreadable`."""
    try:
        # Without O_NONBLOCK, a pipe put in the place of a file would hold us up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            yield file
    except OSError as error:
        if error.errno in DISK_FULL:  # where a copy of it is being written
            raise
        raise Unreadable(f"it can't be read: {error.strerror or error}") from None


def _opened(layout: Layout, file: IO[bytes], start: int) -> Opened:
    head_end, pixels = find_pixels(
        file,
        start,
        explicit=layout.transfer_syntax != IMPLICIT_LE,
        little_endian=layout.transfer_syntax != EXPLICIT_BE,
        max_elements=MAX_ELEMENTS,
    )
    if head_end - start > HEAD_LIMIT:
        raise Unreadable(f"its data set without pixel data has more than {HEAD_LIMIT} bytes")
    file.seek(start)
    return Opened(layout, file, _decoded(file.read(head_end - start), layout), pixels)


def _decoded(data: bytes, layout: Layout, *, head: bool = False, stop_at: int | None = None) -> DataSet:
    syntax = EXPLICIT_LE if layout.transfer_syntax == DEFLATED_LE else layout.transfer_syntax
    try:
        return decode(data, syntax, head=head, stop_at=stop_at, max_elements=MAX_ELEMENTS)
    except ElementsError as error:
        raise Unreadable(f"its data set is damaged: {error}") from None


def _read_layout(file: IO[bytes]) -> Layout:
    file.seek(0)
    head = file.read(_PREAMBLE + META_LIMIT)
    start = _PREAMBLE if head[128:132] == b"DICM" else 4 if head[:4] == b"DICM" else 0
    named, end = _read_meta(head, start)
    syntax = named or _guessed_syntax(head[end : end + 16])
    if syntax is None:
        raise Unreadable("its data set begins with nothing that DICOM has")
    if UIDS.get(syntax, ("", ""))[1] != "Transfer Syntax" or syntax in REFERENCING:
        raise Unreadable(f"its transfer syntax {syntax!r} is private, unknown or without pixel data of its own")
    return Layout(end, syntax, start == _PREAMBLE and bool(named))


def _read_meta(head: bytes, start: int) -> tuple[str, int]:
    """The transfer syntax that the file meta information names (empty: none), and where the data set begins."""
    syntax = ""
    at = start
    padded = head + bytes(12)
    while head[at : at + 2] == b"\x02\x00":
        element, code, length = struct.unpack_from("<H2sH", padded, at + 2)
        body = at + 8
        if not (code.isalpha() and code.isupper()):
            raise Unreadable("its file meta information is not in Explicit VR Little Endian")
        if code.decode() not in vrs.SHORT:
            (length,) = struct.unpack_from("<L", padded, at + 8)
            body = at + 12
        if length > len(head) - body:
            raise Unreadable("its file meta information is cut short or too long")
        if element == 0x0010:
            syntax = head[body : body + min(length, 64)].decode("ascii", "replace").strip(" \0")
        at = body + length
    return syntax, at


def _guessed_syntax(head: bytes) -> str | None:
    """The transfer syntax in which these bytes may be the beginning of a data set; None: in none."""
    if len(head) < 8:
        return None
    for order, explicit in (("<", EXPLICIT_LE), (">", EXPLICIT_BE)):
        group, element, code = struct.unpack_from(order + "HH2s", head)
        if group not in (0x0002, 0x0008) or element > 0x3000:
            continue
        if code.isalpha() and code.isupper():
            return explicit
        (length,) = struct.unpack_from("<L", head, 4)
        if order == "<" and length < 1024:
            return IMPLICIT_LE
    return None


@contextmanager
def _inflated(file: IO[bytes], start: int) -> Iterator[IO[bytes]]:
    """A temporary file with what the deflated data set from `start` on holds."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    file.seek(start)
    with tempfile.TemporaryFile() as target:
        try:
            while not inflater.eof:
                chunk = inflater.unconsumed_tail or file.read(_CHUNK)
                if not chunk:
                    raise Unreadable("its deflated data set is cut short")
                data = inflater.decompress(chunk, _CHUNK)
                size += len(data)
                if size > INFLATE_LIMIT:
                    raise Unreadable(f"its deflated data set has more than {INFLATE_LIMIT} bytes")
                target.write(data)
        except zlib.error as error:
            raise Unreadable(f"its deflated data set is damaged: {error}") from None
        target.seek(0)
        yield target
