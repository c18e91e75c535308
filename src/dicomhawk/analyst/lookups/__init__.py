"""Online look-ups: what public services say of visitors and of captured files. Off by default.

They are asked by the analyst, never by the sensor, about addresses that anybody can reach and about hashes, and get
nothing else. Answers are kept; a failure isn't, and holds nothing up.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, and_, func, select, update

from ...settings import Settings, SettingsError
from ..database.schema import captures, lookups, sessions
from ..database.store import put
from .asking import Asking, Client, Clock
from .bucket import Bucket
from .names import PER_DAY, PER_MINUTE, REVERSE_DNS
from .providers import SERVICES
from .verdict import Verdict as Verdict
from .verdict import kind_of

RECENT_DAYS = 30
"""Who was here longer ago isn't asked about."""
LOOK_SECONDS = 10.0
"""Between two looks at whom to ask about."""
AGAIN_SECONDS = 3600.0
"""Before something is asked again that had no answer."""
MAX_FAILED = 10_000
"""Subjects without an answer that are remembered."""
CANDIDATES = 1000
"""Of a look, the newest first."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


class Lookups:
    """Asks, and keeps what is answered."""

    def __init__(self, settings: Settings, clock: Clock = time.time) -> None:
        """Raises `SettingsError` if a provider has no key."""
        self._settings = settings.lookups
        self._clock = clock
        self._keys = _keys(settings)
        self._clients: list[Client] = []
        self._asking = Asking(self._settings.timeout_seconds)
        self._tried: dict[tuple[str, str], float] = {}
        self._looked = float("-inf")
        for provider in self._settings.providers:
            if provider in SERVICES and SERVICES[provider].needs_key and provider not in self._keys:
                raise SettingsError(f"lookups.keys: {provider} needs a key.")

    def close(self) -> None:
        """End what is under way."""
        self._asking.close()

    @property
    def waiting(self) -> int:
        """Questions without an answer so far."""
        return self._asking.waiting

    def pending(self, engine: Engine, limit: int) -> int:
        """A step: keep the answers that came, and ask about up to `limit` more. The number of answers.

        Doesn't wait for anybody.
        """
        if not self._settings.providers:
            return 0
        answers = self._asking.answers()
        if answers:
            with engine.begin() as connection:
                for verdict in answers:
                    self._keep(connection, verdict)
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS and self._asking.waiting < limit:
            self._looked = now
            with engine.connect() as connection:
                self._clients = self._clients or [self._client(connection, one) for one in self._settings.providers]
                for client in self._clients:
                    self._ask(connection, client, limit)
        return len(answers)

    def _ask(self, connection: Connection, client: Client, limit: int) -> None:
        now = self._clock()
        for subject in self._subjects(connection, client.provider):
            if self._asking.waiting >= limit:
                return
            tried = client.provider, subject
            if now - self._tried.get(tried, float("-inf")) < AGAIN_SECONDS or self._asking.is_open(*tried):
                continue
            if not client.bucket.take():
                return
            while len(self._tried) >= MAX_FAILED:
                self._tried.pop(next(iter(self._tried)))
            self._tried[tried] = now
            self._asking.ask(client, subject)

    def _subjects(self, connection: Connection, provider: str) -> Iterator[str]:
        now = int(self._clock() * _SECOND)
        of_files = provider in SERVICES and SERVICES[provider].kind == "sha256"
        subject = captures.c.sha256 if of_files else sessions.c.address
        moment = captures.c.moment if of_files else sessions.c.last
        known = and_(lookups.c.provider == provider, lookups.c.subject == subject, lookups.c.expires > now)
        query = (
            select(subject)
            .outerjoin(lookups, known)
            .where(
                lookups.c.subject.is_(None),
                (captures.c.moment if of_files else sessions.c.last) > now - RECENT_DAYS * _DAY,
            )
            .group_by(subject)
            .order_by(func.max(moment).desc(), subject)
            .limit(CANDIDATES)
        )
        # The names of scanners are what reverse DNS is for.
        if not of_files and provider != REVERSE_DNS and self._settings.interactions_only:
            query = query.where(sessions.c.interaction)
        kind = "sha256" if of_files else "address"
        return (found for found in connection.execute(query).scalars().all() if kind_of(found) == kind)

    def _keep(self, connection: Connection, verdict: Verdict) -> None:
        now = int(self._clock() * _SECOND)
        self._tried.pop((verdict.provider, verdict.subject), None)
        where = (lookups.c.provider == verdict.provider) & (lookups.c.subject == verdict.subject)
        before = connection.execute(select(lookups.c.answer).where(where)).scalar()
        row = {
            "provider": verdict.provider,
            "subject": verdict.subject,
            "fetched": now,
            "expires": now + self._settings.cache_hours * 3600 * _SECOND,
            "answer": verdict.answer,
        }
        put(connection, lookups, [row])
        if verdict.provider == REVERSE_DNS and verdict.facts["names"] and before != verdict.answer:
            connection.execute(update(sessions).where(sessions.c.address == verdict.subject).values(stale=True))

    def _client(self, connection: Connection, provider: str) -> Client:
        day = int(self._clock() * _SECOND) - _DAY
        asked = (lookups.c.provider == provider) & (lookups.c.fetched > day)
        used = connection.execute(select(func.count()).select_from(lookups).where(asked)).scalar() or 0
        service = SERVICES.get(provider)
        per_minute, per_day = (service.per_minute, service.per_day) if service else (PER_MINUTE, PER_DAY)
        of_plan = {str(name): most for name, most in self._settings.per_day.items()}
        bases = {str(name): base for name, base in self._settings.addresses.items()}
        return Client(
            provider,
            bases.get(provider, service.base if service else "").rstrip("/"),
            self._keys.get(provider, ""),
            Bucket(per_minute, of_plan.get(provider, per_day), self._clock, used=used),
            self._settings.timeout_seconds,
        )


def _keys(settings: Settings) -> dict[str, str]:
    """Of the file and of the settings, which win."""
    found: dict[str, Any] = {}
    path = settings.lookups.keys_file
    if path is not None and settings.lookups.providers:
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
            shared = path.stat().st_mode & 0o007
        except OSError as error:
            raise SettingsError(f"lookups.keys_file: {path} can't be read: {error.strerror}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise SettingsError(f"lookups.keys_file: {path} is not a TOML file.") from None
        if shared:
            raise SettingsError(f"lookups.keys_file: {path} is open to everybody on this machine; chmod o= it.")
        if not all(isinstance(key, str) and key.isascii() and key.isprintable() for key in found.values()):
            raise SettingsError(f"lookups.keys_file: {path} must have lines as in greynoise = '...' only.")
    return {**found, **{name: key.get_secret_value() for name, key in settings.lookups.keys.items()}}
