"""What bait tells of the hospital's information technology: names, machines and people, the same wherever named.

All of it is drawn from the deployment's seed, and fits what the archive says: its address and its devices are those
of the catalogue. Addresses are private ones and names end in domains that no registry gives out, so that nothing here
points at anybody.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from ..hospital.names import plain_name
from ..hospital.world.devices import devices
from ..hospital.world.draw import draw
from ..hospital.world.locale import Locale
from ..hospital.world.locale import locale as tables_of
from ..hospital.world.people import Registry
from ..settings import Deployment
from .files.opc import Moment

YEARS = 2018, 2023
"""Of passwords and old files: what is drawn for a deployment stays, and none of it may lie in the future."""
_SUFFIXES = ("local", "local", "lan", "intra", "internal", "intern")
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "å": "a", "Å": "A", "æ": "ae", "Æ": "Ae", "ß": "ss", "đ": "d"})
_DEGREES = frozenset(("MD", "DO"))
_ROLES = {
    "database": ("db", "sql", "pgsql", "dbsrv"),
    "portal": ("web", "portal", "viewer", "img"),
    "gateway": ("vpn", "remote", "gw", "fw"),
    "files": ("nas", "file", "backup", "store"),
    "directory": ("dc", "ad", "ldap"),
    "mail": ("mail", "smtp", "relay"),
}


@dataclass(frozen=True)
class Machine:
    """A server: short name and private IPv4 address."""

    name: str
    address: str


@dataclass(frozen=True)
class Scene:
    """See the module's docstring."""

    deployment: Deployment
    locale: Locale
    words: dict[str, Any]
    place: str
    """What the hospital is called after, in ASCII letters."""
    domain: str
    department: str
    archive: Machine
    machines: dict[str, Machine]
    workstations: tuple[str, ...]
    """Their AE titles."""
    readers: tuple[str, ...]
    """Radiologists, as people write their names."""
    technicians: tuple[str, ...]
    year: int
    """When the portal was installed."""

    def host(self, role: str) -> str:
        """A machine's full name."""
        return f"{self.machines[role].name}.{self.domain}"

    @property
    def slug(self) -> str:
        """The place in lower case, as it is in names of machines and databases."""
        return self.place.lower()

    @property
    def seed(self) -> str:
        """Of the deployment."""
        return self.deployment.seed


@cache
def scene(deployment: Deployment) -> Scene:
    """The scene of a deployment."""
    seed, locale = deployment.seed, tables_of(deployment.locale)
    source = draw(seed, "lures", "scene")
    place = _place(deployment, locale)
    department: str = draw(seed, "world").choice(locale.places["department"])  # as the catalogue's is
    made = devices(deployment, department, 1)
    archive = next(device for device in made if device.role == "archive")
    network = str(archive.host).rpartition(".")[0]
    taken = {str(device.host) for device in made}
    free = [host for host in range(4, 250) if f"{network}.{host}" not in taken]
    numbers = source.sample(free, len(_ROLES))
    prefix = source.choice(("", "", f"{place.lower()[:3]}-", "srv-", "s-"))
    suffix = source.choice(("", "01", "1", "02"))
    machines = {
        role: Machine(f"{prefix}{source.choice(names)}{suffix}", f"{network}.{number}")
        for (role, names), number in zip(_ROLES.items(), numbers, strict=True)
    }
    registry = Registry(locale, seed)
    return Scene(
        deployment=deployment,
        locale=locale,
        words=_words(deployment.locale),
        place=place,
        domain=f"{source.choice(('', '', 'ad.', 'corp.'))}{place.lower()}.{source.choice(_SUFFIXES)}",
        department=department,
        archive=Machine(f"{prefix}pacs{suffix}", str(archive.host)),
        machines=machines,
        workstations=tuple(device.ae_title for device in made if device.role == "workstation"),
        readers=tuple(_written(registry.physician(number, "reader")) for number in range(6)),
        technicians=tuple(_written(registry.physician(number, "operator")) for number in range(6)),
        year=source.randint(*YEARS),
    )


def saved(at: Scene, name: str) -> Moment:
    """When a file was last written: some moment of working hours, years ago."""
    source = draw(at.seed, "lures", "saved", name)
    year, month, day = source.randint(*YEARS), source.randint(1, 12), source.randint(1, 28)
    return year, month, day, source.randint(7, 17), source.randrange(60), source.randrange(0, 60, 2)


def posix(moment: Moment) -> int:
    """A moment, taken as UTC, in seconds since the epoch."""
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def plain(text: str) -> str:
    """The ASCII letters and digits of a text, as user names have them."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalnum())


def _written(name: str) -> str:
    written = plain_name(name)
    if not written.isupper():
        return written
    return " ".join(part if part in _DEGREES else part.capitalize() for part in written.split())


def _place(deployment: Deployment, locale: Locale) -> str:
    """What is left of the hospital's name without the words that others have in theirs."""
    for pattern in locale.hospital.patterns:
        before, _, after = pattern.partition("{place}")
        found = re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", deployment.hospital)
        if found is not None:
            return plain(max(re.split(r"[\s-]+", found[1]), key=len)).capitalize() or "Pacs"
    longest = max(re.split(r"[\s.-]+", deployment.hospital), key=len)
    return plain(longest)[:20].capitalize() or "Pacs"


@cache
def _words(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / "words.toml").read_text(encoding="utf-8")
    tables: dict[str, Any] = tomllib.loads(text)
    language = name.partition("_")[0]
    found: dict[str, Any] = tables.get(language) or tables["en"]
    return found
