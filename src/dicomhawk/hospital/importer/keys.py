"""Keyed hashes: how false values follow from true ones without leading back to them.

Everything comes from the deployment's seed, so the same true value gets the same false one in every import,
and from nothing else, so a copy of the archive without the seed says nothing about what was imported.
"""

from __future__ import annotations

import hashlib
import hmac
import random

STRETCH_COST = 2**13
"""scrypt's N: 8 MiB and some 20 ms for each patient. Patient IDs are few enough to be tried one after the
other by somebody who has stolen the seed; this makes each try dear."""


class Keys:
    """Keyed hashes from a deployment's seed (any text)."""

    def __init__(self, seed: str) -> None:
        self._key = hmac.digest(seed.encode(), b"hospital import", "sha256")

    def digest(self, purpose: str, value: str) -> bytes:
        """32 bytes that follow from `value`; different for each `purpose`."""
        message = purpose.encode() + b"\0" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256")

    def stretched(self, purpose: str, value: str) -> bytes:
        """As `digest`, but slow: for values that could be guessed."""
        salt = self.digest("salt " + purpose, "")
        text = value.encode("utf-8", "surrogatepass")
        return hashlib.scrypt(text, salt=salt, n=STRETCH_COST, r=8, p=1, maxmem=2**26, dklen=32)

    def number(self, purpose: str, value: str) -> int:
        """A whole number of 256 bits that follows from `value`."""
        return int.from_bytes(self.digest(purpose, value), "big")

    def random(self, purpose: str, value: str) -> random.Random:
        """A source of draws that follows from `value`."""
        return random.Random(self.number(purpose, value))
