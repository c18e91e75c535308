"""UIDs in the style of each maker, all below a device's root and each given once."""

from __future__ import annotations

import random
from datetime import datetime

MAX_UID = 64  # PS3.5 9.1
_LONG_TAIL = 29  # digits of one maker's tails: a constant, a moment, a counter


class DeviceUids:
    """The UIDs that one scanner gives, in the order of time."""

    def __init__(self, root: str, maker: str, source: random.Random) -> None:
        self._root, self._source = root, source
        self._room = MAX_UID - len(root) - 1
        self._dotted = maker == "ge" and self._room >= 31
        self.counter = source.randrange(10**5, 10**7)
        """The last number that was given; it only grows."""
        self._job = source.randrange(100, 999)

    def one(self, when: datetime) -> str:
        """A UID for something made at `when`: a series, a frame of reference."""
        self.counter += self._source.randrange(1, 40)
        return self._made(when)

    def many(self, when: datetime, count: int) -> tuple[str, int, int]:
        """UIDs for the `count` images of a series: their beginning, the first number after it, its digits."""
        if self._dotted:
            return f"{self.one(when)}.", 1, 0
        self.counter += self._source.randrange(2, 30)
        first, self.counter = self.counter, self.counter + count
        stem, width = self._stem(when)
        return stem, first, width

    def _made(self, when: datetime) -> str:
        if self._dotted:
            # job.epoch.counter, as that maker's software makes them; images add their number
            return f"{self._root}.{self._job}.{int(when.timestamp())}.{self.counter}"
        stem, width = self._stem(when)
        return f"{stem}{self.counter:0{width}d}"

    def _stem(self, when: datetime) -> tuple[str, int]:
        """What all UIDs of one moment begin with, and how many digits of the counter follow."""
        if self._room >= _LONG_TAIL:
            moment = f"300000{when:%y%m%d%H%M%S}"
        elif self._room >= 21:
            moment = f"{when:%y%m%d%H%M%S}"
        elif self._room >= 15:
            moment = f"{when:%y%m%d}"
        else:
            return f"{self._root}.", 0
        return f"{self._root}.{moment}", min(self._room, _LONG_TAIL) - len(moment)
