"""Whether a connection goes on after a response (RFC 9112 section 9.3)."""

from __future__ import annotations

from ....persona.model.http import Http
from .head import Head

_KEEP_ALIVE = "keep-alive"


def keeps(head: Head, number: int, http: Http) -> bool:
    """Whether it goes on behind the request number `number`, from 1, as far as `head` says."""
    if number >= http.times.requests:
        return False
    fields = head.headers.all("Connection")
    if http.grammar.persistence == "keep-alive" and fields:
        # Such a server compares as many characters as there are.
        return any(option and _KEEP_ALIVE.startswith(option) for option in _options(fields[:1]))
    options = _options(fields)
    if "close" in options or head.version == "0.9":
        return False
    return head.version == "1.1" or _KEEP_ALIVE in options


def _options(values: tuple[str, ...]) -> set[str]:
    return {option.strip().lower() for value in values for option in value.split(",")}
