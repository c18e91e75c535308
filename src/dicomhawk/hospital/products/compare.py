"""Comparing keys with stored values as a dialect has it.

Values are text with one character for each byte (Latin-1), since products compare bytes: a letter that is two
bytes long in UTF-8 takes two ``?``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from dicomhawk.hospital.dialect import Comparison
from dicomhawk.hospital.matching import MAX_PATTERN_LENGTH, Hint, wildcard_test
from dicomhawk.hospital.products.moments import moment

Test: TypeAlias = Callable[[str], bool]

TEMPORAL: Final = frozenset(("DA", "TM", "DT"))
_LETTERS: Final = re.compile("[A-Za-z]+")
_CONTROLS: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0x100)))
_FOLDED: Final = str.maketrans(
    _CONTROLS
    | {ord("%"): " ", ord("_"): " "}
    | dict(zip(map(ord, string.ascii_lowercase), string.ascii_uppercase, strict=True))
)


class WildcardError(Exception):
    """A wildcard where the product takes none; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a wildcard where there may be none: {status:04X}")
        self.status = status


class Compared(NamedTuple):
    """A key's `test` for stored values, and what an index can narrow by, if it can."""

    test: Test
    hint: Hint | None
    patterns: int
    begins: str = ""
    """ASCII letters that all values which match begin with, in one case or the other."""


def compile_key(tag: int, vr: str, value: str, rules: Comparison) -> Compared:
    """The test for a key whose `value` isn't empty. Raises `WildcardError`."""
    test, hint, patterns, _ = _compile(vr, value, rules)
    letters = _LETTERS.match(value) if vr == "PN" and "\\" not in value else None
    begins = letters[0] if letters is not None else ""
    if tag in rules.folded:
        folded, _, more, _ = _compile(vr, folded_text(value), rules)
        return Compared(lambda stored: test(stored) and folded(folded_text(stored)), hint, patterns + more, begins)
    return Compared(test, hint, patterns, begins)


def folded_text(value: str) -> str:
    """`value` in capitals, without what isn't ASCII and printable, ``_`` and ``%`` as spaces."""
    return value.translate(_FOLDED).strip(" ")


def trimmed(value: str, *, leading: bool) -> str:
    """`value` without padding; with `leading`, without leading spaces, too."""
    return value.strip(" \0") if leading else value.rstrip(" \0")


def upper(value: str) -> str:
    """Bytes of UTF-8, one character each, in capitals; of what isn't UTF-8, the ASCII letters."""
    try:
        return value.encode("latin-1").decode().upper().encode().decode("latin-1")
    except UnicodeError:
        return value.upper() if value.isascii() else "".join(c.upper() if c < "\x80" else c for c in value)


def _compile(vr: str, value: str, rules: Comparison) -> Compared:
    if rules.dates_as_text:
        if vr in TEMPORAL and "-" in value:
            return _text_range(value, rules)
    elif vr in TEMPORAL:
        return _moments(vr, value)
    fold = upper if vr in rules.insensitive_vrs else _same
    if "\\" in value and (rules.list_vrs is None or vr in rules.list_vrs):
        wanted = frozenset(map(fold, value.split("\\")))
        hint = Hint("in", tuple(wanted)) if fold is _same else None
        return Compared(lambda stored: fold(stored) in wanted, hint, 0)
    if vr in rules.wildcard_vrs and ("*" in value or "?" in value):
        return _pattern(fold(value), fold)
    _refuse_wildcards(value, rules)
    literal = fold(value)
    return Compared(lambda stored: fold(stored) == literal, Hint("in", (value,)) if fold is _same else None, 0)


def _same(value: str) -> str:
    return value


def _refuse_wildcards(value: str, rules: Comparison) -> None:
    if rules.wildcards_elsewhere is not None and ("*" in value or "?" in value):
        raise WildcardError(rules.wildcards_elsewhere)


def _pattern(value: str, fold: Callable[[str], str]) -> Compared:
    if len(value) > MAX_PATTERN_LENGTH:
        return Compared(lambda stored: False, Hint("in", ()), 1)
    test = wildcard_test(value)
    prefix = value.replace("?", "*").split("*")[0]
    hint = Hint("prefix", (prefix,)) if prefix and fold is _same else None
    return Compared(test if fold is _same else lambda stored: test(fold(stored)), hint, 1)


def _text_range(value: str, rules: Comparison) -> Compared:
    low, _, high = value.partition("-")
    for end in (low, high):
        _refuse_wildcards(end, rules)
    if high:
        return Compared(lambda stored: low <= stored <= high, None, 0)
    return Compared(lambda stored: low <= stored, None, 0)


def _moments(vr: str, value: str) -> Compared:
    first, dash, last = value.partition("-")
    low = moment(vr, first) if first else None
    high = moment(vr, last) if last else None
    if (first and low is None) or (last and high is None):
        return Compared(lambda stored: False, Hint("in", ()), 1)
    if not dash:
        return Compared(lambda stored: low is not None and moment(vr, stored) == low, None, 1)

    def within(stored: str) -> bool:
        found = moment(vr, stored)
        return found is not None and (low is None or low <= found) and (high is None or found <= high)

    return Compared(within, None, 1)
