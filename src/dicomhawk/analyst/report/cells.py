"""Small things that all chapters need: lists out of the database, and numbers with their nouns."""

from __future__ import annotations

import msgspec

MAX_STRINGS = 64
"""Of one list: more than any cell shows."""


def strings(text: str) -> list[str]:
    """The strings of a JSON list; none if it isn't one."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError):
        return []
    if not isinstance(found, list):
        return []
    return [value for value in found[:MAX_STRINGS] if isinstance(value, str)]


def many(number: int, one: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
