"""From an event to one line of nested ECS JSON.

What is the same in all events of a type, and in all events of a connection, is encoded once (`_Plan`,
`envelope`), and the rest by a function made for the type; an event then costs a few microseconds. None and
empty lists are left out. A string of more than `MAX_STRING` characters or a list of more than `MAX_ENTRIES` is
cut, and its path named in ``honeypot.cut``.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import ModuleType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from .encoder import Leaf, TooLong, Tree, document, encode_json, generate
from .fields import MAX_ENTRIES, MAX_STRING, Event, Field

VERSION = "9.2.0"
"""``ecs.version``: the one whose field names are used here."""
MAX_CUTS = 16
"""Paths named in ``honeypot.cut``: enough to see what was done to the line."""


MESSAGE_ID_TO_COME = 1 << 16
"""Stands for a message ID, which has 16 bits, in an event that is encoded before it is known; see `numbered`."""
_NUMBER_TO_COME = b'"message_id":%d' % MESSAGE_ID_TO_COME  # within a string, its quotation marks would be escaped


class Encoded(NamedTuple):
    """An event without its envelope, as the inner parts of JSON objects."""

    event: bytes
    dicom: bytes
    others: tuple[tuple[bytes, bytes], ...]
    """Other objects, each with its opening (``"source":{``)."""
    follows: bytes = b""
    """What later events of the connection repeat; see `following`."""


class Envelope(NamedTuple):
    """What events have in common, as the inner parts of JSON objects."""

    constant: bytes
    """Of the document: without ``@timestamp``, ``event`` and ``dicom``. Its objects aren't empty."""
    dicom: bytes = b""


def catalogue() -> list[type[Event]]:
    """Every event type, in the order of the modules in `events`."""
    from . import events

    return [c for module in events.MODULES for c in vars(module).values() if _is_type_of(c, module)]


def _is_type_of(value: Any, module: ModuleType) -> bool:
    is_event = isinstance(value, type) and issubclass(value, Event) and hasattr(value, "kind")
    return is_event and value.__module__ == module.__name__


@lru_cache(maxsize=256)
def fields(kind: type[Event]) -> dict[str, Field]:
    """The annotations of an event type, by attribute."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated:
            found[name] = next(extra for extra in get_args(hint) if isinstance(extra, Field))
    return found


def encode(event: Event, *, secrets: bool = True) -> Encoded:
    """`event` without its envelope. Can be kept, and given to `line` for many connections.

    Without `secrets`, passwords and tokens are replaced by their SHA-256.
    """
    plan = _plan(type(event), secrets)
    try:
        own, dicom, *rest = plan.encode(event)
    except (TooLong, UnicodeEncodeError):  # lone surrogates
        own, dicom, others = _cut(plan.tree, event)
    else:
        others = tuple([(key, inner) for key, inner in zip(plan.others, rest, strict=True) if inner]) if rest else ()
    head = plan.head + b"," + own if own else plan.head
    return Encoded(head, dicom, others, following(event) if plan.follows else b"")


def numbered(event: Encoded, message_id: int) -> Encoded:
    """An event that was encoded with `MESSAGE_ID_TO_COME`, with the right one."""
    head, dicom, others, follows = event
    return Encoded(head, dicom.replace(_NUMBER_TO_COME, b'"message_id":%d' % message_id, 1), others, follows)


def following(event: Event) -> bytes:
    """What later events of the connection repeat of `event`, for `Envelope.dicom`; often nothing."""
    follows = _plan(type(event), True).follows
    if not follows:
        return b""
    inner = _bounded(document(follows, event), "", [])
    return encode_json(inner)[1:-1]


def envelope(constant: dict[str, Any]) -> bytes:
    """`constant` as the inner part of a JSON object."""
    return encode_json(constant)[1:-1]


def line(event: Encoded, envelope: Envelope, stamp: bytes, sequence: int, duration: int | None) -> bytes:
    """One line, newline included. `stamp` is of `Stamps.stamp`; `duration` in nanoseconds."""
    of_event, dicom, others, _ = event
    constant, common = envelope
    for marker, inner in others:
        at = constant.find(marker)
        if at < 0:
            constant = b"%b,%b%b}" % (constant, marker, inner)
        else:
            at += len(marker)
            constant = b"%b%b,%b" % (constant[:at], inner, constant[at:])
    numbered = _SEQUENCES[sequence] if sequence < len(_SEQUENCES) else _sequence(sequence)
    end = b"}," if duration is None else b',"duration":%d},' % duration
    parts: tuple[bytes, ...]
    if dicom:
        comma = b"," if common else b""
        parts = (stamp, numbered, of_event, end, constant, b',"dicom":{', dicom, comma, common, b"}}\n")
    elif common:
        parts = (stamp, numbered, of_event, end, constant, b',"dicom":{', common, b"}}\n")
    else:
        parts = (stamp, numbered, of_event, end, constant, b"}\n")
    return b"".join(parts)


def _sequence(number: int) -> bytes:
    return b'","sequence":%d,' % number


_SEQUENCES = tuple(_sequence(number) for number in range(256))
"""Most connections have few events."""


class _Plan:
    """How events of one type are encoded."""

    __slots__ = ("encode", "follows", "head", "others", "tree")

    def __init__(self, kind: type[Event], secrets: bool) -> None:
        self.tree: Tree = {"event": {}, "dicom": {}}
        self.follows: Tree = {}
        hints = get_type_hints(kind)
        for name, field in fields(kind).items():
            hint = hints[name]
            leaf = Leaf(name, hint, field.render or (_filled if _is_list(hint) else None))
            if field.secret and not secrets:
                _plant(self.tree, f"{field.path}_sha256", leaf._replace(render=_digest))
            else:
                _plant(self.tree, field.path, leaf)
            if field.also is not None:
                _plant(self.tree, field.also, leaf._replace(render=_alone))
            if field.follows:
                _plant(self.follows, field.path.removeprefix("dicom."), leaf)
        self.head = _head(kind)
        self.encode = generate(self.tree)
        self.others = tuple(_opening(key) for key in self.tree if key not in ("event", "dicom"))


def _head(kind: type[Event]) -> bytes:
    module = kind.kind.action.partition(".")[0]
    return envelope(
        {
            "kind": "event",
            "action": kind.kind.action,
            "category": kind.kind.category,
            "type": kind.kind.type,
            "module": module,
            "dataset": f"honeypot.{module}",
            "provider": "sensor",
            "severity": kind.kind.severity,
        }
    )


def _opening(key: str) -> bytes:
    return b'"%b":{' % key.encode()


def _cut(tree: Tree, event: Event) -> tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]:
    """As `_Plan.encode`, with everything brought within its bounds."""
    cuts: list[str] = []
    bounded = msgspec.to_builtins(document(tree, event))
    if _exceeds(bounded):
        bounded = _bounded(bounded, "", cuts)
    if cuts:
        bounded.setdefault("honeypot", {})["cut"] = cuts[:MAX_CUTS]
    parts = {key: encode_json(value)[1:-1] for key, value in bounded.items()}
    own, dicom = parts.pop("event", b""), parts.pop("dicom", b"")
    return own, dicom, tuple((_opening(key), inner) for key, inner in parts.items())


_plans: tuple[dict[type[Event], _Plan], dict[type[Event], _Plan]] = {}, {}


def _plan(kind: type[Event], secrets: bool) -> _Plan:
    plan = _plans[secrets].get(kind)
    if plan is None:
        plan = _plans[secrets][kind] = _Plan(kind, secrets)
    return plan


def _plant(tree: Tree, path: str, leaf: Leaf) -> None:
    *parents, key = path.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
    assert key not in tree, path
    tree[key] = leaf


def _is_list(hint: Any) -> bool:
    return hint is tuple or get_origin(hint) is tuple


def _filled(values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return values or None


def _alone(value: Any) -> tuple[Any]:
    return (value,)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "backslashreplace")).hexdigest()


def _exceeds(value: Any) -> bool:
    """Whether something in `value` (JSON's types) is too long, or isn't text."""
    if isinstance(value, str):
        return not value.isascii() or len(value) > MAX_STRING
    if isinstance(value, dict):
        return len(value) > MAX_ENTRIES or any(map(_exceeds, value)) or any(map(_exceeds, value.values()))
    if isinstance(value, list | tuple):
        return len(value) > MAX_ENTRIES or any(map(_exceeds, value))
    return False


def _bounded(value: Any, path: str, cuts: list[str]) -> Any:
    """`value` (JSON's types) with long strings and lists cut, and the paths of those in `cuts`."""
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode()
        if len(value) > MAX_STRING:
            cuts.append(path)
            return value[:MAX_STRING]
        return value
    if isinstance(value, dict):
        if len(value) > MAX_ENTRIES:
            cuts.append(path)
        return {
            key[:MAX_STRING]: _bounded(item, f"{path}.{key}"[:MAX_STRING].lstrip("."), cuts)
            for key, item in list(value.items())[:MAX_ENTRIES]
        }
    if isinstance(value, list | tuple):
        if len(value) > MAX_ENTRIES:
            cuts.append(path)
        return [_bounded(item, path, cuts) for item in value[:MAX_ENTRIES]]
    return value
