"""Sessions without a table: who is signed in is in the cookie, encrypted, so that every worker can read it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAX_COOKIE: Final = 2800
"""Characters of a session cookie that are looked at; ours have some 200, or more where somebody chose a long name."""
_NONCE: Final = 12
_SALT: Final = 9
_VISITOR: Final = 8
Spelling = Literal["base64", "hex", "HEX"]


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has been here. Nobody is signed in where `username` is empty."""

    salt: str
    began: int
    """POSIX seconds."""
    username: str = ""
    role: str = ""
    name: str = ""
    visitor: str = ""
    """Digest of the address that it was given to."""


class Sessions:
    """Writes and reads the cookies of one deployment; `seconds`: how long a session lasts."""

    def __init__(self, seed: str, clock: Callable[[], float], *, seconds: int, spelling: Spelling = "base64") -> None:
        key = hashlib.sha256(f"portal sessions/{seed}".encode()).digest()
        self._cipher = AESGCM(key)
        self._key = hashlib.sha256(b"forms/" + key).digest()
        self._clock = clock
        self._seconds = seconds
        self._spelling = spelling

    def begin(self, visitor: str, username: str = "", role: str = "", name: str = "") -> Session:
        """A new session of a visitor."""
        salt = os.urandom(_SALT).hex()
        return Session(salt, int(self._clock()), username, role, name, self._visitor(visitor))

    def write(self, session: Session) -> str:
        """The cookie's value."""
        fields = [session.salt, session.began, session.username, session.role, session.name, session.visitor]
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(
            nonce, json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"), None
        )
        if self._spelling == "base64":
            return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return sealed.hex() if self._spelling == "hex" else sealed.hex().upper()

    def read(self, value: str | None) -> Session | None:
        """The session of a cookie; None if it isn't one of ours, or is over. Never raises."""
        if not value or len(value) > MAX_COOKIE:
            return None
        try:
            if self._spelling == "base64":
                sealed = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
            else:
                sealed = bytes.fromhex(value)
            fields = json.loads(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None))
        except (ValueError, binascii.Error, InvalidTag):
            return None
        session = Session(*fields)
        return session if 0 <= self._clock() - session.began <= self._seconds else None

    def is_of(self, session: Session, visitor: str) -> bool:
        """Whether the session was given to this visitor, and not to another."""
        return hmac.compare_digest(session.visitor, self._visitor(visitor))

    def form_token(self, session: Session) -> str:
        """What the session's forms carry, so that no other site can send them."""
        digest = hmac.new(self._key, session.salt.encode(), hashlib.sha256).digest()[:24]
        return base64.urlsafe_b64encode(digest).decode() if self._spelling == "base64" else digest.hex()

    def is_form_of(self, session: Session, token: str) -> bool:
        """Whether a form with this token is the session's."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode("utf-8", "replace"))

    def _visitor(self, visitor: str) -> str:
        return hmac.new(self._key, visitor.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[: 2 * _VISITOR]
