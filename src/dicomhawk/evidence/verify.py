"""Whether the evidence is what it was when it was written, as far as the chain can tell."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..settings import Settings
from . import chain, keys
from .chain import Head, Sealed
from .links import Links
from .links import Verdict as Verdict
from .seal import Segment, everything
from .stamps import rfc3339
from .vault import dropped_now

GRACE_SECONDS = 6 * 3600
"""A closed segment gets its entry within a minute while anything looks after the chain; one that was last written so
long before the last entry can't have been there then."""
MAX_NUMBER = 100_000
"""Segments of a writer on one day that are looked for: names can be anything."""
MAX_TOLD = 100
_DIGITS = 18
"""Of a segment's number; Python refuses to read thousands of them."""
_CHUNK = 1 << 20
_HEAD_EVENT = b'"evidence.head"'
_FILE_EVENT = b'"file.captured"'
_SHA256 = re.compile(r"[0-9a-f]{64}")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def verify(
    settings: Settings,
    *,
    trusted: Collection[keys.PublicKey] = (),
    heads: Iterable[Head] = (),
    objects: bool = False,
) -> Verdict:
    """Look at every line of the chain, and at every segment that it names.

    `trusted`: keys that signatures may be of; empty: the one in ``evidence/public.pem``, which whoever changed the
    chain could have changed as well. `heads`: what was published of the chain. `objects`: whether captured files are
    hashed too, and looked for where the journal tells of them. Memory grows with the number of segments, and of
    captured files that are gone, only.
    """
    verdict = Verdict()
    links = Links(verdict, trusted or _own_key(settings, verdict), strict=bool(trusted))
    path = settings.evidence_dir / chain.NAME
    if path.is_file():
        for line in chain.read(path):
            links.take(line)
        links.finish(path)
    else:
        verdict.problems.append("There is no chain.")
    verdict.entries, verdict.head = links.head
    verdict.removed = len(links.removed)
    for head in heads:
        links.compare(head, "the head that was published")
    gone: dict[str, str] | None = {} if objects else None
    _segments(settings, verdict, links, gone)
    if gone is not None:
        _objects(settings, verdict)
        verdict.problems += _gone(settings, gone)
    return verdict


def _own_key(settings: Settings, verdict: Verdict) -> list[keys.PublicKey]:
    path = settings.evidence_dir / keys.PUBLIC_NAME
    if not path.exists():
        return []
    verdict.notes.append(
        "Signatures were checked with the public key in the data folder; better give the one that is kept elsewhere."
    )
    return [keys.public_key(path)]


def _segments(settings: Settings, verdict: Verdict, links: Links, gone: dict[str, str] | None) -> None:
    there = {segment.name: segment for segment in everything(settings)}
    latest: dict[tuple[str, str], tuple[str, int]] = {}
    for name in links.sealed:
        folder, writer, place = _place(name)
        latest[folder, writer] = max(latest.get((folder, writer), place), place)
    for name, (entry, sealed) in links.sealed.items():
        segment = there.get(name)
        if segment is None:
            _missing(settings, verdict, name, entry)
            continue
        verdict.segments += 1
        verdict.bytes += sealed.bytes
        problem = _difference(sealed, _hashed(settings, segment, links, gone))
        if problem:
            verdict.problems.append(f"{name} {problem} (entry {entry}).")
    for name, segment in there.items():
        if name not in links.sealed:
            folder, writer, place = _place(name)
            if _without_entry(segment, verdict, links, later=latest.get((folder, writer), ("", 0)) > place):
                _hashed(settings, segment, links, gone)
    verdict.problems += _gaps(there, links)


def _missing(settings: Settings, verdict: Verdict, name: str, entry: int) -> None:
    """A segment that should be there. It may have been removed while the rest was looked at."""
    now = chain.Chain(settings)
    now.refresh()
    if name not in now.sealed:
        verdict.removed += 1
    elif name.rpartition("/")[2] in dropped_now(settings.vault_dir):
        verdict.notes.append(f"{name} was removed to stay within the budget, and has no entry of that yet.")
    else:
        verdict.problems.append(f"{name} is missing: entry {entry} has it, and its removal is not on record.")


def _place(name: str) -> tuple[str, str, tuple[str, int]]:
    """Folder, writer, and day and number of a segment."""
    folder, _, file = name.rpartition("/")
    day, writer, number, _ = (file + "...").split(".", 3)
    return folder, writer, (day, int(number) if number.isdecimal() and len(number) <= _DIGITS else 0)


def _hashed(settings: Settings, segment: Segment, links: Links, gone: dict[str, str] | None) -> Sealed:
    """Size and hash of a file. Heads of the chain that its events tell of are looked up in passing, and captured
    files, unless `gone` is None: it gets those that aren't there (name -> the segment that tells of it)."""
    size, digest = 0, hashlib.sha256()
    journal = segment.name.startswith("journal/")
    with segment.path.open("rb") as file:
        while piece := file.readline(_CHUNK) if journal else file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
            if journal and _HEAD_EVENT in piece:
                head = _told(piece)
                if head is not None and not _since(settings, links, head):
                    links.compare(head, f"an event in {segment.name}")
            if gone is not None and _FILE_EVENT in piece:
                name = _captured(piece)
                if name and not (settings.data / name).is_file():
                    gone.setdefault(name, segment.name)
    return Sealed(size, digest.hexdigest())


def _captured(line: bytes) -> str:
    """The file, below the data folder, that an event says was kept; empty if it says nothing of the kind."""
    try:
        event = _decode(line)
        if event["event"]["action"] != "file.captured" or "name" not in event["file"]:
            return ""
        digest = event["file"]["hash"]["sha256"]
        return f"vault/objects/{digest[:2]}/{digest}" if _SHA256.fullmatch(digest) else ""
    except (msgspec.MsgspecError, RecursionError, KeyError, TypeError, ValueError):
        return ""


def _since(settings: Settings, links: Links, head: Head) -> bool:
    """Whether a head is of an entry that was added while the rest was looked at."""
    if head.entry <= links.lines:
        return False
    now = chain.Chain(settings)
    now.refresh()
    return head.entry <= now.head.entry


def _difference(sealed: Sealed, found: Sealed) -> str:
    if found.bytes < sealed.bytes:
        return f"was truncated: {found.bytes} of {sealed.bytes} bytes are left"
    if found.bytes > sealed.bytes:
        return f"has grown from {sealed.bytes} to {found.bytes} bytes since it was closed"
    return "" if found.sha256 == sealed.sha256 else "was changed since it was closed"


def _told(line: bytes) -> Head | None:
    """The head that an event tells of."""
    try:
        event = _decode(line)
        if event["event"]["action"] != "evidence.head":
            return None
        told = event["honeypot"]["chain"]
        return Head(int(told["entries"]), str(told["head"]))
    except (msgspec.MsgspecError, RecursionError, KeyError, TypeError, ValueError):
        return None


def _without_entry(segment: Segment, verdict: Verdict, links: Links, *, later: bool) -> bool:
    """A segment that the chain doesn't have; whether it seems to be open. `later`: the chain has a later one of the
    same writer."""
    size, modified, written = _state(segment.path)
    if size <= segment.least:
        return False
    overdue = rfc3339((modified + GRACE_SECONDS) * 1_000_000) < links.time
    if not written and (later or overdue):
        verdict.problems.append(f"{segment.name} was inserted: the chain has no entry of it, and it should.")
        return False
    verdict.open.append(segment.name)
    return segment.name.startswith("journal/")


def _gaps(there: Collection[str], links: Links) -> Iterator[str]:
    """Segments of the journal that were neither closed nor removed, and yet are gone: writers number them without a
    gap."""
    known: dict[tuple[str, str], set[int]] = {}
    last: dict[tuple[str, str], int] = {}
    for name in {*there, *links.sealed, *links.removed}:
        folder, writer, (day, number) = _place(name)
        if folder == "journal":
            known.setdefault((day, writer), set()).add(number)
            last[day, writer] = max(last.get((day, writer), 0), number)
    for (day, writer), number in sorted(last.items()):
        gone = set(range(1, min(number, MAX_NUMBER))) - known[day, writer]
        for each in sorted(gone)[:MAX_TOLD]:
            yield f"journal/{day}.{writer}.{each:04d}.ndjson is gone: it was never closed, and later ones are there."


def _objects(settings: Settings, verdict: Verdict) -> None:
    folder = settings.vault_dir / "objects"
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        name = f"vault/objects/{path.parent.name}/{path.name}"
        try:
            if not path.is_file():
                if path.is_symlink() or path.exists():
                    verdict.problems.append(f"{name} is not a file.")
                continue
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:  # removed meanwhile
            continue
        verdict.objects += 1
        if digest != path.name:
            verdict.problems.append(f"{name} is not what its name says.")


def _gone(settings: Settings, missing: dict[str, str]) -> Iterator[str]:
    """Captured files that are gone, though no entry of the chain says that they were removed."""
    path = settings.evidence_dir / chain.NAME
    entries = (line.entry for line in chain.read(path)) if missing and path.is_file() else ()
    removed = {entry.segment for entry in entries if entry is not None and entry.kind == "removed"}
    for name, segment in missing.items():
        if name not in removed and not (settings.data / name).is_file():
            yield f"{name} is gone: an event in {segment} tells of it, and its removal is not on record."


def _state(path: Path) -> tuple[int, int, bool]:
    """Size, moment of the last write (s), and whether a process writes it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0, 0, False
    try:
        status = os.fstat(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return status.st_size, int(status.st_mtime), True
        return status.st_size, int(status.st_mtime), False
    finally:
        os.close(fd)
