"""What holds other things: listed, and tried as far as it takes to know a bomb, but never unpacked."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from ..model import HIGH, LOW, MAX_LISTED, MEDIUM, Container, Entry, Findings, clean
from . import kinds
from .buffers import Buffer

MAX_MEMBERS: Final = 200_000
"""Members of a ZIP's directory that are counted."""
MAX_TRIED: Final = 64 << 20
"""Bytes that are inflated to see what becomes of them."""
BOMB_RATIO: Final = 100
BOMB_SIZE: Final = 32 << 20
"""A file that becomes a hundred times larger is a bomb if that is worth mentioning."""

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_MEMBER: Final = b"PK\x01\x02"
_MAX_COMMENT: Final = 65535 + 22
_ARCHIVES: Final = (".zip", ".jar", ".gz", ".7z", ".rar", ".bz2", ".xz", ".tgz")


def is_bomb(size: int, compressed: int) -> bool:
    """Whether something that becomes `size` bytes was made to become large."""
    return size > BOMB_SIZE and size > BOMB_RATIO * max(1, compressed)


def zip_directory(data: Buffer, start: int, end: int, findings: Findings) -> Container | None:
    """The directory of the ZIP between two offsets (APPNOTE.TXT 4.3.12 and 4.3.16); None: it has none."""
    tail = max(start, end - _MAX_COMMENT)
    at = data.rfind(_END, tail, end)
    if at < 0 or at + 22 > end:
        return None
    count, size = struct.unpack_from("<HI", data, at + 10)
    first = data.rfind(_END_64, max(start, at - 200), at)
    if first >= 0 and first + 56 <= end:
        count, size = struct.unpack_from("<QQ", data, first + 32)
        at = first
    directory = at - size  # where it must be, whatever stands before the archive
    if directory < start:
        findings.add("structure.zip", "directory of a ZIP is not where it says", LOW, f"{size} bytes of it", at)
        return None
    return _listed(data, directory, at, start, count, findings)


def end_of_zip(data: Buffer, start: int, end: int) -> int:
    """Where a ZIP that begins at `start` within something else ends."""
    at = data.find(_END, start, end)
    return min(end, at + 22) if at >= 0 else end


def _listed(data: Buffer, at: int, end: int, start: int, claimed: int, findings: Findings) -> Container:
    entries: list[Entry] = []
    count = total = compressed = nested = 0
    places: set[int] = set()
    begin = at
    shared = 0
    while at + 46 <= end and count < MAX_MEMBERS and bytes(data[at : at + 4]) == _MEMBER:
        packed, unpacked, named, extra, comment = struct.unpack_from("<IIHHH", data, at + 20)
        (place,) = struct.unpack_from("<I", data, at + 42)
        name = bytes(data[at + 46 : at + 46 + named])
        count, total, compressed = count + 1, total + unpacked, compressed + packed
        shared += place in places and place != 0xFFFFFFFF
        places.add(place)
        nested += name.lower().endswith(tuple(each.encode() for each in _ARCHIVES))
        _judge_name(name, at, findings)
        if len(entries) < MAX_LISTED:
            entries.append(Entry(clean(name), unpacked, packed))
        at += 46 + named + extra + comment
    if is_bomb(total, begin - start) or shared > 2:
        detail = f"{count} files, {total} bytes out of {begin - start}" + (", which they share" if shared else "")
        findings.add("bomb.zip", "ZIP bomb", HIGH, detail, start)
    elif nested > 5 and nested * 2 > count:
        findings.add("bomb.nested", "archives within an archive", MEDIUM, f"{nested} of {count} files", start)
    if count != claimed and count < MAX_MEMBERS:
        findings.add("structure.zip", "ZIP lists another number of files", LOW, f"{count}, claims {claimed}", begin)
    return Container("ZIP", start, entries, count, total, compressed)


def _judge_name(name: bytes, at: int, findings: Findings) -> None:
    parts = name.replace(b"\\", b"/").split(b"/")
    if b".." in parts or name[:1] in (b"/", b"\\") or name[1:2] == b":":
        findings.add("text.traversal", "name in an archive that leaves its folder", HIGH, clean(name), at)


def gzip_member(data: Buffer, start: int, end: int, findings: Findings) -> Container:
    """What a gzip stream becomes, as far as it is tried (RFC 1952)."""
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    head, total, at = b"", 0, start
    try:
        while at < end and total < MAX_TRIED and not inflater.eof:
            piece = bytes(data[at : min(end, at + (1 << 16))])
            at += len(piece)
            while piece and total < MAX_TRIED and not inflater.eof:
                made = inflater.decompress(piece, 1 << 20)
                head = head or made[: kinds.HEAD]
                total += len(made)
                piece = inflater.unconsumed_tail
    except zlib.error as error:
        findings.add("structure.gzip", "broken gzip stream", LOW, str(error), start)
    if is_bomb(total, at - start):
        findings.add("bomb.gzip", "gzip bomb", HIGH, f"at least {total} bytes out of {at - start}", start)
    inside = kinds.name_of(head, len(head))
    kind = kinds.of_bytes(head)
    if kind is not None and kind.runs:
        findings.add(f"polyglot.{kind.id}", f"{kind.name} in a gzip stream", HIGH, "", start)
    return Container("gzip", start, [Entry(inside, total, at - start)], 1, total, at - start)
