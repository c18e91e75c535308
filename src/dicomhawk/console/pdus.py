"""PDUs of both directions of a connection, each with what it says in words (PS3.8 section 9.3, PS3.7 section 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..hospital.elements import IMPLICIT_LE, DataSet, ElementsError
from ..hospital.elements import decode as decode_elements
from ..hospital.registry import keyword_for_tag, uid_name
from ..upperlayer import dimse, items, pdu
from ..upperlayer.errors import ProtocolError

MAX_PDU = 64 << 10
"""Bytes of a PDU that are kept to be decoded and shown."""
MAX_DATA_SET = 64 << 10
"""Bytes of a data set that is decoded: what is asked and answered is far smaller."""
MAX_FACTS = 200
_NAMES = {
    pdu.RQ: "A-ASSOCIATE-RQ",
    pdu.AC: "A-ASSOCIATE-AC",
    pdu.RJ: "A-ASSOCIATE-RJ",
    pdu.P_DATA: "P-DATA-TF",
    pdu.RELEASE_RQ: "A-RELEASE-RQ",
    pdu.RELEASE_RP: "A-RELEASE-RP",
    pdu.ABORT: "A-ABORT",
}
_RESULTS = {
    0: "accepted",
    1: "user rejection",
    2: "no reason",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}
_COMMAND, _LAST = 1, 2

Fact = tuple[str, str]


@dataclass
class Piece:
    """Some bytes of a stream: `data`, or `size` bytes of the object `of` that aren't in the transcript."""

    data: bytes
    size: int
    of: str = ""


@dataclass
class Found:
    """A PDU, or bytes that are none."""

    kind: str
    data: bytes
    size: int
    summary: str = ""
    facts: list[Fact] = field(default_factory=list)
    of: str = ""


@dataclass
class _Half:
    """What has come of the next PDU in one direction, and of the next message."""

    head: bytearray = field(default_factory=bytearray)
    left: int = 0
    size: int = 0
    of: str = ""
    lost: bool = False
    command: bytearray = field(default_factory=bytearray)
    data_set: bytearray = field(default_factory=bytearray)


class Pdus:
    """Puts PDUs together. After the first bytes of a direction that are no PDU, the rest of it is bytes."""

    def __init__(self) -> None:
        self._halves = {True: _Half(), False: _Half()}
        self._syntaxes: dict[int, str] = {}

    def add(self, inbound: bool, piece: Piece) -> Iterator[Found]:
        """What is whole with it."""
        half = self._halves[inbound]
        if half.lost:
            yield Found("bytes", piece.data[:MAX_PDU], piece.size, of=piece.of)
            return
        if piece.of:
            half.of = piece.of
            half.left -= piece.size
            half.size += piece.size
            if half.left <= 0:
                yield self._whole(half)
            return
        data = piece.data
        while data:
            if half.size < pdu.HEADER_SIZE:
                taken = data[: pdu.HEADER_SIZE - half.size]
                half.head += taken
                half.size += len(taken)
                data = data[len(taken) :]
                if half.size < pdu.HEADER_SIZE:
                    return
                half.left = int.from_bytes(half.head[2:6], "big")
                if half.head[0] not in _NAMES:
                    half.lost = True
                    rest = bytes(half.head) + data
                    yield Found("bytes", rest[:MAX_PDU], len(rest))
                    return
            taken = data[: half.left]
            half.head += taken[: max(0, MAX_PDU - len(half.head))]
            half.left -= len(taken)
            half.size += len(taken)
            data = data[len(taken) :]
            if half.left <= 0:
                yield self._whole(half)

    def _whole(self, half: _Half) -> Found:
        data, size, of = bytes(half.head), half.size, half.of
        half.head, half.left, half.size, half.of = bytearray(), 0, 0, ""
        found = Found(_NAMES[data[0]], data, size, of=of)
        if of:
            return found
        if len(data) < size:
            found.summary = "too long to be taken apart"
            return found
        try:
            self._tell(found, pdu.decode(data[0], data[1], data[pdu.HEADER_SIZE :]), half)
        except ProtocolError as error:
            found.summary = f"malformed: {error}"
        return found

    def _tell(self, found: Found, decoded: pdu.PDU, half: _Half) -> None:
        match decoded:
            case pdu.AssociateRQ() | pdu.AssociateAC():
                found.summary = f"{decoded.calling_ae_title} to {decoded.called_ae_title}"
                found.facts = list(self._association(decoded))[:MAX_FACTS]
            case pdu.AssociateRJ(result, source, reason):
                found.summary = f"result {result}, source {source}, reason {reason}"
            case pdu.Abort(source, reason):
                found.summary = f"source {source}, reason {reason}"
            case pdu.PDataTF(pdvs):
                for pdv in pdvs:
                    self._message(found, pdv, half)
            case _:
                pass

    def _association(self, decoded: pdu.AssociateRQ | pdu.AssociateAC) -> Iterator[Fact]:
        yield "Protocol version", f"{decoded.protocol_version:#06x}"
        yield "Called AE title", decoded.called_ae.decode("latin-1")
        yield "Calling AE title", decoded.calling_ae.decode("latin-1")
        yield "Application context", _uid(decoded.application_context or "")
        for context in decoded.contexts:
            if isinstance(context, items.ProposedContext):
                syntaxes = ", ".join(map(uid_name, context.transfer_syntaxes))
                yield f"Context {context.context_id}", f"{_uid(context.abstract_syntax)}: {syntaxes}"
            else:
                self._syntaxes[context.context_id] = context.transfer_syntax
                accepted = f", {uid_name(context.transfer_syntax)}" if context.result == 0 else ""
                yield f"Context {context.context_id}", _RESULTS.get(context.result, str(context.result)) + accepted
        for item in decoded.user_items:
            yield _user_item(item)

    def _message(self, found: Found, pdv: pdu.PDV, half: _Half) -> None:
        whole = bool(pdv.control & _LAST)
        part = half.command if pdv.control & _COMMAND else half.data_set
        part += bytes(pdv.data)[: max(0, MAX_DATA_SET - len(part))]
        if not whole:
            found.summary = found.summary or f"context {pdv.context_id}, {len(pdv.data)} bytes, to be continued"
            return
        data = bytes(part)
        part.clear()
        if pdv.control & _COMMAND:
            try:
                command = dimse.decode(data)
            except ProtocolError as error:
                found.summary = f"malformed command: {error}"
                return
            found.summary = " ".join(each for each in (found.summary, command.name) if each)
            found.facts += [(_command_key(key), _value(value)) for key, value in command.elements.items()][:MAX_FACTS]
            return
        found.summary = " ".join(each for each in (found.summary, f"data set of {len(data)} bytes") if each)
        try:
            decoded = decode_elements(data, self._syntaxes.get(pdv.context_id, IMPLICIT_LE), head=True)
        except ElementsError:
            return
        found.facts += list(_elements(decoded))[:MAX_FACTS]


def _elements(data_set: DataSet, before: str = "") -> Iterator[Fact]:
    for element in data_set.values():
        name = keyword_for_tag(element.tag) or f"({element.tag >> 16:04x},{element.tag & 0xFFFF:04x})"
        if isinstance(element.value, tuple):
            for item in element.value:
                yield from _elements(item, f"{before}{name}.")
        elif element.vr in ("OB", "OW", "OF", "OD", "UN"):
            yield before + name, element.value[:64].hex(" ")
        elif element.vr in ("US", "UL", "SS", "SL") and len(element.value) in (2, 4):
            yield before + name, str(int.from_bytes(element.value, "little", signed=element.vr[0] == "S"))
        else:
            yield before + name, element.value.decode("utf-8", "backslashreplace").rstrip("\0 ")


def _command_key(number: int) -> str:
    return keyword_for_tag(number) or f"(0000,{number:04x})"


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return value[:64].hex(" ")
    if isinstance(value, tuple):
        return ", ".join(f"({each >> 16:04x},{each & 0xFFFF:04x})" for each in value)
    if isinstance(value, int):
        return f"{value} ({value:#06x})"
    return _uid(value)


def _user_item(item: items.UserItem) -> Fact:
    match item:
        case items.MaximumLength(length):
            return "Maximum length", str(length)
        case items.ImplementationClassUID(uid):
            return "Implementation class UID", items.trimmed(uid)
        case items.ImplementationVersionName(name):
            return "Implementation version name", name
        case items.RoleSelection(uid, scu, scp):
            return "Role selection", f"{_uid(uid)}: SCU {scu}, SCP {scp}"
        case items.AsynchronousOperationsWindow(invoked, performed):
            return "Asynchronous operations", f"{invoked} invoked, {performed} performed"
        case items.UserIdentityRequest(kind, _, primary, secondary):
            words = [each.decode("utf-8", "backslashreplace") for each in (primary, secondary) if each]
            return f"User identity (type {kind})", " / ".join(words)
        case items.ExtendedNegotiation(uid, information):
            return "Extended negotiation", f"{_uid(uid)}: {information[:64].hex(' ')}"
        case items.UnknownItem(kind, data):
            return f"Item {kind:#04x}", data[:64].hex(" ")
        case _:
            return type(item).__name__, ""


def _uid(text: str) -> str:
    """A UID with its name, where it has one."""
    trimmed = items.trimmed(text)
    name = uid_name(trimmed)
    return trimmed if name == trimmed else f"{trimmed} ({name})"


def hexdump(data: bytes) -> str:
    """Offset, sixteen bytes, and those of them that are printable ASCII."""
    rows = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{at:06x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {text}")
    return "\n".join(rows)
