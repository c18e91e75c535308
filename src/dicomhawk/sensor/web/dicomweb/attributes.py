"""What a search answers by default (PS3.18 tables 10.6.3-3, 10.6.3-4 and 10.6.3-5), and how a client names it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ....hospital import vr as vrs
from ....hospital.attributes import ATTRIBUTES, Level
from ....hospital.registry import tag_for_keyword
from ...listing import all_of

RETRIEVE_URL: Final = 0x00081190
PATIENT: Final = (0x00100010, 0x00100020, 0x00100030, 0x00100040)
STUDY: Final = (
    *(0x00080020, 0x00080030, 0x00080050, 0x00080056, 0x00080061, 0x00080090, RETRIEVE_URL),
    *(0x0020000D, 0x00200010, 0x00201206, 0x00201208),
)
SERIES: Final = (
    *(0x00080056, 0x00080060, 0x0008103E, RETRIEVE_URL, 0x0020000E, 0x00200011, 0x00201209),
    *(0x00400244, 0x00400245),
)
INSTANCE: Final = (
    *(0x00080016, 0x00080018, 0x00080056, RETRIEVE_URL, 0x00200013, 0x00280008, 0x00280010, 0x00280011, 0x00280100),
)

_TAG: Final = re.compile("[0-9A-Fa-f]{8}")
_KEYWORD: Final = re.compile("[A-Za-z][A-Za-z0-9]{1,63}")
MAX_PATH: Final = 8
"""Tags of an attribute within sequences."""


def defaults(level: Level, *, study: bool, series: bool) -> tuple[int, ...]:
    """Tags that are answered without being asked for; `study`, `series`: whether the path names these."""
    if level == Level.PATIENT:
        return (*PATIENT, 0x00201200)
    found: tuple[int, ...] = ()
    if not study:
        found += (*PATIENT, *STUDY)
    if level >= Level.SERIES and not series:
        found += SERIES
    if level == Level.IMAGE:
        found += INSTANCE
    return tuple(dict.fromkeys(found))


def everything(level: Level) -> list[int]:
    """Tags of all that is kept."""
    return [*all_of(level), 0x00080056, RETRIEVE_URL]


@lru_cache(maxsize=1024)
def tag_path(name: str) -> tuple[int, ...] | None:
    """The tags of an attribute, from the outermost sequence; None: the name is none (PS3.18 section 8.3.4.1)."""
    parts = name.split(".")
    if len(parts) > MAX_PATH:
        return None
    found: list[int] = []
    for part in parts:
        tag = int(part, 16) if _TAG.fullmatch(part) else None
        if tag is None and _KEYWORD.fullmatch(part):
            tag = tag_for_keyword(part)
        if tag is None:
            return None
        found.append(tag)
    return tuple(found)


def vr_of(tag: int) -> str:
    """The VR of an attribute that an answer has."""
    attribute = ATTRIBUTES.get(tag)
    return attribute.vr if attribute is not None else vrs.of_tag(tag)
