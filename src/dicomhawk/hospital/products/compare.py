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
from dicomhawk.hospital.matching import MAX_PATTERN_LENGTH, wildcard_test
from dicomhawk.hospital.products.moments import date_text, moment

Test: TypeAlias = Callable[[str], bool]
Range: TypeAlias = tuple[str, str]
"""The first and the last of some texts, in the order of their characters."""

TEMPORAL: Final = frozenset(("DA", "TM", "DT"))
LAST: Final = "\U0010ffff"
"""Sorts behind whatever follows a prefix."""

_LETTERS: Final = re.compile("[A-Za-z]+")
_STARS: Final = re.compile(r"\*+")
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
    """A key's `test` for stored values, and how many `patterns` it has.

    With `narrows`, all values that match are among `points`, or in one of `ranges`, which don't overlap.
    """

    test: Test
    patterns: int = 0
    points: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    narrows: bool = False
    begins: str = ""
    """ASCII letters that all values which match begin with, in one case or the other."""
    infix: str = ""
    """ASCII letters that they all have somewhere."""


NOTHING: Final = Compared(lambda stored: False, 1, narrows=True)
"""What no value passes."""


def compile_key(tag: int, vr: str, value: str, rules: Comparison) -> Compared:
    """The test for a key whose `value` isn't empty. Raises `WildcardError`."""
    found = _compile(vr, value, rules)
    if vr == "PN" and "\\" not in value:
        letters = _LETTERS.match(value)
        longest = max(_LETTERS.findall(value), key=len, default="")
        found = found._replace(begins=letters[0] if letters is not None else "", infix=longest)
    if tag not in rules.folded:
        return found
    test, folded = found.test, _compile(vr, folded_text(value), rules)
    return found._replace(
        test=lambda stored: test(stored) and folded.test(folded_text(stored)),
        patterns=found.patterns + folded.patterns,
    )


def folded_text(value: str) -> str:
    """`value` in capitals, without what isn't ASCII and printable, ``_`` and ``%`` as spaces."""
    return value.translate(_FOLDED).strip(" ")


def trimmed(value: str, *, leading: bool) -> str:
    """`value` without padding; with `leading`, without leading spaces, too."""
    return value.strip(" \0") if leading else value.rstrip(" \0")


def upper(value: str) -> str:
    """Bytes of UTF-8, one character each, in capitals; of what isn't UTF-8, the ASCII letters."""
    if value.isascii():
        return value.upper()
    try:
        return value.encode("latin-1").decode().upper().encode().decode("latin-1")
    except UnicodeError:
        return "".join(c.upper() if c < "\x80" else c for c in value)


def _compile(vr: str, value: str, rules: Comparison) -> Compared:
    if rules.dates_as_text:
        if vr in TEMPORAL and "-" in value:
            return _text_range(value, rules)
    elif vr in TEMPORAL:
        return _moments(vr, value)
    fold = upper if vr in rules.insensitive_vrs else _same
    if "\\" in value and (rules.list_vrs is None or vr in rules.list_vrs):
        wanted = frozenset(map(fold, value.split("\\")))
        if fold is not _same:
            return Compared(lambda stored: fold(stored) in wanted)
        return Compared(lambda stored: stored in wanted, points=tuple(sorted(wanted)), narrows=True)
    if vr in rules.wildcard_vrs and ("*" in value or "?" in value):
        return _pattern(fold(value), fold)
    _refuse_wildcards(value, rules)
    literal = fold(value)
    if fold is not _same:
        return Compared(lambda stored: fold(stored) == literal)
    return Compared(lambda stored: stored == literal, points=(value,), narrows=True)


def _same(value: str) -> str:
    return value


def _refuse_wildcards(value: str, rules: Comparison) -> None:
    if rules.wildcards_elsewhere is not None and ("*" in value or "?" in value):
        raise WildcardError(rules.wildcards_elsewhere)


def _pattern(value: str, fold: Callable[[str], str]) -> Compared:
    value = _STARS.sub("*", value)
    if len(value) > MAX_PATTERN_LENGTH:
        return NOTHING
    test = wildcard_test(value)
    if fold is not _same:
        return Compared(lambda stored: test(fold(stored)), 1)
    prefix = value.replace("?", "*").split("*")[0]
    return Compared(test, 1, ranges=((prefix, prefix + LAST),), narrows=True) if prefix else Compared(test, 1)


def _text_range(value: str, rules: Comparison) -> Compared:
    low, _, high = value.partition("-")
    for end in (low, high):
        _refuse_wildcards(end, rules)
    ranges = ((low, high or LAST),)
    if high:
        return Compared(lambda stored: low <= stored <= high, ranges=ranges, narrows=True)
    return Compared(lambda stored: low <= stored, ranges=ranges, narrows=True)


def _moments(vr: str, value: str) -> Compared:
    first, dash, last = value.partition("-")
    low = moment(vr, first) if first else None
    high = moment(vr, last) if last else None
    if (first and low is None) or (last and high is None):
        return NOTHING
    if not dash:
        found = Compared(lambda stored: low is not None and moment(vr, stored) == low, 1)
        return found if vr != "DA" else found._replace(ranges=_of_dates(low, low), narrows=True)

    def within(stored: str) -> bool:
        found = moment(vr, stored)
        return found is not None and (low is None or low <= found) and (high is None or found <= high)

    return Compared(within, 1, ranges=_of_dates(low, high), narrows=True) if vr == "DA" else Compared(within, 1)


def _of_dates(low: float | None, high: float | None) -> tuple[Range, ...]:
    """Ranges of the texts of dates, with full stops and without, between two days."""
    last = LAST if high is None else date_text(high)
    if low is None:
        return (("", last),)
    first = date_text(low)
    # With full stops they come before those of the same year without.
    return ((f"{first[:4]}.", f"{first[:4]}.{LAST}"), (first, last))
