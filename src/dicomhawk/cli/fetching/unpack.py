"""The ZIP of a series as NBIA's getImageWithMD5Hash packs it: taken apart with nothing in it believed."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
import zlib
from pathlib import Path

from .errors import Unacceptable
from .offers import MAX_FILES
from .transfer import CHUNK, disk

MANIFEST = "md5hashes.csv"

MAX_MANIFEST_BYTES = MAX_FILES * 128
"""A line of it has some 50."""

_BESIDE = ("LICENSE", "LICENSE.txt", MANIFEST)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"[0-9a-f]{1,32}")
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))


def unpack(packed: Path, folder: Path, *, files: int, limit: int) -> int:
    """Write the objects of the ZIP file `packed` into `folder`; their number.

    They get names of ours. `files`: how many there must be (0: not known); `limit`: bytes that all together may have.
    Raises `Unacceptable` for paths in names, missing, doubled or surplus entries, wrong hashes, more bytes than
    that, and a damaged file; and what `transfer.disk` raises.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            entries = _entries(archive)
            hashes = _hashes(archive, entries)
            missing = len(hashes.keys() - entries.keys())
            if missing or (files and len(hashes) < files):
                raise Unacceptable(
                    f"The ZIP is not complete: {len(hashes) - missing} of {files or len(hashes)} files."
                )
            left = limit
            for number, (name, digest) in enumerate(sorted(hashes.items()), 1):
                left -= _extract(archive, entries[name], folder / f"{number:08d}.dcm", digest, left)
            return len(hashes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as trouble:
        # zipfile raises RuntimeError for encrypted entries, and ValueError for some damaged headers.
        raise Unacceptable(f"The ZIP is damaged: {str(trouble)[:100]}.") from None


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    if len(archive.filelist) > MAX_FILES + len(_BESIDE):
        raise Unacceptable(f"The ZIP has more than {MAX_FILES} files.")
    for entry in archive.filelist:
        # orig_filename: what is in the file, before zipfile makes it harmless.
        if entry.filename != entry.orig_filename or not _PLAIN_NAME.fullmatch(entry.filename):
            raise Unacceptable("The ZIP has a file with a path or odd characters in its name.")
        if entry.filename in found:
            raise Unacceptable("The ZIP has two files with one name.")
        if entry.compress_type not in _METHODS or entry.flag_bits & 1:
            raise Unacceptable("The ZIP is packed in a way that the archive does not use.")
        found[entry.filename] = entry
    return found


def _hashes(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    if MANIFEST not in entries:
        # The archive closes the ZIP properly even if it failed half-way; the hashes come last.
        raise Unacceptable("The ZIP is not complete: there are no checksums in it.")
    with archive.open(entries[MANIFEST]) as file:
        text = file.read(MAX_MANIFEST_BYTES + 1)
    if len(text) > MAX_MANIFEST_BYTES:
        raise Unacceptable("The list of checksums is too long.")
    hashes: dict[str, str] = {}
    for row in list(csv.reader(io.StringIO(text.decode("utf-8", "replace"))))[1:]:
        if not row:
            continue
        name, digest = row[0].strip(), row[1].strip().lower() if len(row) > 1 else ""
        if name in hashes or name in _BESIDE or not _DIGEST.fullmatch(digest):
            raise Unacceptable("The list of checksums is damaged.")
        hashes[name] = digest.zfill(32)  # some were written as numbers, without leading zeros
    objects = {name for name in entries if name not in _BESIDE and not name.lower().endswith(".xml")}
    if objects - hashes.keys():
        raise Unacceptable("The ZIP has files without a checksum.")
    return hashes


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, digest: str, limit: int) -> int:
    found = hashlib.md5(usedforsecurity=False)
    size = 0
    with archive.open(entry) as packed, disk(target.parent), target.open("wb") as file:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise Unacceptable("The ZIP has more in it than the archive said.")
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != digest:
        raise Unacceptable("A file does not have the checksum that the archive gives for it.")
    return size
