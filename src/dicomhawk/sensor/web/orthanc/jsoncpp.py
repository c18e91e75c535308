"""JSON as jsoncpp's styled writer lays it out: what it writes for each value is always the same text."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, Final

INDENTATION: Final = "   "
TAB: Final = "\t"
MAX_DEPTH: Final = 64
"""Objects within objects that are read: nobody nests configurations or queries deeper."""

LENIENT: Final = 16 << 10
"""Characters of a text that is read with the leniency of jsoncpp: what a person writes; it takes us longer."""
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*|\s+|[^"/,\s]+|.', re.DOTALL)
"""What jsoncpp's reader tells apart of a text, so far as it matters here; takes every character, and each once."""
_STEPS: Final = tuple((chr(byte) in "{[") - (chr(byte) in "}]") for byte in range(256))
"""By how much each byte of a text leads into it, or out of it."""


class JsonError(ValueError):
    """The text is no JSON, or nested too deeply."""


def styled(value: Any, indentation: str = INDENTATION, margin: str = "") -> str:
    """`value` with keys in order, and every member and item on a line of its own; no line feed at the end."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        inner = margin + indentation
        members = (
            f"{inner}{_text(key)} : {_break(each, inner)}{styled(each, indentation, inner)}"
            for key, each in sorted(value.items(), key=lambda member: member[0].encode("utf-8", "replace"))
        )
        return "{\n" + ",\n".join(members) + f"\n{margin}}}"
    if isinstance(value, list | tuple):
        if not value:
            return "[]"
        inner = margin + indentation
        return "[\n" + ",\n".join(inner + styled(each, indentation, inner) for each in value) + f"\n{margin}]"
    return _scalar(value)


def parsed(text: bytes) -> Any:
    """The value of a JSON text. Raises `JsonError`."""
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise JsonError("nested too deeply")
    decoded = text.decode("utf-8-sig", "replace")
    try:
        return json.loads(decoded, parse_constant=_refuse)
    except RecursionError as error:
        raise JsonError(str(error)) from None
    except ValueError as error:
        if len(decoded) > LENIENT:
            raise JsonError(str(error)) from None
    try:
        return _LENIENT.raw_decode(_strict(decoded).lstrip())[0]
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None


def _refuse(name: str) -> Any:
    raise ValueError(name)


_LENIENT: Final = json.JSONDecoder(parse_constant=_refuse)
"""Whatever comes behind the value isn't looked at."""


def _strict(text: str) -> str:
    """A text without comments, and without commas behind a last member, both of which jsoncpp lets pass."""
    kept: list[str] = []
    comma = ""
    for found in _TOKEN.finditer(text):
        word = found[0]
        if word.isspace() or word.startswith(("//", "/*")):
            kept.append(" ")
            continue
        if comma and word[0] not in "}]":
            kept.append(comma)
        comma = "," if word == "," else ""
        if not comma:
            kept.append(word)
    return "".join(kept)


def _depth(text: bytes) -> int:
    return max(accumulate(map(_STEPS.__getitem__, text), initial=0))


def _break(value: Any, margin: str) -> str:
    return f"\n{margin}" if value and isinstance(value, dict | list | tuple) else ""


def _text(text: str) -> str:
    return json.dumps(text)


def _scalar(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        text = f"{value:.17g}"
        return text if "." in text or "e" in text else f"{text}.0"
    return str(value) if isinstance(value, int) else _text(str(value))
