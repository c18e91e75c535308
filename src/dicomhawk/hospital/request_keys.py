"""The keys of a request's identifier, as queries and retrievals read them (PS3.4 sections C.4.1 to C.4.3)."""

from __future__ import annotations

from dicomhawk.hospital.attributes import ATTRIBUTES, UNIQUE_KEYS, Level
from dicomhawk.hospital.charset import of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import MAX_KEYS, MAX_VALUES
from dicomhawk.hospital.matching import is_single, key_text


class TooManyError(Exception):
    """An identifier has more keys, or more values, than any client has reason to send."""


def key_texts(identifier: DataSet) -> dict[int, str]:
    """The text of each key that we know. Raises `TooManyError`."""
    if len(identifier) > MAX_KEYS:
        raise TooManyError("Too many keys")
    characters = of_data_set(identifier)
    texts = {
        tag: key_text(element._replace(vr=ATTRIBUTES[tag].vr), characters)
        for tag, element in identifier.items()
        if tag in ATTRIBUTES
    }
    if sum(text.count("\\") for text in texts.values()) >= MAX_VALUES:
        raise TooManyError("Too many values")
    return texts


def without_single_value(levels: tuple[Level, ...], below: Level, texts: dict[int, str]) -> tuple[int, ...]:
    """Tags of the unique keys of those `levels` above `below` that don't have one value each in `texts`."""
    return tuple(
        UNIQUE_KEYS[each]
        for each in levels
        if each < below and not is_single(ATTRIBUTES[UNIQUE_KEYS[each]].vr, texts.get(UNIQUE_KEYS[each], ""))
    )
