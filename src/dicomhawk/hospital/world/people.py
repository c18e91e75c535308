"""Patients and staff."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from dicomhawk.hospital.images.recipe import Body
from dicomhawk.hospital.world import identifiers
from dicomhawk.hospital.world.draw import clipped, draw, token
from dicomhawk.hospital.world.locale import Locale

ATTEMPTS = 40
"""Birthdays tried for a national number; a country with few test numbers has none left in a very large archive, and a
hospital gives people without a number one of its own."""
NUMBERS_OF_A_ROTATION = 1_234_567
"""Between the first number that a hospital gives out and the first one after all people were exchanged."""


@dataclass(frozen=True)
class Person:
    """A patient of the hospital."""

    seed: str
    identifier: str
    name: str  # PN
    birth: date
    sex: str
    height: float  # m
    weight: float  # kg

    def age_on(self, day: date) -> float:
        """Age in years."""
        return (day - self.birth).days / 365.2425

    def age_string(self, day: date) -> str:
        """Age as a DICOM AS, in completed years."""
        years = day.year - self.birth.year - ((day.month, day.day) < (self.birth.month, self.birth.day))
        return f"{years:03d}Y"

    def body_on(self, day: date) -> Body:
        """The patient as the renderer wants to know them."""
        index = self.weight / self.height**2
        female = self.sex == "F"
        own = draw("body", self.seed)
        return Body(
            seed=self.seed,
            female=female,
            age=round(self.age_on(day), 2),
            height=round(1 + (self.height - 1.72) * 0.35, 4),
            girth=round(min(max(1 + (index - 26) * 0.007 + (self.height - 1.72) * 0.25, 0.88), 1.13), 4),
            fat=round(min(max((index - 25.5) * 1.7 + own.gauss(0, 1.5), -7.0), 26.0), 2),
            breast=round(clipped(own, 11 + (index - 25) * 0.8, 4, 3, 22), 2) if female else 0.0,
        )


class Registry:
    """Makes people, each a new one, from the deployment's seed.

    `taken`: identifiers that were given out before. `rotation`: another one makes other patients, in the same style.
    """

    def __init__(self, locale: Locale, seed: str, taken: Iterable[str] = (), *, rotation: int = 0) -> None:
        self._locale, self._seed = locale, seed
        self._patients = f"{seed}/{rotation}" if rotation else seed
        self._taken = set(taken)
        self._first = rotation * NUMBERS_OF_A_ROTATION
        self.count = 0
        """Patients made so far; set it to go on from there."""
        style = draw(seed, "registry")
        self._capitals = style.random() < locale.uppercase
        prefix = style.choice(("", "", "M", "P", "0"))
        self.first_number = (prefix, f"{style.randrange(10**5, 9 * 10**7):0{style.choice((7, 8))}d}")
        """Prefix and digits of the first number that the hospital itself gives out."""

    def patient(self, ages: tuple[float, float], today: date) -> Person:
        """A new patient; `ages` is mean and standard deviation."""
        source = draw(self._patients, "patient", self.count)
        sex = source.choice("FM")
        years = clipped(source, *ages, 17.5, 95)
        birth = today - timedelta(days=round(years * 365.2425) + source.randrange(20))
        name = self._name(sex, birth.year, source)
        birth, identifier = self._identified(birth, sex, name, source)
        tall = source.gauss(1.79, 0.07) if sex == "M" else source.gauss(1.655, 0.065)
        height = round(tall, 2)
        index = clipped(source, 26.3, 4.6, 17, 42)
        self.count += 1
        return Person(
            seed=person_seed(self._seed, identifier),
            identifier=identifier,
            name=name,
            birth=birth,
            sex=sex,
            height=height,
            weight=float(round(index * tall**2)),
        )

    def physician(self, number: int, kind: str) -> str:
        """The name (PN) of a member of staff; `kind` keeps the lists apart."""
        source = draw(self._seed, kind, number)
        sex, born = source.choice("FM"), source.randrange(1960, 1996)
        prefix, suffix = self._locale.doctor[sex] if kind != "operator" else ("", "")
        family, given = self._plain_name(sex, born, source)
        name = f"{family}^{given}^^{prefix}^{suffix}".rstrip("^")
        return name.upper() if self._capitals else name

    def _plain_name(self, sex: str, born: int, source: random.Random) -> tuple[str, str]:
        return self._locale.surnames.pick(source), self._locale.first_names(sex, born).pick(source)

    def _name(self, sex: str, born: int, source: random.Random) -> str:
        locale = self._locale
        family, given = self._plain_name(sex, born, source)
        if source.random() < locale.second_surname:
            other = locale.surnames.pick(source)
            if other != family:
                family = f"{other} {family}" if locale.middle_as == "given" else f"{other}-{family}"
        middle = ""
        if source.random() < locale.middle_name:
            second = locale.first_names(sex, born).pick(source)
            if second != given:
                if locale.middle_as == "given":
                    given = f"{given} {second}"
                else:
                    middle = second[0] if locale.middle_as == "initial" else second
        name = f"{family}^{given}" + (f"^{middle}" if middle else "")
        return name.upper() if self._capitals else name

    def _identified(self, birth: date, sex: str, name: str, source: random.Random) -> tuple[date, str]:
        """A birthday near `birth` and an identifier for it that nobody has."""
        kind = self._locale.identifier
        for _ in range(ATTEMPTS if kind != identifiers.LOCAL else 0):
            made = identifiers.national(kind, birth, sex, name, source)
            if made is not None and made not in self._taken:
                self._taken.add(made)
                return birth, made
            birth -= timedelta(days=source.randrange(1, 30))
        while True:
            # Numbers are given out in the order of registration; between two of ours others registered.
            number = self._first + self.count * 37 + source.randrange(37)
            made = identifiers.local_number(":".join(self.first_number), number)
            if made not in self._taken:
                self._taken.add(made)
                return birth, made


def person_seed(seed: str, identifier: str) -> str:
    """What shapes a patient's body, from the deployment's seed."""
    return token(seed, "patient", identifier)
