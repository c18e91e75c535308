"""From the head of a stranger's object to rows of the catalogue, whatever is missing or odd in it."""

from __future__ import annotations

from typing import TypeAlias

from dicomhawk.hospital.attributes import ATTRIBUTES, Level
from dicomhawk.hospital.charset import of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.matching import key_text

Described: TypeAlias = dict[str, dict[str, str | int]]
"""For each level, by its name, the fields of its row that the object has."""

MAX_TEXT = 1024
"""Characters that are kept of a value: longer than all VRs of these attributes but LT allow."""

MAX_UID = 128
"""Characters that are kept of a UID: twice what the standard allows."""

MAX_INTEGER = 2**31
"""Integers of IS and US are smaller."""

_IN_HEADS = [attribute for attribute in ATTRIBUTES.values() if attribute.field is not None]
_INTEGERS = frozenset(("IS", "US"))


def describe(head: DataSet) -> Described:
    """What `head` says about patient, study, series and instance. Never raises."""
    characters = of_data_set(head)
    found: Described = {level.name: {} for level in Level}
    for attribute in _IN_HEADS:
        element = head.get(attribute.tag)
        if element is None or attribute.field is None or isinstance(element.value, tuple):
            continue
        value = element.value[: 4 * MAX_TEXT]
        if attribute.vr not in _INTEGERS:
            value = value.partition(b"\0")[0]  # where every C program takes a text to end
        text = key_text(element._replace(vr=attribute.vr, value=value), characters)
        fields = found[attribute.level.name]
        if attribute.vr in _INTEGERS:
            first = text.split("\\")[0].strip()
            if first.lstrip("+-").isdecimal() and len(first) < 12 and abs(int(first)) < MAX_INTEGER:
                fields[attribute.field] = int(first)
        elif attribute.vr == "DA":
            fields[attribute.field] = text[:MAX_TEXT].replace(".", "")
        else:
            fields[attribute.field] = text[: MAX_UID if attribute.vr == "UI" else MAX_TEXT]
    return found
