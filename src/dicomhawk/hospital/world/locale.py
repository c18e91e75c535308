"""What depends on the country: names, identifiers, places, holidays, wording of studies (``locales/*.toml``)."""

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
WARDS = ("lung", "emergency", "neurology", "medicine", "oncology", "surgery", "practice")
"""Where examinations are ordered; each locale has a name for each of them."""


@dataclass(frozen=True)
class HospitalNames:
    """How hospitals of a country are called: `patterns` with ``{place}``, which is a beginning and an ending.

    Put together from pieces so that they sound like the country's without being one: a honeypot should not point at
    anybody's.
    """

    patterns: tuple[str, ...]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]


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
    doctor: dict[str, tuple[str, str]]  # by sex: prefix and suffix of a physician's name
    uppercase: float  # part of the hospitals that write names in capitals
    middle_as: str
    surnames: Weighted
    given: dict[tuple[str, str], Weighted]  # by cohort and sex
    hospital: HospitalNames
    places: dict[str, list[str]]
    wards: dict[str, str]
    studies: dict[str, list[str]]
    reasons: dict[str, list[str]]
    labels: dict[str, str]  # what sonographers write on images, by window
    body_parts: dict[str, list[str]]  # what devices may write for a defined term
    holidays: tuple[str, ...]  # rules of `holidays`
    slow: dict[int, float]  # by month: part of the usual number of appointments

    def first_names(self, sex: str, birth_year: int) -> Weighted:
        """First names of those born then."""
        cohort = next(name for year, name in COHORTS if birth_year <= year)
        return self.given[cohort, sex.lower()]

    def reasons_for(self, kind: str) -> list[str]:
        """Reasons for an examination of that kind, as orders give them: its own, or those of its modality."""
        return self.reasons.get(kind) or self.reasons[kind.partition("_")[0]]

    def zone(self) -> ZoneInfo:
        """The hospital's time zone; UTC where the machine has no time zone data."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, OSError):
            return ZoneInfo("UTC")


_AS_IT_STANDS = (
    "timezone",
    "charset",
    "country",
    "identifier",
    "middle_name",
    "second_surname",
    "uppercase",
    "middle_as",
    "places",
    "wards",
    "studies",
    "reasons",
    "labels",
    "body_parts",
)


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
    return Locale(
        name=chosen,
        issuer=table.get("issuer"),
        surnames=Weighted.parse(table["surnames"]),
        given=given,
        doctor={"M": tuple(table["doctor"]), "F": tuple(table.get("doctor_f", table["doctor"]))},
        hospital=HospitalNames(**{key: tuple(texts) for key, texts in table["hospital"].items()}),
        holidays=tuple(table["calendar"]["holidays"]),
        slow={int(month): part for month, part in table["calendar"]["slow"].items()},
        **{key: table[key] for key in _AS_IT_STANDS},
    )


def _folder() -> Any:
    return resources.files(__package__).joinpath("locales")
