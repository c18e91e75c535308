"""Seeded draws: the same key gives the same numbers in every process and on every machine."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from itertools import accumulate


def draw(*key: object) -> random.Random:
    """A generator keyed by the SHA-256 of `key`."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))


def token(*key: object) -> str:
    """16 hexadecimal digits from `key`, that don't tell it: a seed for the renderer."""
    return hashlib.sha256(b"token/" + "/".join(map(str, key)).encode()).hexdigest()[:16]


def digits(pattern: str, source: random.Random) -> str:
    """`pattern` with a random digit for each ``#``; the first of them is not 0."""
    made, first = [], True
    for character in pattern:
        if character == "#":
            made.append(str(source.randint(1, 9) if first else source.randint(0, 9)))
            first = False
        else:
            made.append(character)
    return "".join(made)


def clipped(source: random.Random, mean: float, deviation: float, low: float, high: float) -> float:
    """A normal deviate within limits."""
    return min(max(source.gauss(mean, deviation), low), high)


class Weighted:
    """Items with weights, to draw from."""

    def __init__(self, items: Sequence[str], weights: Sequence[float]) -> None:
        self._items = list(items)
        self._cumulative = list(accumulate(weights))

    @classmethod
    def parse(cls, text: str) -> Weighted:
        """From ``Nielsen 229, Jensen 225, ...``."""
        pairs = [entry.split() for entry in text.replace("\n", " ").split(",") if entry.strip()]
        return cls([" ".join(pair[:-1]) for pair in pairs], [float(pair[-1]) for pair in pairs])

    def pick(self, source: random.Random) -> str:
        """One item."""
        return source.choices(self._items, cum_weights=self._cumulative)[0]
