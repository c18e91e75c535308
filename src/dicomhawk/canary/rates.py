"""How much one network is answered and put on record: names and addresses can be asked for by the million."""

from __future__ import annotations

from collections import OrderedDict

from ..evidence.community import address_bytes

PER_SECOND = 20.0
BURST = 40.0
"""Answers to one network (a /24, or of IPv6 a /56), as resolvers of large providers still need no more."""
MAX_NETWORKS = 20_000
"""Networks remembered; the one that was quiet longest goes, which loses nothing but its count."""
AGAIN_SECONDS = 60.0
"""The same visit within that is one event: programs ask for a picture three times."""
MAX_SEEN = 20_000
"""Visits remembered for that."""


class Rates:
    """Token buckets, one for each network. Moments are seconds of any clock that goes on."""

    def __init__(self) -> None:
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def allows(self, address: str, now: float) -> bool:
        """Whether `address` gets one more answer at `now`."""
        network = address_bytes(address)
        network = network[:3] if len(network) == 4 else network[:7]
        left, last = self._left.pop(network, (BURST, now))
        left = min(left + (now - last) * PER_SECOND, BURST)
        allowed = left >= 1
        self._left[network] = (left - allowed, now)
        if len(self._left) > MAX_NETWORKS:
            self._left.popitem(last=False)
        return allowed


class Seen:
    """Visits of the last minute."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_new(self, visit: tuple[str, ...], now: float) -> bool:
        """Whether this is the first such visit within `AGAIN_SECONDS`."""
        last = self._seen.get(visit)
        if last is not None and now - last < AGAIN_SECONDS:
            return False
        self._seen.pop(visit, None)
        self._seen[visit] = now
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return True
