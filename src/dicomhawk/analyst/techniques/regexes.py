"""Regular expressions of rules: searched in what strangers sent, so they must end soon whatever that is.

Python's engine backtracks. An expression is refused where the number of ways in which it could match at one place is
too great: each repetition of a variable count multiplies them, and a repetition of something that varies itself
raises them to a power.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_LENGTH = 8000
"""Characters of an expression."""
MAX_WAYS = 4096
"""In which an expression may match at one place."""
MAX_SEARCHED = 16_384
"""Characters that are searched of anything."""
MAX_NEEDS = 16
"""Texts that are looked for before an expression is tried."""
MAX_POWER = 13
"""Repetitions of what varies itself, beyond which there are more ways than `MAX_WAYS` anyhow."""
CACHED = 4096
"""Expressions that are remembered: rules share many."""
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_REFUSED = {ops.GROUPREF: "a back reference", ops.GROUPREF_EXISTS: "a condition on a group"}


@lru_cache(CACHED)
def checked(pattern: str) -> re.Pattern[str]:
    """The compiled expression: it ignores case, and ``^`` and ``$`` are ends of lines. Raises ValueError with a
    clause that says what is wrong."""
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"a regular expression is longer than {MAX_LENGTH} characters")
    flags = re.IGNORECASE | re.MULTILINE | re.ASCII
    try:
        tree = parser.parse(pattern, flags)
        compiled = re.compile(pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern[:80]!r} is not a regular expression ({error})") from None
    if _ways(tree) > MAX_WAYS:
        raise ValueError(
            f"the regular expression {pattern[:80]!r} could take too long; give its repetitions an upper limit,"
            " as in {0,64}, and nest none"
        )
    return compiled


def _ways(tree: Any) -> int:
    found = 1
    for op, given in tree:
        if op in _REPEATS:
            least, most, inner = given
            found *= _repeated(least, min(int(most), MAX_WAYS + 1), _ways(inner))
        elif op is ops.BRANCH:
            found *= _chosen(given[1])
        elif op is ops.SUBPATTERN:
            found *= _ways(given[3])
        elif op is ops.ATOMIC_GROUP:
            found *= _ways(given)
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            found *= _ways(given[1])
        elif op in _REFUSED:
            raise ValueError(f"a regular expression has {_REFUSED[op]}")
        if found > MAX_WAYS:
            return MAX_WAYS + 1
    return found


def _chosen(branches: Any) -> int:
    """Ways in which alternatives match at one place: of plain words, no more than begin one another."""
    words = [[given for op, given in each if op is ops.LITERAL] for each in branches]
    if all(len(word) == len(each) for word, each in zip(words, branches, strict=True)):
        return max(sum(word[: len(other)] == other for other in words) for word in words)
    return sum(_ways(each) for each in branches)


def _repeated(least: int, most: int, inner: int) -> int:
    if inner == 1:
        return most - least + 1
    found, ways = 0, inner**least if least < MAX_POWER else MAX_WAYS + 1
    for _ in range(least, most + 1):
        found += ways
        ways *= inner
        if found > MAX_WAYS:
            break
    return found


class Expression:
    """An expression, and texts in lower case of which one is there wherever it can be found; none: not known."""

    __slots__ = ("needs", "search")

    def __init__(self, pattern: str) -> None:
        """Raises ValueError as `checked` does."""
        compiled = checked(pattern)
        self.search = compiled.search
        self.needs = _needed(parser.parse(pattern, compiled.flags))

    def possible(self, lower: str) -> bool:
        """Whether it can be found in a text, which is given in lower case. Much faster than to try it."""
        if not self.needs:
            return True
        for need in self.needs:  # noqa: SIM110
            if need in lower:
                return True
        return False


def _needed(tree: Any) -> tuple[str, ...]:
    """Of what must be in a text, the choice that is most telling: its shortest text is longest."""
    choices: list[tuple[str, ...]] = []
    word = ""
    for op, given in [*tree, (None, None)]:
        if op is ops.LITERAL:
            word += chr(given).lower()
            continue
        if word:
            choices.append((word,))
            word = ""
        if op is ops.BRANCH:
            each = [_needed(branch) for branch in given[1]]
            if all(each):
                choices.append(tuple(dict.fromkeys(text for texts in each for text in texts)))
        elif op is ops.IN and all(kind is ops.LITERAL for kind, _ in given):
            choices.append(tuple(chr(literal).lower() for _, literal in given))
        elif op is ops.SUBPATTERN:
            choices.append(_needed(given[3]))
        elif op in _REPEATS and given[0] > 0:
            choices.append(_needed(given[2]))
    choices = [choice for choice in choices if 0 < len(choice) <= MAX_NEEDS]
    return max(choices, key=lambda choice: (min(map(len, choice)), -len(choice)), default=())
