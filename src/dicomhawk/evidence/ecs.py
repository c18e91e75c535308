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
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from .fields import MAX_ENTRIES, MAX_STRING, Event, Field

VERSION = "9.2.0"
"""``ecs.version``: the one whose field names are used here."""
MAX_CUTS = 16
"""Paths named in ``honeypot.cut``: enough to see what was done to the line."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Encoded = tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]
"""An event without envelope: its type's part of ``event``, its own part of ``event``, its other objects."""


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
    own = parts.pop("event", b"")
    return plan.head, own, _objects(parts)


def following(event: Event) -> bytes:
    """What later events of the connection repeat of `event`, to be appended to their envelope; often nothing."""
    groups = _plan(type(event), True).follows
    return b"".join([b",%b%b}" % part for part in _objects(_parts(groups, event))]) if groups else b""


def envelope(constant: dict[str, Any]) -> bytes:
    """`constant` as the inner part of a JSON object, to be given to `line`. Its objects may not be empty."""
    return _encode(constant)[1:-1]


def line(
    event: Encoded, constant: bytes, *, moment: bytes, ulid: bytes, sequence: int, duration: int | None
) -> bytes:
    """One line, newline included. `moment` and `ulid` come from `Stamps`; `duration` is in nanoseconds."""
    head, own, objects = event
    for marker, inner in objects:
        at = constant.find(marker)
        if at < 0:
            constant = b"%b,%b%b}" % (constant, marker, inner)
        else:
            at += len(marker)
            constant = b"%b%b,%b" % (constant[:at], inner, constant[at:])
    if duration is not None:
        own = b'%b,"duration":%d' % (own, duration) if own else b'"duration":%d' % duration
    return b'{"@timestamp":"%b","event":{"id":"%b","sequence":%d,%b%b%b},%b}\n' % (
        moment,
        ulid,
        sequence,
        head,
        b"," if own else b"",
        own,
        constant,
    )


class _Node:
    """One object of the document: how it is made from the attributes of an event."""

    __slots__ = ("_children", "_leaves", "_names", "_renders", "_wire")

    def __init__(self, tree: dict[str, Any]) -> None:
        leaves = {key: leaf for key, leaf in tree.items() if isinstance(leaf, tuple)}
        children = {key: child for key, child in tree.items() if not isinstance(child, tuple)}
        names = [name for name, _ in leaves.values()]
        self._names = names
        self._leaves: Callable[[Event], Any] | None = attrgetter(*names) if names else None
        self._renders = [(at, render) for at, (_, render) in enumerate(leaves.values()) if render is not None]
        self._children = [_Node(child) for child in children.values()]
        keys = [*leaves, *children]
        self._wire = msgspec.defstruct(
            "Wire",
            [(f"f{at}", Any, None) for at in range(len(keys))],
            rename={f"f{at}": key for at, key in enumerate(keys)},
            omit_defaults=True,
            gc=False,
        )

    def make(self, event: Event) -> Any:
        """The object, or None if it would be empty."""
        if self._leaves is None:
            values = []
        elif len(self._names) == 1:
            values = [self._leaves(event)]
        else:
            values = list(self._leaves(event))
        for at, render in self._renders:
            if values[at] is not None:
                values[at] = render(values[at])
        for child in self._children:
            values.append(child.make(event))
        if values.count(None) == len(values):
            return None
        return self._wire(*values)


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


_Groups = tuple[tuple[str, _Node], ...]


def _nodes(tree: dict[str, Any]) -> _Groups:
    return tuple((key, _Node(child)) for key, child in tree.items())


def _parts(groups: _Groups, event: Event) -> dict[str, bytes]:
    parts = {}
    try:
        for key, node in groups:
            made = node.make(event)
            if made is not None:
                inner = _encode(made)
                if len(inner) > MAX_STRING:
                    # Only here can a string be too long, and looking at each costs more than encoding does.
                    return _cut(groups, event)
                parts[key] = inner[1:-1]
    except UnicodeEncodeError:  # lone surrogates
        return _cut(groups, event)
    return parts


def _cut(groups: _Groups, event: Event) -> dict[str, bytes]:
    """As `_parts`, with everything brought within its bounds."""
    document = {key: made for key, node in groups if (made := node.make(event)) is not None}
    cuts: list[str] = []
    bounded = _bounded(msgspec.to_builtins(document), "", cuts)
    if cuts:
        bounded.setdefault("honeypot", {})["cut"] = cuts[:MAX_CUTS]
    return {key: _encode(value)[1:-1] for key, value in bounded.items()}


def _objects(parts: dict[str, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple([(b'"%b":{' % key.encode(), inner) for key, inner in parts.items()])


_plans: dict[tuple[type[Event], bool], _Plan] = {}


def _plan(kind: type[Event], secrets: bool) -> _Plan:
    plan = _plans.get((kind, secrets))
    if plan is None:
        plan = _plans[kind, secrets] = _Plan(kind, secrets)
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
