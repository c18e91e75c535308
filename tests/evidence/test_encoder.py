"""The generated encoders say the same as the general walk over an event's fields."""

from __future__ import annotations

import json
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from dicomhawk.evidence import ecs
from dicomhawk.evidence.encoder import TooLong, document
from dicomhawk.evidence.fields import MAX_ENTRIES, MAX_STRING, Event

KINDS = ecs.catalogue()
TEXTS = ["", "A", '"\\\n\0', "ü\U0001f9e0", "x" * MAX_STRING]


def value_of(hint: Any, number: int) -> Any:
    """A value of an annotated type; another for another number."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    if NoneType in get_args(hint):
        hint = kinds[0]
    if hint is int:
        return number * 1001 - 1
    if hint is bool:
        return bool(number % 2)
    if hint is str:
        return TEXTS[number % len(TEXTS)]
    if get_origin(hint) is dict:
        return {f"{at:08X}": TEXTS[at % 4] for at in range(number)}
    assert get_origin(hint) is tuple
    return tuple(value_of(get_args(hint)[0], at) for at in range(number % 4))


def events(kind: type[Event]) -> list[Event]:
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__}
    hints = {name: hint for name, hint in hints.items() if not _has_parts(hint)}
    made = [kind(**{name: value_of(hint, number) for name, hint in hints.items()}) for number in range(7)]
    required = [f.name for f in msgspec.structs.fields(kind) if f.required]
    return [*made, kind(**{name: value_of(hints[name], 3) for name in required})]


def _has_parts(hint: Any) -> bool:
    return get_origin(hint) is tuple and isinstance(get_args(hint)[0], type(msgspec.Struct))


@pytest.mark.parametrize("secrets", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.action)
def test_an_encoder_says_the_same_as_the_general_walk(kind: type[Event], secrets: bool) -> None:
    plan = ecs._plan(kind, secrets)
    for event in events(kind):
        parts = dict(zip(plan.tree, plan.encode(event), strict=True))
        said = {key: json.loads(b"{%b}" % inner) for key, inner in parts.items() if inner}
        assert said == json.loads(msgspec.json.encode(document(plan.tree, event)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind.action)
def test_an_encoder_refuses_what_must_be_cut(kind: type[Event]) -> None:
    plan = ecs._plan(kind, True)
    whole = events(kind)[1]
    for name, hint in get_type_hints(kind).items():
        if hint in (str, str | None):
            too_long: Any = "x" * (MAX_STRING + 1)
        elif get_origin(hint) is tuple and get_args(hint)[0] is str:
            too_long = ("",) * (MAX_ENTRIES + 1)
        else:
            continue
        with pytest.raises(TooLong):
            plan.encode(msgspec.structs.replace(whole, **{name: too_long}))
