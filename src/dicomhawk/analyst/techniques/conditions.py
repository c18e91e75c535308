"""Conditions of rules as functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from hashlib import sha256
from itertools import product
from typing import Any

from .fields import MAX_TEXT, SAID, Seen, raw_at, values_at
from .model import Condition, Selector
from .regexes import Expression, checked

Test = Callable[[Seen], bool]
Lists = Mapping[str, tuple[str, ...]]
EXCERPT = 32
"""Characters shown before what was found in a text, and behind it."""


def selector_test(selector: Selector, lists: Lists) -> Test | None:
    """Whether an event is meant, as far as its action doesn't say so already; None: nothing else is asked for.
    Raises ValueError."""
    where = [condition_test(each, lists) for each in selector.where]
    where += [_not(condition_test(each, lists)) for each in selector.none]
    any_of = tuple(condition_test(each, lists) for each in selector.any)
    if any_of:
        where.append(lambda seen: any(test(seen) for test in any_of))
    if not where:
        return None
    if len(where) == 1:
        return where[0]
    tests = tuple(where)

    def all_of(seen: Seen) -> bool:
        for test in tests:  # noqa: SIM110 (a generator costs more than most tests)
            if not test(seen):
                return False
        return True

    return all_of


def condition_test(condition: Condition, lists: Lists) -> Test:
    """A condition as a function. Raises ValueError."""
    test = _positive(condition, lists)
    return _not(test) if condition.negated else test


def globs(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for shell patterns; case is ignored. Raises ValueError."""
    for pattern in patterns:
        if pattern.count("*") > 4 or len(pattern) > 400:
            raise ValueError(f"the pattern {pattern[:80]!r} has more than four * or is too long")
    return re.compile("|".join(map(translate, patterns)), re.IGNORECASE)


def _positive(condition: Condition, lists: Lists) -> Test:
    if condition.fields:
        return _together(condition)
    assert condition.field is not None
    if condition.field == SAID:
        return _in_texts(condition, lists)
    if condition.exists is not None:
        get, wanted = values_at(condition.field, _named(condition.but, lists)), condition.exists
        return lambda seen: bool(get(seen.event)) == wanted
    if condition.items_least is not None or condition.items_most is not None:
        return _items(condition)
    values, accepts = values_at(condition.field, _named(condition.but, lists)), _accepts(condition, lists)
    if condition.every:
        return lambda seen: all(accepts(value) for value in values(seen.event))

    def some(seen: Seen) -> bool:
        for value in values(seen.event):  # noqa: SIM110
            if accepts(value):
                return True
        return False

    return some


def _not(test: Test) -> Test:
    return lambda seen: not test(seen)


def _together(condition: Condition) -> Test:
    """Also of secrets that are on record as their hash only (vault.passwords)."""
    gets = tuple((raw_at(path), raw_at(f"{path}_sha256")) for path in condition.fields)
    wanted: set[tuple[str, ...]] = set()
    for one in condition.among:
        wanted |= set(product(*((str(part).casefold(), _hashed(str(part))) for part in one)))

    def test(seen: Seen) -> bool:
        found = []
        for plain, hashed in gets:
            value = plain(seen.event)
            if isinstance(value, str | int):
                found.append(str(value)[:MAX_TEXT].casefold())
            else:
                found.append(f"{hashed(seen.event)} (SHA-256)")
        return tuple(found) in wanted

    return test


def _hashed(text: str) -> str:
    return f"{sha256(text.encode()).hexdigest()} (SHA-256)"


def _in_texts(condition: Condition, lists: Lists) -> Test:
    expressions = tuple(map(Expression, _named(condition.regex, lists)))
    words = tuple(word.lower() for word in _named(condition.contains, lists))
    if not expressions and not words:
        raise ValueError(f"the field {SAID} can only be searched with regex and contains")

    def test(seen: Seen) -> bool:
        said, lower = seen.said, seen.lower
        if words:
            for word in words:
                at = lower.find(word)
                if at >= 0:
                    seen.excerpt = _excerpt(said, at, at + len(word))
                    break
            else:
                return False
        for expression in expressions:
            found = expression.search(said) if expression.possible(lower) else None
            if found is not None:
                seen.excerpt = _excerpt(said, found.start(), found.end())
                return True
        return not expressions

    return test


def _excerpt(text: str, start: int, end: int) -> str:
    end = min(end, start + 2 * EXCERPT) + EXCERPT
    before, found = text[max(0, start - EXCERPT) : start], text[start:end]
    return before.rpartition("\n")[2] + found.partition("\n")[0]


def _items(condition: Condition) -> Test:
    assert condition.field is not None
    get = raw_at(condition.field)
    least = condition.items_least if condition.items_least is not None else 0
    most = condition.items_most if condition.items_most is not None else 1 << 62

    def test(seen: Seen) -> bool:
        value = get(seen.event)
        return least <= (len(value) if isinstance(value, list | dict) else 0) <= most

    return test


def _accepts(condition: Condition, lists: Lists) -> Callable[[Any], bool]:
    """Whether one value is as the condition says."""
    tests: list[Callable[[Any], bool]] = []
    if condition.equals is not None:
        wanted = condition.equals
        tests.append(lambda value: type(value) is type(wanted) and value == wanted)
    if condition.among:
        plain = frozenset(_named(tuple(one for one in condition.among if isinstance(one, str)), lists))
        numbers = frozenset(one for one in condition.among if not isinstance(one, str))
        tests.append(
            lambda value: value in plain if isinstance(value, str) else _is_number(value) and value in numbers
        )
    if condition.glob:
        matches = globs(_named(condition.glob, lists)).match
        tests.append(lambda value: isinstance(value, str) and matches(value[:MAX_TEXT]) is not None)
    if condition.regex:
        searches = tuple(checked(each).search for each in _named(condition.regex, lists))
        tests.append(lambda value: isinstance(value, str) and any(search(value[:MAX_TEXT]) for search in searches))
    if condition.contains:
        words = tuple(word.lower() for word in _named(condition.contains, lists))
        tests.append(lambda value: isinstance(value, str) and _has_any(value[:MAX_TEXT].lower(), words))
    if condition.least is not None or condition.most is not None:
        least = condition.least if condition.least is not None else float("-inf")
        most = condition.most if condition.most is not None else float("inf")
        tests.append(lambda value: _is_number(value) and least <= value <= most)
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named(values: tuple[str, ...], lists: Lists) -> tuple[str, ...]:
    """`values`, with the members of a named list for each ``@name``. Raises ValueError."""
    found: list[str] = []
    for value in values:
        if not value.startswith("@"):
            found.append(value)
        elif value[1:] in lists:
            found += lists[value[1:]]
        else:
            raise ValueError(f"there is no list {value[1:80]!r} in lists.toml")
    return tuple(found)
