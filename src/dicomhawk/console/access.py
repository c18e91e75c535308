"""Who may look: a secret, sessions in cookies, and how often one may guess."""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..settings import Settings, SettingsError

COOKIE = "dicomhawk_console"
TOKEN_FILE = "console.token"  # noqa: S105 - the name of a file
IDLE_SECONDS = 8 * 3600.0
"""A session that nobody used for so long has ended."""
MAX_SESSIONS = 64
"""Sessions at a time; the one that was used longest ago makes room."""
TRIES = 5
"""Wrong secrets that an address may give within `TRIES_SECONDS`."""
ALL_TRIES = 50
"""The same of all addresses together."""
TRIES_SECONDS = 60.0


class TooManyTries(Exception):
    """Whoever asks must wait; the argument says how many seconds."""


@dataclass
class Session:
    """Somebody who is signed in. `csrf` stands in every form of theirs."""

    csrf: str
    used: float


class Access:
    """Signs people in. `allowed`: the secrets, any of which will do."""

    def __init__(self, allowed: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = tuple(_digest(secret) for secret in allowed if secret)
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._wrong: list[tuple[float, str]] = []

    def sign_in(self, secret: str, address: str) -> str | None:
        """The cookie of a new session; None if the secret is wrong. Raises `TooManyTries`."""
        now = self._clock()
        self._wrong = [(at, who) for at, who in self._wrong if now - at < TRIES_SECONDS]
        own = [at for at, who in self._wrong if who == address]
        if len(own) >= TRIES or len(self._wrong) >= ALL_TRIES:
            oldest = own[0] if len(own) >= TRIES else self._wrong[0][0]
            raise TooManyTries(int(TRIES_SECONDS - (now - oldest)) + 1)
        given = _digest(secret.strip())
        right = [hmac.compare_digest(given, allowed) for allowed in self._allowed]
        if not any(right):
            self._wrong.append((now, address))
            return None
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = Session(secrets.token_urlsafe(32), now)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return cookie

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie; None if there is none (any more)."""
        found = self._sessions.get(cookie)
        if found is None:
            return None
        now = self._clock()
        if now - found.used > IDLE_SECONDS:
            del self._sessions[cookie]
            return None
        found.used = now
        self._sessions.move_to_end(cookie)
        return found

    def sign_out(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(cookie, None)


def secrets_of(settings: Settings) -> tuple[tuple[str, ...], str]:
    """The secrets that open the console, and the token that was drawn if none is set (else empty).

    A token is drawn once and kept in the data folder. Raises `SettingsError` where that can't be done.
    """
    given = tuple(secret for secret in (settings.console.token, settings.console.password) if secret)
    if given:
        return given, ""
    file = settings.data / TOKEN_FILE
    try:
        token = file.read_text("utf-8").strip() if file.exists() else ""
        if len(token) < 32:
            token = secrets.token_urlsafe(32)
            settings.data.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(token + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The console's token can't be kept in {file}: {error}.") from None
    return (token,), token


def _digest(secret: str) -> bytes:
    return hmac.digest(b"dicomhawk console", secret.encode("utf-8", "surrogatepass"), "sha256")
