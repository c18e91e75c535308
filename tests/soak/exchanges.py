"""Conversations with an archive over a plain socket: `hold` holds one and returns every PDU that came back."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
VERIFICATION = "1.2.840.10008.1.1"
CT, MR, SC = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("2", "4", "7"))
PATIENT_GET, STUDY_GET = "1.2.840.10008.5.1.4.1.2.1.3", "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_MOVE, STUDY_MOVE = "1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.2"
COMMITMENT, COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
ROOT: Final = "1.2.826.0.1.3680043.10.9998"

QUIET: Final = 0.35
"""Seconds without a byte after which nothing more is expected, where the end can't be told."""
PATIENT: Final = 10.0
"""Seconds that a response is waited for which must come."""

_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")
HAS_DATA, NO_DATA = 1, 0x0101


def command(**elements: Any) -> bytes:
    """A command set; keywords as in `_ELEMENTS`, None leaves one out."""
    body = b""
    for number, name, kind in _ELEMENTS:
        value = elements.get(name)
        if value is None:
            continue
        if kind == "US":
            raw = struct.pack("<H", value)
        else:
            raw = value.encode()
            raw += (b"\0" if kind == "UI" else b" ") * (len(raw) % 2)
        body += struct.pack("<HHL", 0, number, len(raw)) + raw
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


_ELEMENTS: Final = (
    (0x0002, "sop", "UI"),
    (0x0003, "requested", "UI"),
    (0x0100, "field", "US"),
    (0x0110, "message_id", "US"),
    (0x0120, "responded", "US"),
    (0x0600, "destination", "AE"),
    (0x0700, "priority", "US"),
    (0x0800, "data", "US"),
    (0x0900, "status", "US"),
    (0x1000, "instance", "UI"),
    (0x1001, "requested_instance", "UI"),
    (0x1002, "event", "US"),
    (0x1008, "action", "US"),
    (0x1030, "originator", "AE"),
    (0x1031, "originator_id", "US"),
)


def element(tag: int, vr: str, value: bytes, syntax: str, *, undefined: bool = False) -> bytes:
    """A data element; `undefined`: of undefined length, `value` then has its delimiter."""
    order = ">" if syntax == BIG else "<"
    length = 0xFFFFFFFF if undefined else len(value)
    if syntax == IMPLICIT:
        return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length) + value
    if vr.encode() in _LONG:
        return struct.pack(f"{order}HH2sHL", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length) + value
    return struct.pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length) + value


def data_set(elements: Sequence[tuple[int, str, Any]], syntax: str, *, undefined: bool = False) -> bytes:
    """Elements in ascending order; a list of lists of elements is a sequence."""
    order = ">" if syntax == BIG else "<"
    out = b""
    for tag, vr, value in sorted(elements, key=lambda each: each[0]):
        if isinstance(value, list):
            items = b""
            for item in value:
                content = data_set(item, syntax, undefined=undefined)
                if undefined:
                    content += struct.pack(f"{order}HHL", 0xFFFE, 0xE00D, 0)
                length = 0xFFFFFFFF if undefined else len(content)
                items += struct.pack(f"{order}HHL", 0xFFFE, 0xE000, length) + content
            if undefined:
                items += struct.pack(f"{order}HHL", 0xFFFE, 0xE0DD, 0)
            out += element(tag, vr, items, syntax, undefined=undefined)
            continue
        if isinstance(value, int):
            raw = struct.pack(f"{order}H", value)
        elif isinstance(value, bytes):
            raw = value
        else:
            raw = value.encode("latin-1")
            raw += (b"\0" if vr == "UI" else b" ") * (len(raw) % 2)
        out += element(tag, vr, raw, syntax)
    return out


@dataclass
class Message:
    """A command and perhaps a data set on a context, by its place among the contexts; sent with what follows it if
    `joined`. On context -1 the command is sent as it is, in no PDU."""

    context: int
    command: bytes
    data: bytes | None = None
    joined: bool = False
    what: str = ""
    answers: tuple[Any, ...] = ()
    """How C-STORE-RQs are answered, in turn: a status, the name of an oddity, or these bytes."""


@dataclass
class Conversation:
    """One association."""

    contexts: list[tuple[str, list[str]]]
    messages: list[Message] = field(default_factory=list)
    calling: str = "PROBE"
    roles: list[tuple[str, int, int]] = field(default_factory=list)
    maximum: int = 16384


def association(conversation: Conversation) -> bytes:
    """The A-ASSOCIATE-RQ."""

    def item(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(body)) + body

    body = struct.pack(">HH", 1, 0) + b"ORTHANC".ljust(16) + conversation.calling.encode().ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, syntaxes) in enumerate(conversation.contexts):
        inner = item(0x30, abstract.encode()) + b"".join(item(0x40, each.encode()) for each in syntaxes)
        body += item(0x20, bytes((2 * number + 1, 0, 0, 0)) + inner)
    user = item(0x51, struct.pack(">L", conversation.maximum)) + item(0x52, b"1.2.3.4")
    for uid, scu, scp in conversation.roles:
        user += item(0x54, struct.pack(">H", len(uid)) + uid.encode() + bytes((scu, scp)))
    body += item(0x50, user)
    return struct.pack(">BBL", 1, 0, len(body)) + body


def pdata(context: int, command_set: bool, data: bytes, *, piece: int = 16000) -> bytes:
    """P-DATA-TFs of one value each."""
    out = b""
    for at in range(0, max(len(data), 1), piece):
        part = data[at : at + piece]
        control = (1 if command_set else 0) | (2 if at + piece >= len(data) else 0)
        out += struct.pack(">BBLLBB", 4, 0, len(part) + 6, len(part) + 2, 2 * context + 1, control) + part
    return out


class _Line:
    """A connection that gives PDUs."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.closed = False

    def pdu(self, seconds: float) -> bytes | None:
        """The next one; None: none came, or the connection is closed."""
        while True:
            if len(self.pending) >= 6:
                size = 6 + struct.unpack_from(">L", self.pending, 2)[0]
                if len(self.pending) >= size:
                    found, self.pending = self.pending[:size], self.pending[size:]
                    return found
            if self.closed:
                return None
            self.socket.settimeout(seconds)
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            if not data:
                self.closed = True
            self.pending += data

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True


def elements_of(data: bytes) -> dict[int, bytes]:
    """Of a command set."""
    found, at = {}, 0
    while at + 8 <= len(data):
        group, number, length = struct.unpack_from("<HHL", data, at)
        if group:
            break
        found[number] = data[at + 8 : at + 8 + length]
        at += 8 + length
    return found


def hold(conversation: Conversation, port: int) -> list[str]:
    """Hold it; what came back: of the A-ASSOCIATE-AC the agreed contexts, of all else the bytes in hexadecimal."""
    line = _Line(port)
    got: list[str] = []
    try:
        line.send(association(conversation))
        answer = line.pdu(PATIENT)
        if answer is None or answer[0] != 2:
            return [f"no association: {answer!r}"]
        got.append("accepted")
        pending = b""
        for message in conversation.messages:
            pending += message.command if message.context < 0 else pdata(message.context, True, message.command)
            if message.data is not None:
                pending += pdata(message.context, False, message.data)
            if message.joined:
                continue
            line.send(pending)
            pending = b""
            got.append(f"# {message.what}")
            _listen(line, message, got)
            if line.closed or got[-1].startswith("07"):
                break
    finally:
        line.socket.close()
    if line.closed:
        got.append("closed")
    return got


def _listen(line: _Line, message: Message, got: list[str]) -> None:
    """Everything until a final response, an abort, the end, or silence; answers C-STORE-RQs on the way."""
    answers = list(message.answers)
    asked: dict[int, bytes] | None = None
    patience = 4 * QUIET
    while True:
        unit = line.pdu(patience)
        if unit is None:
            return
        got.append(unit.hex())
        if unit[0] != 4:
            return
        if len(unit) < 12:
            continue
        context, control, content = unit[10], unit[11], unit[12:]
        if control & 1:
            found = elements_of(content)
            field_ = int.from_bytes(found.get(0x0100, b""), "little")
            status = int.from_bytes(found.get(0x0900, b"\0\0"), "little")
            has_data = found.get(0x0800) != b"\1\1"
            asked = found if field_ == 1 else None
            if field_ & 0x8000 and status not in (0xFF00, 0xFF01):
                if not has_data:
                    patience = QUIET
                    continue
                patience = QUIET
        if asked is not None and not control & 1 and control & 2:
            line.send(_answer(context, asked, answers.pop(0) if answers else 0))
            asked = None


def _answer(context: int, asked: dict[int, bytes], how: Any) -> bytes:
    message_id = int.from_bytes(asked[0x0110], "little")
    sop, instance = (asked[number].rstrip(b"\0").decode() for number in (0x0002, 0x1000))
    good = {"sop": sop, "field": 0x8001, "responded": message_id, "data": NO_DATA, "status": 0, "instance": instance}
    place = (context - 1) // 2
    if isinstance(how, bytes):
        return how
    if isinstance(how, int):
        return pdata(place, True, command(**{**good, "status": how}))
    if how == "twice":
        return 2 * pdata(place, True, command(**good))
    if how == "other-id":
        return pdata(place, True, command(**{**good, "responded": message_id + 7}))
    if how == "bare":
        return pdata(place, True, command(**{**good, "sop": None, "instance": None}))
    if how == "echo":
        return pdata(place, True, command(sop=VERIFICATION, field=0x30, message_id=99, data=NO_DATA))
    # A C-CANCEL before the answer: of the operation, whose Message ID it names, or another one.
    cancel = command(field=0x0FFF, responded=int(how.partition(":")[2]), data=NO_DATA)
    return pdata(0, True, cancel) + pdata(place, True, command(**good))
