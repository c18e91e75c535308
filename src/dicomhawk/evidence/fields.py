"""How an event type describes itself: its place in ECS, and each field's path and meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import msgspec

MAX_STRING = 1024
"""Characters kept of one string: what a stranger sends may be megabytes, and a log line must stay a line."""
MAX_ENTRIES = 256
"""Entries kept of one list or object: twice the 128 presentation contexts that an association can have."""


class Field(NamedTuple):
    """Annotation of an event's field: where it goes in the ECS document and what it is."""

    path: str
    """Dotted ECS path, as in ``dicom.ae.calling``."""
    doc: str
    render: Callable[[Any], Any] | None = None
    """Applied to a value that is not None before it is encoded."""
    also: str | None = None
    """A second path, whose value is a list of this one value (as in ``related.user``)."""
    follows: bool = False
    """Repeated in every later event of the connection, so that each can be read alone."""
    secret: bool = False
    """A password or token: replaced by its SHA-256 (``<path>_sha256``) where the settings say so."""


class Kind(NamedTuple):
    """What is the same in all events of a type (the ECS categorisation fields)."""

    action: str
    """``event.action``; its first part is ``event.module``."""
    category: tuple[str, ...]
    type: tuple[str, ...]
    severity: int
    """0 (housekeeping) to 100; what was done, not who did it: that is the analyst's to say."""
    recurs: bool = False
    """Whether equal events come again and again, so that it pays to remember how they are encoded."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of every event type. Immutable: one event can be emitted on many connections."""

    kind: ClassVar[Kind]


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Base of the records that events have lists of."""


def code(value: int) -> str:
    """A 16-bit code as the standard writes it, e.g. ``0xA900``."""
    return f"0x{value:04X}"


def text(data: bytes) -> str:
    """Bytes from a stranger as text: UTF-8 where it is, and ``\\xNN`` for each byte that is not.

    Bounded to `MAX_STRING` characters and one more, which is how the encoder knows that it was cut. The exact
    bytes are in the transcript. Control characters are kept; JSON escapes those of ASCII, and whoever prints
    one must escape the rest.
    """
    return data[: 4 * MAX_STRING + 4].decode("utf-8", "backslashreplace")[: MAX_STRING + 1]
