"""Values of a data set as text and numbers, whatever is in it: nothing here raises."""

from __future__ import annotations

from functools import lru_cache

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import CharacterSet, character_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.registry import tag_for_keyword

MAX_TEXT = 1024
"""Characters of a value that reach the catalogue; no attribute in it may have more than 64 in each value."""

_DEFAULT = character_set("")


@lru_cache(maxsize=1024)
def tag_of(keyword: str) -> int:
    """The tag of an attribute of PS3.6."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return int(tag)


def text(dataset: DataSet, keyword: str, charset: CharacterSet = _DEFAULT) -> str | None:
    """The value with its backslashes, without padding; None if the object doesn't have the attribute."""
    element = dataset.get(tag_of(keyword))
    if element is None or not isinstance(element.value, bytes):
        return None
    decoded = charset.decode(element.value[: 4 * MAX_TEXT])[:MAX_TEXT]
    return "\\".join(value.strip(" \0") for value in decoded.split("\\")).strip("\r\n\t")


def texts(dataset: DataSet, keyword: str, charset: CharacterSet = _DEFAULT) -> list[str]:
    """The values that are not empty."""
    return [value for value in (text(dataset, keyword, charset) or "").split("\\") if value]


def number(dataset: DataSet, tag: int) -> int | None:
    """The first value of a binary integer or an IS; None if there is none that is one."""
    element = dataset.get(tag)
    if element is None or not isinstance(element.value, bytes) or not element.value:
        return None
    vr = element.vr if element.vr != "UN" else vrs.of_tag(tag)
    if vr in ("US", "UL"):
        return int.from_bytes(element.value[: vrs.WORD[vr]], "little")
    try:
        found = int(element.value[:64].split(b"\\")[0].strip(b" \0"))
    except ValueError:
        return None
    return found if abs(found) < 2**31 else None
