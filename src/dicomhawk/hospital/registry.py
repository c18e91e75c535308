"""The data dictionary and the registry of UIDs (PS3.6), from pydicom's tables.

Only the tables: pydicom itself takes a third of a second to import, which every process of ours would wait for.
"""

from __future__ import annotations

from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, TypeAlias

Entry: TypeAlias = tuple[str, str, str, str, str]
"""Of an attribute: VR, VM, name, ``Retired`` or nothing, keyword; of a UID: name, type, information, the same two."""

_REPEATING = "x"
"""Stands for any hexadecimal digit in the tag of a repeating group."""


def _tables(module: str) -> Any:
    """A module of pydicom that has nothing but tables."""
    package = find_spec("pydicom")  # finds it, and doesn't run it
    assert package is not None
    spec = PathFinder.find_spec(f"pydicom.{module}", package.submodule_search_locations)
    assert spec is not None and spec.loader is not None
    tables = module_from_spec(spec)
    spec.loader.exec_module(tables)
    return tables


UIDS: dict[str, Entry] = _tables("_uid_dict").UID_dictionary
"""What PS3.6 annex A says of each UID."""

_dictionary = _tables("_dicom_dict")
_ATTRIBUTES: dict[int, Entry] = _dictionary.DicomDictionary
_TAGS = {entry[4]: tag for tag, entry in _ATTRIBUTES.items()}
_REPEATERS: list[tuple[int, int, Entry]] = [
    (
        int(tag.replace(_REPEATING, "0"), 16),
        int("".join("0" if digit == _REPEATING else "f" for digit in tag), 16),
        entry,
    )
    for tag, entry in _dictionary.RepeatersDictionary.items()
]
"""Repeating groups: the digits that count, which of them do, and what they are."""


def tag_for_keyword(keyword: str) -> int | None:
    """The tag of the attribute with that keyword; None: there is none."""
    return _TAGS.get(keyword)


def keyword_for_tag(tag: int) -> str:
    """The keyword of an attribute; empty: it isn't in the dictionary."""
    entry = _entry(tag)
    return entry[4] if entry is not None else ""


def is_retired(tag: int) -> bool:
    """Whether PS3.6 lists an attribute as retired."""
    entry = _entry(tag)
    return entry is not None and entry[3] == "Retired"


def vr_of_tag(tag: int) -> str:
    """The VR of an attribute as PS3.6 writes it, such as ``US or SS``. Raises `KeyError`."""
    return _known(tag)[0]


def vm_of_tag(tag: int) -> str:
    """The VM of an attribute as PS3.6 writes it, such as ``2-2n``. Raises `KeyError`."""
    return _known(tag)[1]


def uid_name(uid: str) -> str:
    """The name of a UID of PS3.6 annex A; what isn't there is its own name."""
    entry = UIDS.get(uid)
    return entry[0] if entry is not None else uid


def private_name(tag: int, creator: str) -> str | None:
    """How the makers' own lists call a private attribute; None: they don't have it."""
    attributes = _private().get(creator)
    if attributes is None:
        return None
    digits = f"{tag:08X}"
    for known in (digits, f"{digits[:4]}xx{digits[6:]}", f"{digits[:2]}xxxx{digits[6:]}"):
        if known in attributes:
            return attributes[known][2]
    return None


@cache
def _private() -> dict[str, dict[str, tuple[str, ...]]]:
    tables: dict[str, dict[str, tuple[str, ...]]] = _tables("_private_dict").private_dictionaries
    return tables


def _entry(tag: int) -> Entry | None:
    found = _ATTRIBUTES.get(tag)
    if found is None and not tag >> 16 & 1:
        found = next((entry for digits, mask, entry in _REPEATERS if tag & mask == digits), None)
    return found


def _known(tag: int) -> Entry:
    entry = _entry(tag)
    if entry is None:
        raise KeyError(f"({tag >> 16:04x},{tag & 0xFFFF:04x})")
    return entry
