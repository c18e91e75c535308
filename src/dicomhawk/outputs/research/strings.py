"""What visitors wrote, as far as it may be in a data set: without addresses, values, and names of ours."""

from __future__ import annotations

import re
from collections.abc import Hashable
from ipaddress import ip_address

from .own import Own

ADDRESS = "(address)"
"""Stands for an address within a text."""
OURS = "(withheld)"
"""Stands for a text with a name of ours in it, or one that too few visitors wrote."""
MAX_STRING = 256
MAX_SEGMENTS = 12
"""Of a path."""
MAX_COUNTED = 500_000
"""Different texts whose visitors are counted; those beyond count as rare."""

_QUAD = re.compile(r"(?<![\d])\d{1,3}([.\-_])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)")
_REDUCED = re.compile(r"(?<=[A-Za-z]/)\d{1,3}\.0\.0\.0(?![\d.])")
"""The version of a browser that tells no more than its first number: looks like an address and is none."""
_SIX = re.compile(r"\[?[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:%\w+)?\]?")
_VALUE = re.compile(r"\d{4}|^[0-9.]+$|^[0-9a-f]{8}|[0-9a-f]{12}|=|%|@|^.{33}", re.IGNORECASE)
"""A part of a path that may be a value: a number, a UID, a hash, something encoded or long."""


def scrubbed(text: str) -> str:
    """`text` on one line, with every address in it replaced."""
    shown = "".join(c if c.isprintable() else " " for c in text[:MAX_STRING])
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    shown = _REDUCED.sub(keep, shown)
    shown = _SIX.sub(lambda match: ADDRESS if _is_address(match[0]) else match[0], _QUAD.sub(_quad, shown))
    return re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], shown)


def path_of(text: str) -> str:
    """A path without its query and parameters, and with what may be a value replaced by ``{}``."""
    path = re.split(r"[?#;]", text, maxsplit=1)[0]
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/]*", "", path)
    parts = path.split("/")[: MAX_SEGMENTS + 1]
    return scrubbed("/".join("{}" if _VALUE.search(part) else part for part in parts))


class Allowed:
    """Texts of one kind: those that enough visitors wrote, and that have no name of ours in them."""

    def __init__(self, own: Own, least: int) -> None:
        self._own = own
        self._least = least
        self._visitors: dict[str, set[Hashable] | None] = {}
        self.withheld: set[str] = set()
        """Different texts that were not given."""

    def count(self, text: str, visitor: Hashable) -> None:
        """Note that a visitor wrote a text."""
        seen = self._visitors.get(text, _UNKNOWN)
        if seen is None:
            return  # enough already
        if seen is _UNKNOWN:
            if len(self._visitors) >= MAX_COUNTED:
                return
            seen = self._visitors[text] = set()
        seen.add(visitor)
        if len(seen) >= self._least:
            self._visitors[text] = None if text not in self._own else _NEVER

    def __call__(self, text: str) -> str:
        """The text, or what stands for it."""
        if not text or self._visitors.get(text, _UNKNOWN) is None:
            return text
        self.withheld.add(text)
        return OURS


_UNKNOWN: set[Hashable] = set()


class _Never(set[Hashable]):
    """Visitors of a text that is never given, however many they are."""

    def add(self, element: Hashable) -> None:
        pass

    def __len__(self) -> int:
        return 0


_NEVER = _Never()


def _quad(match: re.Match[str]) -> str:
    parts = match[0].split(match[1])
    return ADDRESS if all(int(part) < 256 for part in parts) else match[0]


def _is_address(text: str) -> bool:
    if not any(character.isdigit() for character in text):
        return False  # C++'s std::
    try:
        ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
