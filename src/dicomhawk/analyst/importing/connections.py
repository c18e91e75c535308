"""What a log says of each connection, before it is put into the shape of our events."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from ...evidence.fields import MAX_ENTRIES, MAX_STRING
from ...hospital.registry import tag_for_keyword

Fields = dict[str, Any]
"""Dotted ECS path -> value; without a value (None) it is left out."""


@dataclass(slots=True)
class Step:
    """One thing that happened on a connection."""

    moment: int
    action: str
    """Of our catalogue of events, as in ``dicom.c-find``."""
    fields: Fields


@dataclass(slots=True)
class Connection:
    """One connection of a log."""

    key: str
    """What tells it from others in its log, whatever file it stands in."""
    address: str
    port: int | None
    opened: int
    local_port: int | None = None
    steps: list[Step] = field(default_factory=list)
    last: int = 0
    closed: int | None = None
    pending: Fields = field(default_factory=dict)
    """What was said of the next step, or of the one before."""

    def add(self, moment: int, action: str, **fields: Any) -> Step:
        """A further step; its fields have ``__`` for a dot."""
        step = Step(moment, action, {name.replace("__", "."): value for name, value in fields.items()})
        self.steps.append(step)
        self.last = max(self.last, moment)
        return step

    def close(self, moment: int) -> None:
        """The log says that it ended."""
        self.closed = self.last = max(self.last, moment)


def address_in(text: str) -> str:
    """An IP address in its usual form. Raises ValueError."""
    address = ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def tag_of(keyword: str) -> str:
    """The tag of an attribute as eight hexadecimal digits, as in our events; what isn't known stays as it is."""
    tag = tag_for_keyword(keyword)
    return keyword[:MAX_STRING] if tag is None else f"{tag:08X}"


def query_fields(keys: dict[str, str], level: str = "") -> Fields:
    """What an event of a query has: `keys` by tag, the level, and whether a key has a wildcard."""
    keys = dict(list(keys.items())[:MAX_ENTRIES])
    level = level or keys.get(QUERY_LEVEL, "")
    return {
        "dicom.query.keys": keys or None,
        "dicom.query.level": level or None,
        "dicom.query.wildcard": any("*" in value or "?" in value for value in keys.values()),
    }


QUERY_LEVEL = "00080052"
"""Query/Retrieve Level (PS3.4 C.4.1.1.3.1)."""
