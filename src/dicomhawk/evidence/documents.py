"""Events as they are read again: ECS documents, of which any field may be absent or not what it should be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

Document = dict[str, Any]

MAX_NUMBER = 1 << 53
"""No count or size is larger, and everybody who reads JSON knows it exactly (RFC 8259 section 6)."""


def value_at(event: Document, path: str) -> Any:
    """The value at a dotted path; None if there is none."""
    at: Any = event
    for key in path.split("."):
        if not isinstance(at, dict) or key not in at:
            return None
        at = at[key]
    return at


def text_at(event: Document, path: str) -> str:
    """The string at a dotted path; empty if there is none."""
    value = value_at(event, path)
    return value if isinstance(value, str) else ""


def number_at(event: Document, path: str) -> int:
    """The whole number at a dotted path; 0 if there is none, or none that can be."""
    value = value_at(event, path)
    return value if isinstance(value, int) and abs(value) <= MAX_NUMBER else 0


def moment_of(event: Document) -> int:
    """``@timestamp`` in microseconds since the epoch. Raises KeyError, TypeError or ValueError."""
    return moment(event["@timestamp"])


def moment(text: str) -> int:
    """A moment as the journal writes it (RFC 3339, UTC), in microseconds since the epoch. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    # Not a product of floats, which would be off by one now and then.
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")
