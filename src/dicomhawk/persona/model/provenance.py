"""Where the values of a built persona come from: a public statement or source, or an inference with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from .base import Part

EVERYTHING = "*"
"""As a path: whatever nothing else explains, such as what a variation takes from the persona that it extends."""

# What a file says of itself, which is no claim about the product.
_ABOUT = frozenset({"name", "title", "kind", "sources", "stated", "inferred"})


class Source(Part):
    """A public document or program that a built persona was made from."""

    title: str = Field(min_length=1, max_length=200, description="Of the document or program.")
    version: str = Field(min_length=1, max_length=120, description="Version, revision or date of what was read.")
    url: str = Field(min_length=1, max_length=400, description="Where it is published.")


class Provenance(Part):
    """What a persona file says of its own values.

    Keys of `stated` and `inferred` are dotted paths of fields that the file sets, or of the tables above them, or
    `EVERYTHING`; the most precise path that leads to a field speaks for it.
    """

    sources: dict[str, Source] = Field(default_factory=dict, description="By the short name that `stated` uses.")
    stated: dict[str, str] = Field(
        default_factory=dict, description="Path -> name of the source, or ``name: where in it``."
    )
    inferred: dict[str, str] = Field(default_factory=dict, description="Path -> why this value is assumed.")

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Self:
        leaves = list(set_fields(self))
        for path in (*self.stated, *self.inferred):
            if not any(_covers(path, leaf) for leaf in leaves):
                raise ValueError(f"{path!r} is given an origin, but the file doesn't set it")
        for path, origin in self.stated.items():
            if path in self.inferred:
                raise ValueError(f"{path!r} is both stated and inferred")
            if origin.partition(":")[0].strip() not in self.sources:
                raise ValueError(f"{path!r} is stated by {origin!r}, which is no source of this file")
        for path, why in self.inferred.items():
            if not why.strip():
                raise ValueError(f"{path!r} is inferred without a reason")
        return self

    def origin(self, path: str) -> str | None:
        """Of the field at a dotted path: a title with its version, or ``inferred: why``; None if nothing says."""
        known = [key for key in (*self.stated, *self.inferred) if _covers(key, path)]
        if not known:
            return None
        key = max(known, key=len)
        if key in self.inferred:
            return f"inferred: {self.inferred[key]}"
        name, _, where = self.stated[key].partition(":")
        source = self.sources[name.strip()]
        return ", ".join(filter(None, (f"{source.title} ({source.version})", where.strip())))

    def unexplained(self) -> list[str]:
        """Dotted paths of the fields that the file sets and that nothing says the origin of."""
        return [leaf for leaf in set_fields(self) if self.origin(leaf) is None]


def set_fields(part: BaseModel) -> Iterator[str]:
    """Dotted paths of the fields that were set explicitly, in the order of the model; lists count as one field."""
    for name in type(part).model_fields:
        if name in part.model_fields_set and name not in _ABOUT:
            yield from _paths(name, getattr(part, name))


def _paths(path: str, value: Any) -> Iterator[str]:
    inner: Mapping[str, Any] = {}
    if isinstance(value, BaseModel):
        inner = {name: getattr(value, name) for name in type(value).model_fields if name in value.model_fields_set}
    elif isinstance(value, Mapping):
        inner = {str(key.value if isinstance(key, Enum) else key): item for key, item in value.items()}
    if not inner:
        yield path
    for name, item in inner.items():
        yield from _paths(f"{path}.{name}", item)


def _covers(key: str, path: str) -> bool:
    return key in (EVERYTHING, path) or path.startswith(key + ".")
