"""What an online service says of an address or a file: bounded, and checked, before it is believed."""

from __future__ import annotations

import json
import math
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple

MAX_TEXT = 200
"""Characters of one text of an answer."""
MAX_LIST = 20
"""Entries of one list of an answer."""

Kind = Literal["address", "sha256"]
Answer = dict[str, Any]


class Verdict(NamedTuple):
    """What a provider says of a subject."""

    provider: str
    subject: str
    score: int | None
    """How bad, 0 to 100; None: the provider knows nothing of it."""
    labels: tuple[str, ...]
    """A few words, for lists."""
    facts: Answer
    """What else it says, by the provider's own names."""

    @property
    def answer(self) -> str:
        """As it is kept in the table of look-ups."""
        return json.dumps({"score": self.score, "labels": self.labels, **self.facts})


def kind_of(subject: str) -> Kind | None:
    """What `subject` is; None if it is nothing that may be asked about: private and reserved addresses."""
    if len(subject) == 64 and all(character in "0123456789abcdef" for character in subject):
        return "sha256"
    try:
        address = ip_address(subject)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or "%" in subject:
        return None
    return "address" if address.is_global and not address.is_multicast else None


def text(answer: Any, key: str) -> str | None:
    """The text at `key`, cut and without control characters; None if there is none."""
    value = answer.get(key) if isinstance(answer, dict) else None
    return _clean(value) if isinstance(value, str) and value else None


def number(answer: Any, key: str, most: int = 1 << 31) -> int | None:
    """The number at `key`, within 0 and `most`; None if there is none."""
    value = answer.get(key) if isinstance(answer, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(0, min(int(value), most))


def flag(answer: Any, key: str) -> bool:
    """Whether it says true at `key`."""
    return isinstance(answer, dict) and answer.get(key) is True


def texts(answer: Any, key: str) -> list[str]:
    """The texts of the list at `key`; numbers as text."""
    value = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(value, list):
        return []
    return [_clean(str(item)) for item in value if isinstance(item, str | int)][:MAX_LIST]


def inner(answer: Any, *keys: str) -> Answer:
    """The object at a path of keys; empty if there is none."""
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, dict) else {}


def filled(**facts: Any) -> Answer:
    """Only what there is."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], False)}


def _clean(value: str) -> str:
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value[:MAX_TEXT]
    )
