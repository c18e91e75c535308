"""How often a provider is asked."""

from __future__ import annotations

from collections.abc import Callable

DAY_SECONDS = 86_400.0
MINUTE_SECONDS = 60.0


class Bucket:
    """Tokens that come back with time: so many in a minute, and so many in a day. `clock` gives seconds."""

    def __init__(self, per_minute: int, per_day: int, clock: Callable[[], float], *, used: int = 0) -> None:
        """`used`: of the day's, before this process began."""
        self._clock = clock
        self._rates = ((per_minute, MINUTE_SECONDS), (per_day, DAY_SECONDS))
        self._tokens = [float(per_minute), float(max(0, per_day - used))]
        self._at = clock()
        self._closed_until = float("-inf")

    def take(self) -> bool:
        """Whether a question may be asked now; if so, it counts."""
        now = self._clock()
        if now < self._closed_until:
            return False
        passed, self._at = max(0.0, now - self._at), now
        for place, (most, seconds) in enumerate(self._rates):
            self._tokens[place] = min(float(most), self._tokens[place] + passed * most / seconds)
        if min(self._tokens) < 1.0:
            return False
        self._tokens = [tokens - 1.0 for tokens in self._tokens]
        return True

    def close(self, seconds: float) -> None:
        """Ask nothing for so long: the provider says that it was too much, or that the key isn't right."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)
