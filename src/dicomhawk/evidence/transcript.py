"""Transcripts: every byte of every connection, in append-only segment files.

A scanner's visit is a few hundred bytes and there are millions of visits, so the connections of a worker share
its segments. A segment is a header and then records, each of them ``<length u32><connection u32><time u64
microseconds><kind u8>`` (little-endian) and `length` bytes. The connection number is counted by the worker;
the ULID that events know the connection by is in its first record. Bytes of objects are not repeated here:
what we send is recorded by reference to the instance, what we receive by reference to the captured file.

A record that was cut short by the death of the worker ends its segment; the next run begins another.
"""

from __future__ import annotations

import mmap
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

import msgspec

from .spool import Spool, segments
from .stamps import Clock

SUFFIX = ".dht"
MAGIC = b"DHTRANS1"

_HEADER = Struct("<8s8sIQ")  # magic, run, number of the segment in the run, bytes lost before it
HEADER_SIZE = _HEADER.size
_RECORD = Struct("<IIQB")  # length, connection, microseconds, kind
_PACK = _RECORD.pack
_RECEIVED_OBJECT = Struct("<IQI")  # ordinal, offset, length
_SENT_OBJECT = Struct("<QI")  # offset, length; the reference follows
_STORED = Struct("<I32s")  # ordinal, SHA-256
_FRAMING = Struct("<IBB")  # length of a piece, lengths of the two headers; the headers and the reference follow
_OPENED, _RECEIVED, _SENT, _RECEIVED_OBJ, _SENT_OBJ, _OBJECT_STORED, _ENDED, _SENT_FRAMED = range(1, 9)


class Reference(NamedTuple):
    """An object that we sent, named so that its data set can be had again."""

    origin: str
    """``hospital``: `key` is the SOP instance UID; ``captured``: `key` is the SHA-256 of the captured file."""
    key: str
    transfer_syntax: str
    mark: str = ""
    """``hospital``: what was added to it for who got it, as `dicomhawk.lures.marks` has it. ``captured``: how it was
    written anew, as `dicomhawk.hospital.rewriting` has it. Empty: it was sent as it is."""

    def encoded(self) -> bytes:
        """As it is written: its parts on lines, the mark only if there is one."""
        return "\n".join(self if self.mark else self[:3]).encode()


class Framing(NamedTuple):
    """How bytes of an object were sent in pieces, each behind a header, as in the P-DATA-TFs of a data set."""

    piece: int
    """Bytes of the object in each piece but the last, which may have fewer."""
    header: bytes
    """Before each piece but the last."""
    last: bytes


class Opened(msgspec.Struct, frozen=True):
    """The first record of a connection."""

    us: int
    connection: str
    source: tuple[str, int]
    destination: tuple[str, int]


class Received(msgspec.Struct, frozen=True):
    """Bytes from the visitor. `us`: microseconds since the epoch, here and below."""

    us: int
    data: bytes


class Sent(msgspec.Struct, frozen=True):
    """Bytes to the visitor."""

    us: int
    data: bytes


class ReceivedObject(msgspec.Struct, frozen=True):
    """`length` bytes from the visitor: those at `offset` of the data set of its object number `ordinal`."""

    us: int
    ordinal: int
    offset: int
    length: int


class SentObject(msgspec.Struct, frozen=True):
    """`length` bytes to the visitor: those at `offset` of the data set that `reference` names."""

    us: int
    reference: Reference
    offset: int
    length: int


class ObjectStored(msgspec.Struct, frozen=True):
    """The visitor's object number `ordinal` is the captured file with this SHA-256."""

    us: int
    ordinal: int
    sha256: str


class Ended(msgspec.Struct, frozen=True):
    """The last record of a connection; `reason` as in the event ``connection.close``."""

    us: int
    reason: str


class Gap(msgspec.Struct, frozen=True):
    """Here `lost` bytes of this worker's transcripts, of this connection or others, could not be written."""

    us: int
    lost: int


Record = Opened | Received | Sent | ReceivedObject | SentObject | ObjectStored | Ended | Gap


class TranscriptError(Exception):
    """What was asked for is not in the vault."""


class TranscriptWriter:
    """The segments of one worker. Disk trouble is never raised; see `Spool`."""

    def __init__(
        self,
        folder: Path,
        writer: str,
        segment_bytes: int,
        *,
        clock: Clock = time.time_ns,
        opened: Callable[[], None] | None = None,
    ) -> None:
        self._run = secrets.token_bytes(8)
        self._segment = -1
        self._connections = 0
        self._clock = clock
        self.spool = Spool(folder, writer, SUFFIX, segment_bytes, clock=clock, header=self._header, opened=opened)

    def open(self, connection: str, source: tuple[str, int], destination: tuple[str, int]) -> Transcript:
        """Begin the transcript of a connection."""
        self._connections += 1
        now = self._clock()
        segment, offset = self.spool.position(now)
        names = f"{connection}\n{source[0]}\n{source[1]}\n{destination[0]}\n{destination[1]}".encode()
        self.spool.append(_RECORD.pack(len(names), self._connections, now // 1000, _OPENED) + names, now)
        return Transcript(self.spool, self._clock, self._connections, segment, offset)

    def flush(self) -> None:
        """Hand everything so far to the kernel, in one write."""
        self.spool.flush()

    def close(self) -> None:
        """Flush and close the segment."""
        self.spool.close()

    def take_losses(self) -> tuple[int, str | None] | None:
        """Bytes lost since the last call and why, once writing works again; else None."""
        if not self.spool.lost_bytes or self.spool.failing:
            return None
        lost, self.spool.lost_bytes = self.spool.lost_bytes, 0
        return lost, self.spool.reason

    def _header(self, lost: int) -> bytes:
        self._segment += 1
        return _HEADER.pack(MAGIC, self._run, self._segment, lost)


class Transcript:
    """What one connection writes. Bytes are copied at once; nothing is kept here."""

    __slots__ = ("_clock", "_number", "_spool", "offset", "segment")

    def __init__(self, spool: Spool, clock: Clock, number: int, segment: str, offset: int) -> None:
        self._spool = spool
        self._clock = clock
        self._number = number
        self.segment = segment
        self.offset = offset

    def received(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes came from the visitor."""
        now = self._clock()
        self._spool.append(_PACK(len(data), self._number, now // 1000, _RECEIVED) + data, now)

    def sent(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes are about to go to the visitor."""
        now = self._clock()
        self._spool.append(_PACK(len(data), self._number, now // 1000, _SENT) + data, now)

    def received_object(self, ordinal: int, offset: int, length: int) -> None:
        """Bytes of the visitor's object number `ordinal` came; they go to the captured file."""
        self._record(_RECEIVED_OBJ, _RECEIVED_OBJECT.pack(ordinal, offset, length))

    def sent_object(self, reference: Reference, offset: int, length: int, framing: Framing | None = None) -> None:
        """Bytes of the data set that `reference` names are about to go to the visitor."""
        name = reference.encoded()
        span = _SENT_OBJECT.pack(offset, length)
        if framing is None:
            self._record(_SENT_OBJ, span + name)
        else:
            piece, header, last = framing
            lengths = _FRAMING.pack(piece, len(header), len(last))
            self._record(_SENT_FRAMED, b"".join((span, lengths, header, last, name)))

    def object_stored(self, ordinal: int, sha256: str) -> None:
        """The visitor's object number `ordinal` is that captured file."""
        self._record(_OBJECT_STORED, _STORED.pack(ordinal, bytes.fromhex(sha256)))

    def close(self, reason: str) -> None:
        """The connection has ended."""
        self._record(_ENDED, reason.encode())

    def _record(self, kind: int, data: bytes) -> None:
        now = self._clock()
        self._spool.append(_PACK(len(data), self._number, now // 1000, kind) + data, now)


def read_connection(folder: Path, segment: str, offset: int, connection: str) -> Iterator[Record]:
    """The records of a connection, from where the event ``connection.open`` says that they begin.

    Memory stays flat. Ends at the connection's last record, or where the worker's records end. Raises
    `TranscriptError` if the first record isn't there (any more).
    """
    number = -1
    us = 0
    for path, lost in _chain(folder, segment):
        if lost and number >= 0:
            yield Gap(us, lost)
        at = offset if path.name == segment else HEADER_SIZE
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            while at + _RECORD.size <= len(data):
                length, owner, us, kind = _RECORD.unpack_from(data, at)
                at += _RECORD.size
                if at + length > len(data):
                    break
                if number < 0 or owner == number:
                    for record in _records(us, kind, data[at : at + length]):
                        if number < 0:
                            if not isinstance(record, Opened) or record.connection != connection:
                                raise TranscriptError(f"connection {connection} is not at {segment}:{offset}")
                            number = owner
                        yield record
                    if kind == _ENDED:
                        return
                at += length
        if number < 0:
            raise TranscriptError(f"connection {connection} is not at {segment}:{offset}")


def _chain(folder: Path, segment: str) -> Iterator[tuple[Path, int]]:
    """The segment and those of the same run that follow it, each with the number of bytes lost before it."""
    files = segments(folder, SUFFIX)
    start = next((at for at, file in enumerate(files) if file[3].name == segment), None)
    header = None if start is None else _read_header(files[start][3])
    if start is None or header is None:
        raise TranscriptError(f"there is no segment {segment}")
    run, number, _ = header
    yield files[start][3], 0
    for _, writer, _, path in files[start + 1 :]:
        if writer != files[start][1]:
            continue
        header = _read_header(path)
        if header is None or header[0] != run or header[1] <= number:
            return
        number = header[1]
        yield path, header[2]


def _read_header(path: Path) -> tuple[bytes, int, int] | None:
    """Run, number in the run, and bytes lost before; None if it isn't a segment."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEADER.size)
    except OSError:
        return None
    if len(data) < _HEADER.size or not data.startswith(MAGIC):
        return None
    _, run, number, lost = _HEADER.unpack(data)
    return run, number, lost


def _records(us: int, kind: int, data: bytes) -> Iterator[Record]:
    """What a record says; nothing if it isn't one, or of a kind that a later version added."""
    try:
        if kind == _SENT_FRAMED:
            yield from _unframed(us, data)
            return
        record = _decoded(us, kind, data)
    except (ValueError, StructError):
        return
    if record is not None:
        yield record


def _unframed(us: int, data: bytes) -> Iterator[Sent | SentObject]:
    offset, length = _SENT_OBJECT.unpack_from(data)
    piece, header_size, last_size = _FRAMING.unpack_from(data, _SENT_OBJECT.size)
    at = _SENT_OBJECT.size + _FRAMING.size
    header, last = data[at : at + header_size], data[at + header_size : at + header_size + last_size]
    reference = Reference(*data[at + header_size + last_size :].decode().split("\n"))
    end = offset + length
    while piece and offset + piece < end:
        yield Sent(us, header)
        yield SentObject(us, reference, offset, piece)
        offset += piece
    yield Sent(us, last)
    yield SentObject(us, reference, offset, end - offset)


def _decoded(us: int, kind: int, data: bytes) -> Record | None:
    if kind == _RECEIVED:
        return Received(us, data)
    if kind == _SENT:
        return Sent(us, data)
    if kind == _RECEIVED_OBJ:
        return ReceivedObject(us, *_RECEIVED_OBJECT.unpack(data))
    if kind == _SENT_OBJ:
        offset, length = _SENT_OBJECT.unpack_from(data)
        return SentObject(us, Reference(*data[_SENT_OBJECT.size :].decode().split("\n")), offset, length)
    if kind == _OBJECT_STORED:
        ordinal, digest = _STORED.unpack(data)
        return ObjectStored(us, ordinal, digest.hex())
    if kind == _OPENED:
        connection, source, source_port, destination, destination_port = data.decode().split("\n")
        return Opened(us, connection, (source, int(source_port)), (destination, int(destination_port)))
    if kind == _ENDED:
        return Ended(us, data.decode())
    return None
