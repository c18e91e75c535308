"""Two lists of answers to the same bytes: what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from ...analyst.narrative import printable, size
from ...hospital.elements import DataSet, Element, ElementsError, decode
from ...hospital.registry import keyword_for_tag
from ...persona.battery.words import text
from .answers import Answer
from .masks import IDENTIFIER, LENGTH, Masks

MAX_ALIGNED = 4000
"""Answers of one connection that are aligned; beyond it, each is compared with the one at its place."""
MAX_SHOWN = 160
"""Characters of a value in a sentence."""
CONTEXT = 24
"""Characters before a difference that are shown."""
_TEXTS = frozenset(("UR", "UT", "LO", "ST", "LT", "UC", "SH"))
_DOCUMENT = 0x00420011
_SECRETS = frozenset(
    ("set-cookie", "www-authenticate", "proxy-authenticate", "etag", "location", "authentication-info")
)
_CREATED, _GENERATED = "N-CREATE-RSP", "AffectedSOPInstanceUID "


def differences(recorded: Sequence[Answer], now: Sequence[Answer], masks: Masks) -> Iterator[str]:
    """What differs, one sentence each; `masks` notes what was passed over."""
    for at, one, other in _aligned(recorded, now):
        where = f"answer {at + 1}"
        if one is None and other is not None:
            yield f"{where} is new: {_shown(other.title)}"
        elif other is None and one is not None:
            yield f"{where}, {_shown(one.title)}, does not come any more"
        elif one is not None and other is not None:
            for sentence in _answer(one, other, masks):
                yield f"{where}, {_shown(one.title)}: {sentence}"


def _aligned(recorded: Sequence[Answer], now: Sequence[Answer]) -> Iterator[tuple[int, Answer | None, Answer | None]]:
    """Pairs of answers that aren't the same byte for byte, and their places in the recording."""
    if max(len(recorded), len(now)) > MAX_ALIGNED:
        for at, (one, other) in enumerate(zip_longest(recorded, now)):
            if one is None or other is None or one.digest != other.digest:
                yield at, one, other
        return
    keys = [answer.digest for answer in recorded], [answer.digest for answer in now]
    for tag, one_at, one_end, other_at, other_end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag != "equal":
            pairs = zip_longest(recorded[one_at:one_end], now[other_at:other_end])
            for number, (one, other) in enumerate(pairs):
                yield one_at + number, one, other


def _answer(one: Answer, other: Answer, masks: Masks) -> Iterator[str]:
    if one.kind != other.kind or not masks.same(one.title, other.title):
        yield f"is now {_shown(other.title)}"
        return
    if one.kind == "response":
        yield from _response(one, other, masks)
        return
    before = masks.used.total()
    prefix = f"{one.title}: "
    first, second = ([line.removeprefix(prefix) for line in answer.lines] for answer in (one, other))
    created = one.title.startswith(_CREATED)
    found = [*_lines(first, second, masks, created=created), *_data(one, other, masks)]
    yield from found
    if one.shape != other.shape and not found and masks.used.total() == before:
        was, now = next((a or "nothing", b or "nothing") for a, b in zip_longest(one.shape, other.shape) if a != b)
        yield f"is cut into PDUs in another way: {was}, now {now}"


def _lines(one: Sequence[str], other: Sequence[str], masks: Masks, *, created: bool) -> Iterator[str]:
    """`created`: the answer names an instance that was made on demand."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    for tag, at, end, behind, last in matcher.get_opcodes():
        if tag == "equal":
            continue
        for first, second in zip_longest(one[at:end], other[behind:last]):
            if first is not None and second is not None:
                if created and first.startswith(_GENERATED) and second.startswith(_GENERATED):
                    masks.note(IDENTIFIER)
                    continue
                if masks.same(first, second):
                    continue
            yield f"{_shown(first or 'nothing')}, now {_shown(second or 'nothing')}"


def _response(one: Answer, other: Answer, masks: Masks) -> Iterator[str]:
    first, second = _headers(one), _headers(other)
    if [name for name, _ in first] != [name for name, _ in second]:
        names = (", ".join(name for name, _ in headers) for headers in (first, second))
        yield "has the headers {}, now {}".format(*map(_shown, names))
    values = dict(second)
    found = list(_data(one, other, masks))
    for name, value in first:
        new = values.get(name)
        if new is None or new == value:
            continue
        if name.lower() == "content-length" and not found:
            masks.note(LENGTH)
        elif name.lower() != "content-length" or not found:
            secret = name.lower() in _SECRETS
            if not masks.same(value, new) and not (secret and masks.same(value, new, secret=True)):
                yield f"header {_shown(name)} is {_shown(value)}, now {_shown(new)}"
    yield from found


def _headers(answer: Answer) -> list[tuple[str, str]]:
    parts = (line.partition(":") for line in answer.lines)
    return [(name, value.strip()) for name, _, value in parts]


def _data(one: Answer, other: Answer, masks: Masks) -> Iterator[str]:
    """What differs in data sets or bodies."""
    if one.data is None or other.data is None:
        if (one.size, one.data is None) != (other.size, other.data is None):
            yield f"has {size(one.size)}, now {size(other.size)}"
        elif one.size and one.digest != other.digest:
            yield f"differs somewhere in its {size(one.size)}, which were too many to keep"
        return
    if one.data == other.data:
        return
    if one.kind == "message":
        try:
            yield from _elements(decode(one.data, one.syntax), decode(other.data, other.syntax), masks)
            return
        except ElementsError:
            pass
    first, second = one.data.decode("latin-1"), other.data.decode("latin-1")
    if masks.same(first, second):
        return
    at = next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    start = max(0, at - CONTEXT)
    yield f"differs from byte {at} on: {_shown(first[start : at + 60])}, now {_shown(second[start : at + 60])}"


def _elements(one: DataSet, other: DataSet, masks: Masks, path: str = "") -> Iterator[str]:
    for tag in sorted({*one, *other}):
        name = path + (keyword_for_tag(tag) or f"({tag >> 16:04x},{tag & 0xFFFF:04x})")
        first, second = one.get(tag), other.get(tag)
        if first is None or second is None or first.vr != second.vr:
            yield f"{name} is {_value(first)}, now {_value(second)}"
        elif isinstance(first.value, tuple) and isinstance(second.value, tuple):
            if len(first.value) != len(second.value):
                yield f"{name} has {len(first.value)} items, now {len(second.value)}"
            for number, (item, new) in enumerate(zip(first.value, second.value, strict=False), 1):
                yield from _elements(item, new, masks, f"{name}[{number}].")
        elif first.value != second.value and not _masked(first, second, masks):
            yield f"{name} is {_value(first)}, now {_value(second)}"


def _masked(one: Element, other: Element, masks: Masks) -> bool:
    if one.vr not in _TEXTS and one.tag != _DOCUMENT:
        return False
    assert isinstance(one.value, bytes)
    assert isinstance(other.value, bytes)
    return masks.same(one.value.decode("latin-1"), other.value.decode("latin-1"))


def _value(element: Element | None) -> str:
    if element is None:
        return "absent"
    if isinstance(element.value, tuple):
        return f"{element.vr} with {len(element.value)} items"
    return f"{element.vr} {text(element.value)}"


def _shown(value: str) -> str:
    return printable(value, MAX_SHOWN)
