"""What is put on record of one connection on a web door."""

from __future__ import annotations

import re

from ....evidence import events as ev
from ....evidence.objects import ObjectSink
from ....evidence.recorder import ConnectionRecord
from ...dicom.foreign import first_line, guess
from ..message import Headers
from .head import Head, Malformed
from .inbound import BodyReceived, HeadReceived, Wrong

FIRST_BYTES = 256
"""Bytes shown of what was no request; all of them are in the transcript."""
REPORTED_BODY = 1 << 16
"""Bytes of a body that are waited for until its request is on record."""
SCATTERED = 64
"""Pieces of a body in one read above which the transcript repeats them: references would be longer."""
_CREDENTIALS = frozenset({"authorization", "proxy-authorization"})
_NOT_HTTP = frozenset({"tls", "ssh", "rdp", "smb", "http2", "rtsp", "sip", "socks", "dicom"})
_DICOM = re.compile(rb"\x01\x00\x00[\x00-\x0f]..\x00\x01", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:/\s]*)(?::(\d{1,5}))?")


class Recorded:
    """Transcript and events of a connection. `record` and `secure` are set when it is made."""

    __slots__ = (
        "_body_bytes",
        "_captured",
        "_head",
        "_number",
        "_raw_size",
        "_reported",
        "_sink",
        "record",
        "secure",
    )

    def __init__(self) -> None:
        self.record: ConnectionRecord
        self.secure = False  # whether it is over TLS
        self._head: Head | None = None
        self._raw_size = 0
        self._number = 0
        self._sink: ObjectSink | None = None
        self._body_bytes = 0
        self._captured: str | None = None
        self._reported = True

    def _record_head(self, received: HeadReceived) -> None:
        self.record.received(received.raw)
        self._head = head = received.head
        self._number += 1
        self._raw_size = len(received.raw)
        self._body_bytes = 0
        self._captured = None
        self._reported = False
        for fault, detail in head.notes:
            self.record.emit(ev.HttpMalformed(fault=fault.value, detail=detail, served=True))
        if not received.has_body:
            self._report()

    def _record_body(self, received: BodyReceived) -> list[bytes]:
        """Keep what came of a body; returns the pieces of it."""
        raw, pieces = received.raw, received.pieces
        data = [raw[start:end] for start, end in pieces]
        record = self.record
        if pieces and self._sink is None:
            self._sink = record.open_object(b"")
        sink = self._sink
        done = 0
        if len(pieces) > SCATTERED:
            data = [b"".join(data)]
            if sink is not None:
                sink.write(data[0])
            self._body_bytes += len(data[0])
            pieces = []
        for (start, end), piece in zip(pieces, data, strict=False):
            if sink is not None:
                sink.write(piece)
                if start > done:
                    record.received(raw[done:start])
                record.received_object(sink.ordinal, self._body_bytes, len(piece))
                done = end
            self._body_bytes += len(piece)
        if done < len(raw):
            record.received(raw[done:])
        if received.last:
            self._end_body(complete=True)
        elif self._body_bytes > REPORTED_BODY:
            self._report()
        return data

    def _end_body(self, *, complete: bool) -> None:
        """No more of the body comes."""
        sink, self._sink = self._sink, None
        if sink is not None:
            captured = sink.finish()
            self._captured = captured.sha256
            mime_type = (self._head and self._head.headers.get("Content-Type")) or "application/octet-stream"
            self.record.object_stored(captured, complete=complete, mime_type=mime_type)
        self._report(whole=True)

    def _report(self, *, whole: bool = False) -> None:
        """Put the request on record, once."""
        head = self._head
        if self._reported or head is None:
            return
        self._reported = True
        headers = head.headers
        host, port = _host(headers.get("Host"))
        local, mark, query = head.local.partition("?")
        self.record.emit(
            ev.HttpRequest(
                number=self._number,
                method=head.method,
                target=head.target,
                version=None if head.version == "0.9" else head.version,
                scheme="https" if self.secure else "http",
                domain=host,
                port=port,
                path=local,
                query=query if mark else None,
                headers=tuple(_shown(name, value) for name, value in headers),
                authorization=headers.get("Authorization"),
                user_agent=headers.get("User-Agent"),
                referrer=headers.get("Referer"),
                mime_type=headers.get("Content-Type"),
                forwarded=headers.get("X-Forwarded-For") or headers.get("Forwarded"),
                bytes=self._raw_size,
                body_bytes=self._body_bytes if whole and self._body_bytes else None,
                body_sha256=self._captured,
            )
        )

    def _record_wrong(self, wrong: Wrong, status: int | None) -> None:
        """What was no request, and how it was answered."""
        record = self.record
        malformed: Malformed = wrong.malformed
        if self._head is not None and wrong.head is not None:
            self._end_body(complete=False)
        record.received(wrong.raw)
        first = wrong.raw[:FIRST_BYTES]
        if self._number == 0 and first:
            protocol = "dicom" if _DICOM.match(first) else guess(first)
            if protocol != "http":
                record.emit(ev.ProtocolUnknown(guess=protocol, first_bytes=first.hex(), text=first_line(first)))
        if first or wrong.head is not None:
            record.emit(
                ev.HttpMalformed(
                    fault=malformed.fault.value,
                    detail=malformed.detail,
                    status=status,
                    first_bytes=first.hex() or None,
                )
            )


def _host(value: str | None) -> tuple[str | None, int | None]:
    found = _HOST.fullmatch(value or "")
    if not found or not found[1]:
        return value or None, None
    return found[1], int(found[2]) if found[2] else None


def _shown(name: str, value: str) -> str:
    """A field as the journal has it: credentials are in a field of their own, where they can be made unreadable."""
    if name.lower() in _CREDENTIALS:
        value = value.strip().partition(" ")[0] + " ..."
    return f"{name}: {value}"


def content_type(headers: Headers | list[tuple[str, str]]) -> str | None:
    """The value of Content-Type."""
    return next((value for name, value in headers if name.lower() == "content-type"), None)
