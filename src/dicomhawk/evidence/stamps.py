"""Moments and identifiers as text, cheaply: RFC 3339 in UTC with milliseconds, and ULIDs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Nanoseconds since the epoch, as `time.time_ns`."""

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as the ULID specification has it
_PAIRS = tuple(bytes((a, b)) for a in _ALPHABET for b in _ALPHABET)
_MILLIS = tuple(b".%03dZ" % ms for ms in range(1000))
_HIGH_BITS = 20


def base32(value: int, digits: int) -> bytes:
    """`value` in Crockford's base 32, most significant digit first."""
    return bytes(_ALPHABET[value >> shift & 31] for shift in range(5 * digits - 5, -1, -5))


def rfc3339(us: int) -> str:
    """Microseconds since the epoch as ``2026-11-21T23:20:56.674Z``."""
    seconds, rest = divmod(us, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + _MILLIS[rest // 1000].decode()


class Stamps:
    """Text for the moments of one process; remembers what didn't change since the last one."""

    __slots__ = ("_endings", "_high", "_high_text", "_last_ms", "_prefix", "_second", "_second_text")

    def __init__(self) -> None:
        self._second = -1
        self._second_text = b""
        self._high = -1
        self._high_text = b""
        self._last_ms = 0
        self._prefix = b""
        self._endings = 0

    def moment(self, ns: int) -> bytes:
        """RFC 3339 of `ns` (nanoseconds since the epoch), with milliseconds and ``Z``."""
        ms = ns // 1_000_000
        second = ms // 1000
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return self._second_text + _MILLIS[ms % 1000]

    def ulid(self, ns: int) -> bytes:
        """26 characters; each is greater than all that this object gave before, even if the clock steps back.

        The random part of an identifier is drawn once for 1024 of them and then counted up, which the
        specification allows for identifiers of one millisecond; here it costs a table look-up.
        """
        ms = ns // 1_000_000
        if ms < self._last_ms:
            ms = self._last_ms
        self._last_ms = ms
        high = ms >> _HIGH_BITS
        if high != self._high:
            self._high = high
            self._high_text = base32(high, 6)
        ending = self._endings & 1023
        if not ending:
            # The 4 leading characters count, so that identifiers of one millisecond stay in order.
            self._prefix = base32(self._endings >> 10, 4) + base32(secrets.randbits(50), 10)
        self._endings += 1
        return b"%b%b%b%b%b" % (
            self._high_text,
            _PAIRS[ms >> 10 & 1023],
            _PAIRS[ms & 1023],
            self._prefix,
            _PAIRS[ending],
        )
