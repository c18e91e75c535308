"""Encoders of events, generated from the catalogue: for each event type one function of plain statements.

Every connection has some five events, so what one costs decides how many visitors a core can take. A function
that is written for its event type, as `dataclasses` writes ``__init__``, takes a third of the time of a general
walk over the fields. What such a function doesn't do is cut: it raises `TooLong`, and the general walk does it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any, NamedTuple, get_args

import msgspec

from .fields import MAX_ENTRIES, MAX_STRING, Event

encode_json = msgspec.json.Encoder().encode
_HARMLESS = 2 * MAX_ENTRIES
"""JSON of so few bytes has no list or string that is too long: an entry has a character and a comma."""


class TooLong(Exception):
    """There may be a string or list in an event that has to be cut."""


class Leaf(NamedTuple):
    """A value of an event's document."""

    attribute: str
    hint: Any
    """Its annotated type."""
    render: Callable[[Any], Any] | None = None
    """Applied to a value that is not None; gives None for one that is left out."""


Tree = dict[str, Any]
"""An object of the document: to each key a `Leaf` or another tree."""


def document(tree: Tree, event: Event) -> dict[str, Any]:
    """The general walk: what `tree` says of `event`, without what is None or empty."""
    found = {}
    for key, node in tree.items():
        if isinstance(node, Leaf):
            value = getattr(event, node.attribute)
            if value is not None and node.render is not None:
                value = node.render(value)
        else:
            value = document(node, event) or None
        if value is not None:
            found[key] = value
    return found


def generate(tree: Tree) -> Callable[[Event], tuple[bytes, ...]]:
    """A function that gives the objects of `tree`, in order, each as the inner part of its JSON.

    It raises `TooLong` if something may have to be cut, and UnicodeEncodeError on lone surrogates.
    """
    source = _Source()
    results = [source.object(node) for node in tree.values()]
    source.add(0, f"return ({''.join(f'{name}[1:], ' for name in results)})")
    return source.function()


class _Source:
    """Statements, and the values that they name."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._objects = 0
        self._names: dict[str, Any] = {"encode_json": encode_json, "bounded": _bounded, "TooLong": TooLong}

    def add(self, depth: int, text: str) -> None:
        self._lines.append("    " * (depth + 1) + text)

    def function(self) -> Callable[[Event], tuple[bytes, ...]]:
        exec("\n".join(["def encode(event):", *self._lines]), self._names)  # noqa: S102 - of the catalogue only
        made: Callable[[Event], tuple[bytes, ...]] = self._names["encode"]
        return made

    def object(self, tree: Tree) -> str:
        """Statements for an object; returns the variable that has its entries, each with a comma before it."""
        name = f"object_{self._objects}"
        self._objects += 1
        self.add(0, f'{name} = b""')
        for key, node in tree.items():
            opening = b",%b:" % encode_json(key)
            if isinstance(node, Leaf):
                self._leaf(name, opening, node)
            else:
                inner = self.object(node)
                self.add(0, f"if {inner}:")
                self.add(1, f"{name} += {opening + b'{'!r} + {inner}[1:] + b'}}'")
        return name

    def _leaf(self, name: str, opening: bytes, leaf: Leaf) -> None:
        self.add(0, f"value = event.{leaf.attribute}")
        if leaf.render is not None:
            self.add(0, "if value is not None:")
            self.add(1, f"value = {self._named(leaf.render)}(value)")
        self.add(0, "if value is not None:")
        kind = None if leaf.render is not None else _plain(leaf.hint)
        if kind is int:
            self.add(1, f"{name} += {opening + b'%d'!r} % value")
        elif kind is bool:
            self.add(1, f"{name} += {opening + b'true'!r} if value else {opening + b'false'!r}")
        elif kind is str:
            self.add(1, f"if len(value) > {MAX_STRING}:")
            self.add(2, "raise TooLong")
            self.add(1, f"{name} += {opening!r} + encode_json(value)")
        else:
            self.add(1, f"{name} += {opening!r} + bounded(value)")

    def _named(self, value: Any) -> str:
        name = f"given_{len(self._names)}"
        self._names[name] = value
        return name


def _plain(hint: Any) -> Any:
    """The type of values that aren't None."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if NoneType in get_args(hint) and len(kinds) == 1 else hint


def _bounded(value: Any) -> bytes:
    encoded = encode_json(value)
    if len(encoded) > _HARMLESS and _may_exceed(encoded):
        raise TooLong
    return encoded


def _may_exceed(encoded: bytes) -> bool:
    """Whether there may be a string or list in `encoded` that is too long; cheaper than a look at each value."""
    if encoded.count(b",") >= MAX_ENTRIES or b'\\"' in encoded:
        return True
    return max(map(len, encoded.split(b'"'))) > MAX_STRING
