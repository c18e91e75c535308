"""Which licences allow that a series is changed and handed on by a honeypot.

Creative Commons Attribution of any version, CC0, and the public domain. Not NC (a deployment may be commercial), not
ND (identities are replaced, which is a change), not SA (who gets a copy isn't told the licence).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 300
"""Characters of a licence's name or address; longer ones are no names of licences."""

_VERSIONS = r"(1\.0|2\.0|2\.5|3\.0|4\.0)"
_BY_NAMES = re.compile(
    rf"(?:cc[ -]by|(?:creative commons )?attribution)[ -]{_VERSIONS}(?: (?:unported|international|generic|us))?"
    rf"(?: licen[cs]e)?",
)
_ZERO_NAMES = re.compile(r"(?:cc0|cc zero|creative commons zero)(?:[ -]1\.0)?(?: universal)?(?: licen[cs]e)?")
_PUBLIC_NAMES = re.compile(r"(?:cc )?(?:tcia )?public domain(?: (?:mark|dedication))?(?: 1\.0)?")
_ADDRESS = re.compile(
    rf"https?://(?:www\.)?creativecommons\.org/(?:licenses/by/{_VERSIONS}|(publicdomain/zero/1\.0)"
    r"|(publicdomain/mark/1\.0))(?:/(?:deed(?:\.[a-z]{2})?|legalcode)?)?",
)


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence that allows it: its short name, and where its text is."""

    name: str
    url: str


ZERO = Licence("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
PUBLIC_DOMAIN = Licence("Public Domain", "https://creativecommons.org/publicdomain/mark/1.0/")


def attribution(version: str) -> Licence:
    """Creative Commons Attribution in this version."""
    return Licence(f"CC BY {version}", f"https://creativecommons.org/licenses/by/{version}/")


def licence_of(name: str | None, address: str | None) -> Licence | None:
    """The licence that an archive states by name, address or both; None: it is not one that allows this.

    Both must be known to us where both are given, and say the same.
    """
    stated = [found(text) for text, found in ((_folded(name), _by_name), (_folded(address), _by_address)) if text]
    if not stated or any(licence != stated[0] for licence in stated):
        return None
    return stated[0]


def _folded(text: str | None) -> str:
    folded = " ".join((text or "").casefold().split()).rstrip(".")
    # Cut so that what is too long matches nothing.
    return folded if len(folded) <= MAX_LENGTH else "?"


def _by_name(text: str) -> Licence | None:
    by = _BY_NAMES.fullmatch(text)
    if by:
        return attribution(by[1])
    if _ZERO_NAMES.fullmatch(text):
        return ZERO
    return PUBLIC_DOMAIN if _PUBLIC_NAMES.fullmatch(text) else None


def _by_address(text: str) -> Licence | None:
    found = _ADDRESS.fullmatch(text)
    if not found:
        return None
    version, zero, _mark = found.groups()
    if version:
        return attribution(version)
    return ZERO if zero else PUBLIC_DOMAIN
