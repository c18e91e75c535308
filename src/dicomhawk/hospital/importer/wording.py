"""Cleaning of descriptions (PS3.15 E.3.10): only words that describe examinations stay.

A description typed at a scanner may say anything. A list of what must not stand in it can't be complete, so
this has one of what may: a vocabulary, small numbers, and short mixtures of letters and digits as sequences,
kernels and vertebrae have for names. Words of the patient, of staff and of the order in the same object are
dropped even if the vocabulary has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

MAX_DESCRIPTION = 1024
"""Characters of a description that are looked at; the longest VR that has descriptions has as many."""

SHORT_IDENTIFIER = 4
"""Identifiers shorter than this are only found as whole words: "Lee" is not in "sleep"."""

_TOKEN = re.compile(r"[^\W_]+(?:[.,]\d+)*|[\W_]+")
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d{1,3}){0,2}", re.ASCII)
_MIXTURE = re.compile(r"(?=.*\d)[A-Za-z]{0,3}\d{1,3}[A-Za-z]{0,3}(?:[.,]\d{1,2})?", re.ASCII)
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_SEPARATOR = re.compile(r"[ _+\-/&.,:;()\[\]<>*#%=|^]*")
_EMPTY_BRACKETS = re.compile(r"[(\[<][\W_]*[)\]>]")
_UNMATCHED = str.maketrans("", "", "()[]<>")


@cache
def vocabulary() -> frozenset[str]:
    """The words that may stand in a description, in lower case."""
    text = files("dicomhawk.hospital.importer").joinpath("vocabulary.txt").read_text(encoding="utf-8")
    return frozenset(
        word for line in text.splitlines() if not line.startswith("#") for word in line.casefold().split()
    )


class Identifiers:
    """The words of one object that lead to somebody: parts of names, and numbers that were given out."""

    def __init__(self, names: Iterable[str], numbers: Iterable[str]) -> None:
        words = {word for name in names for word in _words(name) if len(word) > 1}
        words |= {number.casefold().strip() for number in numbers}
        words.discard("")
        self._words = frozenset(words)
        self._long = tuple(word for word in words if len(word) >= SHORT_IDENTIFIER)
        self._peculiar = frozenset(word for word in self._long if word not in vocabulary())

    def in_description(self, text: str) -> bool:
        """Whether one of them is in `text`: anywhere if it is long, else as a whole word."""
        folded = text.casefold()
        return any(word in folded for word in self._long) or not self._words.isdisjoint(_words(folded))

    def in_term(self, text: str) -> bool:
        """Whether one is a word of `text`, a term that we would rather keep: short and common words don't count."""
        folded = text.casefold()
        return folded in self._peculiar or not self._peculiar.isdisjoint(_words(folded))


def _words(text: str) -> list[str]:
    return _BETWEEN_WORDS.split(text.casefold())


def cleaned(text: str, identifiers: Identifiers) -> str:
    """What of a description may stay; empty if nothing."""
    kept: list[str] = []
    for token in _TOKEN.findall(text[:MAX_DESCRIPTION]):
        if _SEPARATOR.fullmatch(token):
            if kept:
                kept.append(token if token.strip() else " ")
        elif _allowed(token) and not identifiers.in_description(token):
            kept.append(token)
        elif kept and kept[-1] != " ":
            kept.append(" ")
    joined = "".join(kept)
    if any(joined.count(one) != joined.count(other) for one, other in ("()", "[]", "<>")):
        joined = joined.translate(_UNMATCHED)
    joined = _EMPTY_BRACKETS.sub("", joined)
    joined = re.sub(r"(?<=[(\[<]) +| +(?=[)\]>])", "", joined)
    joined = re.sub(r"[ _]{2,}", " ", joined).strip(" _+-/&.,:;=|^#")
    # Numbers alone may be anything, a room's or a person's among them.
    return joined if any(character.isalpha() for character in joined) else ""


def _allowed(token: str) -> bool:
    if _NUMBER.fullmatch(token) or _MIXTURE.fullmatch(token):
        return True
    return token.casefold() in vocabulary()
