"""What is put on record of one connection, whoever owns its transport."""

from __future__ import annotations

from ...evidence import events as ev
from ...evidence.recorder import ConnectionRecord
from ...upperlayer.errors import Quirk
from ...upperlayer.indications import Violation
from ...upperlayer.machine import State
from ...upperlayer.message import DataSetFragment
from ...upperlayer.provider import Provider
from .foreign import first_line, guess

FIRST_BYTES = 256
"""Bytes shown of what was not DICOM; all of them are in the transcript."""
_STA2 = State.STA2
_SILENT_ENDINGS = {"peer-fin": "silent_fin", "peer-reset": "rst"}
_UNFINISHED = frozenset({Quirk.TIMEOUT, Quirk.PARTIAL_HEADER, Quirk.PARTIAL_PDU})


class Recorded:
    """Transcript and events of a connection. `provider` and `record` are set when it is made."""

    __slots__ = ("_ending", "_first", "_pdus_out", "_reads", "_rq_segments", "_spans", "provider", "record")

    def __init__(self) -> None:
        self.provider: Provider
        self.record: ConnectionRecord
        self._spans: list[tuple[int, int, int, int]] = []  # where the input holds bytes of objects
        self._ending = ""
        self._pdus_out = 0
        self._reads = 0
        self._rq_segments: int | None = None
        self._first: str | None = None  # what the peer did after the accept; "" for nothing yet

    def _record_input(self) -> None:
        """Transcribe the consumed input: literally, but for what went into captured objects."""
        offset, data = self.provider.consumed()
        if not self._spans:
            if data:
                self.record.received(data)
            return
        record = self.record
        data = memoryview(data)
        done = 0
        for start, length, ordinal, object_offset in self._spans:
            at = start - offset
            if at > done:
                record.received(data[done:at])
            record.received_object(ordinal, object_offset, length)
            done = at + length
        if done < len(data):
            record.received(data[done:])
        self._spans.clear()

    def captured(self, fragment: DataSetFragment, ordinal: int, object_offset: int) -> None:
        """The bytes of `fragment` are kept as part of the visitor's object number `ordinal`."""
        self._spans.append((fragment.offset, len(fragment.data), ordinal, object_offset))

    def _record_violation(self, violation: Violation) -> None:
        """What the peer did wrong, and what it got for it."""
        record = self.record
        self._first = self._first or None
        if violation.state is _STA2 and _is_foreign(violation):
            self._foreign(violation.data)
        if violation.quirk not in _UNFINISHED:
            record.emit(
                ev.Violation(
                    quirk=violation.quirk.value,
                    detail=violation.detail,
                    state=f"Sta{violation.state.value}",
                    first_bytes=violation.data[:FIRST_BYTES].hex(),
                )
            )
        for source_and_reason in (violation.reaction.abort, violation.reaction.again):
            if source_and_reason is not None:
                source, reason = source_and_reason
                self._pdus_out += 1
                record.emit(ev.Abort(by="sensor", source=source, reason=reason))

    def _foreign(self, data: bytes) -> None:
        first = data[:FIRST_BYTES]
        self.record.emit(ev.ProtocolUnknown(guess=guess(first), first_bytes=first.hex(), text=first_line(first)))

    def _stop_short(self) -> None:
        """The peer ends the connection: what if it never came to an A-ASSOCIATE-RQ?"""
        first = self.provider.leftover
        if self.provider.state is _STA2 and first[:1] not in (b"", b"\1"):
            self._foreign(first)

    def _silence(self, ending: str, leftover: bytes) -> str | None:
        """How a peer left who did nothing on the accepted association; None if it wasn't like that."""
        if self._first is None or leftover or self.provider.pdus_received > 1:
            return None
        return _SILENT_ENDINGS.get(ending)

    def _record_end(self, *, broken: bool) -> None:
        """The connection is over; `broken`: it was reset, or timed out."""
        record, provider = self.record, self.provider
        self._record_input()
        leftover = provider.leftover
        if leftover:
            record.received(leftover)
        self._stop_short()
        provider.transport_closed()
        ending = self._ending or ("peer-reset" if broken else "peer-fin")
        # Written with the next response, or by the worker's sweep: nobody waits for it.
        record.close(
            ending,
            pdus_in=provider.pdus_received,
            pdus_out=self._pdus_out,
            rq_segments=self._rq_segments,
            after_ac=self._first or self._silence(ending, leftover),
        )


def _is_foreign(violation: Violation) -> bool:
    """Whether the first bytes of a connection are not those of an A-ASSOCIATE-RQ but another protocol's."""
    if violation.quirk in (Quirk.PDU_LENGTH, Quirk.TIMEOUT):  # RDP and DCE-RPC begin as PDUs do, SOCKS stops short
        return violation.data[:1] not in (b"", b"\1")
    return violation.quirk in (Quirk.UNKNOWN_PDU, Quirk.PDU_TOO_LONG)
