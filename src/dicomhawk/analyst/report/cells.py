"""What columns of the database hold as JSON, read so that nothing in it can be wrong."""

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
