"""Where bait calls: addresses of the canary with a token in them, or of other canaries that the operator has."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..hospital.world.draw import draw
from ..settings import CanaryKind, Lures

TOKEN = "{token}"  # noqa: S105 - a placeholder
"""In an operator's own address, where the token goes if its server can tell tokens apart."""


class Addresses:
    """The addresses of one deployment, as its settings give them."""

    def __init__(self, settings: Lures, seed: str) -> None:
        self._zone = settings.canary_zone
        self._own = dict(settings.own)
        parts = urlsplit(settings.canary_url)
        self._scheme = parts.scheme or "http"
        self._base = settings.canary_url
        self._port = f":{parts.port}" if parts.port else ""
        self._folder = draw(seed, "lures", "addresses").choice(("", "", "/i", "/s", "/v", "/share", "/img"))

    def has(self, kind: CanaryKind) -> bool:
        """Whether bait of that kind can call anybody."""
        return bool(self._own.get(kind) or self._base or self._zone)

    def url(self, kind: CanaryKind, token: str, name: str) -> str:
        """An address for bait of that kind, or an empty text. `name` ends its path.

        Below the zone, if there is one: then the name alone tells of who looks it up, even if HTTP is blocked.
        """
        own = self._own.get(kind)
        if own:
            return own.replace(TOKEN, token)
        if self._zone:
            return f"{self._scheme}://{token}.{self._zone}{self._port}{self._folder}/{name}"
        return f"{self._base}{self._folder}/{token}/{name}" if self._base else ""

    def host(self, token: str) -> str:
        """A name whose look-up tells of itself, or an empty text."""
        return f"{token}.{self._zone}" if self._zone else ""
