"""What the sensor records with: one `Recorder` in each worker, one `ConnectionRecord` for each connection.

Here alone identity is bound: the session, the connection and the addresses are encoded once, when a connection
opens, and every event on it carries them. The order of things that the sensor owes: record what came, emit
the events, `flush`, and only then send the response.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections import Counter
from importlib.metadata import version as installed_version

from ..settings import Settings
from . import ecs
from .events import ConnectionClose, ConnectionOpen, FileCaptured, JournalGap, SessionEnd, SessionStart, VaultLimit
from .fields import Event
from .journal import Journal
from .objects import Captured, ObjectSink
from .session import Session, Sessions
from .stamps import Clock, Stamps, rfc3339
from .transcript import Reference
from .vault import MIB, VaultWriter

Endpoint = tuple[str, int]
"""IP address and port."""


class Recorder:
    """Journal, vault and sessions of one worker. Nothing here raises because of a disk."""

    def __init__(self, settings: Settings, writer: str, *, clock: Clock = time.time_ns) -> None:
        """`writer` names the worker's files; no two processes that live at once may have the same."""
        self.clock = clock
        self.stamps = Stamps()
        self.secrets = settings.vault.passwords
        self.journal = Journal(settings.journal_dir, writer, settings.journal.rotate_mib * MIB, clock)
        self.vault = VaultWriter(settings.vault_dir, writer, settings.vault, clock)
        self.sessions = Sessions(settings.data / "sessions.table")
        self._sequence = 0
        self._present: Counter[str] = Counter()
        self._sensor = ecs.envelope(
            {
                "observer": {
                    "type": "honeypot",
                    "vendor": "DICOMHawk",
                    "product": "dicomhawk",
                    "version": installed_version("dicomhawk"),
                    "name": settings.sensor_name or socket.gethostname(),
                },
                "ecs": {"version": ecs.VERSION},
            }
        )

    def open(self, source: Endpoint, destination: Endpoint, *, protocol: str = "dicom") -> ConnectionRecord:
        """A connection was accepted: emits ``session.start`` if it is the first of one, and ``connection.open``."""
        now = self.clock()
        address = source[0]
        touched = self.sessions.touch(address, now // 1000)
        if touched.ended is not None:
            self._session_ended(touched.ended, evicted=touched.evicted)
        self._present[address] += 1
        record = ConnectionRecord(self, now, touched.session, source, destination, protocol)
        if touched.is_new:
            record.emit(SessionStart())
        record.emit(ConnectionOpen(segment=record.transcript.segment, offset=record.transcript.offset))
        return record

    def emit(self, event: Event, duration: int | None = None) -> None:
        """An event of the sensor itself, on no connection. `duration` in nanoseconds."""
        self._sequence += 1
        self.write(ecs.encode(event, secrets=self.secrets), self._sensor, self._sequence, duration)

    def prepare(self, event: Event) -> ecs.Encoded:
        """`event` as `ConnectionRecord.emit_encoded` takes it, to be kept if it will come again."""
        return ecs.encode(event, secrets=self.secrets)

    def write(self, event: ecs.Encoded, constant: bytes, sequence: int, duration: int | None) -> None:
        """Append an event with its envelope to the journal."""
        now = self.clock()
        stamps = self.stamps
        self.journal.append(
            ecs.line(
                event,
                constant,
                moment=stamps.moment(now),
                ulid=stamps.ulid(now),
                sequence=sequence,
                duration=duration,
            ),
            now,
        )

    def flush(self) -> None:
        """Hand everything so far to the kernel: transcripts first, so that events never point at nothing."""
        self.vault.flush()
        self.journal.flush()

    def tick(self) -> None:
        """To be called every minute or so: keeps the sessions of open connections, ends those that are over, tells
        of trouble, and flushes."""
        now = self.clock() // 1000
        for address in self._present:
            self.sessions.touch(address, now, connections=0)
        for session in self.sessions.expired(now):
            self._session_ended(session)
        for notice in self.vault.take_notices():
            self.emit(notice)
        self.flush()
        losses = self.journal.take_losses()
        if losses is not None:
            self.emit(JournalGap(events=losses[0], reason=losses[1]))
            self.journal.flush()

    def close(self) -> None:
        """Write what is left and close all files."""
        for notice in self.vault.take_notices():
            self.emit(notice)
        self.vault.close()
        self.journal.close()
        self.sessions.close()

    def departed(self, address: str) -> None:
        """A connection of `address` has ended."""
        self.sessions.touch(address, self.clock() // 1000, connections=0)
        self._present[address] -= 1
        if self._present[address] <= 0:
            del self._present[address]

    def sensor_envelope(self) -> bytes:
        """What the envelope of every event says of the sensor."""
        return self._sensor

    def _session_ended(self, session: Session, *, evicted: bool = False) -> None:
        event = SessionEnd(
            start=rfc3339(session.first),
            end=rfc3339(session.last),
            connections=session.connections,
            reason="evicted" if evicted else None,
        )
        constant = b"%b,%b" % (
            ecs.envelope(
                {
                    "session": session.session,
                    "source": {"ip": session.address},
                    "related": {"ip": [session.address]},
                }
            ),
            self._sensor,
        )
        self._sequence += 1
        duration = (session.last - session.first) * 1000
        self.write(ecs.encode(event), constant, self._sequence, duration)


class ConnectionRecord:
    """Everything recorded of one connection."""

    __slots__ = (
        "_address",
        "_constant",
        "_opened",
        "_recorder",
        "_sequence",
        "bytes_in",
        "bytes_out",
        "connection",
        "session",
        "transcript",
    )

    def __init__(
        self, recorder: Recorder, now: int, session: str, source: Endpoint, destination: Endpoint, protocol: str
    ) -> None:
        self._recorder = recorder
        self._address = source[0]
        self._opened = now
        self._sequence = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.session = session
        self.connection = recorder.stamps.ulid(now).decode()
        self.transcript = recorder.vault.transcript(self.connection, source, destination)
        self._constant = _ENVELOPE % (
            session.encode(),
            source[0].encode(),
            source[1],
            destination[0].encode(),
            destination[1],
            protocol.encode(),
            b"ipv6" if ":" in source[0] else b"ipv4",
            community_id(source, destination),
            source[0].encode(),
            destination[0].encode(),
            self.connection.encode(),
            recorder.sensor_envelope(),
        )

    def emit(self, event: Event, duration: int | None = None) -> None:
        """An event on this connection. `duration` in nanoseconds."""
        self.emit_encoded(self._recorder.prepare(event), duration)
        self._constant += ecs.following(event)

    def emit_encoded(self, event: ecs.Encoded, duration: int | None = None) -> None:
        """An event that was prepared before; see `Recorder.prepare`, and `follow`."""
        self._sequence += 1
        self._recorder.write(event, self._constant, self._sequence, duration)

    def follow(self, following: bytes) -> None:
        """Let later events repeat what `ecs.following` gave for an event that was prepared before."""
        self._constant += following

    def received(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes came; to be called before they are acted upon."""
        self.bytes_in += len(data)
        self.transcript.received(data)

    def received_object(self, ordinal: int, offset: int, length: int) -> None:
        """Bytes of the data set of object number `ordinal` came, and were given to its sink."""
        self.bytes_in += length
        self.transcript.received_object(ordinal, offset, length)

    def sent(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes will be sent; to be called, and `Recorder.flush` after it, before they are."""
        self.bytes_out += len(data)
        self.transcript.sent(data)

    def sent_object(self, reference: Reference, offset: int, length: int) -> None:
        """Bytes of the data set that `reference` names will be sent."""
        self.bytes_out += length
        self.transcript.sent_object(reference, offset, length)

    def open_object(self, head: bytes) -> ObjectSink:
        """Begin to capture an object; `head` is its preamble and file meta information."""
        return self._recorder.vault.open_object(head)

    def captured(
        self, ordinal: int, captured: Captured, *, sop_class: str | None = None, sop_instance: str | None = None
    ) -> None:
        """The object number `ordinal` is finished: emits ``file.captured``, and ``vault.limit`` if it isn't kept."""
        self.transcript.object_stored(ordinal, captured.sha256)
        self.emit(
            FileCaptured(
                sha256=captured.sha256,
                size=captured.size,
                name=captured.name,
                new=captured.new,
                complete=captured.complete,
                sop_class=sop_class,
                sop_instance=sop_instance,
            )
        )
        if captured.limit is not None:
            self.emit(VaultLimit(limit=captured.limit, what="object", bytes=captured.size, sha256=captured.sha256))

    def close(self, reason: str, *, pdus_in: int | None = None, pdus_out: int | None = None) -> None:
        """The connection has ended: emits ``connection.close``; its `reason` says which values there are."""
        self.transcript.close(reason)
        self._recorder.departed(self._address)
        self.emit(
            ConnectionClose(
                reason=reason,
                bytes_in=self.bytes_in,
                bytes_out=self.bytes_out,
                pdus_in=pdus_in,
                pdus_out=pdus_out,
                segment=self.transcript.segment,
                offset=self.transcript.offset,
            ),
            self._recorder.clock() - self._opened,
        )


_ENVELOPE = (
    b'"session":"%b","source":{"ip":"%b","port":%d},"destination":{"ip":"%b","port":%d},'
    b'"network":{"transport":"tcp","protocol":"%b","type":"%b","direction":"inbound","community_id":"%b"},'
    b'"related":{"ip":["%b","%b"]},"honeypot":{"connection":"%b"},%b'
)


def community_id(source: Endpoint, destination: Endpoint, *, protocol: int = 6) -> bytes:
    """Community ID v1 with seed 0 (github.com/corelight/community-id-spec)."""
    ends = sorted((_address(ip), port.to_bytes(2, "big")) for ip, port in (source, destination))
    (low, low_port), (high, high_port) = ends
    packed = b"\0\0%b%b%c\0%b%b" % (low, high, protocol, low_port, high_port)
    return b"1:" + base64.b64encode(hashlib.sha1(packed, usedforsecurity=False).digest())


def _address(ip: str) -> bytes:
    if ":" in ip:
        return socket.inet_pton(socket.AF_INET6, ip.partition("%")[0])
    return socket.inet_pton(socket.AF_INET, ip)
