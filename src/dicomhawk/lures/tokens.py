"""Tokens in the addresses that bait calls when it has left: each names its lure and the session that took it.

A token is 25 bytes in a base 32 of the deployment's: the session, the lure, the moment and a nonce, enciphered under
a key that is derived from the deployment's seed, with a synthetic initialisation vector (as RFC 5297 has it,
with HMAC-SHA-256) that nobody can make without it. It is all that a callback receiver on another host needs; what
else is known of a download is in the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

KEY_BYTES = 32
SYMBOLS = 40
"""Characters of a token without its dashes; with them it fits into a label of the DNS (63, RFC 1035 2.3.4)."""
MAX_TEXT = 4096
"""Characters of an address or name that are looked through for a token: what strangers ask may be longer."""
MAX_CANDIDATES = 16
"""Words of an address that are tried: each costs some microseconds."""

_PLAIN = Struct(">9sHIH")  # session, lure, moment, nonce
_TAG = 8  # bytes of the synthetic initialisation vector: a guess is right once in 2**64
_SESSION = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # of a session's name: 10 digits of a moment (ms), 6 drawn ones
_SESSION_LENGTH = 16
_DRAWN_BITS = 30
_MOMENT_BITS = 42  # of the moment in a session's name: up to the year 2109
_TICK_US = 10_000
"""Moments are counted from the beginning of the session in ticks of 10 ms: four bytes are more than a year."""
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz234567",  # RFC 4648 section 6
    "0123456789abcdefghijklmnopqrstuv",  # RFC 4648 section 7
    "0123456789abcdefghjkmnpqrstvwxyz",  # Crockford's
)
_GROUPS = ((40,), (8, 8, 8, 8, 8), (10, 10, 10, 10), (20, 20), (8, 16, 16))
_WORD = re.compile(f"[a-z0-9-]{{{SYMBOLS},{SYMBOLS + 4}}}")


class Token(NamedTuple):
    """What a token says."""

    lure: int
    """`number_of` the lure's id."""
    session: str
    at: int
    """Moment of minting, microseconds since the epoch, to 10 ms."""


def number_of(lure: str) -> int:
    """The 16 bits that stand for a lure's id in a token."""
    return int.from_bytes(hashlib.sha256(f"lure/{lure}".encode()).digest()[:2], "big")


def key_of(seed: str) -> bytes:
    """The key of a deployment's tokens; the seed doesn't follow from it."""
    return hmac.digest(seed.encode(), b"tokens of lures", "sha256")


class Minter:
    """Makes and reads the tokens of one deployment."""

    def __init__(self, key: bytes) -> None:
        self._mac, self._cipher = (hmac.digest(key, use, "sha256") for use in (b"tag", b"cipher"))
        style = hmac.digest(key, b"style", "sha256")
        self._alphabet = _ALPHABETS[style[0] % len(_ALPHABETS)]
        self._groups = _GROUPS[style[1] % len(_GROUPS)]
        self._values = {symbol: value for value, symbol in enumerate(self._alphabet)}
        self.deployment = hmac.digest(key, b"name", "sha256")[:6].hex()
        """What the deployment is called where its tokens are resolved."""

    def mint(self, lure: str, session: str, at: int) -> str:
        """A new token for `session`, which takes `lure` at `at` (microseconds); no two are the same.

        A session whose name isn't of ours is named by a digest that resolves to none.
        """
        packed, began = _pack(session)
        ticks = min(max(at // _TICK_US - began * 1000 // _TICK_US, 0), 0xFFFFFFFF)
        plain = _PLAIN.pack(packed, number_of(lure), ticks, secrets.randbits(16))
        tag = hmac.digest(self._mac, plain, "sha256")[:_TAG]
        number = int.from_bytes(tag + self._crypt(tag, plain), "big")
        symbols = "".join(self._alphabet[number >> shift & 31] for shift in range(5 * SYMBOLS - 5, -1, -5))
        at_symbol, parts = 0, []
        for length in self._groups:
            parts.append(symbols[at_symbol : at_symbol + length])
            at_symbol += length
        return "-".join(parts)

    def resolve(self, text: str) -> Token | None:
        """What a token says, in any case and with or without its dashes; None if it isn't one of this deployment."""
        symbols = text.lower().replace("-", "")
        if len(symbols) != SYMBOLS:
            return None
        number = 0
        for symbol in symbols:
            value = self._values.get(symbol)
            if value is None:
                return None
            number = number << 5 | value
        sealed = number.to_bytes(_TAG + _PLAIN.size, "big")
        tag = sealed[:_TAG]
        plain = self._crypt(tag, sealed[_TAG:])
        if not hmac.compare_digest(hmac.digest(self._mac, plain, "sha256")[:_TAG], tag):
            return None
        packed, lure, ticks, _ = _PLAIN.unpack(plain)
        session, began = _unpack(packed)
        return Token(lure, session, (began * 1000 // _TICK_US + ticks) * _TICK_US)

    def find(self, text: str) -> tuple[str, Token] | None:
        """The first token in an address or a name, as `canonical`, and what it says."""
        for word in _candidates(text):
            token = self.resolve(word)
            if token is not None:
                return canonical(word), token
        return None

    def _crypt(self, tag: bytes, data: bytes) -> bytes:
        stream = hmac.digest(self._cipher, tag, "sha256")
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))


def canonical(token: str) -> str:
    """The form under which a token is looked up."""
    return token.lower().replace("-", "")


def _candidates(text: str) -> Iterator[str]:
    for tried, found in enumerate(_WORD.finditer(text[:MAX_TEXT].lower())):
        if tried == MAX_CANDIDATES:
            return
        yield found[0]


def _pack(session: str) -> tuple[bytes, int]:
    """A session's name in 9 bytes, and its beginning (ms)."""
    number = 0
    known = len(session) == _SESSION_LENGTH
    for symbol in session if known else "":
        value = _SESSION.find(symbol)
        known = known and value >= 0
        number = number << 5 | max(value, 0)
    if not known or number >> _DRAWN_BITS >> _MOMENT_BITS:
        digest = hashlib.sha256(session.encode("utf-8", "backslashreplace")).digest()
        number = int.from_bytes(digest, "big") & (1 << _DRAWN_BITS) - 1
    return number.to_bytes(9, "big"), number >> _DRAWN_BITS


def _unpack(packed: bytes) -> tuple[str, int]:
    number = int.from_bytes(packed, "big")
    symbols = (_SESSION[number >> shift & 31] for shift in range(5 * _SESSION_LENGTH - 5, -1, -5))
    return "".join(symbols), number >> _DRAWN_BITS
