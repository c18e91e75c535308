"""The query of a search, read (PS3.18 section 8.3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ....hospital.attributes import ATTRIBUTES, SERIES_UID, SOP_UID, STUDY_UID
from ....persona.model.dicomweb import DicomWeb
from ..message import Pair
from .attributes import tag_path, vr_of
from .errors import Refused
from .paths import Resource

MAX_NUMBER: Final = 10_000_000
"""Largest limit or offset."""
MAX_PARAMETERS: Final = 500
"""Parameters of a search: viewers send thirty."""

_OPTIONS: Final = frozenset(("limit", "offset", "fuzzymatching", "includefield", "accept", "charset"))
_UIDS: Final = frozenset((STUDY_UID, SERIES_UID, SOP_UID, 0x00080016, 0x00080062))


@dataclass(slots=True)
class Criteria:
    """What is searched for. `keys`: text by tag; `asked`: tags that are to be answered, too.

    `sent`: all keys as sent, by their paths. `never`: there can't be a match.
    """

    keys: dict[int, str] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    everything: bool = False
    fuzzy: bool = False
    limit: int | None = None
    offset: int = 0
    sent: dict[str, str] = field(default_factory=dict)
    never: bool = False


def read(query: Sequence[Pair], resource: Resource, persona: DicomWeb) -> Criteria:
    """The criteria of a query at a path. Raises `Refused`."""
    found = Criteria()
    if len(query) > MAX_PARAMETERS:
        raise Refused(400, "Too many query parameters")
    for name, value in query:
        if name in _OPTIONS:
            _option(found, name, value)
        elif name not in persona.parameters:
            _attribute(found, name, value, persona)
    for tag, uid in zip((STUDY_UID, SERIES_UID, SOP_UID), resource.uids, strict=True):
        if uid:
            if tag in found.keys and uid not in found.keys[tag].split("\\") and found.keys[tag]:
                found.never = True
            found.keys[tag] = uid
    return found


def _option(found: Criteria, name: str, value: str) -> None:
    match name:
        case "limit":
            found.limit = _number(name, value)
        case "offset":
            found.offset = _number(name, value)
        case "fuzzymatching":
            if value not in ("true", "false"):
                raise Refused(400, "Invalid value of query parameter fuzzymatching")
            found.fuzzy = value == "true"
        case "includefield":
            for each in value.split(","):
                path = tag_path(each.strip()) if each.strip() != "all" else ()
                if path is None:
                    raise Refused(400, "Invalid value of query parameter includefield")
                found.everything |= not path
                found.asked += path[:1]


def _number(name: str, value: str) -> int:
    value = value.strip()
    if not (value.isdecimal() and value.isascii()) or len(value) > 9 or int(value) > MAX_NUMBER:
        raise Refused(400, f"Invalid value of query parameter {name}")
    return int(value)


def _attribute(found: Criteria, name: str, value: str, persona: DicomWeb) -> None:
    path = tag_path(name)
    if path is None:
        if persona.unknown == "refused":
            raise Refused(400, "Unknown query parameter")
        return
    found.sent[".".join(f"{tag:08X}" for tag in path)] = value
    if len(path) > 1 or path[0] not in ATTRIBUTES:
        found.asked.append(path[0])  # nothing of it is kept, so that it can only come back
        return
    tag = path[0]
    if vr_of(tag) == "UI" or tag in _UIDS:
        value = value.replace(",", "\\")
    before = found.keys.get(tag)
    found.keys[tag] = f"{before}\\{value}" if before and value else value or before or ""
