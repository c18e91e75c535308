"""What a connection was answered, as a list of things that can be compared: messages of DIMSE, other PDUs, responses
of HTTP, raw bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

from ...hospital.elements import IMPLICIT_LE
from ...persona.battery import words
from ...persona.battery.reading import Message, decoded
from ...persona.battery.transcript import Answer as Pdu
from ...upperlayer import dimse, pdu
from ...upperlayer.errors import ProtocolError
from .units import Unit

MAX_KEPT = 1 << 20
"""Bytes of one data set or body that are kept; of a longer one, the hash is."""
MAX_ALL = 1 << 26
"""Bytes kept of one connection."""
MAX_COMMAND = 1 << 16

Kind = Literal["pdu", "message", "response", "raw"]


class Answer(NamedTuple):
    """One thing that came."""

    kind: Kind
    title: str
    lines: tuple[str, ...]
    """Details in words: of a PDU, a command set, a head."""
    shape: tuple[str, ...]
    """How it was cut into PDUs."""
    digest: bytes
    """Of all of its bytes."""
    size: int
    """Of the data set or the body."""
    data: bytes | None
    """The data set or the body; None if there is none, or it was too long to keep."""
    syntax: str = ""
    """Transfer syntax of the data set."""


class Answers:
    """Collects the units of one connection's answers."""

    def __init__(self) -> None:
        self.found: list[Answer] = []
        self._kept = 0
        self._syntaxes: dict[int, str] = {}
        self._restart()

    def add(self, units: Iterable[Unit]) -> None:
        """Take what came next."""
        for unit in units:
            if unit.protocol == "dicom":
                self._pdu(unit.data)
            elif unit.protocol == "http":
                self._response(unit)
            else:
                self._single("raw", f"{len(unit.data)} bytes", (), unit.data, unit.data)

    def finish(self) -> None:
        """Nothing more comes."""
        if self._shape:
            title = words.headline(self._message) if self._message is not None else "a command"
            self._complete(f"{title}, not complete")

    def _restart(self) -> None:
        self._shape: list[str] = []
        self._hash = hashlib.sha256()
        self._command = bytearray()
        self._message: Message | None = None
        self._data: bytearray | None = bytearray()
        self._size = 0

    def _pdu(self, data: bytes) -> None:
        unit = decoded(data)
        if not isinstance(unit, pdu.PDataTF):
            if isinstance(unit, pdu.AssociateAC):
                self._syntaxes = {each.context_id: each.transfer_syntax for each in unit.contexts if not each.result}
            title = words.headlines((Pdu(data, 0.0),))[0] if unit is not None else "bytes that are no PDU"
            self._single("pdu", title, tuple(words.unit_lines(data)), data, None)
            return
        self._hash.update(data)
        sizes = ", ".join(f"{len(v.data)} ({v.control:#04x}) on {v.context_id}" for v in unit.pdvs)
        self._shape.append(f"P-DATA-TF with values of {sizes}")
        for value in unit.pdvs:
            self._value(value)

    def _value(self, value: pdu.PDV) -> None:
        last = value.control & 2
        if value.control & 1:
            self._command += bytes(value.data[:MAX_COMMAND])
            if not last or len(self._command) > MAX_COMMAND:
                return
            raw = bytes(self._command)
            try:
                command = dimse.decode(raw)
            except ProtocolError:
                self._complete("a command that can't be read")
                return
            self._message = Message(value.context_id, command, raw, None, Pdu(b"", 0.0))
            if not command.has_data_set:
                self._complete(words.headline(self._message))
            return
        self._size += len(value.data)
        if self._data is not None:
            self._data += value.data
            if len(self._data) > MAX_KEPT:
                self._data = None
        if last:
            title = "a data set" if self._message is None else words.headline(self._message)
            self._complete(title)

    def _complete(self, title: str) -> None:
        message = self._message
        data = bytes(self._data) if self._data and self._room(len(self._data)) else None
        lines = tuple(words.message_lines(message, "")) if message is not None else ()
        syntax = self._syntaxes.get(message.context_id, IMPLICIT_LE) if message is not None else ""
        self.found.append(
            Answer("message", title, lines, tuple(self._shape), self._hash.digest(), self._size, data, syntax)
        )
        self._restart()

    def _response(self, unit: Unit) -> None:
        head, body = unit.data[: unit.head], unit.data[unit.head :]
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        self._single("response", first, tuple(lines), unit.data, body)

    def _single(self, kind: Kind, title: str, lines: tuple[str, ...], raw: bytes, data: bytes | None) -> None:
        kept = data if data is not None and len(data) <= MAX_KEPT and self._room(len(data)) else None
        digest = hashlib.sha256(raw).digest()
        self.found.append(Answer(kind, title, lines, (), digest, len(data or b""), kept))

    def _room(self, size: int) -> bool:
        if self._kept + size > MAX_ALL:
            return False
        self._kept += size
        return True
