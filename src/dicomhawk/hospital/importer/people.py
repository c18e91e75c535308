"""Names and Patient IDs for imported patients, in the manner of the hospital's own people."""

from __future__ import annotations

import random
from datetime import date, timedelta

from dicomhawk.hospital.world import identifiers
from dicomhawk.hospital.world.locale import locale
from dicomhawk.hospital.world.people import Registry
from dicomhawk.settings import Deployment

STAFF = 40
"""Physicians and operators who take the places of the true ones; the generated studies have the first of them."""

NUMBERED_YEARS = range(1900, 2037)
"""Years of birth for which there are national numbers."""


class People:
    """Draws people for one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._locale = locale(deployment.locale)
        self._registry = Registry(self._locale, deployment.seed)
        self._capitals = self.staff(0, "referring").isupper()
        # Numbers are given out in order: what was imported was registered before what is generated.
        self._prefix, first = self._registry.first_number
        self._width, self._below = len(first), int(first)
        self.issuer = self._locale.issuer

    def staff(self, number: int, kind: str) -> str:
        """A member of staff; `kind` is ``operator`` for those who are no physicians."""
        return self._registry.physician(number % STAFF, kind)

    def name(self, source: random.Random, sex: str, birth_year: int) -> str:
        """A patient's name (PN); `sex` is M or F."""
        name = f"{self._locale.surnames.pick(source)}^{self._locale.first_names(sex, birth_year).pick(source)}"
        return name.upper() if self._capitals else name

    def patient_id(self, source: random.Random, name: str, sex: str, born: date | None) -> str:
        """A Patient ID as the country's hospitals use them, for somebody of that name; `sex` is M or F."""
        kind = self._locale.identifier
        if kind != identifiers.LOCAL:
            if born is None or born.year not in NUMBERED_YEARS:
                born = date(1940, 1, 2) + timedelta(source.randrange(20_000))
            made = None
            while made is None:
                made = identifiers.national(kind, born, sex, name, source)
                born += timedelta(1)  # there is none for some days
            return made
        return f"{self._prefix}{source.randrange(self._below // 3, self._below):0{self._width}d}"
