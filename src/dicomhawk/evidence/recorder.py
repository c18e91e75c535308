"""What the sensor records with: one `Recorder` in each worker, one `ConnectionRecord` for each connection.

Here alone identity is bound: the session, the connection and the addresses are encoded once, when a connection
opens, and every event on it carries them. The order of things that the sensor owes: record what came, emit
the events, `flush`, and only then send the response.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import lru_cache

from .. import __version__
from ..settings import Settings
from . import ecs
from .community import TCP, UDP, community_id
from .events import ConnectionClose, ConnectionOpen, FileCaptured, JournalGap, SessionEnd, SessionStart, VaultLimit
from .fields import Event
from .journal import Journal
from .objects import Captured, ObjectSink
from .session import Session, Sessions
from .stamps import Clock, Stamps, rfc3339
from .transcript import Framing, Reference
from .vault import MIB, VaultWriter

Endpoint = tuple[str, int]
"""IP address and port."""

REMEMBERED = 1024
"""Encoded events that are kept: those that scanners cause by the thousand."""
SYNC_US = 60 * 1_000_000
"""How long what a worker knows of a visitor may differ from the table of sessions (microseconds)."""


class _Presence:
    """A visitor who has a connection to this worker, or had one in the last minute."""

    __slots__ = ("last", "new", "open", "session", "synced")

    def __init__(self, session: str, now: int) -> None:
        self.session = session
        self.open = 0
        self.new = 0  # connections that the table doesn't know of
        self.last = self.synced = now


class Recorder:
    """Journal, vault and sessions of one worker. Nothing here raises because of a disk."""

    def __init__(
        self,
        settings: Settings,
        writer: str,
        *,
        clock: Clock = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`writer` names the worker's files; no two processes that live at once may have the same."""
        self.clock = clock
        self.monotonic = monotonic
        self.stamps = Stamps()
        self.journal = Journal(settings.journal_dir, writer, settings.journal.rotate_mib * MIB, clock)
        self.vault = VaultWriter(settings.vault_dir, writer, settings.vault, clock)
        self._transcripts = self.vault.transcripts.spool
        self.sessions = Sessions(settings.data / "sessions.table")
        self._secrets = settings.vault.passwords
        self._sequence = 0
        self._present: dict[str, _Presence] = {}
        self._prepared: dict[Event, ecs.Encoded] = {}
        self.sensor = ecs.envelope(
            {
                "observer": {
                    "type": "honeypot",
                    "vendor": "DICOMHawk",
                    "product": "dicomhawk",
                    "version": __version__,
                    "name": settings.sensor_name or socket.gethostname(),
                },
                "ecs": {"version": ecs.VERSION},
            }
        )
        self._envelope = ecs.Envelope(self.sensor)
        self._opened = self.prepare(ConnectionOpen())

    def open(
        self, source: Endpoint, destination: Endpoint, *, protocol: str = "dicom", transport: int = TCP
    ) -> ConnectionRecord:
        """A connection was accepted: emits ``session.start`` if it begins one, and ``connection.open``.

        `protocol` is what the door speaks, over `transport` (IP protocol number: TCP or UDP).
        """
        now = self.clock()
        us = now // 1000
        address = source[0]
        presence = self._present.get(address)
        if presence is None or us - presence.synced > SYNC_US:
            presence = self._sync(address, presence, us, 1)
        else:
            presence.new += 1
            presence.last = us
        presence.open += 1
        record = ConnectionRecord(self, now, presence.session, source, destination, protocol, transport)
        record.emit_encoded(self._opened)
        return record

    def emit(self, event: Event, duration: int | None = None) -> None:
        """An event of the sensor itself, on no connection. `duration` in nanoseconds."""
        self._write_own(event, self._envelope, duration)

    def prepare(self, event: Event) -> ecs.Encoded:
        """`event` as `ConnectionRecord.emit_encoded` takes it, to be kept if it will come again."""
        if not event.kind.recurs:
            return ecs.encode(event, secrets=self._secrets)
        encoded = self._prepared.get(event)
        if encoded is None:
            if len(self._prepared) >= REMEMBERED:
                self._prepared.clear()
            encoded = self._prepared[event] = ecs.encode(event, secrets=self._secrets)
        return encoded

    def flush(self) -> None:
        """Hand everything so far to the kernel: transcripts first, so that events never point at nothing."""
        self._transcripts.flush()
        self.journal.flush()

    def tick(self) -> None:
        """To be called every minute or so: keeps the sessions of open connections, ends those that are over, tells
        of trouble, and flushes."""
        now = self.clock() // 1000
        for address, presence in list(self._present.items()):
            if presence.open:
                presence.last = now
            if presence.new or presence.last > presence.synced:
                self._sync(address, presence, presence.last, presence.new)
            elif not presence.open and now - presence.synced > SYNC_US:
                del self._present[address]
        for session in self.sessions.expired(now):
            self._session_ended(session)
        for notice in self.vault.take_notices():
            self.emit(notice)
        self.flush()
        losses = self.journal.take_losses()
        if losses is not None:
            self.emit(JournalGap(events=losses[0], reason=losses[1]))
            self.journal.flush()
        for spool in (self.journal, self._transcripts):
            spool.rest(self.clock())

    def close(self) -> None:
        """Write what is left and close all files."""
        self.tick()
        self.vault.close()
        self.journal.close()
        self.sessions.close()

    def departed(self, address: str, now: int) -> None:
        """A connection of `address` ended at `now` (microseconds)."""
        presence = self._present[address]
        presence.open -= 1
        presence.last = now

    def _sync(self, address: str, presence: _Presence | None, now: int, connections: int) -> _Presence:
        """Bring table and presence together. Visitors have many short connections; the table is for all workers."""
        if presence is not None and presence.last < now:
            connections += presence.new
        touched = self.sessions.touch(address, now, connections=connections)
        if touched.ended is not None:
            self._session_ended(touched.ended, evicted=touched.evicted)
        if presence is None:
            presence = self._present[address] = _Presence(touched.session, now)
        presence.session = touched.session
        presence.new = 0
        presence.last = presence.synced = now
        if touched.is_new:
            self._write_own(SessionStart(), self._session_envelope(touched.session, address), None)
        return presence

    def _session_ended(self, session: Session, *, evicted: bool = False) -> None:
        event = SessionEnd(
            start=rfc3339(session.first),
            end=rfc3339(session.last),
            connections=session.connections,
            reason="evicted" if evicted else None,
        )
        envelope = self._session_envelope(session.session, session.address)
        self._write_own(event, envelope, (session.last - session.first) * 1000)

    def _session_envelope(self, session: str, address: str) -> ecs.Envelope:
        own = ecs.envelope({"session": session, "source": {"ip": address}, "related": {"ip": [address]}})
        return ecs.Envelope(b"%b,%b" % (own, self.sensor))

    def _write_own(self, event: Event, envelope: ecs.Envelope, duration: int | None) -> None:
        self._sequence += 1
        now = self.clock()
        stamp = self.stamps.stamp(now)
        self.journal.append(ecs.line(self.prepare(event), envelope, stamp, self._sequence, duration), now)


class ConnectionRecord:
    """Everything recorded of one connection."""

    __slots__ = (
        "_envelope",
        "_objects",
        "_opened",
        "_recorder",
        "_sequence",
        "address",
        "bytes_in",
        "bytes_out",
        "connection",
        "session",
        "transcript",
    )

    def __init__(
        self,
        recorder: Recorder,
        now: int,
        session: str,
        source: Endpoint,
        destination: Endpoint,
        protocol: str,
        transport: int = TCP,
    ) -> None:
        self._recorder = recorder
        self._opened = now
        self._sequence = 0
        self._objects = 0
        self.address = address = source[0]
        self.bytes_in = 0
        self.bytes_out = 0
        self.session = session
        connection = recorder.stamps.ulid(now)
        self.connection = connection.decode()
        self.transcript = recorder.vault.transcript(self.connection, source, destination)
        before_port, before_community, after = _visit(
            session, address, destination, (protocol, transport), recorder.sensor
        )
        constant = b'%b%d%b%b%b"connection":"%b","transcript":{"segment":"%b","offset":%d}}' % (
            before_port,
            source[1],
            before_community,
            community_id(source, destination, protocol=transport),
            after,
            connection,
            self.transcript.segment.encode(),
            self.transcript.offset,
        )
        self._envelope = ecs.Envelope(constant)

    def emit(self, event: Event, duration: int | None = None, *, since: float | None = None) -> None:
        """An event on this connection. Its duration is given in nanoseconds, or as the reading of the monotonic
        clock (seconds) `since` which it took."""
        if since is not None:
            duration = int((self._recorder.monotonic() - since) * 1e9)
        self.emit_encoded(self._recorder.prepare(event), duration)

    def emit_numbered(self, event: Event, message_id: int) -> None:
        """As `emit`, for an event that comes by the thousand and differs in its message ID alone: in `event` that is
        `ecs.MESSAGE_ID_TO_COME`, so that the rest is remembered."""
        self.emit_encoded(ecs.numbered(self._recorder.prepare(event), message_id))

    def emit_encoded(self, event: ecs.Encoded, duration: int | None = None) -> None:
        """An event that was prepared before; see `Recorder.prepare`."""
        recorder = self._recorder
        self._sequence = sequence = self._sequence + 1
        now = recorder.clock()
        recorder.journal.append(ecs.line(event, self._envelope, recorder.stamps.stamp(now), sequence, duration), now)
        if event.follows:
            self.follow(event.follows)

    def follow(self, following: bytes) -> None:
        """Let later events repeat what `ecs.following` gives for an event."""
        self._envelope = ecs.Envelope(self._envelope.constant, following)

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

    def sent_object(self, reference: Reference, offset: int, length: int, framing: Framing | None = None) -> None:
        """Bytes of the data set that `reference` names will be sent."""
        self.bytes_out += length
        if framing is not None:
            self.bytes_out += (length - 1) // framing.piece * len(framing.header) + len(framing.last)
        self.transcript.sent_object(reference, offset, length, framing)

    def open_object(self, head: bytes) -> ObjectSink:
        """Begin to capture an object; `head` is its preamble and file meta information."""
        self._objects += 1
        return self._recorder.vault.open_object(head, self._objects)

    def object_stored(
        self,
        captured: Captured,
        *,
        complete: bool = True,
        mime_type: str = "application/dicom",
        sop_class: str | None = None,
        sop_instance: str | None = None,
    ) -> None:
        """An object is finished: emits ``file.captured``, and ``vault.limit`` if it isn't kept.

        `complete` is False if the transfer broke off; `mime_type` is what it was sent as.
        """
        self.transcript.object_stored(captured.ordinal, captured.sha256)
        self.emit(
            FileCaptured(
                sha256=captured.sha256,
                size=captured.size,
                mime_type=mime_type,
                name=captured.name,
                new=captured.new,
                complete=complete,
                sop_class=sop_class,
                sop_instance=sop_instance,
            )
        )
        if captured.limit is not None:
            self.emit(VaultLimit(limit=captured.limit, what="object", bytes=captured.size, sha256=captured.sha256))

    def close(
        self,
        reason: str,
        *,
        pdus_in: int | None = None,
        pdus_out: int | None = None,
        rq_segments: int | None = None,
        after_ac: str | None = None,
    ) -> None:
        """The connection has ended: emits ``connection.close``, which says what the arguments are."""
        recorder = self._recorder
        now = recorder.clock()
        self.transcript.close(reason)
        recorder.departed(self.address, now // 1000)
        self.emit(
            ConnectionClose(
                reason=reason,
                bytes_in=self.bytes_in,
                bytes_out=self.bytes_out,
                pdus_in=pdus_in,
                pdus_out=pdus_out,
                rq_segments=rq_segments,
                after_ac=after_ac,
            ),
            now - self._opened,
        )


@lru_cache(maxsize=REMEMBERED)
def _visit(
    session: str, address: str, destination: Endpoint, spoken: tuple[str, int], sensor: bytes
) -> tuple[bytes, bytes, bytes]:
    """What the envelopes of a session's connections to one door have in common: what comes before the visitor's
    port, between it and the community ID, and after that."""
    ip, local = address.encode(), destination[0].encode()
    kind = b"ipv6" if ":" in address else b"ipv4"
    protocol, transport = spoken[0].encode(), b"udp" if spoken[1] == UDP else b"tcp"
    return (
        b'"session":"%b","source":{"ip":"%b","port":' % (session.encode(), ip),
        b'},"destination":{"ip":"%b","port":%d},"network":{"transport":"%b","protocol":"%b","type":"%b",'
        b'"direction":"inbound","community_id":"' % (local, destination[1], transport, protocol, kind),
        b'"},"related":{"ip":["%b","%b"]},%b,"honeypot":{' % (ip, local, sensor),
    )
