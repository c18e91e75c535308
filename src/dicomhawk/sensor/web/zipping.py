"""ZIP archives as they are sent: entries are stored, not compressed, and nothing is kept (APPNOTE.TXT 6.3.9)."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from datetime import datetime
from struct import pack
from typing import Final, NamedTuple

from .message import Part, Stored

_UTF_8: Final = 0x0800
"""Flag: names are in UTF-8."""
_VERSION: Final = 20
_VERSION_64: Final = 45
_MOST_16: Final = 0xFFFF
_MOST_32: Final = 0xFFFFFFFF


class Entry(NamedTuple):
    """A file of an archive: its name with its folders, and its bytes in parts, as they are to be sent."""

    name: str
    parts: tuple[Part, ...]


class _Placed(NamedTuple):
    name: bytes
    crc: int
    size: int
    at: int


async def archive(entries: AsyncIterator[Entry], moment: datetime) -> AsyncIterator[Part]:
    """The bytes of an archive of `entries`, of which none has 4 GiB; `moment`: when they were last changed."""
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    date = max(0, moment.year - 1980) << 9 | moment.month << 5 | moment.day
    placed: list[_Placed] = []
    at = 0
    async for entry in entries:
        crc = size = 0
        for part in entry.parts:
            data = part.data if isinstance(part, Stored) else part
            crc, size = zlib.crc32(data, crc), size + len(data)
        name = entry.name.encode()
        placed.append(_Placed(name, crc, size, at))
        head = pack("<4sHHHHHLLLHH", b"PK\3\4", _VERSION, _UTF_8, 0, time, date, crc, size, size, len(name), 0) + name
        yield head
        for part in entry.parts:
            yield part
        at += len(head) + size
    directory = b"".join(_listed(each, time, date) for each in placed)
    yield directory + _end(len(placed), len(directory), at)


def _listed(each: _Placed, time: int, date: int) -> bytes:
    """An entry of the central directory (section 4.3.12)."""
    extra, at, version = b"", each.at, _VERSION
    if at >= _MOST_32:
        extra, at, version = pack("<HHQ", 1, 8, at), _MOST_32, _VERSION_64
    return (
        pack("<4sHHHHHHLLL", b"PK\1\2", version, version, _UTF_8, 0, time, date, each.crc, each.size, each.size)
        + pack("<HHHHHLL", len(each.name), len(extra), 0, 0, 0, 0, at)
        + each.name
        + extra
    )


def _end(count: int, size: int, at: int) -> bytes:
    """The end of the central directory, with that of ZIP64 where numbers are too large (sections 4.3.14 to 16)."""
    made = b""
    if count >= _MOST_16 or at >= _MOST_32 or size >= _MOST_32:
        made = pack("<4sQHHLLQQQQ", b"PK\6\6", 44, _VERSION_64, _VERSION_64, 0, 0, count, count, size, at)
        made += pack("<4sLQL", b"PK\6\7", 0, at + size, 1)
    few = min(count, _MOST_16)
    return made + pack("<4sHHHHLLH", b"PK\5\6", 0, 0, few, few, min(size, _MOST_32), min(at, _MOST_32), 0)
