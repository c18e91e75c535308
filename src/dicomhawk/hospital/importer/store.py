"""The imported files: ``hospital/files/<xx>/<SOP instance UID>.dcm`` below the data folder."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dicomhawk.hospital.elements import DEFLATED_LE, EXPLICIT_LE, DataSet, ElementsError, encode
from dicomhawk.hospital.importer.reading import Opened, Unreadable, copy_span, regular_file
from dicomhawk.hospital.importer.values import text
from dicomhawk.hospital.part10 import file_meta

FOLDER = "hospital/files"


class Leak(Exception):
    """Something of the true identity would have been written."""


def relative_path(sop_uid: str) -> str:
    """Where the file of an instance is, below the data folder. `sop_uid` has passed `uids.is_uid`."""
    return f"{FOLDER}/{hashlib.sha256(sop_uid.encode()).hexdigest()[:2]}/{sop_uid}.dcm"


def write_cleaned(
    target: Path, source: Opened, dataset: DataSet, sop_uid: str, writer_uid: str, forbidden: Iterable[str]
) -> int:
    """Write `dataset` with the pixel data of `source`, in its transfer syntax; the file's size in bytes.

    `writer_uid` is the Implementation Class UID. Raises `Leak` if one of `forbidden` stands in what is written
    (pixel data aside), and `Unreadable`, with nothing left behind.
    """
    syntax = source.layout.transfer_syntax
    deflated = syntax == DEFLATED_LE
    try:
        head = encode(dataset, EXPLICIT_LE if deflated else syntax)
    except ElementsError as error:
        raise Unreadable(f"it can't be written again: {error}") from None
    if any(_stands_in(identifier, head) for identifier in forbidden):
        raise Leak
    with _replacing(target) as file:
        file.write(file_meta(text(dataset, "SOPClassUID") or "", sop_uid, syntax, writer_uid))
        with _deflating(file) if deflated else _plain(file) as write:
            write(head)
            if source.pixels is not None:
                copy_span(source.file, source.pixels.start, source.pixels.end, write)
        return file.tell()


def write_verbatim(target: Path, path: Path, source: Opened, sop_uid: str, writer_uid: str) -> int:
    """Copy the file at `path`; the new file's size in bytes.

    A file without usable file meta information gets it, before the bytes of its data set. Raises `Unreadable`.
    """
    layout = source.layout
    with regular_file(path) as original, _replacing(target) as file:
        if not layout.complete:
            sop_class_uid = text(source.dataset, "SOPClassUID") or ""
            file.write(file_meta(sop_class_uid, sop_uid, layout.transfer_syntax, writer_uid))
        start = 0 if layout.complete else layout.dataset_offset
        copy_span(original, start, original.seek(0, os.SEEK_END), file.write)
        return file.tell()


def _stands_in(identifier: str, head: bytes) -> bool:
    """Whether `identifier` is in `head`, and not as part of a longer word or number."""
    wanted = identifier.encode("utf-8", "replace")
    if wanted not in head:
        return False
    return re.search(rb"(?<![0-9A-Za-z.])" + re.escape(wanted) + rb"(?![0-9A-Za-z.])", head) is not None


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `target` when all of it is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _plain(file: IO[bytes]) -> Iterator[Callable[[bytes], object]]:
    yield file.write


@contextmanager
def _deflating(file: IO[bytes]) -> Iterator[Callable[[bytes], object]]:
    """PS3.5 section A.5: raw deflate, padded to an even length."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    start = file.tell()
    yield lambda data: file.write(deflater.compress(data))
    file.write(deflater.flush())
    file.write(bytes((file.tell() - start) % 2))
