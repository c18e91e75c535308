"""The fields of the model as places that can be read and changed, and the values that are worth a try."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..model import Persona, load, shipped

Path = tuple[str | int, ...]
"""Where a value is: names of tables and fields, and positions in lists of tables."""
FITTED = ("identity", "contexts", "request", "reject", "answer", "wire")
"""Tables that the upper layer's experiments are about."""
MEASURED = frozenset(
    {"implementation_class_uid", "implementation_version_name", "implementation_version_names", "max_pdu"}
    | {"abstract_syntaxes", "without", "transfer_syntaxes", "checks", "name", "before_association", "on_association"}
)
"""Fields that are read from the answers themselves, not found by trying."""


@cache
def library() -> tuple[Persona, ...]:
    """All shipped personas: what products are known to do."""
    return tuple(load(name) for name in shipped())


def get(persona: BaseModel, path: Path) -> Any:
    """The value at a path; None if there is nothing."""
    value: Any = persona
    for part in path:
        if isinstance(part, int):
            if part >= len(value):
                return None
            value = value[part]
        else:
            value = getattr(value, part, None)
        if value is None:
            return None
    return value


def changed(persona: Persona, path: Path, value: Any) -> Persona:
    """The persona with another value at a path."""
    return _changed(persona, path, value)  # type: ignore[no-any-return]


def _changed(holder: Any, path: Path, value: Any) -> Any:
    part, *rest = path
    if isinstance(part, int):
        return (*holder[:part], _changed(holder[part], tuple(rest), value) if rest else value, *holder[part + 1 :])
    inner = _changed(getattr(holder, part), tuple(rest), value) if rest else value
    return holder.model_copy(update={part: inner})


def fitted(persona: Persona) -> Iterator[Path]:
    """Paths of the fields that can be found by trying."""
    for table in FITTED:
        yield from below(getattr(persona, table), (table,))


def below(part: BaseModel, path: Path) -> Iterator[Path]:
    """Paths of the fields of a part that is at `path`."""
    for name in type(part).model_fields:
        if name in MEASURED:
            continue
        value = getattr(part, name)
        annotation = type(part).model_fields[name].annotation
        if isinstance(value, BaseModel) and isinstance(annotation, type):
            yield from below(value, (*path, name))
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, inner in enumerate(value):
                yield from below(inner, (*path, name, number))
        else:
            yield (*path, name)


def alternatives(persona: Persona, path: Path) -> list[Any]:
    """Other values that a field could have: those that its type lists, and those that known products have."""
    holder = get(persona, path[:-1])
    name = path[-1]
    now = get(persona, path)
    found: list[Any] = []
    if isinstance(holder, BaseModel) and isinstance(name, str):
        found += _listed(type(holder).model_fields[name].annotation)
    others = library()
    groups = next((n for n, part in enumerate(path) if isinstance(part, int)), None)
    for other in others:
        if groups is None:
            found.append(get(other, path))
        else:
            rows = get(other, path[:groups]) or ()
            found += (get(other, (*path[:groups], row, *path[groups + 1 :])) for row in range(len(rows)))
    unlike: list[Any] = []
    for value in found:
        if value != now and value not in unlike and _fits(holder, name, value):
            unlike.append(value)
    return unlike


def _fits(holder: Any, name: str | int, value: Any) -> bool:
    """Whether a field may have a value."""
    if not isinstance(holder, BaseModel) or not isinstance(name, str):
        return False
    try:
        type(holder).model_validate({**{own: getattr(holder, own) for own in type(holder).model_fields}, name: value})
    except ValidationError:
        return False
    return True


def _listed(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if annotation is bool:
        return [False, True]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation)
    if origin is Literal:
        return list(get_args(annotation))
    if origin is Annotated:
        return _listed(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [value for inner in get_args(annotation) for value in _listed(inner)]
    return []
