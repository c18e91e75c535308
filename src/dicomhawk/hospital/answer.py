"""Matches, and how they become the identifier of a response.

What is the same for all matches of a query (tags, VRs, constants, empty elements) is prepared once, in a
`Layout`; a match is then a row of the catalogue and costs some microseconds to encode.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET, UTF_8, CharacterSet, character_set
from dicomhawk.hospital.elements import (
    DEFLATED_LE,
    EXPLICIT_BE,
    IMPLICIT_LE,
    MAX_SHORT_LENGTH,
    deflated,
    header,
    padded,
)
from dicomhawk.hospital.matching import Stored

Row: TypeAlias = Sequence[Stored]
Value: TypeAlias = "Stored | list[dict[int, Value]]"

_INTEGERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i"}


@dataclass(frozen=True, slots=True)
class Answering:
    """How this archive words its answers: its own AE title, and the character set of its texts."""

    retrieve_ae: str = ""  # (0008,0054); empty: left out
    character_set: str = UTF_8  # for what isn't ASCII; UTF-8 replaces it where it lacks a character
    always_name_character_set: bool = False  # also where all is ASCII


PLAIN: Final = Answering()


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute of the answers: a column of the rows, else a constant, else the one item of a sequence."""

    tag: int
    vr: str
    column: int | None = None
    constant: str = ""
    item: tuple[Field, ...] | None = None


class Match(NamedTuple):
    """One match of a query; `encode_match` makes the identifier of its response."""

    row: Row
    layout: Layout

    @property
    def unsupported(self) -> tuple[int, ...]:
        """Tags of the optional keys that aren't supported: status 0xFF01 (PS3.4 section C.4.1.1.4)."""
        return self.layout.unsupported

    def values(self) -> dict[int, Value]:
        """What the identifier of the response holds, by tag; a sequence as a list of such dictionaries."""
        return _values(self.layout.fields, self.row)


class Layout:
    """The answers' fields, in the order of tags, and how to write them in each transfer syntax."""

    def __init__(self, fields: Sequence[Field], answering: Answering, unsupported: tuple[int, ...]) -> None:
        self.fields = tuple(sorted(fields, key=lambda field: field.tag))
        self.unsupported = unsupported
        self._answering = answering
        self._steps: dict[str, tuple[list[_Step], list[_Step]]] = {}

    def encode(self, row: Row, syntax: str) -> bytes:
        """The data set for `row` in transfer syntax `syntax`."""
        steps = self._steps.get(syntax)
        if steps is None:
            before = [field for field in self.fields if field.tag < SPECIFIC_CHARACTER_SET]
            after = self.fields[len(before) :]
            steps = self._steps[syntax] = (_compile(before, syntax), _compile(after, syntax))
        try:
            data = self._encode(steps, row, syntax, character_set(self._answering.character_set))
        except _NoSuchCharacter:
            data = self._encode(steps, row, syntax, character_set(UTF_8))
        return deflated(data) if syntax == DEFLATED_LE else data

    def _encode(self, steps: tuple[list[_Step], list[_Step]], row: Row, syntax: str, texts: CharacterSet) -> bytes:
        before, after = steps
        parts: list[bytes] = []
        expanded = bool(before) and _write(before, row, texts, parts)
        position = len(parts)
        if _write(after, row, texts, parts) or expanded or self._answering.always_name_character_set:
            value = padded("CS", texts.value.encode("ascii", "replace"))
            name = header(SPECIFIC_CHARACTER_SET, "CS", len(value), **_manner(syntax)) + value
            parts.insert(position, name)
        return b"".join(parts)


def encode_match(match: Match, syntax: str) -> bytes:
    """The identifier of the response for `match`, in transfer syntax `syntax` (a UID)."""
    return match.layout.encode(match.row, syntax)


class _NoSuchCharacter(Exception):
    """The answer has a character that the character set lacks."""


_READY, _TEXT, _PLAIN, _INTEGER, _SEQUENCE = range(5)


class _Step(NamedTuple):
    """How to write one field: ready bytes, or the beginning of a header and what comes of the column."""

    kind: int
    ready: bytes  # the whole element, or with a column the empty one
    column: int = 0
    start: bytes = b""
    length: Callable[[int], bytes] = bytes
    longest: int = 0
    padding: bytes = b" "  # of a sequence, the tag of its item
    integer: Callable[[Any], bytes] = bytes
    item: tuple[_Step, ...] = ()


def _manner(syntax: str) -> dict[str, Any]:
    return {"explicit": syntax != IMPLICIT_LE, "order": ">" if syntax == EXPLICIT_BE else "<"}


def _compile(fields: Sequence[Field], syntax: str) -> list[_Step]:
    steps: list[_Step] = []
    for step in (_step(field, syntax) for field in fields):
        if step.kind == _READY and steps and steps[-1].kind == _READY:
            step = step._replace(ready=steps.pop().ready + step.ready)
        steps.append(step)
    return steps


def _step(field: Field, syntax: str) -> _Step:
    manner = _manner(syntax)
    empty = header(field.tag, field.vr, 0, **manner)
    if field.item is None and field.column is None:
        constant = padded(field.vr, field.constant.encode("ascii", "replace"))
        return _Step(_READY, header(field.tag, field.vr, len(constant), **manner) + constant)
    short = manner["explicit"] and field.vr in vrs.SHORT
    length = struct.Struct(f"{manner['order']}{'H' if short else 'I'}")
    step = _Step(
        kind=_TEXT if field.vr in vrs.CUSTOMIZABLE else _PLAIN,
        ready=empty,
        column=field.column or 0,
        start=empty[: -length.size],
        length=length.pack,
        longest=MAX_SHORT_LENGTH if short else 0xFFFFFFFE,
        padding=padded(field.vr, b"0")[1:],
    )
    if field.item is not None:
        item_tag = b"\xff\xfe\xe0\x00" if syntax == EXPLICIT_BE else b"\xfe\xff\x00\xe0"
        return step._replace(kind=_SEQUENCE, padding=item_tag, item=tuple(_compile(field.item, syntax)))
    if field.vr in _INTEGERS:
        pack = struct.Struct(f"{manner['order']}{_INTEGERS[field.vr]}").pack
        return step._replace(kind=_INTEGER, integer=pack)
    return step


def _write(steps: Sequence[_Step], row: Row, texts: CharacterSet, parts: list[bytes]) -> bool:
    """Append an element for each step; whether a text needed more than the default repertoire."""
    expanded = False
    for kind, ready, column, start, length, longest, padding, integer, item in steps:
        if kind == _READY:
            parts.append(ready)
            continue
        if kind == _SEQUENCE:
            within: list[bytes] = []
            expanded |= _write(item, row, texts, within)
            data = b"".join(within)
            data = padding + length(len(data)) + data
        else:
            value = row[column]
            if value is None or value == "":
                parts.append(ready)
                continue
            if kind == _INTEGER:
                try:
                    data = integer(value)
                except struct.error:
                    data = b""
            else:
                text = value if isinstance(value, str) else str(value)
                if text.isascii():
                    data = text.encode("ascii")
                elif kind == _PLAIN:
                    data = text.encode("ascii", "replace")
                else:
                    encoded = texts.encode(text)
                    if encoded is None:
                        raise _NoSuchCharacter
                    data, expanded = encoded, True
                if len(data) & 1:
                    data += padding
                if len(data) > longest:
                    data = data[:longest]
        parts += (start, length(len(data)), data)
    return expanded


def _values(fields: Sequence[Field], row: Row) -> dict[int, Value]:
    found: dict[int, Value] = {}
    for field in fields:
        if field.item is not None:
            found[field.tag] = [_values(field.item, row)]
        elif field.column is not None:
            found[field.tag] = row[field.column]
        else:
            found[field.tag] = field.constant
    return found
