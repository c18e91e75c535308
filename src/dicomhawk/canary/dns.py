"""Authoritative answers for one zone (RFC 1034, RFC 1035), without any state: bytes in, bytes out.

Every name in the zone has the same address. An answer is little longer than its question, so that nobody gains by
having it sent to another.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from ..hospital.world.draw import draw

MAX_MESSAGE = 4096
"""Bytes of a question that are looked at; an ordinary one has fewer than a hundred."""
MAX_NAME = 255
"""Bytes of a name (RFC 1035 section 2.3.4)."""
UDP_SIZE = 1232
"""What we say of ourselves (RFC 6891): fits into any packet. Our answers have a tenth of it."""

_HEADER = Struct(">6H")
_QUESTION = Struct(">HH")
_RECORD = Struct(">HHIH")
_OPT = Struct(">BHHIH")
_SOA = Struct(">5I")
_POINTER = b"\xc0\x0c"  # to the name of the question
_QR, _AA, _TC, _RD = 0x8000, 0x0400, 0x0200, 0x0100
_OPCODE = 0x7800
_IN = 1


class Type(IntEnum):
    """Types of records that are looked at."""

    A = 1
    NS = 2
    SOA = 6
    OPT = 41
    ANY = 255


class Code(IntEnum):
    """Response codes."""

    NOERROR = 0
    FORMERR = 1
    NOTIMP = 4
    REFUSED = 5


class DnsError(Exception):
    """The bytes are not a question that can be answered."""


class Query(NamedTuple):
    """A question, as it was asked."""

    identifier: int
    flags: int
    name: str
    """Without its last dot, in its case; bytes that aren't ASCII are escaped."""
    type: int
    kind: int
    """Class; 1: IN."""
    question: bytes
    """As sent, to be repeated."""
    edns: bool


class Zone(NamedTuple):
    """What is answered for. Times are in seconds."""

    name: str
    address: IPv4Address
    server: str = "ns1"
    """Label of its name server."""
    contact: str = "hostmaster"
    """Label of the mailbox in its SOA record."""
    serial: int = 1
    timers: tuple[int, int, int] = (7200, 3600, 1_209_600)
    """Refresh, retry, expire."""
    ttl: int = 60
    """Short, so that each opening asks again."""


def zone_of(name: str, address: IPv4Address) -> Zone:
    """A zone as its operator might have set it up: no two have the same names and times."""
    source = draw("zone", name)
    day = f"{source.randint(2019, 2023)}{source.randint(1, 12):02d}{source.randint(1, 28):02d}"
    return Zone(
        name,
        address,
        source.choice(("ns1", "ns1", "ns", "dns1", "a", "ns01")),
        source.choice(("hostmaster", "admin", "dns", "postmaster", "root")),
        int(f"{day}{source.randint(1, 12):02d}"),
        (
            source.choice((3600, 7200, 10_800, 14_400, 28_800, 86_400)),
            source.choice((600, 900, 1800, 3600, 7200)),
            source.choice((604_800, 1_209_600, 2_419_200, 3_600_000)),
        ),
        source.choice((30, 60, 60, 120, 300)),
    )


def parse(data: bytes) -> Query:
    """A question. Raises `DnsError` for an answer, for no or several questions, and for anything malformed."""
    if len(data) > MAX_MESSAGE:
        raise DnsError("too long")
    try:
        identifier, flags, questions, answers, authorities, additional = _HEADER.unpack_from(data)
    except StructError:
        raise DnsError("no header") from None
    if flags & _QR:
        raise DnsError("an answer")
    if questions != 1 or answers or authorities:
        raise DnsError(f"{questions} questions, {answers} answers")
    labels, at = _name(data, _HEADER.size)
    try:
        kind_of_record, kind = _QUESTION.unpack_from(data, at)
    except StructError:
        raise DnsError("no end of the question") from None
    end = at + _QUESTION.size
    name = ".".join(label.decode("ascii", "backslashreplace") for label in labels)
    # An OPT record has the root as its name; what else is additional (TSIG, say) doesn't matter here.
    edns = additional > 0 and data[end : end + 3] == b"\0\0\x29"
    return Query(identifier, flags, name, kind_of_record, kind, data[_HEADER.size : end], edns)


def answer(query: Query, zone: Zone, *, truncated: bool = False) -> bytes:
    """The answer to a question. `truncated`: an empty one that says so, for who shall ask again over TCP."""
    name = query.name.lower()
    if query.flags & _OPCODE:
        return _message(query, Code.NOTIMP)
    if query.kind != _IN or not (name == zone.name or name.endswith(f".{zone.name}")):
        return _message(query, Code.REFUSED)
    if truncated:
        return _message(query, Code.NOERROR, _AA | _TC)
    if query.type in (Type.A, Type.ANY):  # of all types, one is enough (RFC 8482 section 4.1)
        record = _POINTER + _RECORD.pack(Type.A, _IN, zone.ttl, 4) + zone.address.packed
        return _message(query, Code.NOERROR, _AA, answers=(record,))
    if name == zone.name and query.type == Type.NS:
        target = _label(zone.server) + _POINTER
        record = _POINTER + _RECORD.pack(Type.NS, _IN, zone.ttl, len(target)) + target
        return _message(query, Code.NOERROR, _AA, answers=(record,))
    soa = _soa(query, zone)
    if name == zone.name and query.type == Type.SOA:
        return _message(query, Code.NOERROR, _AA, answers=(soa,))
    return _message(query, Code.NOERROR, _AA, authorities=(soa,))


def malformed(data: bytes) -> bytes | None:
    """The answer to what `parse` raised an error for; None: none, as to an answer."""
    if len(data) < _HEADER.size or data[2] & 0x80:
        return None
    identifier, flags = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    return _HEADER.pack(identifier, _QR | flags & (_OPCODE | _RD) | Code.FORMERR, 0, 0, 0, 0)


def _soa(query: Query, zone: Zone) -> bytes:
    """The zone's SOA record (RFC 1035 section 3.3.13); its name lies within the question's."""
    labels = zone.name.count(".") + 1
    own = query.question[: -_QUESTION.size]
    at = 0
    for _ in range(_count(own) - labels):
        at += 1 + own[at]
    pointer = (0xC000 | _HEADER.size + at).to_bytes(2, "big")
    numbers = _SOA.pack(zone.serial, *zone.timers, zone.ttl)
    data = _label(zone.server) + pointer + _label(zone.contact) + pointer + numbers
    return pointer + _RECORD.pack(Type.SOA, _IN, zone.ttl, len(data)) + data


def _label(text: str) -> bytes:
    return bytes((len(text),)) + text.encode()


def _message(
    query: Query, code: Code, flags: int = 0, *, answers: tuple[bytes, ...] = (), authorities: tuple[bytes, ...] = ()
) -> bytes:
    flags |= _QR | query.flags & (_OPCODE | _RD) | code
    header = _HEADER.pack(query.identifier, flags, 1, len(answers), len(authorities), int(query.edns))
    opt = _OPT.pack(0, Type.OPT, UDP_SIZE, 0, 0) if query.edns else b""
    return b"".join((header, query.question, *answers, *authorities, opt))


def _name(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The labels of the name at `at`, and where it ends. A question's has no pointers."""
    labels: list[bytes] = []
    start = at
    while True:
        if at >= len(data) or at - start >= MAX_NAME:
            raise DnsError("a name without end")
        length = data[at]
        at += 1
        if length == 0:
            return labels, at
        if length > 63 or at + length > len(data):
            raise DnsError("a label that is too long")
        labels.append(data[at : at + length])
        at += length


def _count(name: bytes) -> int:
    """Labels of an encoded name that ends with its root."""
    at = found = 0
    while name[at]:
        at += 1 + name[at]
        found += 1
    return found
