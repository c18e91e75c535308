"""Sessions and connections."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Hex


class SessionStart(Event, frozen=True, kw_only=True):
    """The first connection of a visitor, or the first after a gap of more than 30 minutes."""

    kind: ClassVar[Kind] = Kind("session.start", ("session", "network"), ("start",), 10)


class SessionEnd(Event, frozen=True, kw_only=True):
    """Nothing was heard from a visitor for 30 minutes. Emitted later than that, by whoever notices."""

    kind: ClassVar[Kind] = Kind("session.end", ("session", "network"), ("end",), 10)
    start: Annotated[str, Field("event.start", "Moment of the first connection.")]
    end: Annotated[str, Field("event.end", "Last moment at which a connection was open.")]
    connections: Annotated[int, Field("honeypot.connections", "Connections in the session.")]
    reason: Annotated[str | None, Field("event.reason", "`evicted`: the table was full; else absent.")] = None


class ConnectionOpen(Event, frozen=True, kw_only=True):
    """A TCP connection was accepted; or, on the canary, a datagram came that is worth an event."""

    kind: ClassVar[Kind] = Kind("connection.open", ("network", "session"), ("connection", "start"), 10, recurs=True)


class ConnectionClose(Event, frozen=True, kw_only=True):
    """A TCP connection has ended. Its duration is the event's."""

    kind: ClassVar[Kind] = Kind("connection.close", ("network", "session"), ("connection", "end"), 10, recurs=True)
    reason: Annotated[
        str,
        Field(
            "event.reason",
            "How it ended: peer-fin, peer-reset, closed (by us), aborted (by us, with RST), timeout or shutdown.",
        ),
    ]
    bytes_in: Annotated[int, Field("source.bytes", "Bytes received.")]
    bytes_out: Annotated[int, Field("destination.bytes", "Bytes sent.")]
    pdus_in: Annotated[int | None, Field("dicom.pdus.received", "PDUs received.")] = None
    pdus_out: Annotated[int | None, Field("dicom.pdus.sent", "PDUs sent.")] = None
    rq_segments: Annotated[
        int | None,
        Field("dicom.client.segments", "Reads that the A-ASSOCIATE-RQ came in: TCP segments, or several at once."),
    ] = None
    after_ac: Annotated[
        str | None,
        Field(
            "dicom.client.after_ac",
            "What the peer did first on the accepted association: silent_fin, rst, abort, release or dimse.",
        ),
    ] = None


class ProtocolUnknown(Event, frozen=True, kw_only=True):
    """What came first on a connection is not the protocol of the door."""

    kind: ClassVar[Kind] = Kind("protocol.unknown", ("network", "intrusion_detection"), ("protocol", "info"), 20)
    guess: Annotated[str, Field("honeypot.protocol", "Likely protocol: http, tls, ssh, rdp, smb, ...; or unknown.")]
    first_bytes: Hex
    text: Annotated[str | None, Field("honeypot.first_line", "The first line, where the bytes are text.")] = None
