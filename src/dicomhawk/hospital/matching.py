"""Attribute matching as PS3.4 section C.2.2.2 has it.

`compile_key` turns the value of a key into a `Matcher`. A matcher tests stored values exactly, and carries a
hint: a coarser condition that an index can answer and that no matching value escapes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, NamedTuple, TypeAlias

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import CharacterSet
from dicomhawk.hospital.elements import Element
from dicomhawk.hospital.names import GROUPS, folded_groups
from dicomhawk.hospital.temporal import LATEST, key_span, span

Stored: TypeAlias = str | int | float | None
"""A value of the catalogue: text (several values separated by backslashes), a number, or nothing."""

MAX_KEY_LENGTH: Final = 1024
"""Characters of one value of a key; no VR of our attributes that is matched by value holds more."""

MAX_PATTERNS: Final = 16
"""Values of one query that are compared one after the other: with wildcards, names, dates and times.

Each costs time for every row; no form of a workstation has as many fields for them. A key with more matches nothing.
"""

MAX_PATTERN_LENGTH: Final = 256
"""Characters of a value with wildcards; a longer one matches nothing. Four times the longest LO."""

_NUMBERS = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "UV": "<Q", "SV": "<q", "FL": "<f", "FD": "<d"}
_TEMPORAL = frozenset(("DA", "TM", "DT"))
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Hint(NamedTuple):
    """A condition on a stored text (or integer, for ``in``): one of, within, beginning with, or containing."""

    kind: Literal["in", "between", "prefix", "contains"]
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A key with a value. `hints` belong to the whole stored value, or for PN to its folded component groups.

    All hints hold for a value that matches; ``group_hints`` has one for each group of a PN that the key
    names, and with the index None one that holds for some group. `patterns`: how many values are compared one
    after the other; none where a look into a set does.
    """

    matches: Callable[[Stored], bool]
    hint: Hint | None = None
    group_hints: tuple[tuple[int | None, Hint], ...] = ()
    patterns: int = 0


_NOTHING: Final = Matcher(lambda stored: False, Hint("in", ()))


def key_text(element: Element, character_set: CharacterSet) -> str:
    """The value of a key as text, without padding; binary numbers in decimal; of a sequence, nothing."""
    value = element.value
    if isinstance(value, tuple):
        return ""
    if element.vr in _NUMBERS:
        size = struct.calcsize(_NUMBERS[element.vr])
        whole = value[: len(value) // size * size]
        return "\\".join(str(number) for (number,) in struct.iter_unpack(_NUMBERS[element.vr], whole))
    text = character_set.decode(value) if element.vr in vrs.CUSTOMIZABLE else value.decode("latin-1")
    return stripped(element.vr, text)


def stripped(vr: str, text: str) -> str:
    """`text` without what doesn't count in it: trailing spaces and NULs, and leading spaces where allowed."""
    return text.rstrip(" \0") if vr in vrs.UNDIVIDED or vr == "UC" else text.strip(" \0")


def split(vr: str, text: str) -> list[str]:
    """The values of an attribute's text, each without padding."""
    if vr in vrs.UNDIVIDED or "\\" not in text:
        return [stripped(vr, text)]
    return [stripped(vr, value) for value in text.split("\\")]


def is_single(vr: str, text: str) -> bool:
    """Whether a key's text is one value without wildcards, as a unique key of a level above must be."""
    return bool(text) and "\\" not in text and not (vr in vrs.WILDCARD and _has_wildcard(text)) and text != "*"


def compile_key(vr: str, text: str) -> Matcher | None:
    """The matcher for a key of VR `vr` with value `text` (as from `key_text`); None: it matches everything.

    Universal: no value, or ``*`` (also for a VR without wildcards, as archives commonly have it). A value that
    its VR doesn't allow is compared as text. Several values mean any of them. Never raises.
    """
    values = [value for value in split(vr, text) if value]
    without_effect = "*^= " if vr == "PN" else "*"
    if not values or any(value.strip(without_effect) == "" for value in values):
        return None
    if any(len(value) > MAX_KEY_LENGTH for value in values):
        return _NOTHING
    with_wildcard = vr in vrs.WILDCARD and any(map(_has_wildcard, values))
    if with_wildcard and any(len(value) > MAX_PATTERN_LENGTH for value in values):
        return _NOTHING
    if vr in _TEMPORAL:
        return _any(partial(_temporal, vr), values)
    if vr == "PN":
        return _any(_name, values)
    if with_wildcard:
        return _any(partial(_pattern, vr), values)
    if vr == "IS" or vr in _NUMBERS:
        return _numbers(values)
    if vr == "DS":
        return _decimals(values)
    return _literals(vr, values)


def _any(make: Callable[[str], Matcher], values: list[str]) -> Matcher:
    if len(values) > MAX_PATTERNS:
        return replace(_NOTHING, patterns=len(values))
    matchers = [make(value) for value in values]
    if len(matchers) == 1:
        return replace(matchers[0], patterns=1)
    return Matcher(lambda stored: any(matcher.matches(stored) for matcher in matchers), patterns=len(values))


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _values_of(vr: str, stored: Stored) -> list[str]:
    if stored is None or stored == "":
        return []
    return split(vr, str(stored))


def _literals(vr: str, values: list[str]) -> Matcher:
    wanted = frozenset(values)
    return Matcher(lambda stored: any(value in wanted for value in _values_of(vr, stored)), Hint("in", tuple(wanted)))


def _numbers(values: list[str]) -> Matcher:
    if not all(_INTEGER.fullmatch(value) for value in values):
        return _literals("IS", values)
    wanted = frozenset(map(int, values))
    return Matcher(
        lambda stored: any(int(value) in wanted for value in _values_of("IS", stored) if _INTEGER.fullmatch(value)),
        Hint("in", tuple(number for number in wanted if abs(number) < 1 << 63)),
    )


def _decimals(values: list[str]) -> Matcher:
    wanted = {float(value) if _DECIMAL.fullmatch(value) else value for value in values}
    return Matcher(
        lambda stored: any(
            (float(value) if _DECIMAL.fullmatch(value) else value) in wanted for value in _values_of("DS", stored)
        )
    )


def _temporal(vr: str, key: str) -> Matcher:
    limits = key_span(vr, key)
    if limits is None:
        return _literals(vr, [key])
    low, high = limits

    def matches(stored: Stored) -> bool:
        spans = (span(vr, value) for value in _values_of(vr, stored))
        return any(low <= found[0] <= high for found in spans if found is not None)

    hint = None
    if vr == "DA":
        hint = Hint("between", (f"{max(low, 0):08}", f"{high:08}" if high < LATEST else "99999999"))
    return Matcher(matches, hint)


def _pattern(vr: str, key: str) -> Matcher:
    test = wildcard_test(key)
    return Matcher(lambda stored: any(map(test, _values_of(vr, stored))), _wildcard_hint(key))


def _name(key: str) -> Matcher:
    """Without regard to case; by component group, and by component: those that a name lacks are empty.

    A key of one group matches any group of the name, since whoever asks can't know which alphabet is in which.
    """
    groups = folded_groups(key)
    if "=" not in key:
        test, hint = _group_test(groups[0]), _group_hint(groups[0])

        def matches(stored: Stored) -> bool:
            return any(test(group) for name in _names_of(stored) for group in folded_groups(name) if group)

        return Matcher(matches, group_hints=((None, hint),) if hint else ())
    tests = [_group_test(group) if group else None for group in groups]
    hints = [_group_hint(group) if group else None for group in groups]

    def matches_by_group(stored: Stored) -> bool:
        return any(
            all(test is None or test(group) for test, group in zip(tests, folded_groups(name), strict=True))
            for name in _names_of(stored)
        )

    found = ((number, hints[number]) for number in range(GROUPS))
    return Matcher(matches_by_group, group_hints=tuple((number, hint) for number, hint in found if hint))


def _names_of(stored: Stored) -> list[str]:
    return str(stored).split("\\") if stored is not None else []


def _group_test(pattern: str) -> Callable[[str], bool]:
    if not _has_wildcard(pattern):
        return lambda group: group == pattern
    test, delimiters = wildcard_test(pattern), pattern.count("^")
    return lambda group: test(group) or test(group + "^" * (delimiters - group.count("^")))


def _group_hint(pattern: str) -> Hint | None:
    if not _has_wildcard(pattern):
        return Hint("in", (pattern,))
    hint = _wildcard_hint(pattern)
    if hint is None:
        return None
    # The delimiters of components that the name lacks are not in its index entry.
    literal = str(hint.values[0]).strip("^") if hint.kind == "contains" else str(hint.values[0]).rstrip("^")
    return Hint(hint.kind, (literal,)) if literal else None


def wildcard_test(pattern: str) -> Callable[[str], bool]:
    """A test for a pattern with ``*`` and ``?``, in time linear in the text whatever the pattern."""
    if "?" in pattern:
        return _automaton(pattern)
    if "*" not in pattern:
        return lambda text: text == pattern
    first, *middle, last = re.split(r"\*+", pattern)
    if not middle and not last:
        return lambda text: text.startswith(first)
    fixed = len(first) + len(last)

    def test(text: str) -> bool:
        if len(text) < fixed or not text.startswith(first) or not text.endswith(last):
            return False
        place, end = len(first), len(text) - len(last)
        for part in middle:
            # The first place where a part fits is as good as any, so nothing is ever tried again.
            place = text.find(part, place, end)
            if place < 0:
                return False
            place += len(part)
        return True

    return test


def _automaton(pattern: str) -> Callable[[str], bool]:
    """The test as a set of places in the pattern, as bits: bit n for "the first n characters are there"."""
    staying = wild = length = 0
    places: dict[str, int] = {}
    for character in pattern:
        if character == "*":
            staying |= 1 << length
            continue
        length += 1
        if character == "?":
            wild |= 1 << length
        else:
            places[character] = places.get(character, 0) | 1 << length
    end = 1 << length

    def test(text: str) -> bool:
        state = 1
        for character in text:
            state = state << 1 & (wild | places.get(character, 0)) | state & staying
            if not state:
                return False
        return bool(state & end)

    return test


def _wildcard_hint(pattern: str) -> Hint | None:
    parts = re.split(r"[*?]+", pattern)
    if parts[0]:
        return Hint("prefix", (parts[0],))
    longest = max(parts, key=len)
    return Hint("contains", (longest,)) if longest else None
