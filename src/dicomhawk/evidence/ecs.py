"""From an event to one line of nested ECS JSON.

What is the same in all events of a type, and in all events of a connection, is encoded once (`_Plan`,
`envelope`); an event then costs a few microseconds. None and empty lists are left out. A string of more than
`MAX_STRING` characters or a list of more than `MAX_ENTRIES` is cut, and its path named in ``honeypot.cut``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from .fields import MAX_ENTRIES, MAX_STRING, Event, Field

VERSION = "9.2.0"
"""``ecs.version``: the one whose field names are used here."""
MAX_CUTS = 16
"""Paths named in ``honeypot.cut``: enough to see what was done to the line."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Encoded(NamedTuple):
    """An event without its envelope, as the inner parts of JSON objects."""

    event: bytes
    dicom: bytes
    others: tuple[tuple[bytes, bytes], ...]
    """Other objects, each with its opening (``"source":{``)."""


class Envelope(NamedTuple):
    """What events have in common, as the inner parts of JSON objects."""

    constant: bytes
    """Of the document: without ``@timestamp``, ``event`` and ``dicom``. Its objects aren't empty."""
    dicom: bytes = b""


def catalogue() -> list[type[Event]]:
    """Every event type, in the order of events.py."""
    from . import events

    return [c for c in vars(events).values() if isinstance(c, type) and issubclass(c, Event) and hasattr(c, "kind")]


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
    parts = _parts(plan.groups, event)
    own, dicom = parts.pop("event", b""), parts.pop("dicom", b"")
    others = tuple([(b'"%b":{' % key.encode(), inner) for key, inner in parts.items()])
    return Encoded(b"%b,%b" % (plan.head, own) if own else plan.head, dicom, others)


def following(event: Event) -> bytes:
    """What later events of the connection repeat of `event`, for `Envelope.dicom`; often nothing."""
    groups = _plan(type(event), True).follows
    return _parts(groups, event).get("dicom", b"") if groups else b""


def envelope(constant: dict[str, Any]) -> bytes:
    """`constant` as the inner part of a JSON object."""
    return _encode(constant)[1:-1]


def line(event: Encoded, envelope: Envelope, stamp: bytes, sequence: int, duration: int | None) -> bytes:
    """One line, newline included. `stamp` is of `Stamps.stamp`; `duration` in nanoseconds."""
    of_event, dicom, others = event
    constant, common = envelope
    for marker, inner in others:
        at = constant.find(marker)
        if at < 0:
            constant = b"%b,%b%b}" % (constant, marker, inner)
        else:
            at += len(marker)
            constant = b"%b%b,%b" % (constant[:at], inner, constant[at:])
    if dicom:
        constant = b'%b,"dicom":{%b%b%b}' % (constant, dicom, b"," if common else b"", common)
    elif common:
        constant = b'%b,"dicom":{%b}' % (constant, common)
    if duration is None:
        return b'%b","sequence":%d,%b},%b}\n' % (stamp, sequence, of_event, constant)
    return b'%b","sequence":%d,%b,"duration":%d},%b}\n' % (stamp, sequence, of_event, duration, constant)


_Maker = Callable[[Event], Any]


def _maker(tree: dict[str, Any]) -> _Maker:
    """A function from an event to one object of the document; it gives None if that would be empty."""
    leaves = {key: leaf for key, leaf in tree.items() if isinstance(leaf, tuple)}
    children = {key: child for key, child in tree.items() if not isinstance(child, tuple)}
    names = [name for name, _ in leaves.values()]
    renders = [(at, render) for at, (_, render) in enumerate(leaves.values()) if render is not None]
    makers = [_maker(child) for child in children.values()]
    keys = {f"f{at}": key for at, key in enumerate([*leaves, *children])}
    wire = msgspec.defstruct("Wire", [(f, Any, None) for f in keys], rename=keys, omit_defaults=True, gc=False)
    get = _getter(names)
    nones = (None,) * len(names)

    def make_flat(event: Event) -> Any:
        values = get(event)
        return None if values == nones else wire(*values)

    def make(event: Event) -> Any:
        values = [*get(event)]
        for at, render in renders:
            if values[at] is not None:
                values[at] = render(values[at])
        for maker in makers:
            values.append(maker(event))
        return None if values.count(None) == len(values) else wire(*values)

    return make if renders or makers else make_flat


def _getter(names: list[str]) -> Callable[[Event], tuple[Any, ...]]:
    if not names:
        return lambda event: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda event: (get(event),)


class _Plan:
    """How events of one type are encoded."""

    __slots__ = ("follows", "groups", "head")

    def __init__(self, kind: type[Event], secrets: bool) -> None:
        module = kind.kind.action.partition(".")[0]
        self.head = envelope(
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
        tree: dict[str, Any] = {}
        follows: dict[str, Any] = {}
        for name, field in fields(kind).items():
            render = field.render or (_filled if _is_list(kind, name) else None)
            if field.secret and not secrets:
                _plant(tree, f"{field.path}_sha256", (name, _digest))
            else:
                _plant(tree, field.path, (name, render))
            if field.also is not None:
                _plant(tree, field.also, (name, _alone))
            if field.follows:
                _plant(follows, field.path, (name, render))
        self.groups = _nodes(tree)
        self.follows = _nodes(follows)


_Groups = tuple[tuple[str, _Maker], ...]


def _nodes(tree: dict[str, Any]) -> _Groups:
    return tuple((key, _maker(child)) for key, child in tree.items())


def _parts(groups: _Groups, event: Event) -> dict[str, bytes]:
    parts = {}
    try:
        for key, make in groups:
            made = make(event)
            if made is not None:
                inner = _encode(made)
                if len(inner) > MAX_STRING and _may_exceed(inner):
                    return _cut(groups, event)
                parts[key] = inner[1:-1]
    except UnicodeEncodeError:  # lone surrogates
        return _cut(groups, event)
    return parts


def _may_exceed(inner: bytes) -> bool:
    """Whether there may be a string or list in `inner` that is too long; cheaper than a look at each value."""
    if inner.count(b",") >= MAX_ENTRIES or b'\\"' in inner:
        return True
    return max(map(len, inner.split(b'"'))) > MAX_STRING


def _cut(groups: _Groups, event: Event) -> dict[str, bytes]:
    """As `_parts`, with everything brought within its bounds."""
    document = {key: made for key, make in groups if (made := make(event)) is not None}
    bounded = msgspec.to_builtins(document)
    cuts: list[str] = []
    if _exceeds(bounded):
        bounded = _bounded(bounded, "", cuts)
    if cuts:
        bounded.setdefault("honeypot", {})["cut"] = cuts[:MAX_CUTS]
    return {key: _encode(value)[1:-1] for key, value in bounded.items()}


_plans: tuple[dict[type[Event], _Plan], dict[type[Event], _Plan]] = {}, {}


def _plan(kind: type[Event], secrets: bool) -> _Plan:
    plan = _plans[secrets].get(kind)
    if plan is None:
        plan = _plans[secrets][kind] = _Plan(kind, secrets)
    return plan


def _plant(tree: dict[str, Any], path: str, leaf: tuple[str, Callable[[Any], Any] | None]) -> None:
    *parents, key = path.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
    assert key not in tree, path
    tree[key] = leaf


def _is_list(kind: type[Event], name: str) -> bool:
    hint = get_type_hints(kind)[name]
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
