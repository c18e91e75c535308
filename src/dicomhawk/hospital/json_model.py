"""The DICOM JSON Model (PS3.18 annex F) of data sets.

Strangers' objects are written so, too: whatever is in them, the result is JSON that ends, and nothing is raised.
Values that their VR doesn't allow come as the text that they are, which F.2.3 has room for.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from . import vr as vrs
from .charset import SPECIFIC_CHARACTER_SET, CharacterSet, of_data_set
from .elements import DataSet, Element
from .matching import split, stripped

BULK_FROM: Final = 1024
"""Bytes of a binary value from which on it is bulk data by default."""

MAX_TEXT: Final = 1 << 20
"""Characters of a text that are written; a report has some thousand."""

MAX_VALUES: Final = 65_536
"""Values of one element that are written: the entries of the longest lookup table."""

MAX_NESTING: Final = 40
"""Sequences within sequences that are written: more than `elements` reads."""

JSON = dict[str, Any]

_BINARY: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_PACKED: Final = {
    "FD": "<d",
    "FL": "<f",
    "SL": "<i",
    "SS": "<h",
    "SV": "<q",
    "UL": "<I",
    "US": "<H",
    "UV": "<Q",
}
_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_INTEGER: Final = re.compile(r"[+-]?\d{1,12}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Manner:
    """How an archive writes the model.

    `bulk`: the URI of the value at a path such as ``00420011`` or ``00540016/0/00181072``; None: bulk data are
    within the JSON. `bulk_from`: bytes from which on a binary value is bulk data; pixels always are. `character_set`:
    what (0008,0005) says: that all is UTF-8 now; what the object has; or it is left out. `null_values`: whether an
    empty value among others is null, or an empty text. `private`: whether private attributes are written.
    """

    bulk: Callable[[str], str] | None = None
    bulk_from: int = BULK_FROM
    character_set: Literal["utf-8", "own", "none"] = "utf-8"
    null_values: bool = True
    private: bool = True


PLAIN: Final = Manner()


def model(data_set: DataSet, manner: Manner = PLAIN) -> JSON:
    """The model of `data_set` as what a JSON encoder takes: attributes by tag, in their order. Never raises.

    Group lengths are left out, as F.2.2 demands.
    """
    return _model(data_set, manner, of_data_set(data_set), "", 0)


def encoded(data_set: DataSet, manner: Manner = PLAIN) -> bytes:
    """The same as JSON in UTF-8. Never raises."""
    return as_json(model(data_set, manner))


def as_json(written: JSON) -> bytes:
    """A model as JSON in UTF-8. Never raises."""
    return msgspec.json.encode(written)


def _model(data_set: Mapping[int, Element], manner: Manner, characters: CharacterSet, path: str, depth: int) -> JSON:
    found: JSON = {}
    for tag in sorted(data_set):
        element = data_set[tag]
        if tag & 0xFFFF == 0 or (tag >> 16 & 1 and not manner.private):
            continue
        name = f"{tag:08X}"
        if tag == SPECIFIC_CHARACTER_SET and manner.character_set != "own":
            if manner.character_set == "utf-8":
                found[name] = {"vr": "CS", "Value": ["ISO_IR 192"]}
            continue
        found[name] = _attribute(element, manner, characters, path + name, depth)
    return found


def _attribute(element: Element, manner: Manner, characters: CharacterSet, path: str, depth: int) -> JSON:
    vr, value = element.vr, element.value
    if isinstance(value, tuple):
        written: JSON = {"vr": "SQ"}
        if value and depth < MAX_NESTING:
            written["Value"] = [
                _model(item, manner, _of_item(item, characters), f"{path}/{place}/", depth + 1)
                for place, item in enumerate(value)
            ]
        return written
    if vr in _BINARY:
        if not value:
            return {"vr": vr}
        if manner.bulk is not None and (len(value) >= manner.bulk_from or element.tag in _PIXELS):
            return {"vr": vr, "BulkDataURI": manner.bulk(path)}
        return {"vr": vr, "InlineBinary": base64.b64encode(value).decode("ascii")}
    values = values_of(element, characters, null=manner.null_values)
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _of_item(item: DataSet, inherited: CharacterSet) -> CharacterSet:
    return of_data_set(item) if SPECIFIC_CHARACTER_SET in item else inherited


def values_of(element: Element, characters: CharacterSet, *, null: bool = True) -> list[Any]:
    """What F.2.3 has in ``Value`` for an element that is neither a sequence nor bulk data; empty: it has none."""
    vr, value = element.vr, element.value
    assert not isinstance(value, tuple)
    if vr in _PACKED:
        return _numbers(_PACKED[vr], value)
    if vr == "AT":
        pairs = struct.iter_unpack("<HH", value[: min(len(value) // 4, MAX_VALUES) * 4])
        return [f"{group:04X}{number:04X}" for group, number in pairs]
    text = characters.decode(value[: 4 * MAX_TEXT]) if vr in vrs.CUSTOMIZABLE else value.decode("latin-1")
    return text_values(vr, text[:MAX_TEXT], null=null)


def text_values(vr: str, text: str, *, null: bool = True) -> list[Any]:
    """The same for the text of an element, with backslashes between values. Not for binary VRs."""
    if vr in vrs.UNDIVIDED:
        text = stripped(vr, text)
        return [text] if text else []
    found = split(vr, text)[:MAX_VALUES]
    if not any(found):
        return []
    convert = _CONVERSIONS.get(vr)
    empty = None if null else ""
    if convert is None:
        return [value or empty for value in found]
    return [convert(value) if value else empty for value in found]


def _numbers(form: str, value: bytes) -> list[Any]:
    size = struct.calcsize(form)
    whole = value[: min(len(value) // size, MAX_VALUES) * size]
    numbers = [number for (number,) in struct.iter_unpack(form, whole)]
    if form[1] in "fd":
        return [number if math.isfinite(number) else str(number) for number in numbers]
    return numbers


def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def _decimal(text: str) -> float | int | str:
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def person(text: str) -> dict[str, str]:
    """The component groups of a person's name (F.2.2)."""
    groups = [group.strip(" ") for group in text.split("=")[:3]]
    return {name: group for name, group in zip(_GROUPS, groups, strict=False) if group}


_CONVERSIONS: Final[dict[str, Callable[[str], Any]]] = {"IS": _integer, "DS": _decimal, "PN": person}


def of_rows(values: Mapping[int, tuple[str, Any]], *, null: bool = True) -> JSON:
    """The model of attributes from the catalogue: VR and value, by tag; a value is as `rows` has it."""
    found: JSON = {}
    for tag in sorted(values):
        vr, value = values[tag]
        written: list[Any]
        if value is None or value == "":
            written = []
        elif isinstance(value, list):
            written = [of_rows(item, null=null) for item in value]
        elif vr in _PACKED or isinstance(value, int | float):
            written = [value]
        else:
            written = text_values(vr, str(value), null=null)
        found[f"{tag:08X}"] = {"vr": vr, "Value": written} if written else {"vr": vr}
    return found


def parse_tag_path(path: str) -> list[int] | None:
    """The tags and item numbers (from 0) of a path as in `Manner.bulk`, from the top; None: it is none."""
    parts = path.split("/")
    if len(parts) % 2 == 0 or len(parts) > 2 * MAX_NESTING:
        return None
    found: list[int] = []
    for place, part in enumerate(parts):
        if place % 2 == 0:
            if not re.fullmatch("[0-9A-Fa-f]{8}", part):
                return None
            found.append(int(part, 16))
        elif part.isdecimal() and part.isascii() and len(part) < 6:
            found.append(int(part))
        else:
            return None
    return found


def value_at(data_set: DataSet, path: list[int]) -> Element | None:
    """The element at a path; None: there is none."""
    for place in range(0, len(path) - 1, 2):
        element = data_set.get(path[place])
        if element is None or not isinstance(element.value, tuple) or path[place + 1] >= len(element.value):
            return None
        data_set = element.value[path[place + 1]]
    return data_set.get(path[-1])
