"""A session as a packet capture (pcap) that Wireshark dissects as DICOM.

The sensor sees streams, not packets, so TCP is made up around what the transcripts have: a handshake, segments no
longer than the usual MSS, acknowledgements, and the end as it was. Moments, addresses, ports and every byte of
the streams are real; sequence numbers, windows and the cutting into segments are not. Bytes of objects are
looked up again; those that can't be had are zeros, and reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, NamedTuple

import dpkt
from dpkt.tcp import TH_ACK, TH_FIN, TH_PUSH, TH_RST, TH_SYN

from ..evidence.community import address_bytes
from ..evidence.transcript import Ended, Opened, Reference, TranscriptError
from .streams import Missing, Resolver, in_order, streams
from .summary import Where

MTU = 1500
"""Of Ethernet, which is what nearly all captures show."""
WINDOW = 0xFFFF
ACK_EVERY = 8
"""Segments after which the other side acknowledges: before the window that we claim is full."""
TOGETHER_US = 1000
"""Records of one direction within this time (microseconds) are one stretch of the stream."""
_PDU_HEADER = 6
LINKTYPE_RAW = 101
"""Packets begin with the IP header (www.tcpdump.org/linktypes.html)."""


@dataclass
class Export:
    """What was written, and what could not be had."""

    packets: int = 0
    connections: int = 0
    missing_connections: list[str] = field(default_factory=list)
    """Whose transcripts are gone."""
    missing_objects: dict[Reference, int] = field(default_factory=dict)
    """Bytes that are zeros in the capture, by object."""
    lost: int = 0
    """Bytes that the sensor could not write at the time."""


class Packet(NamedTuple):
    """An IP packet and its moment (microseconds)."""

    us: int
    data: bytes


def export_session(transcripts: Path, connections: Iterable[Where], resolve: Resolver, file: IO[bytes]) -> Export:
    """Write the connections of a session to `file`, in the order of time. Memory is bounded by the connections that
    were open at the same time."""
    export = Export()
    writer = dpkt.pcap.Writer(file, snaplen=262_144, linktype=LINKTYPE_RAW)
    for packet in in_order((where.us, _packets(transcripts, where, resolve, export)) for where in connections):
        writer.writepkt(packet.data, packet.us / 1e6)
        export.packets += 1
    return export


def _packets(transcripts: Path, where: Where, resolve: Resolver, export: Export) -> Iterator[Packet]:
    missing = Missing(export.missing_objects)
    stream: _Stream | None = None
    try:
        for part in streams(transcripts, where, resolve, missing):
            if isinstance(part, Opened):
                export.connections += 1
                stream = _Stream(part.connection, part.source, part.destination)
                yield from stream.open(part.us)
                continue
            assert stream is not None
            if isinstance(part, Ended):
                yield from stream.close(part.us, part.reason)
                return
            yield from stream.data(*part)
        if stream is not None:
            yield from stream.rest()
    except TranscriptError:
        export.missing_connections.append(where.connection)
    finally:
        export.lost += missing.lost


class _Side:
    """One end of a connection."""

    __slots__ = ("address", "count", "port", "sequence")

    def __init__(self, address: bytes, port: int, sequence: int) -> None:
        self.address = address
        self.port = port
        self.sequence = sequence
        self.count = 0  # packets sent


class _Pdus:
    """Where the PDUs of one direction end; none are seen any more after the first bytes that aren't one."""

    def __init__(self) -> None:
        self._left = 0  # of the PDU that has begun
        self._header = b""
        self._lost = False

    def last_end(self, data: bytes | bytearray) -> int:
        """Offset of the last end of a PDU in what comes next; 0 if there is none."""
        return copy(self).advance(data)

    def advance(self, data: bytes | bytearray) -> int:
        """As `last_end`, and go on behind `data`."""
        at = last = 0
        while at < len(data) and not self._lost:
            if not self._left:
                taken = bytes(data[at : at + _PDU_HEADER - len(self._header)])
                self._header += taken
                at += len(taken)
                if len(self._header) < _PDU_HEADER:
                    break
                self._left = int.from_bytes(self._header[2:], "big")
                self._lost = not 1 <= self._header[0] <= 7
                self._header = b""
            step = min(self._left, len(data) - at)
            self._left -= step
            at += step
            if not self._left and not self._lost:
                last = at
        return last


class _Stream:
    """Makes the packets of one TCP connection."""

    def __init__(self, connection: str, source: tuple[str, int], destination: tuple[str, int]) -> None:
        # Initial sequence numbers are drawn from the name, so that an export is the same each time.
        seed = blake2b(connection.encode(), digest_size=8).digest()
        self._client = _Side(address_bytes(source[0]), source[1], int.from_bytes(seed[:4], "big"))
        self._server = _Side(address_bytes(destination[0]), destination[1], int.from_bytes(seed[4:], "big"))
        self._ipv6 = len(self._client.address) == 16
        self._mss = MTU - (60 if self._ipv6 else 40)
        self._pending = bytearray()
        self._pdus = {True: _Pdus(), False: _Pdus()}
        self._inbound = True
        self._us = 0
        self._unacknowledged = 0

    def open(self, us: int) -> Iterator[Packet]:
        """The handshake."""
        client, server = self._client, self._server
        options = b"\x02\x04" + self._mss.to_bytes(2, "big")
        yield self._packet(us, client, server, TH_SYN, options=options)
        yield self._packet(us, server, client, TH_SYN | TH_ACK, options=options)
        yield self._packet(us, client, server, TH_ACK)

    def data(self, us: int, inbound: bool, data: bytes | memoryview) -> Iterator[Packet]:
        """A stretch of one direction: all full segments of it; what remains waits for more."""
        if self._pending and (inbound != self._inbound or us - self._us > TOGETHER_US):
            yield from self.rest()
        self._inbound = inbound
        self._us = us
        pending = self._pending
        pending += data
        pdus, start = self._pdus[inbound], 0
        while len(pending) - start >= self._mss:
            # Wireshark's dissector takes fright at some PDUs that begin at the end of a segment.
            full = pending[start : start + self._mss]
            segment = full[: pdus.last_end(full) or self._mss]
            pdus.advance(segment)
            start += len(segment)
            yield from self._segment(segment)
        del pending[:start]

    def rest(self) -> Iterator[Packet]:
        """What waits, and its acknowledgement."""
        if self._pending:
            self._pdus[self._inbound].advance(self._pending)
            yield from self._segment(self._pending, last=True)
            self._pending.clear()

    def close(self, us: int, reason: str) -> Iterator[Packet]:
        """The end; `reason` as in the event ``connection.close``."""
        yield from self.rest()
        by_peer = reason.startswith("peer-")
        one, other = (self._client, self._server) if by_peer else (self._server, self._client)
        if reason in ("peer-reset", "aborted"):
            yield self._packet(us, one, other, TH_RST | TH_ACK)
            return
        yield self._packet(us, one, other, TH_FIN | TH_ACK)
        yield self._packet(us, other, one, TH_FIN | TH_ACK)
        yield self._packet(us, one, other, TH_ACK)

    def _segment(self, data: bytes | bytearray, *, last: bool = False) -> Iterator[Packet]:
        one, other = (self._client, self._server) if self._inbound else (self._server, self._client)
        yield self._packet(self._us, one, other, TH_ACK | TH_PUSH if last else TH_ACK, data=bytes(data))
        self._unacknowledged += 1
        if last or self._unacknowledged >= ACK_EVERY:
            self._unacknowledged = 0
            yield self._packet(self._us, other, one, TH_ACK)

    def _packet(
        self, us: int, one: _Side, other: _Side, flags: int, *, data: bytes = b"", options: bytes = b""
    ) -> Packet:
        tcp = dpkt.tcp.TCP(
            sport=one.port,
            dport=other.port,
            seq=one.sequence,
            ack=other.sequence if flags & TH_ACK else 0,
            flags=flags,
            win=WINDOW,
            opts=options,
            data=data,
        )
        tcp.off = (20 + len(options)) // 4
        used = len(data) + bool(flags & (TH_SYN | TH_FIN))
        one.sequence = (one.sequence + used) & 0xFFFFFFFF
        one.count += 1
        packet: dpkt.ip6.IP6 | dpkt.ip.IP
        if self._ipv6:
            packet = dpkt.ip6.IP6(src=one.address, dst=other.address, nxt=6, hlim=64, plen=len(tcp), data=tcp)
            packet.extension_hdrs = {}
        else:
            packet = dpkt.ip.IP(src=one.address, dst=other.address, p=6, ttl=64, id=one.count & 0xFFFF, data=tcp)
            packet.df = 1
            packet.len = 20 + len(tcp)
        return Packet(us, bytes(packet))
