"""Mutated DICOM input from a seed, for any test that wants to know what hostile bytes do.

`mutated_inputs` takes the golden conversations apart and spoils them: flipped bits, cut ends, pieces of one within
another, wrong length fields at every level, PDUs in another order. The same seed always gives the same inputs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.upperlayer.golden import GOLDEN

EXTREMES = (0, 1, 2, 3, 4, 5, 6, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
LARGE = 4000
"""Conversations with more bytes are taken more seldom, in proportion, so that they don't take all the time."""

Field = tuple[int, int, bool]  # offset, size, big-endian


class Input(NamedTuple):
    """One input: the bytes of one side of the conversation called `name`, spoiled."""

    name: str
    direction: str  # ">" for an acceptor, "<" for a requestor
    data: bytes


def side(name: str, direction: str) -> list[bytes]:
    """The PDUs that one side of a golden conversation sends."""
    return [data for sent_by, data in GOLDEN[name].turns if sent_by == direction]


def length_fields(pdu: bytes) -> list[Field]:
    """Where a PDU has lengths: its own, and those of its PDVs, command elements, items and sub-items."""
    found: list[Field] = [(2, 4, True)]
    if pdu[0] == 4:
        position = 6
        while position + 6 <= len(pdu):
            found.append((position, 4, True))
            length = int.from_bytes(pdu[position : position + 4], "big")
            if pdu[position + 5] & 1:
                found += _elements(pdu, position + 6, position + 4 + length)
            position += 4 + length
    elif pdu[0] in (1, 2):
        found += _items(pdu, 74, len(pdu))
    return found


def _elements(pdu: bytes, position: int, end: int) -> Iterator[Field]:
    while position + 8 <= min(end, len(pdu)):
        yield position + 4, 4, False
        position += 8 + int.from_bytes(pdu[position + 4 : position + 8], "little")


def _items(pdu: bytes, position: int, end: int) -> Iterator[Field]:
    inner = {0x20: 4, 0x21: 4, 0x50: 0}
    while position + 4 <= min(end, len(pdu)):
        yield position + 2, 2, True
        kind, length = pdu[position], int.from_bytes(pdu[position + 2 : position + 4], "big")
        if kind in inner:
            yield from _items(pdu, position + 4 + inner[kind], position + 4 + length)
        elif kind in (0x54, 0x56, 0x57, 0x59):
            yield position + 4, 2, True
        elif kind == 0x58:
            yield position + 6, 2, True
        position += 4 + length


# Each mutation changes a list of PDUs in place.


def _flip_bits(rng: random.Random, pdus: list[bytes]) -> None:
    index = rng.randrange(len(pdus))
    spoiled = bytearray(pdus[index])
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16)) if spoiled else 0):
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
    pdus[index] = bytes(spoiled)


def _set_byte(rng: random.Random, pdus: list[bytes]) -> None:
    index = rng.randrange(len(pdus))
    spoiled = bytearray(pdus[index])
    if spoiled:
        spoiled[rng.randrange(min(len(spoiled), rng.choice((12, 100, 100_000))))] = rng.choice(
            (0, 1, 2, 3, 4, 7, 255)
        )
    pdus[index] = bytes(spoiled)


def _truncate(rng: random.Random, pdus: list[bytes]) -> None:
    index = rng.randrange(len(pdus))
    pdus[index] = pdus[index][: rng.randrange(len(pdus[index]) + 1)]
    if rng.random() < 0.5:
        del pdus[index + 1 :]


def _splice(rng: random.Random, pdus: list[bytes]) -> None:
    index = rng.randrange(len(pdus))
    other = rng.choice(side(rng.choice(_NAMES), rng.choice("<>")) or [b"GET / HTTP/1.1\r\n\r\n"])
    start = rng.randrange(len(other) + 1)
    piece = other[start : start + rng.choice((1, 4, 20, 200, 2000))]
    at = rng.randrange(len(pdus[index]) + 1)
    keep = at + rng.choice((0, len(piece)))
    pdus[index] = pdus[index][:at] + piece + pdus[index][keep:]


def _edit_length(rng: random.Random, pdus: list[bytes]) -> None:
    index = rng.randrange(len(pdus))
    if len(pdus[index]) < 6:
        return
    fields = length_fields(pdus[index])
    spoiled = bytearray(pdus[index])
    for _ in range(rng.choice((1, 1, 2))):
        offset, size, big = rng.choice(fields)
        order = "big" if big else "little"
        if offset + size <= len(spoiled):
            value = int.from_bytes(spoiled[offset : offset + size], order)  # type: ignore[arg-type]
            value = rng.choice((value + rng.choice((-8, -2, -1, 1, 2, 8)), rng.choice(EXTREMES), rng.getrandbits(32)))
            spoiled[offset : offset + size] = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
    pdus[index] = bytes(spoiled)


def _reorder(rng: random.Random, pdus: list[bytes]) -> None:
    what = rng.randrange(4)
    index = rng.randrange(len(pdus))
    if what == 0:
        rng.shuffle(pdus)
    elif what == 1 and len(pdus) > 1:
        del pdus[index]
    elif what == 2:
        pdus[index:index] = [pdus[index]] * rng.choice((1, 1, 2, 10))
    else:
        foreign = side(rng.choice(_NAMES), rng.choice("<>"))
        pdus.insert(index, rng.choice(foreign) if foreign else b"\x16\x03\x01\x02\x00")


def _garbage(rng: random.Random, pdus: list[bytes]) -> None:
    pdus.insert(rng.randrange(len(pdus) + 1), rng.randbytes(rng.choice((1, 5, 6, 7, 64, 1000))))


MUTATIONS: tuple[Callable[[random.Random, list[bytes]], None], ...] = (
    _flip_bits, _set_byte, _truncate, _splice, _edit_length, _edit_length, _reorder, _garbage,
)  # fmt: skip
_NAMES = tuple(GOLDEN)


def mutated_inputs(seed: int, *, directions: str = "<>") -> Iterator[Input]:
    """Endless inputs; the same ones for the same `seed`. `directions`: for which side they are."""
    rng = random.Random(seed)
    sources = [(name, d, pdus) for name in _NAMES for d in directions if (pdus := side(name, d))]
    weights = [min(1.0, LARGE / sum(map(len, pdus))) for _, _, pdus in sources]
    while True:
        name, direction, original = rng.choices(sources, weights)[0]
        pdus = list(original)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(MUTATIONS)(rng, pdus)
        yield Input(name, direction, b"".join(pdus))


def pieces(rng: random.Random, data: bytes) -> Iterator[bytes]:
    """`data` in pieces, as reads from a socket might give it."""
    how = rng.randrange(4)
    position = 0
    while position < len(data):
        size = len(data) if how < 2 else rng.choice((1, 2, 5, 6, 7, 60, 1448, 16384)) if how == 2 else 1448
        yield data[position : position + size]
        position += size
