"""What bytes from the other side say: PDUs out of a stream, messages out of PDUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import unpack_from
from typing import NamedTuple

from ...upperlayer import dimse, pdu
from ...upperlayer.dimse import Command
from ...upperlayer.errors import ProtocolError
from .transcript import Answer, Take

MAX_PDU = 1 << 22
"""A PDU that claims more is taken for bytes without a meaning: no product announces 4 MiB."""
PENDING = frozenset({0xFF00, 0xFF01})
"""Status of an answer that others follow (PS3.7 annex C)."""


class Splitter:
    """Cuts a stream into PDUs."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; the PDUs that are whole by now."""
        self.buffer += data
        found = []
        while (size := whole(self.buffer)) is not None and len(self.buffer) >= size:
            found.append(bytes(self.buffer[:size]))
            del self.buffer[:size]
        return found


def whole(buffer: bytes | bytearray) -> int | None:
    """Bytes of the PDU that begins with `buffer`; None if that can't be told, or it is none."""
    if len(buffer) < pdu.HEADER_SIZE:
        return None
    kind, length = unpack_from(">BxL", buffer)
    return pdu.HEADER_SIZE + length if pdu.RQ <= kind <= pdu.ABORT and length <= MAX_PDU else None


def decoded(data: bytes) -> pdu.PDU | None:
    """The PDU that these bytes are; None if they are none."""
    if whole(data) != len(data):
        return None
    try:
        return pdu.decode(data[0], data[1], data[pdu.HEADER_SIZE :])
    except (ProtocolError, ValueError, IndexError):  # a PDU of a fixed layout may claim a length of its own
        return None


class Message(NamedTuple):
    """A DIMSE message, as far as it has come."""

    context_id: int
    command: Command
    raw: bytes
    """The command set."""
    data: bytes | None
    """The data set; None if there is none, or not all of it."""
    answer: Answer
    """The PDU that completed what is here."""

    @property
    def complete(self) -> bool:
        """Whether nothing of it is missing."""
        return self.data is not None or not self.command.has_data_set

    @property
    def final(self) -> bool:
        """Whether it is a response after which no other comes."""
        return self.complete and self.command.status >= 0 and self.command.status not in PENDING


class Assembly:
    """Puts messages together from P-DATA-TFs."""

    def __init__(self) -> None:
        self._command = b""
        self._data = b""
        self._open: Message | None = None

    def add(self, answer: Answer) -> list[Message]:
        """The messages that a PDU begins or completes; one that it begins comes again when it is complete."""
        unit = decoded(answer.pdu)
        found = []
        for value in unit.pdvs if isinstance(unit, pdu.PDataTF) else ():
            message = self._add(value, answer)
            if message is not None:
                found.append(message)
        return found

    def _add(self, value: pdu.PDV, answer: Answer) -> Message | None:
        last = value.control & 2
        if value.control & 1:
            self._command += bytes(value.data)
            if not last:
                return None
            held, self._command, self._data = self._command, b"", b""
            try:
                self._open = Message(value.context_id, dimse.decode(held), held, None, answer)
            except ProtocolError:
                self._open = None
            return self._open
        self._data += bytes(value.data)
        if not last or self._open is None:
            return None
        done, self._open = self._open._replace(data=self._data, answer=answer), None
        return done


def messages(answers: Iterable[Answer]) -> list[Message]:
    """The complete messages among what came back."""
    assembly = Assembly()
    return [message for answer in answers for message in assembly.add(answer) if message.complete]


def units(answers: Iterable[Answer]) -> Iterator[pdu.PDU]:
    """The PDUs among what came back."""
    for answer in answers:
        unit = decoded(answer.pdu)
        if unit is not None:
            yield unit


def acceptance(take: Take | None) -> pdu.AssociateAC | None:
    """The first A-ASSOCIATE-AC of a connection."""
    found = () if take is None else units(take.answers)
    return next((unit for unit in found if isinstance(unit, pdu.AssociateAC)), None)


def rejection(take: Take | None) -> pdu.AssociateRJ | None:
    """The first A-ASSOCIATE-RJ of a connection."""
    found = () if take is None else units(take.answers)
    return next((unit for unit in found if isinstance(unit, pdu.AssociateRJ)), None)


def aborts(answers: Iterable[Answer]) -> list[pdu.Abort]:
    """The A-ABORTs among what came back."""
    return [unit for unit in units(answers) if isinstance(unit, pdu.Abort)]
