"""ZIP archives as minizip writes them: each member whole, with its size before it (APPNOTE.TXT 4.3)."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime
from typing import Final, NamedTuple

VERSION: Final = 20
COMMENT: Final = b"Created by Orthanc"
MAX_32: Final = 0xFFFFFFFF
_DEFLATED: Final = 8
_LEVEL: Final = 6
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")


class Member(NamedTuple):
    """A member's record in the directory at the end."""

    name: bytes
    stamp: int
    crc: int
    packed: int
    size: int
    offset: int


class ZipWriter:
    """Makes the bytes of an archive, member by member. `moment`: local time of all of them."""

    def __init__(self, moment: datetime) -> None:
        date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
        self._stamp = date << 16 | moment.hour << 11 | moment.minute << 5 | moment.second // 2
        self._members: list[Member] = []
        self.size = 0

    def member(self, name: str, *parts: bytes | memoryview) -> tuple[bytes, bytes]:
        """A member's header and its packed content, of which `parts` are given."""
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        crc = 0
        for part in parts:
            crc = zlib.crc32(part, crc)
        packed = b"".join([*map(packer.compress, parts), packer.flush()])
        raw = name.encode("ascii", "replace")
        made = Member(raw, self._stamp, crc, len(packed), sum(map(len, parts)), self.size)
        time, date = self._stamp & 0xFFFF, self._stamp >> 16
        head = _LOCAL.pack(
            0x04034B50, VERSION, 0, _DEFLATED, time, date, made.crc, made.packed, made.size, len(raw), 0
        )
        self._members.append(made)
        self.size += len(head) + len(raw) + len(packed)
        return head + raw, packed

    def directory(self) -> bytes:
        """What comes behind all members."""
        parts = []
        for each in self._members:
            time, date = each.stamp & 0xFFFF, each.stamp >> 16
            parts.append(
                _CENTRAL.pack(
                    *(0x02014B50, 0, VERSION, 0, _DEFLATED, time, date, each.crc, each.packed, each.size),
                    *(len(each.name), 0, 0, 0, 0, 0, each.offset & MAX_32),
                )
                + each.name
            )
        central = b"".join(parts)
        number = min(len(self._members), 0xFFFF)
        end = (0x06054B50, 0, 0, number, number, len(central), self.size & MAX_32, len(COMMENT))
        return central + _END.pack(*end) + COMMENT
