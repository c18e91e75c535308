"""Programs by their User-Agent and by how they open TLS (known.toml)."""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

MAX_AGENT: Final = 512
"""Characters of a user agent that are looked at."""

Kind = Literal["attack", "scanner", "viewer", "library", "tool", "browser"]


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table. Exactly one of `has`, `starts` and `exactly` is given."""

    tool: str
    kind: Kind
    has: str = ""
    starts: str = ""
    exactly: str = msgspec.field(default="", name="is")

    def holds(self, agent: str, lowered: str) -> bool:
        """Whether `agent`, which is `lowered` in lower case, is its."""
        if self.exactly:
            return agent == self.exactly
        return lowered.startswith(self.starts) if self.starts else self.has in lowered


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program's way of opening TLS."""

    tool: str
    ja4: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agent: tuple[Agent, ...]
    tls: tuple[Tls, ...]


@cache
def table() -> _Table:
    """The table that is shipped. Raises msgspec.ValidationError."""
    text = files(__package__).joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table)


@lru_cache(maxsize=4096)
def agent_of(user_agent: str) -> Agent | None:
    """Whose User-Agent this is; None: nobody known."""
    shown = user_agent[:MAX_AGENT]
    lowered = shown.lower()
    return next((row for row in table().agent if row.holds(shown, lowered)), None)


def tls_tool(ja4: str) -> str:
    """Whose JA4 this is; empty: nobody known."""
    return _by_ja4().get(ja4.partition("_")[2], "")


@cache
def _by_ja4() -> dict[str, str]:
    return {row.ja4: row.tool for row in table().tls}
