"""Moments and identifiers as text, cheaply: RFC 3339 in UTC with milliseconds, and ULIDs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Nanoseconds since the epoch, as `time.time_ns`."""

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as the ULID specification has it
_PAIRS = tuple(bytes((a, b)) for a in _ALPHABET for b in _ALPHABET)
_ULID_LENGTH = 26
_MILLIS = tuple(b".%03dZ" % ms for ms in range(1000))


def base32(value: int, digits: int) -> bytes:
    """`value` in Crockford's base 32, most significant digit first; an even number of `digits`."""
    return b"".join([_PAIRS[value >> shift & 1023] for shift in range(5 * digits - 10, -1, -10)])


def rfc3339(us: int) -> str:
    """Microseconds since the epoch as ``2026-11-21T23:20:56.674Z``."""
    seconds, rest = divmod(us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + _MILLIS[rest // 1000].decode()


class Stamps:
    """Moments and identifiers of one process; remembers what didn't change since the last ones."""

    __slots__ = ("_beginning", "_count", "_epoch", "_last_ms", "_ms", "_prefix", "_second", "_second_text", "_time")

    def __init__(self) -> None:
        self._ms = self._last_ms = self._second = -1
        self._second_text = self._beginning = self._epoch = self._time = self._prefix = b""
        self._count = 0

    def stamp(self, ns: int) -> bytes:
        """How the line of an event at `ns` (nanoseconds since the epoch) begins, up to its ``event.id``."""
        ms = ns // 1_000_000
        if ms != self._ms:
            self._advance(ms)
        count = self._count
        self._count = count + 1
        if not count & 1023:
            self._draw(count)
        return self._beginning + self._prefix + _PAIRS[count & 1023]

    def ulid(self, ns: int) -> bytes:
        """26 characters; each is greater than all that this object gave before, even if the clock steps back.

        The random part of an identifier is drawn once for 1024 of them and then counted up, which the
        specification allows for identifiers of one millisecond; here it costs a table look-up.
        """
        return self.stamp(ns)[-_ULID_LENGTH:]

    def _draw(self, count: int) -> None:
        # The 4 leading characters count, so that identifiers of one millisecond stay in order.
        self._prefix = base32(count >> 10, 4) + base32(secrets.randbits(50), 10)

    def _advance(self, ms: int) -> None:
        self._ms = ms
        second = ms // 1000
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        if ms > self._last_ms:
            if ms >> 20 != self._last_ms >> 20:  # once in 17 minutes
                self._epoch = base32(ms >> 20, 6)
            self._last_ms = ms
            self._time = self._epoch + _PAIRS[ms >> 10 & 1023] + _PAIRS[ms & 1023]
        self._beginning = b'{"@timestamp":"%b%b","event":{"id":"%b' % (
            self._second_text,
            _MILLIS[ms % 1000],
            self._time,
        )
