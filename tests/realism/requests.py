"""A-ASSOCIATE-RQs as nobody's toolkit sends them, drawn from a seed: what is proposed, how, and what is wrong.

Most are sound in most respects, so that a request gets as far as the question that it asks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from struct import pack

APPLICATION = "1.2.840.10008.3.1.1.1"
IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
SYNTAXES = (
    IMPLICIT, EXPLICIT, BIG, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5", "1.2.840.113619.5.2", "1.2.3.4",
)  # fmt: skip
COMMITMENT = "1.2.840.10008.1.20.1"
CLASSES = (
    "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.1.3",
    "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3",
    "1.2.840.10008.5.1.4.1.2.3.1", "1.2.840.10008.5.1.4.31", COMMITMENT, "1.2.840.10008.5.1.1.9",
    "1.2.840.10008.5.1.4.38.1", "1.2.840.10008.5.1.4.1.1.6", "1.2.826.0.1.3680043.9.9999.1",
)  # fmt: skip
TITLES = (
    b"ORTHANC         ", b"ORTHANC\0\0\0\0\0\0\0\0\0", b"  ORTHANC       ", b"ORTHANC \0junk    ",
    b"orthanc         ", b"ORTHANC2        ", b"ABCDEFGHIJKLMNOP", bytes(16), b" " * 16,
    b"\0ORTHANC        ", b" \0              ",
    b"M\xdcLLER\xff\x80        ", b"A\\B\x1b\x07\n          ", b"ORTHANC\t        ",
)  # fmt: skip
LENGTHS = (0, 1, 2, 5, 11, 12, 13, 127, 4095, 4096, 16384, 131072, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
           0xA500005A, 0xA5FFFF5A, 0xA500005B)  # fmt: skip


def item(item_type: int, value: bytes, reserved: int = 0, claimed: int | None = None) -> bytes:
    """An item; `claimed` is a length that isn't its own."""
    return pack(">BBH", item_type, reserved, len(value) if claimed is None else claimed & 0xFFFF) + value


class Requests:
    """Draws them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __iter__(self) -> Iterator[bytes]:
        """Whole PDUs, without end."""
        while True:
            yield self.one()

    def rarely(self, one_in: int) -> bool:
        """True once in so many times."""
        return self.random.randrange(one_in) == 0

    def uid(self, uid: str) -> bytes:
        """A UID, now and then padded, cut short, or too long."""
        text = uid.encode()
        if not self.rarely(25):
            return text
        return self.random.choice(
            (text + b"\0", text + b"\0\0", text + b" ", b" " + text, text + b"\0rest", b"", b"\0", b"\0" + text,
             text + b"." + b"1" * (63 - len(text)), text + b"." + b"1" * (64 - len(text)))
        )  # fmt: skip

    def context(self, number: int, kind: int = 0x20) -> bytes:
        """A proposed presentation context."""
        draw = self.random
        count = 0 if self.rarely(150) else draw.choice((1, 1, 2, 3, 6))
        syntaxes = draw.choices(SYNTAXES[:5] if draw.random() < 0.6 else SYNTAXES, k=count)
        if self.rarely(120):
            syntaxes = [IMPLICIT] * draw.choice((49, 50, 51, 60))
        parts = [item(0x30, self.uid(draw.choice(CLASSES)))]
        parts += (item(0x40, self.uid(syntax)) for syntax in syntaxes)
        if self.rarely(25):
            parts.insert(draw.randrange(len(parts) + 1), item(0x30, self.uid(draw.choice(CLASSES))))
        if self.rarely(25):
            parts.insert(draw.randrange(len(parts) + 1), item(0x41, draw.randbytes(draw.randrange(9))))
        if self.rarely(25):
            draw.shuffle(parts)
        if self.rarely(60):
            del parts[0]
        reserved = draw.randbytes(3) if self.rarely(25) else bytes(3)
        return item(kind, bytes((number,)) + reserved + b"".join(parts), draw.choice((0, 0, 0, 7)))

    def contexts(self) -> list[bytes]:
        """The presentation contexts of a request."""
        draw = self.random
        if self.rarely(40):
            numbers = [n % 256 for n in range(1, 2 * draw.choice((100, 128, 129, 200, 300)), 2)]
        else:
            numbers = [2 * n + 1 for n in range(draw.choice((1, 1, 2, 3, 5, 9)))]
        if self.rarely(5):
            numbers = [draw.choice(numbers) for _ in numbers]
        if self.rarely(10):
            draw.shuffle(numbers)
        if self.rarely(15):
            numbers[draw.randrange(len(numbers))] = draw.randrange(0, 256, 2)
        if self.rarely(50):
            numbers = []
        return [self.context(number, 0x21 if self.rarely(150) else 0x20) for number in numbers]

    def role(self) -> bytes:
        """A role selection."""
        draw = self.random
        flags = draw.choice(((0, 1), (1, 0), (1, 1), (0, 0))) if draw.random() < 0.8 else tuple(draw.randbytes(2))
        uid = self.uid(draw.choice(CLASSES[:13]))
        value = pack(">H", len(uid)) + uid + bytes(flags)
        if self.rarely(15):
            value = draw.choice((value + b"\1", value[:-1], value[:1], b"\0\0\1\1", pack(">H", 9999) + uid + b"\1\1"))
        return item(0x54, value)

    def identity(self) -> bytes:
        """A user identity."""
        draw = self.random
        primary, secondary = draw.choice((b"", b"user", b"x" * 300)), draw.choice((b"", b"", b"pass"))
        head = bytes((draw.choice((1, 1, 2, 2, 2, 3, 4, 5, 0, 6, 255)), draw.choice((0, 1, 1, 2))))
        value = head + pack(">H", len(primary)) + primary + pack(">H", len(secondary)) + secondary
        if self.rarely(8):
            value = draw.choice((value + bytes(4), value + b"\x60\0\0\0", value[:-1], value[:4], value[:6]))
        return item(draw.choice((0x58, 0x58, 0x58, 0x59)), value)

    def user_items(self) -> list[bytes]:
        """The sub-items of the user information."""
        draw = self.random
        length = pack(">L", draw.choice(LENGTHS))
        if self.rarely(20):
            length = draw.choice((length + b"\0\0", length[:3], length[:2], length[:0]))
        found = [] if self.rarely(15) else [item(0x51, length)]
        if not self.rarely(15):
            found.append(item(0x52, self.uid("1.2.826.0.1.3680043.9.9999.1")))
        found += (self.role() for _ in range(draw.choice((0, 0, 0, 1, 2, 4))))
        if self.rarely(6):
            found.append(item(0x53, draw.randbytes(4 if draw.random() < 0.8 else draw.randrange(7))))
        if not self.rarely(5):
            found.append(
                item(0x55, b"V" * draw.choice((1, 8, 16, 17, 64, 64, 64, 0) if not self.rarely(30) else (65,)))
            )
        if self.rarely(6):
            uid = self.uid(draw.choice(CLASSES))
            value = pack(">H", len(uid)) + uid + draw.randbytes(draw.randrange(5))
            found.append(item(0x56, value if not self.rarely(8) else value[: draw.randrange(len(value))]))
        if self.rarely(6):
            found.append(item(0x57, draw.randbytes(draw.randrange(30))))
        if self.rarely(4):
            found.append(self.identity())
        if self.rarely(15):
            found.append(item(draw.choice((0x5A, 0x60, 0x10, 0xFF)), draw.randbytes(draw.randrange(20))))
        if self.rarely(15):
            found.append(draw.choice(found))
        if self.rarely(5):
            draw.shuffle(found)
        return found

    def items(self) -> list[bytes]:
        """The variable items of a request."""
        draw = self.random
        found = [] if self.rarely(60) else [item(0x10, self.uid(APPLICATION))]
        found += self.contexts()
        if not self.rarely(50):
            found.append(item(0x50, b"".join(self.user_items())))
        if self.rarely(30):
            found.append(item(0x50, b"".join(self.user_items())))
        if self.rarely(30):
            found.append(item(0x10, self.uid(draw.choice((APPLICATION, "1.2.840.10008.3.1.1.2")))))
        if self.rarely(20):
            found.insert(draw.randrange(len(found) + 1), item(draw.choice((0x11, 0x60, 0)), draw.randbytes(5)))
        if self.rarely(80):
            found += [item(0x60, bytes(draw.choice((0, 3, 99))))] * draw.choice((20, 600, 5000))
        if self.rarely(12):
            draw.shuffle(found)
        return found

    def one(self) -> bytes:
        """A whole PDU, header included, whose length is right."""
        draw = self.random
        called = TITLES[0] if draw.random() < 0.8 else draw.choice(TITLES)
        calling = b"PROBE           " if draw.random() < 0.8 else draw.choice(TITLES)
        version = 1 if draw.random() < 0.95 else draw.choice((0, 2, 3, 5, 0x101, 0xFFFE, 0xFFFF, 0x100))
        reserved = draw.randbytes(32) if self.rarely(10) else bytes(32)
        variable = b"".join(self.items())
        if self.rarely(12) and variable:
            at = draw.randrange(len(variable))
            variable = draw.choice(
                (variable[:at], variable + draw.randbytes(draw.randrange(1, 9)), variable[:at] + variable[at + 1 :],
                 variable[:at] + draw.randbytes(1) + variable[at + 1 :])
            )  # fmt: skip
        body = pack(">HH", version, draw.choice((0, 0, 0, 9))) + called + calling + reserved + variable
        if self.rarely(150):
            body = body[: draw.choice((67, 68, 10))]
        return pack(">BBL", 1, draw.choice((0, 0, 0, 5)), len(body)) + body
