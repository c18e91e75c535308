"""Random scripts of PDUs, malformed in all ways, made from a seed, and what a peer sees of their answers.

Each part of a script is one segment; the next is sent when nothing has come for a moment, since what a product makes
of two segments that arrive while it closes is a matter of luck. No PDU holds more than two presentation data values:
DCMTK 3.6.7 loses its place within those that do.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections.abc import Iterator

from dicomhawk.upperlayer import pdu
from tests.upperlayer.playbook import CT, FIND, IMPLICIT, RELEASE_RQ, VERIFICATION, abort, request

CLOSED = b"<closed>"
"""The part that is the closing of the peer's side."""
MOMENT = 0.15
"""Seconds without anything to read, after which the next part is sent."""
QUIET = 0.8
"""The same at the end: then the connection counts as left open."""
PATIENCE = 2.0
"""Seconds to be answered to an A-ASSOCIATE-RQ."""
C_FIND, C_ECHO, C_CANCEL = 0x0020, 0x0030, 0x0FFF
FIELDS = (C_ECHO,) * 6 + (C_FIND,) * 2 + (C_CANCEL, 0x8030, 0x8001, 0x0001, 0x0110, 0x0120, 0x0140, 0x0150, 0x1234, 0)
CONTEXTS = ((1, VERIFICATION), (3, "1.2.826.0.1.3680043.10.9999.404"), (5, CT), (7, FIND))
IDENTIFIER = struct.pack("<HHL", 8, 0x52, 6) + b"STUDY " + struct.pack("<HHL", 0x10, 0x10, 0)


def element(number: int, value: bytes, group: int = 0) -> bytes:
    """An element of a command set."""
    return struct.pack("<HHL", group, number, len(value)) + value


def uid(text: str) -> bytes:
    """A UID of even length."""
    return text.encode() + b"\0" * (len(text) % 2)


def unit(pdu_type: int, body: bytes, length: int | None = None) -> bytes:
    """A PDU that claims `length`."""
    return struct.pack(">BBL", pdu_type, 0, len(body) if length is None else length) + body


def pdv(context_id: int, control: int, data: bytes, length: int | None = None) -> bytes:
    """A presentation data value that claims `length`."""
    return struct.pack(">LBB", len(data) + 2 if length is None else length, context_id, control) + data


def associate(maximum: int = 16384) -> bytes:
    """An A-ASSOCIATE-RQ from PROBE to ORTHANC."""
    rq = request(*((number, abstract, (IMPLICIT,)) for number, abstract in CONTEXTS))
    body = pdu.encode(rq).replace(b"CALLED".ljust(16), b"ORTHANC".ljust(16))
    return body.replace(b"CALLING".ljust(16), b"PROBE".ljust(16)).replace(
        struct.pack(">BBHL", 0x51, 0, 4, 16384), struct.pack(">BBHL", 0x51, 0, 4, maximum)
    )


class Maker:
    """Makes the parts of one script."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def parts(self) -> Iterator[bytes]:
        """The script."""
        rng = self.rng
        if rng.random() < 0.85:
            yield associate(rng.choice((16384,) * 8 + (0, 200, 1, 15, 100000)))
        for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
            data = b"".join(self.pdu() for _ in range(rng.choice((1, 1, 1, 2, 3))))
            if rng.random() < 0.12:
                data = data[: rng.randrange(1, len(data) + 1)]
            yield data
        if rng.random() < 0.15:
            yield CLOSED

    def command(self, field: int | None = None) -> bytes:
        """A command set, with something wrong in every other one."""
        rng = self.rng
        field = rng.choice(FIELDS) if field is None else field
        empty = field in (C_ECHO, C_CANCEL, 0x8030, 0x8001)
        elements: dict[int, bytes] = {
            0x0002: uid(FIND if field == C_FIND else VERIFICATION),
            0x0100: struct.pack("<H", field),
            0x0110: struct.pack("<H", rng.randrange(65536)),
            0x0800: b"\1\1" if empty else b"\1\0",
        }
        if field & 0x8000 or field == C_CANCEL:
            elements[0x0120] = b"\1\0"
        if field & 0x8000:
            elements[0x0900] = b"\0\0"
        if field in (C_FIND, 0x0001):
            elements[0x0700] = b"\0\0"
        if field in (0x0001, 0x0140):
            elements[0x1000] = uid("1.2.3.4")
        if field in (0x0110, 0x0120, 0x0150):
            elements[0x0003] = elements.pop(0x0002)
            elements[0x1001] = uid("1.2")
        items = [(0, number, value) for number, value in sorted(elements.items())]
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            self._spoil(items)
        body = b"".join(element(number, value, group) for group, number, value in items)
        if rng.random() < 0.7:
            body = element(0, struct.pack("<L", len(body))) + body
        if rng.random() < 0.05:
            body += bytes(rng.randrange(1, 12))
        return body[: rng.randrange(len(body) + 1)] if rng.random() < 0.03 else body

    def _spoil(self, items: list[tuple[int, int, bytes]]) -> None:
        rng = self.rng
        at = rng.randrange(len(items)) if items else 0
        group, number, value = items[at] if items else (0, 0x0902, b"")
        match rng.randrange(9):
            case 0:
                del items[at : at + 1]
            case 1:
                items.append((group, number, value))
            case 2:
                rng.shuffle(items)
            case 3:
                items[at : at + 1] = [(group, number, value[: rng.choice((0, 2, 4, 6))])]
            case 4:
                items[at : at + 1] = [(group, number, value + rng.choice((b"\0\0", b"  ", b"12")))]
            case 5:
                other = rng.choice((0, 8, 0x10, 0x7FE0)), rng.choice((0x16, 0x4000, 0x0901, 0x0902))
                items.insert(at, (*other, rng.choice((b"", b"ab", b"1.2.3 ", bytes(200)))))
            case 6:
                items.insert(0, (0, 0, rng.choice((b"\1\2\3\0", b"", b"\0\0"))))
            case 7:
                items[at : at + 1] = [(group, number, b" " + value + b" ")]
            case 8:
                items[at : at + 1] = [(group, number, (value * 20)[: rng.choice((62, 64, 66, 100))])]

    def values(self, body: bytes, context_id: int, kind: int) -> list[bytes]:
        """Presentation data values that carry it."""
        rng = self.rng
        if rng.random() < 0.8:
            return [pdv(context_id, kind | 2, body)]
        found, position = [], 0
        while position < len(body) or not found:
            size = rng.choice((0, 2, 8, 10, 20, 11, 1000))
            last = position + size >= len(body)
            found.append(pdv(context_id, kind | 2 * last, body[position : position + size]))
            position += size
        return found

    def data(self) -> bytes:
        """P-DATA-TFs with a command, and perhaps a data set."""
        rng = self.rng
        values = self.values(self.command(), rng.choice((1,) * 8 + (7, 7, 5, 3, 2, 99)), 1)
        if rng.random() < 0.2:
            values += self.values(IDENTIFIER, rng.choice((7, 7, 1)), 0)
        if len(values) < 3 and rng.random() < 0.8:
            return unit(4, b"".join(values))
        return b"".join(unit(4, value) for value in values)

    def pdu(self) -> bytes:
        """One PDU, or what isn't one."""
        rng = self.rng
        echo = self.command(C_ECHO)
        match rng.randrange(22):
            case 9 | 10 | 11:
                identifier = self.values(IDENTIFIER, rng.choice((7, 7, 7, 7, 1, 3)), 0)
                find = unit(4, pdv(7, 3, self.command(C_FIND)))
                return find + b"".join(unit(4, value) for value in identifier)
            case 12:
                return rng.choice((RELEASE_RQ,) * 3 + (unit(5, bytes(rng.choice((0, 3, 8, 128, 129, 300)))),))
            case 13:
                return rng.choice((abort(0, 0), abort(9, 9), unit(7, bytes(rng.choice((0, 8, 128, 129))))))
            case 14:
                return unit(rng.choice((2, 3, 6)), bytes(rng.choice((0, 4, 20))))
            case 15:
                return associate()
            case 16:
                return unit(rng.choice((0, 8, 0x47, 0xFF)), bytes(rng.choice((0, 4, 9, 1030))))
            case 17:
                return unit(4, bytes(rng.randrange(30)), rng.choice((None, 16385, 20000, 0xFFFFFFFF)))
            case 18:
                return unit(4, bytes(rng.randrange(3000)))
            case 19:
                return unit(4, pdv(rng.choice((1, 7)), rng.choice((0, 2)), IDENTIFIER))
            case 20:
                return unit(
                    4, pdv(1, rng.choice((3, 0xFF, 0x13, 4)), echo, len(echo) + rng.choice((-6, 0, 2, 3, 100)))
                )
            case 21:
                return rng.randbytes(rng.randrange(1, 40))
        return self.data()


def play(parts: list[bytes], address: tuple[str, int]) -> list[str]:
    """What a peer sees: the PDUs that come (an A-ASSOCIATE-AC by its type only), and how the connection ends."""
    with socket.create_connection(address, PATIENCE) as sock:
        data, end = b"", ""
        for number, part in enumerate(parts):
            with contextlib.suppress(OSError):  # how it ended shows when reading
                if part == CLOSED:
                    sock.shutdown(socket.SHUT_WR)
                elif not end:
                    sock.sendall(part)
            first = number == 0 and part[:1] == b"\1"
            if not end:
                more, end = _read(sock, PATIENCE if first else MOMENT, once=first)
                data += more
        if not end:
            more, end = _read(sock, QUIET)
            data += more
    return [*_words(data), end or "open"]


def _read(sock: socket.socket, seconds: float, *, once: bool = False) -> tuple[bytes, str]:
    """What comes within that time, and the end if there is one. `once`: enough when something has come."""
    data, deadline = b"", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and not (once and data):
        sock.settimeout(left)
        try:
            more = sock.recv(65536)
        except TimeoutError:
            break
        except ConnectionResetError:
            return data, "reset"
        if not more:
            return data, "fin"
        data += more
    return data, ""


def _words(data: bytes) -> list[str]:
    words: list[str] = []
    while len(data) >= pdu.HEADER_SIZE:
        size = pdu.HEADER_SIZE + int.from_bytes(data[2:6], "big")
        words.append("AC" if data[0] == pdu.AC else data[:size].hex())
        data = data[size:]
    # Whether a second A-ABORT still comes before the connection is reset is a matter of luck.
    while len(words) > 1 and words[-1][:2] == words[-2][:2] == "07":
        words.pop()
    return words
