"""Names of ATT&CK's techniques, as the rules have them."""

from __future__ import annotations

from functools import cache

from ....analyst.techniques.rules import Rules


@cache
def _rules() -> Rules:
    return Rules.load()


def name_of(identifier: str) -> str:
    """The technique's name, without its parent's; empty if no rule of ours cites it."""
    found = _rules().technique(identifier)
    return found.name.rpartition(": ")[2] if found is not None else ""


def page_of(identifier: str) -> str:
    """Where ATT&CK describes it."""
    return f"https://attack.mitre.org/techniques/{identifier.replace('.', '/')}"
