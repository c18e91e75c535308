"""Sessions: all connections of one visitor, on every door and in every worker, with no gap over 30 minutes.

The workers share one file, mapped into memory: a hash table of 64-byte slots in buckets of 16. A bucket is
locked while it is looked at, with a lock that the kernel gives back if its holder dies; a slot that was
half written at that moment fails its checksum and counts as free. The file outlives restarts.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import secrets
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from .stamps import base32

GAP_US = 30 * 60 * 1_000_000
"""A session ends with a gap longer than this (microseconds)."""
BUCKETS = 4096
"""With 16 slots each: 65,536 visitors within 30 minutes, in 4 MiB; beyond it the least recent go."""
SLOTS = 16

_SLOT = Struct("<16s16sQQI8xI")  # address, session, first and last moment (us), connections, CRC-32
_BODY = _SLOT.size - 4
_CRC = Struct("<I")
_HEADER = Struct("<8sI16s")  # magic, buckets, key of the hash
_HEADER_SIZE = 64
_BUCKET_SIZE = SLOTS * _SLOT.size
_TOGETHER = 64  # buckets looked at together
_MAGIC = b"DHSESS1\n"
_MAPPED = b"\0" * 10 + b"\xff\xff"  # an IPv4 address within IPv6


class Session(NamedTuple):
    """A visitor's session so far. Moments are in microseconds since the epoch."""

    session: str
    address: str
    first: int
    last: int
    connections: int


class Touched(NamedTuple):
    """What `Sessions.touch` found."""

    session: str
    is_new: bool
    ended: Session | None
    """A session that ended to make way: this visitor's own last one, or (`evicted`) another's."""
    evicted: bool


class Sessions:
    """The table, as one process sees it."""

    def __init__(self, path: Path, buckets: int = BUCKETS) -> None:
        """Opens or makes the table. A file that isn't one, or another size, is replaced."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = _HEADER_SIZE + buckets * _BUCKET_SIZE
        fcntl.lockf(self._fd, fcntl.LOCK_EX, _HEADER_SIZE, 0)
        try:
            header = os.pread(self._fd, _HEADER.size, 0)
            if len(header) < _HEADER.size or _HEADER.unpack(header)[:2] != (_MAGIC, buckets):
                os.ftruncate(self._fd, 0)
                # Blocks are had now: a full disk must not become a SIGBUS later.
                os.posix_fallocate(self._fd, 0, size)
                os.pwrite(self._fd, _HEADER.pack(_MAGIC, buckets, secrets.token_bytes(16)), 0)
            self._map = mmap.mmap(self._fd, size)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, _HEADER_SIZE, 0)
        self._buckets = buckets
        self._key = _HEADER.unpack_from(self._map)[2]

    def close(self) -> None:
        """Give the mapping and the descriptor back."""
        self._map.close()
        os.close(self._fd)

    def touch(self, address: str, now: int, *, connections: int = 1) -> Touched:
        """Note that `address` has a connection open at `now` (microseconds); its session, new if need be.

        `connections` is how many connections are new: 0 to say that an old one is still there.
        """
        packed = _packed(address)
        start = self._bucket(packed)
        fcntl.lockf(self._fd, fcntl.LOCK_EX, _BUCKET_SIZE, start)
        try:
            return self._touch(packed, start, now, connections)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, _BUCKET_SIZE, start)

    def expired(self, now: int) -> list[Session]:
        """Sessions that have ended by `now`; each is given once, to one process."""
        found = []
        for start in self._in_use():
            fcntl.lockf(self._fd, fcntl.LOCK_EX, _BUCKET_SIZE, start)
            try:
                for at in range(start, start + _BUCKET_SIZE, _SLOT.size):
                    slot = self._slot(at)
                    if slot is not None and now - slot.last > GAP_US:
                        self._map[at : at + _SLOT.size] = bytes(_SLOT.size)
                        found.append(slot)
            finally:
                fcntl.lockf(self._fd, fcntl.LOCK_UN, _BUCKET_SIZE, start)
        return sorted(found, key=lambda session: session.last)

    def _in_use(self) -> Iterator[int]:
        """The buckets that aren't empty; nearly all are, so that many are passed over at once."""
        empty = bytes(_BUCKET_SIZE)
        for first in range(_HEADER_SIZE, len(self._map), _TOGETHER * _BUCKET_SIZE):
            several = self._map[first : first + _TOGETHER * _BUCKET_SIZE]
            if several == bytes(len(several)):
                continue
            for at in range(0, len(several), _BUCKET_SIZE):
                if several[at : at + _BUCKET_SIZE] != empty:
                    yield first + at

    def _bucket(self, packed: bytes) -> int:
        # Keyed, so that nobody can choose addresses that push a given visitor out.
        digest = hashlib.blake2b(packed, digest_size=4, key=self._key).digest()
        return _HEADER_SIZE + int.from_bytes(digest, "little") % self._buckets * _BUCKET_SIZE

    def _touch(self, packed: bytes, start: int, now: int, connections: int) -> Touched:
        ended = None
        evicted = False
        at = self._find(packed, start)
        slot = None if at is None else self._slot(at)
        if at is not None and slot is not None:
            if now - slot.last <= GAP_US:
                last = max(now, slot.last)
                self._write(at, packed, slot.session.encode(), slot.first, last, slot.connections + connections)
                return Touched(slot.session, False, None, False)
            ended = slot
        else:
            at, ended = self._make_room(start, now)
            evicted = ended is not None and now - ended.last <= GAP_US
        session = base32(now // 1000, 10) + base32(secrets.randbits(30), 6)
        self._write(at, packed, session, now, now, connections)
        return Touched(session.decode(), True, ended, evicted)

    def _find(self, packed: bytes, start: int) -> int | None:
        at = start
        while (at := self._map.find(packed, at, start + _BUCKET_SIZE)) >= 0:
            if (at - start) % _SLOT.size == 0:
                return at
            at += 1
        return None

    def _make_room(self, start: int, now: int) -> tuple[int, Session | None]:
        """A slot that is free, or that of the session that was quiet longest."""
        oldest: Session | None = None
        oldest_at = start
        for at in range(start, start + _BUCKET_SIZE, _SLOT.size):
            slot = self._slot(at)
            if slot is None:
                return at, None
            if oldest is None or slot.last < oldest.last:
                oldest, oldest_at = slot, at
        return oldest_at, oldest

    def _slot(self, at: int) -> Session | None:
        data = self._map[at : at + _SLOT.size]
        packed, session, first, last, connections, crc = _SLOT.unpack(data)
        if not last or zlib.crc32(data[:_BODY]) != crc:
            return None
        return Session(session.decode(), _unpacked(packed), first, last, connections)

    def _write(self, at: int, packed: bytes, session: bytes, first: int, last: int, connections: int) -> None:
        data = _SLOT.pack(packed, session, first, last, connections, 0)[:_BODY]
        self._map[at : at + _SLOT.size] = data + _CRC.pack(zlib.crc32(data))


def _packed(address: str) -> bytes:
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return _MAPPED + socket.inet_pton(socket.AF_INET, address)


def _unpacked(packed: bytes) -> str:
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)
