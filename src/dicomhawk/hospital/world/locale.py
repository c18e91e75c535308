"""What depends on the country: names, identifiers, places and the wording of studies (``locales/*.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dicomhawk.hospital.world.draw import Weighted

DEFAULT = "en_GB"
COHORTS = ((1957, "old"), (1984, "middle"), (9999, "young"))  # born up to that year: first names go with age


@dataclass(frozen=True)
class Locale:
    """One country's tables."""

    name: str
    timezone: str
    charset: str
    country: str
    identifier: str
    issuer: str | None
    middle_name: float
    second_surname: float
    doctor: tuple[str, str]  # prefix and suffix of a physician's name
    uppercase: float  # part of the hospitals that write names in capitals
    middle_as: str
    surnames: Weighted
    given: dict[tuple[str, str], Weighted]  # by cohort and sex
    places: dict[str, list[str]]
    studies: dict[str, list[str]]
    reasons: dict[str, list[str]]

    def first_names(self, sex: str, birth_year: int) -> Weighted:
        """First names of those born then."""
        cohort = next(name for year, name in COHORTS if birth_year <= year)
        return self.given[cohort, sex.lower()]

    def zone(self) -> ZoneInfo:
        """The hospital's time zone; UTC where the machine has no time zone data."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, OSError):
            return ZoneInfo("UTC")


def available() -> list[str]:
    """Names of the locales that have tables."""
    return sorted(f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml"))


@cache
def locale(name: str) -> Locale:
    """The tables of a locale such as ``da_DK``; else of its language, else of its country, else the default."""
    names = available()
    language, _, country = name.partition("_")
    same = [n for n in names if n == name]
    same += [n for n in names if n.startswith(language + "_")] + [n for n in names if n.endswith("_" + country)]
    chosen = (same or [DEFAULT])[0]
    table: dict[str, Any] = tomllib.loads((_folder() / f"{chosen}.toml").read_text(encoding="utf-8"))
    given = {
        (cohort, sex): Weighted.parse(names)
        for cohort, sexes in table["given"].items()
        for sex, names in sexes.items()
    }
    prefix, suffix = table["doctor"]
    return Locale(
        name=chosen,
        surnames=Weighted.parse(table["surnames"]),
        given=given,
        doctor=(prefix, suffix),
        issuer=table.get("issuer"),
        **{
            key: table[key]
            for key in (
                "timezone",
                "charset",
                "country",
                "identifier",
                "middle_name",
                "second_surname",
                "uppercase",
                "middle_as",
                "places",
                "studies",
                "reasons",
            )
        },
    )


def _folder() -> Any:
    return resources.files(__package__).joinpath("locales")
