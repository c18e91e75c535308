"""A persona as the text of a file that a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model import Persona

WIDTH = 116
ORIGINS = ("sources", "stated", "inferred")
"""Tables that say where the others come from: they are read last."""
HEXADECIMAL_FROM = 0x0100
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_HEXADECIMAL_TABLES = frozenset({"failures", "select", "progress", "store", "commands", "normalized", "get", "move"})
"""Tables whose numbers are statuses, for the most part."""
_NOT_STATUS = frozenset({"megabits", "per_object", "patience"})


def toml(persona: Persona, comments: Sequence[str] = (), *, without: frozenset[str] = frozenset()) -> str:
    """The file of a persona: what differs from the model's defaults. `comments` come first, a line each."""
    values = persona.model_dump(mode="json", exclude_defaults=True, exclude=set(without))
    first = {"name": persona.name, "title": persona.title, "kind": persona.kind}
    last = {name: values.pop(name) for name in ORIGINS if name in values}
    values = {**first, **values, **last}
    lines = [f"# {comment}".rstrip() for comment in comments]
    if lines:
        lines.append("")
    lines += _table(values, ())
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    simple = {key: value for key, value in values.items() if not _is_table(value, path) and value is not None}
    for key, value in simple.items():
        yield from _assignment(key, value, path)
    for key, value in values.items():
        if not _is_table(value, path):
            continue
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            name = ".".join(map(_key, (*path, key)))
            head = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            below = list(_table(row, (*path, key)))
            if not below:
                continue
            if isinstance(value, Mapping) and below[0] == "":
                yield from below  # nothing but tables: its own header would say nothing
                continue
            yield from ("", head, *below)


def _is_table(value: Any, path: tuple[str, ...]) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and not (path and _is_small(value))
    return (
        isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and not all(map(_is_small, value))
    )


def _is_small(value: Mapping[str, Any]) -> bool:
    """Whether a table fits into a line of its own."""
    flat = not any(isinstance(item, Mapping) for item in value.values())
    return flat and len(value) <= 4 and len(json.dumps(value)) < 80 and "abstract_syntaxes" not in value


def _assignment(key: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    line = f"{_key(key)} = {_value(value, (*path, key))}"
    if len(line) <= WIDTH or not isinstance(value, list):
        yield line
        return
    yield f"{_key(key)} = ["
    row = "   "
    for item in value:
        text = f" {_value(item, path)},"
        if len(row) + len(text) > WIDTH:
            yield row
            row = "   "
        row += text
    yield row
    yield "]"


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _text(name)


def _text(value: str) -> str:
    # TOML's basic strings are JSON's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value >= HEXADECIMAL_FROM and _is_status(path):
        return f"0x{value:04X}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v, (*path, k))}" for k, v in value.items() if v is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item, path) for item in value)}]"
    return str(value)


def _is_status(path: tuple[str, ...]) -> bool:
    return path[-1] not in _NOT_STATUS and any(part in _HEXADECIMAL_TABLES for part in path[:-1])
