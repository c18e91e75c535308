"""Person names (PN, PS3.5 section 6.2.1): as people write them, and as they are compared and indexed."""

from __future__ import annotations

import unicodedata

GROUPS = 3  # alphabetic, ideographic, phonetic
COMPONENTS = 5  # family, given, middle, prefix, suffix


def plain_name(name: str) -> str:
    """A person name (PN) as people write it."""
    family, given, middle, prefix, suffix = (name.partition("=")[0].split("^") + [""] * COMPONENTS)[:COMPONENTS]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def fold(text: str) -> str:
    """`text` without regard to case, and with one spelling for composed and decomposed letters."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold()


def folded_groups(name: str) -> tuple[str, str, str]:
    """The three component groups of a PN value, folded; a group that the name doesn't have is empty.

    Spaces around a component and delimiters after the last component carry no meaning and are dropped, so
    that ``DOE ^JOHN^^^`` and ``Doe^John`` are the same name. Never raises: delimiters beyond those of the
    standard belong to the last group or component.
    """
    groups = [_folded_group(group) for group in name.split("=", GROUPS - 1)]
    groups += [""] * (GROUPS - len(groups))
    return groups[0], groups[1], groups[2]


def _folded_group(group: str) -> str:
    components = (component.strip(" \0") for component in group.split("^", COMPONENTS - 1))
    return fold("^".join(components).rstrip("^"))
