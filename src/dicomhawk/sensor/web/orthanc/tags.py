"""Data sets in the JSON that Orthanc has for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from ....hospital import vr as vrs
from ....hospital.elements import DataSet, Element, plain_text
from ....hospital.pixels import PIXEL_DATA
from ....hospital.products.objects import OPAQUE, StoredObject
from ....hospital.registry import private_name, tag_for_keyword
from .describing import RETIRED, UNKNOWN, Form, keyword, numbered
from .service import readable

LONGEST: Final = 256
"""Characters of a value that is shown; of a longer one only that it is too long."""
_META_VERSION: Final = 0x00020001
_PRIVATE_CREATORS: Final = range(0x10, 0x100)
_TAG: Final = re.compile(r"([0-9A-Fa-f]{4})[,-]?([0-9A-Fa-f]{4})", re.ASCII)
_OPAQUE: Final = OPAQUE - {"SQ"}


def tag_named(text: str) -> int | None:
    """The tag of a name or of hexadecimal digits; None: there is none."""
    found = _TAG.fullmatch(text)
    if found is not None:
        return int(found[1] + found[2], 16)
    tag = tag_for_keyword(text.removeprefix(RETIRED)) if 0 < len(text) <= 128 else None
    return tag if tag is not None and keyword(tag) == text else None


def described(
    source: StoredObject,
    form: Form,
    *,
    value_of: Callable[[int], bool] | None = None,
    pixels: bool = False,
    long: frozenset[int] = frozenset(),
) -> dict[str, Any]:
    """A data set; `value_of`: which tags are wanted, where not all are; `pixels`: it has some, which aren't in it;
    `long`: those of which also long values are told."""
    found: dict[str, Any] = {}
    elements = dict(source.head)
    if pixels:
        elements[PIXEL_DATA] = Element(PIXEL_DATA, "OW", b"")
    for tag, element in sorted(elements.items()):
        if value_of is not None and not value_of(tag):
            continue
        if tag == _META_VERSION or (tag & 0xFFFF == 0 and tag >> 16 != 0x0002):
            continue
        kind, value = _value(source, element, form, long)
        name = _name(source.head, tag)
        if form == "named":
            found[name] = value
        elif form == "short":
            found[numbered(tag)] = value
        else:
            entry = {"Name": name, "Type": kind, "Value": value}
            if tag >> 16 & 1 and tag & 0xFFFF not in _PRIVATE_CREATORS:
                creator = _creator(source.head, tag)
                if creator:
                    entry["PrivateCreator"] = creator
            found[numbered(tag)] = entry
    return found


def _value(source: StoredObject, element: Element, form: Form, long: frozenset[int]) -> tuple[str, Any]:
    if isinstance(element.value, tuple):
        return "Sequence", [described(source.within(item), form, long=long) for item in element.value]
    tag = element.tag
    vr = element.vr if tag >> 16 & 1 or tag >> 16 == 0x0002 else vrs.of_tag(tag)
    if tag == PIXEL_DATA or vr in _OPAQUE:
        return "Null", None
    if vr == "AT":
        return "String", _tags(element.value)
    text = source.read(vr, element.value)
    if text is None:
        return ("TooLong", None) if len(element.value) > LONGEST else ("Null", None)
    text = readable(text)
    if len(text) > LONGEST and tag not in long:
        return "TooLong", None
    return "String", text


def _tags(value: bytes) -> str:
    pairs = (value[start : start + 4] for start in range(0, len(value) // 4 * 4, 4))
    return "\\".join(
        f"{int.from_bytes(pair[:2], 'little'):04x}{int.from_bytes(pair[2:], 'little'):04x}" for pair in pairs
    )


def _creator(head: DataSet, tag: int) -> str:
    return plain_text(head, (tag >> 16) << 16 | (tag >> 8 & 0xFF))


def _name(head: DataSet, tag: int) -> str:
    if not tag >> 16 & 1:
        return keyword(tag)
    if tag & 0xFFFF in _PRIVATE_CREATORS:
        return "PrivateCreator"
    return _private_name(tag, _creator(head, tag))


@lru_cache(maxsize=4096)
def _private_name(tag: int, creator: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", private_name(tag, creator) or "") or UNKNOWN
