"""What is said of an address, and what the table knows of an operator."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

Confidence = Literal["high", "medium", "low"]
Kind = Literal["reserved", "scanner", "cloud", "isp"]
Basis = Literal["published", "observed"]
"""Of a range: as its owner tells it, or as somebody saw it."""

CATEGORIES: Final = (
    "Censys",
    "Shodan",
    "Internet Measurement",
    "Onyphe",
    "Cloud",
    "Internet Census",
    "China ISPs",
    "Palo Alto",
    "Other",
)
LISTS_LICENCE: Final = "CC0-1.0"
"""Of all of misp-warninglists."""
PRECEDENCE: Final[dict[str, int]] = {"reserved": 3, "scanner": 2, "cloud": 1, "isp": 0}
"""Of kinds, where several hold: a scanner's machine in a cloud is the scanner's."""


class HostName(NamedTuple):
    """A name that reverse DNS has for an address."""

    name: str
    confirmed: bool = False
    """Whether the name has the address (forward-confirmed): else anybody can have written it."""


class Operator(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whoever runs machines on the internet. The fields are explained in supplement.toml."""

    id: str
    name: str
    category: str
    kind: Kind
    asn: tuple[int, ...] = ()
    shared_asn: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    country: str = ""
    rdns: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, array_like=True):
    """Where ranges are from."""

    name: str
    """Of the list, or ``supplement`` or ``networks``."""
    date: str
    """ISO 8601; empty where the list doesn't say."""
    licence: str
    """As SPDX has it."""

    @property
    def is_list(self) -> bool:
        """Whether it is somebody else's list; else a file of ours."""
        return self.licence == LISTS_LICENCE


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who an address is."""

    category: str = "Other"
    """One of `CATEGORIES`."""
    operator: str = ""
    """The finer actor, as in ``censys``, ``digitalocean``, ``private network``; empty: not known."""
    confidence: Confidence = "low"
    who: str = ""
    """For a sentence: ``Censys``, ``Somebody at DigitalOcean``; empty: not known."""
    evidence: tuple[str, ...] = ()
    """What speaks for it, in words of ours: nothing that a visitor sent is in them."""
    country: str = ""
    """ISO 3166 alpha-2."""
    asn: int | None = None
    network: str = ""
    """Name of the autonomous system; where no database says it, of the cloud or provider."""
    name: str = ""
    """By reverse DNS."""
    tags: tuple[str, ...] = ()
    """As in ``scanner``, ``hosting``, ``cdn``, ``internal``, ``tor``, ``claims:censys``."""
