"""What two answers may differ in though the build is the same: moments, and what is drawn anew each time.

Values are masked only where they stand in the same place of both answers and differ. A token that is given out once
must be the same wherever it comes again, and is put into what the visitor sends after it: a session's cookie that was
recorded would open nothing today.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple


class Mask(NamedTuple):
    """A kind of value that may differ."""

    name: str
    why: str


MOMENT = Mask("moments", "the clock has gone on")
TOKEN = Mask("tokens", "cookies, nonces and addresses of bait are drawn for each visitor")
IDENTIFIER = Mask("generated identifiers", "UUIDs and UIDs of what is made on demand are drawn anew")
LENGTH = Mask("lengths", "a masked value has another length")
MASKS = (MOMENT, TOKEN, IDENTIFIER, LENGTH)
MAX_TEXT = 1 << 20
"""Characters of a text that are looked at; of a longer one all must be the same."""
MAX_TOKENS = 10_000
SHORTEST_TOKEN = 16

_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_VALUES = re.compile(
    "|".join(
        (
            # An identifier of Orthanc's is a hash of what it names: not masked.
            r"(?P<fixed>\b[0-9a-f]{8}(?:-[0-9a-f]{8}){4}\b)",
            rf"(?P<moment>{_DAY}, \d\d[ -]{_MONTH}[ -]\d{{4}} \d\d:\d\d:\d\d GMT"
            r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d{8}T\d{6}(?:\.\d+)?\b)",
            r"(?P<identifier>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b2\.25\.\d{1,39}\b)",
            r"(?P<reference>(?<=: )[0-9A-F]{8}(?=<))",  # of an error, on a page
            r"(?P<token>(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*\d)(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,}={0,2})",
        )
    )
)
_BASE_64 = re.compile(r"(?P<token>[A-Za-z0-9+/_-]{16,}={0,2})")
_BY_GROUP = {"moment": MOMENT, "identifier": IDENTIFIER, "reference": IDENTIFIER, "token": TOKEN}


class Masks:
    """What was masked so far, in all answers to a session."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()
        """How often, by `Mask.name`."""
        self._tokens: dict[str, str] = {}

    def note(self, mask: Mask) -> None:
        """Something was masked."""
        self.used[mask.name] += 1

    def same(self, one: str, other: str, *, secret: bool = False) -> bool:
        """Whether two texts are the same but for what may differ. `secret`: they are about credentials, where any
        long word may be a token."""
        if one == other:
            return True
        pairs = self._pairs(one, other, secret=secret)
        if pairs is None:
            return False
        for mask, first, second in pairs:
            if mask is TOKEN and self._tokens.setdefault(first, second) != second:
                return False
        for mask, _, _ in pairs:
            self.note(mask)
        return True

    def learn(self, one: str, other: str) -> None:
        """Note the tokens of two texts that are in the same place, if they are the same otherwise."""
        for mask, first, second in self._pairs(one, other, secret=True) or ():
            if mask is not MOMENT and len(self._tokens) < MAX_TOKENS:
                self._tokens.setdefault(first, second)

    def renewed(self, data: bytes) -> bytes:
        """What the visitor sent, with the tokens of today. One of another length stays: lengths may depend on it."""
        for first, second in self._tokens.items():
            if len(first) == len(second) and first != second:
                data = data.replace(first.encode(), second.encode())
        return data

    def _pairs(self, one: str, other: str, *, secret: bool) -> list[tuple[Mask, str, str]] | None:
        """The masked values that differ; None if something else does."""
        if max(len(one), len(other)) > MAX_TEXT:
            return None
        pattern = _BASE_64 if secret else _VALUES
        first, second = list(pattern.finditer(one)), list(pattern.finditer(other))
        if len(first) != len(second):
            return None
        found = []
        at = behind = 0
        for left, right in zip(first, second, strict=True):
            if one[at : left.start()] != other[behind : right.start()] or left.lastgroup != right.lastgroup:
                return None
            at, behind = left.end(), right.end()
            if left[0] == right[0]:
                continue
            mask = _BY_GROUP.get(left.lastgroup or "")
            if mask is None or (left.lastgroup == "reference" and left[0].isdigit() and right[0].isdigit()):
                return None  # a reference might be a date
            found.append((mask, left[0], right[0]))
        return found if one[at:] == other[behind:] else None
