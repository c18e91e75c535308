"""Random conversations with an archive: storage, retrieval and odd commands, the same for whoever is spoken to.

`conversations` makes them from a seed, and `hold` holds one and returns every PDU that came back, byte for byte.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator, Sequence
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
_HAS_DATA, _NO_DATA = 1, 0x0101


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
    `joined`."""

    context: int
    command: bytes
    data: bytes | None = None
    joined: bool = False
    what: str = ""
    answers: tuple[Any, ...] = ()
    """How C-STORE-RQs are answered, in turn: a status, or the name of an oddity."""


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
            pending += pdata(message.context, True, message.command)
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
        if unit[10] != (unit[10] & 0xFF) or len(unit) < 12:
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
    good = {"sop": sop, "field": 0x8001, "responded": message_id, "data": _NO_DATA, "status": 0, "instance": instance}
    place = (context - 1) // 2
    if isinstance(how, int):
        return pdata(place, True, command(**{**good, "status": how}))
    if how == "other-id":
        return pdata(place, True, command(**{**good, "responded": message_id + 7}))
    if how == "bare":
        return pdata(place, True, command(**{**good, "sop": None, "instance": None}))
    if how == "echo":
        return pdata(place, True, command(sop=VERIFICATION, field=0x30, message_id=99, data=_NO_DATA))
    # A C-CANCEL before the answer: of the operation, whose Message ID it names, or another one.
    cancel = command(field=0x0FFF, responded=int(how.partition(":")[2]), data=_NO_DATA)
    return pdata(0, True, cancel) + pdata(place, True, command(**good))


class Maker:
    """Makes conversations from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.message_id = 0
        self.stored: list[tuple[str, str, str, str, str]] = []  # patient, accession, study, series, instance

    def instance(self, number: int) -> tuple[str, str, str, str, str]:
        """The identifiers of an instance out of a few."""
        patient = number // 12 % 3
        study = f"{ROOT}.{patient}.{number // 6 % 2}"
        series = f"{study}.{number // 3 % 2}"
        return f"PAT{patient}", f"ACC{number // 6 % 6}", study, series, f"{series}.{number % 3 + 1}"

    def next_id(self) -> int:
        self.message_id = self.rng.choice((1, 7, 300, 65535, 12))
        return self.message_id

    def store(self, contexts: list[tuple[str, list[str]]]) -> Message:
        """A C-STORE, right or not."""
        rng = self.rng
        place = rng.randrange(len(contexts))
        syntax = contexts[place][1][0]
        sop = contexts[place][0] if rng.random() < 0.85 else rng.choice((CT, MR, SC, VERIFICATION, "1.2.3.4"))
        identity = self.instance(rng.randrange(36))
        patient, accession, study, series, uid = identity
        oddity = rng.choice(_STORE_ODDITIES) if rng.random() < 0.4 else ""
        elements: list[tuple[int, str, Any]] = [
            (0x00080016, "UI", sop),
            (0x00080018, "UI", uid),
            (0x00080020, "DA", "20240102"),
            (0x00080050, "SH", accession),
            (0x00080060, "CS", "CT"),
            (0x00100010, "PN", f"Name^{rng.randrange(3)}"),
            (0x00100020, "LO", patient),
            (0x0020000D, "UI", study),
            (0x0020000E, "UI", series),
            (0x00200011, "IS", str(rng.randrange(9))),
            (0x00200013, "IS", str(rng.randrange(99))),
            (0x00280010, "US", 4),
            (0x7FE00010, "OW", bytes(range(32))),
        ]
        named, named_class = uid, sop
        elements, undefined, named, named_class = _odd(oddity, elements, rng, named, named_class)
        data = data_set(elements, syntax, undefined=undefined)
        if oddity == "truncated":
            data = data[: -rng.choice((1, 2, 6, 8, 31, 33, 40)) * 2 // 2]
        elif oddity == "garbage":
            data = bytes(rng.randrange(256) for _ in range(rng.choice((2, 8, 60, 200))))
        elif oddity == "empty":
            data = b""
        elif oddity == "wrong syntax":
            data = data_set(elements, rng.choice((IMPLICIT, EXPLICIT, BIG)))
        elif oddity == "" and identity not in self.stored and sop == contexts[place][0]:
            self.stored.append(identity)
        request = command(
            sop=named_class, field=1, message_id=self.next_id(), priority=rng.choice((0, 0, 1, 2)), data=_HAS_DATA,
            instance=named, originator="SOMEONE" if oddity == "originator" else None,
            originator_id=7 if oddity == "originator" else None,
        )  # fmt: skip
        return Message(place, request, data, what=f"C-STORE {oddity} {uid} {sop} on {contexts[place]}")

    def identifier(self) -> tuple[list[tuple[int, str, Any]], str]:
        """The identifier of a retrieval, right or not."""
        rng = self.rng
        patient, accession, study, series, uid = (
            rng.choice(self.stored) if self.stored and rng.random() < 0.9 else self.instance(rng.randrange(40))
        )
        level = rng.choice(("PATIENT", "STUDY", "STUDY", "SERIES", "IMAGE"))
        found: list[tuple[int, str, Any]] = [(0x00080052, "CS", level)]
        if level == "PATIENT" or rng.random() < 0.5:
            found.append((0x00100020, "LO", patient))
        if level != "PATIENT":
            found.append((0x0020000D, "UI", study))
        if level in ("SERIES", "IMAGE"):
            found.append((0x0020000E, "UI", series))
        if level == "IMAGE":
            found.append((0x00080018, "UI", uid))
        oddity = rng.choice(_IDENTIFIER_ODDITIES) if rng.random() < 0.5 else ""
        others = [self.instance(rng.randrange(40)) for _ in range(2)]
        own = {"PATIENT": 0x00100020, "STUDY": 0x0020000D, "SERIES": 0x0020000E, "IMAGE": 0x00080018}[level]
        place = {"PATIENT": 0, "STUDY": 2, "SERIES": 3, "IMAGE": 4}[level]
        values = dict((tag, (vr, value)) for tag, vr, value in found)
        vr, value = values[own]
        match oddity:
            case "list":
                values[own] = (vr, "\\".join((value, others[0][place], others[1][place])))
            case "twice":
                values[own] = (vr, f"{value}\\{value}")
            case "ending list":
                values[own] = (vr, f"{value}\\")
            case "unknown":
                values[own] = (vr, "9.9.9")
            case "empty key":
                values[own] = (vr, "")
            case "no key":
                del values[own]
            case "wildcard":
                values[own] = (vr, f"{value[:-1]}*")
            case "star":
                values[own] = (vr, "*")
            case "case":
                values[own] = (vr, value.lower())
            case "no level":
                del values[0x00080052]
            case "empty level":
                values[0x00080052] = ("CS", "")
            case "odd level":
                values[0x00080052] = ("CS", rng.choice(("FOO", "study", "INSTANCE", "STUDYX", "Series", "images", "STU")))
            case "no parents":
                values = {tag: each for tag, each in values.items() if tag in (own, 0x00080052)}
            case "wrong parent":
                values[0x0020000D] = ("UI", others[0][2])
                if level == "STUDY":
                    values[0x00100020] = ("LO", "PAT9")
            case "accession":
                values[0x00080050] = ("SH", accession)
            case "only accession":
                values[0x00080050] = ("SH", rng.choice((accession, accession.lower())))
                values.pop(0x0020000D, None)
            case "empty accession":
                values[0x00080050] = ("SH", "")
            case "more keys":
                values[0x00080060] = ("CS", rng.choice(("CT", "MR")))
                values[0x00100010] = ("PN", rng.choice(("Name^0", "name^0", "Name*", "Nobody")))
                values[0x00200013] = ("IS", "5")
                values[0x00080020] = ("DA", rng.choice(("20240102", "20240101-", "19990101")))
        return [(tag, *each) for tag, each in values.items()], oddity

    def answers(self, message_id: int) -> tuple[Any, ...]:
        """How C-STORE-RQs are answered: mostly with success."""
        rng = self.rng
        if rng.random() < 0.5:
            return ()
        odd = (0xA700, 0xB000, 0xB007, 0xC000, 0x0122, "other-id", "bare", f"cancel:{message_id}", f"cancel:{message_id ^ 1}")
        return tuple(rng.choice((0, 0, rng.choice(odd))) for _ in range(6))

    def get(self, context: int, abstract: str, syntax: str) -> list[Message]:
        """A C-GET, perhaps with a C-CANCEL behind it."""
        rng, message_id = self.rng, self.next_id()
        elements, oddity = self.identifier()
        sop = abstract if rng.random() < 0.95 else rng.choice((PATIENT_GET, STUDY_MOVE, CT))
        request = command(sop=sop, field=0x10, message_id=message_id, priority=rng.randrange(3), data=_HAS_DATA)
        message = Message(
            context, request, self.spoiled(data_set(elements, syntax)), what=f"C-GET {oddity} {elements}",
            answers=self.answers(message_id),
        )  # fmt: skip
        return self.cancelled(message, message_id)

    def move(self, context: int, abstract: str, syntax: str) -> list[Message]:
        """A C-MOVE to a destination that is unknown or down: to others the product opens a connection."""
        rng, message_id = self.rng, self.next_id()
        elements, oddity = self.identifier()
        destination = rng.choice(("PROBEDEAD", "NOWHERE", "probedead", "", "PROBEDEAD "))
        request = command(
            sop=abstract, field=0x21, message_id=message_id, priority=0, data=_HAS_DATA, destination=destination
        )
        message = Message(
            context, request, self.spoiled(data_set(elements, syntax)), what=f"C-MOVE {oddity} {destination} {elements}"
        )
        return self.cancelled(message, message_id)

    def spoiled(self, data: bytes) -> bytes:
        rng = self.rng
        if rng.random() < 0.9:
            return data
        return rng.choice((b"", data[:-4], data[: -(len(data) // 3) & ~1], b"\x10\0\x20\0" * 5))

    def cancelled(self, message: Message, message_id: int) -> list[Message]:
        rng = self.rng
        if rng.random() > 0.12:
            return [message]
        message.joined = True
        number = message_id if rng.random() < 0.8 else message_id ^ 1
        cancel = command(field=0x0FFF, responded=number, data=_NO_DATA)
        return [message, Message(message.context, cancel, what=f"{message.what} and C-CANCEL", answers=message.answers)]

    def other(self, contexts: int) -> Message:
        """A command that isn't for an archive, or odd."""
        rng = self.rng
        place = rng.randrange(contexts)
        kind = rng.choice(("echo", "echo other", "cancel", "response", "n", "n data", "undefined", "commitment", "report"))
        data, request = None, b""
        number = self.next_id()
        match kind:
            case "echo":
                request = command(sop=VERIFICATION, field=0x30, message_id=number, data=_NO_DATA)
            case "echo other":
                request = command(sop=rng.choice((CT, "1.2.3", "")), field=0x30, message_id=number, data=_NO_DATA)
            case "cancel":
                request = command(field=0x0FFF, responded=number, data=_NO_DATA)
            case "response":
                request = command(
                    sop=VERIFICATION, field=rng.choice((0x8030, 0x8001, 0x8020)), responded=number, data=_NO_DATA,
                    status=0,
                )  # fmt: skip
            case "n" | "n data":
                if kind == "n data":
                    data = data_set([(0x00100020, "LO", "X")], IMPLICIT)
                request = command(
                    sop="1.2.840.10008.5.1.1.16", requested="1.2.840.10008.5.1.1.16",
                    field=rng.choice((0x100, 0x110, 0x120, 0x130, 0x140, 0x150)), message_id=number,
                    data=_HAS_DATA if data else _NO_DATA, instance="1.2.3.4", requested_instance="1.2.3.4", event=1,
                    action=1,
                )  # fmt: skip
            case "undefined":
                request = command(
                    sop=VERIFICATION, field=rng.choice((0x0123, 0x0002, 0x4000, 0x8123)), message_id=number,
                    responded=number, data=_NO_DATA, status=0,
                )  # fmt: skip
            case _:
                request, data = self.commitment(kind == "report", number)
        return Message(place, request, data, what=f"{kind} {request.hex()}")

    def commitment(self, report: bool, number: int) -> tuple[bytes, bytes]:
        rng = self.rng
        reference = [(0x00081150, "UI", CT), (0x00081155, "UI", self.instance(rng.randrange(40))[4])]
        elements: list[tuple[int, str, Any]] = [(0x00081195, "UI", f"{ROOT}.8.1"), (0x00081199, "SQ", [reference])]
        oddity = rng.choice(("", "", "type", "instance", "no transaction", "no references", "no class"))
        if oddity == "no transaction":
            elements = elements[1:]
        elif oddity == "no references":
            elements = elements[:1]
        elif oddity == "no class":
            elements[1] = (0x00081199, "SQ", [reference[1:]])
        kind = 9 if oddity == "type" else 1
        instance = "1.2.3" if oddity == "instance" else COMMITMENT_INSTANCE
        if report:
            request = command(
                sop=COMMITMENT, field=0x100, message_id=number, data=_HAS_DATA, instance=instance, event=kind
            )
        else:
            request = command(
                requested=COMMITMENT, field=0x130, message_id=number, data=_HAS_DATA, requested_instance=instance,
                action=kind,
            )  # fmt: skip
        return request, data_set(elements, IMPLICIT)

    def __iter__(self) -> Iterator[Conversation]:
        rng = self.rng
        while True:
            calling = "PROBE" if rng.random() < 0.93 else rng.choice(("probe", "STRANGER"))
            kind = rng.choice(("store", "store", "get", "get", "get", "move", "mixed"))
            if kind == "store":
                contexts = [(rng.choice((CT, MR, SC)), [rng.choice((IMPLICIT, EXPLICIT, BIG))]) for _ in range(3)]
                messages = [self.store(contexts) for _ in range(rng.randrange(1, 8))]
                yield Conversation(contexts, messages, calling)
                continue
            abstract, syntax = rng.choice((PATIENT_GET, STUDY_GET)), rng.choice((IMPLICIT, EXPLICIT, IMPLICIT, BIG))
            if kind == "move":
                abstract = rng.choice((PATIENT_MOVE, STUDY_MOVE))
            contexts = [(abstract, [syntax]), (VERIFICATION, [IMPLICIT])]
            classes = [CT, MR, SC] if rng.random() < 0.7 else rng.sample([CT, MR, SC], rng.randrange(3))
            for sop in classes:
                for _ in range(rng.choice((1, 1, 1, 2, 3))):
                    contexts.append((sop, [rng.choice((IMPLICIT, EXPLICIT, BIG))]))
            conversation = Conversation(contexts, [], calling, maximum=rng.choice((16384, 16384, 4096, 0)))
            if rng.random() < 0.8:
                conversation.roles = [(sop, 1, 1) if rng.random() < 0.9 else (sop, 0, 1) for sop in classes]
            for _ in range(rng.randrange(1, 5)):
                if kind == "mixed" and rng.random() < 0.6:
                    conversation.messages.append(self.other(len(contexts)))
                elif kind == "mixed" and rng.random() < 0.3:
                    conversation.messages.append(self.store(contexts))
                elif abstract in (PATIENT_MOVE, STUDY_MOVE):
                    conversation.messages += self.move(0, abstract, syntax)
                else:
                    conversation.messages += self.get(0, abstract, syntax)
            yield conversation


_IDENTIFIER_ODDITIES: Final = (
    "list", "twice", "ending list", "unknown", "empty key", "no key", "wildcard", "star", "case", "no level",
    "empty level", "odd level", "no parents", "wrong parent", "accession", "only accession", "empty accession",
    "more keys",
)  # fmt: skip
_STORE_ODDITIES: Final = (
    "other uid", "other class", "no uid", "no class", "empty uid", "no study", "no series", "empty study", "no patient",
    "empty patient", "truncated", "garbage", "empty", "wrong syntax", "sequence", "undefined sequence", "originator",
    "private", "group length", "padded uid", "other series", "other study", "other patient",
)  # fmt: skip
_DROPPED: Final = {
    "no uid": 0x00080018, "no class": 0x00080016, "no study": 0x0020000D, "no series": 0x0020000E,
    "no patient": 0x00100020,
}  # fmt: skip
_EMPTIED: Final = {"empty uid": 0x00080018, "empty study": 0x0020000D, "empty patient": 0x00100020}
_MOVED: Final = {"other series": (0x0020000E, "UI"), "other study": (0x0020000D, "UI"), "other patient": (0x00100020, "LO")}


def _odd(
    oddity: str, elements: list[tuple[int, str, Any]], rng: random.Random, uid: str, sop: str
) -> tuple[list[tuple[int, str, Any]], bool, str, str]:
    values = {tag: (vr, value) for tag, vr, value in elements}
    if oddity in _DROPPED:
        del values[_DROPPED[oddity]]
    elif oddity in _EMPTIED:
        tag = _EMPTIED[oddity]
        values[tag] = (values[tag][0], "")
    elif oddity in _MOVED:
        tag, vr = _MOVED[oddity]
        values[tag] = (vr, "PAT7" if vr == "LO" else f"{ROOT}.77")
    elif oddity in ("sequence", "undefined sequence"):
        item = [(0x00081150, "UI", CT), (0x00081155, "UI", "1.2.3")]
        values[0x00081140] = ("SQ", [item, item[:1]])
    elif oddity == "private":
        values[0x00110010] = ("LO", "SOMEBODY")
        values[0x00111001] = ("LO", "x1")
        values[0x00111002] = ("US", 5)
    elif oddity == "group length":
        values[0x00080000] = ("UL", struct.pack("<L", rng.choice((12, 92))))
    if oddity == "other uid":
        uid += "1"
    elif oddity == "padded uid":
        uid += " " if len(uid) % 2 else "  "
    elif oddity == "other class":
        sop = SC if sop != SC else CT
    return [(tag, *each) for tag, each in values.items()], oddity == "undefined sequence", uid, sop
