"""The files that the table is compiled from, as they are validated: supplement.toml and networks.toml."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from ipaddress import ip_network
from typing import Annotated, Final

import msgspec

from .model import Basis, Kind, Operator, Source
from .table import Entry

FILES: Final = ("supplement.toml", "networks.toml")
LICENCE: Final = "Apache-2.0"

_Host = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.-]+$")]
_Dfp = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}$")]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator with its ranges. The fields are explained in supplement.toml."""

    id: str
    name: str
    category: str
    kind: Kind
    source: str
    asn: tuple[int, ...] = ()
    shared_asn: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    country: str = ""
    rdns: tuple[_Host, ...] = ()
    agents: tuple[str, ...] = ()
    fingerprints: tuple[_Dfp, ...] = ()
    tags: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()

    def operator(self) -> Operator:
        """Without its ranges and where it is known from."""
        return msgspec.convert(
            {name: getattr(self, name) for name in Operator.__struct_fields__}, Operator, from_attributes=True
        )

    def entries(self, source: str) -> list[Entry]:
        """Its ranges. Raises ValueError."""
        both: tuple[tuple[Basis, tuple[str, ...]], ...] = (("published", self.published), ("observed", self.observed))
        return [Entry(ip_network(text), self.id, source, basis) for basis, texts in both for text in texts]


class _Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    published: dict[str, str]
    observed: dict[str, str]


class Supplement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the files."""

    date: date
    operator: tuple[Row, ...]
    lists: _Lists = _Lists({}, {})

    def source(self, name: str) -> Source:
        """What the table says of it."""
        return Source(name, self.date.isoformat(), LICENCE)


def read() -> dict[str, Supplement]:
    """The files that are shipped, by name without suffix. Raises msgspec.ValidationError."""
    found = {}
    for name in FILES:
        text = files(__package__).joinpath(name).read_text(encoding="utf-8")
        found[name.removesuffix(".toml")] = msgspec.convert(tomllib.loads(text), Supplement)
    return found
