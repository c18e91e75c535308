"""What an actor is called whom nobody knows: by its tool and where it was seen first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

_PERSON: Final = " (a person's)"
_PROGRAM: Final = " (automated)"
_WHOLE: Final = ("program ", "unknown ", "imitation ", "headless ", "masscan ")
"""How tools begin that are said of somebody, and not of what somebody has."""
_VAGUE: Final = " (or built with it)"


def label_of(addresses: Sequence[str], tools: Iterable[str]) -> str:
    """As in ``nmap user from 198.51.100.7 and 2 others``. `addresses` are different, the first one first."""
    others = len(addresses) - 1
    more = "" if not others else f" and {others} other{'s' if others > 1 else ''}"
    return f"{_subject(tools)} from {addresses[0]}{more}"


def _subject(tools: Iterable[str]) -> str:
    counted = Counter(first for tool in tools if (first := _first(tool)))
    if not counted:
        return "visitor"
    tool = min(counted, key=lambda each: (-counted[each], each))
    if tool.endswith(_PERSON):
        return f"person with {tool.removesuffix(_PERSON)}"
    if tool.endswith(_PROGRAM):
        return f"automated {tool.removesuffix(_PROGRAM)}"
    if tool.startswith(_WHOLE):
        return tool
    return f"{tool} user"


@lru_cache(maxsize=4096)
def _first(tool: str) -> str:
    """The first tool of a session's phrase."""
    return tool.partition(", ")[0].partition(" and ")[0].removesuffix(_VAGUE)
