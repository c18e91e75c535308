"""False identities: of patients, staff, devices and orders, each following from the true one by a keyed hash."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from dicomhawk.hospital.importer import dates
from dicomhawk.hospital.importer.keys import Keys
from dicomhawk.hospital.importer.people import People
from dicomhawk.settings import Deployment

MIN_SHIFT_WEEKS = 5
SHIFT_WEEKS = 256
"""Dates go back by 5 to 260 weeks: whole weeks, so that outpatients don't come on Sundays; back, so that no
study is in the future; not by more, so that no scanner is used before it was made."""

BIRTH_DAYS = 28
"""A birth date goes back by up to 27 days more, so that an age in days doesn't find the patient again, and no
child is born after its own examination."""

USUAL_BIRTH_YEAR = 1960
"""For drawing a name for somebody whose age nobody knows."""


@dataclass(frozen=True, slots=True)
class TruePatient:
    """What an object says about its patient, as far as the false identity depends on it."""

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    sex: str

    @property
    def identity(self) -> str:
        """The same for all objects of one patient: the Patient ID if there is one, else name and birth date."""
        if self.patient_id:
            return f"id\\{self.patient_id}\\{self.issuer}"
        return f"name\\{' '.join(self.name.casefold().replace('^', ' ').split())}\\{self.birth_date}"

    @property
    def known(self) -> bool:
        """Whether the object says who the patient is."""
        return bool(self.patient_id or self.name)


@dataclass(frozen=True, slots=True)
class FalsePatient:
    """Who the patient is in this hospital, and by how many days the dates move."""

    patient_id: str
    name: str
    birth_date: str
    sex: str
    shift: int


class Identities:
    """Draws identities for one deployment; the same for the same true ones, today and in a year."""

    def __init__(self, keys: Keys, deployment: Deployment) -> None:
        self._keys = keys
        self._people = People(deployment)
        self.hospital = deployment.hospital
        self.issuer = self._people.issuer
        self.handle = lru_cache(maxsize=4096)(self._handle)
        self.staff = lru_cache(maxsize=4096)(self._staff)

    def _handle(self, identity: str) -> bytes:
        """32 bytes that stand for a true patient and don't lead back to it."""
        return self._keys.stretched("patient", identity)

    def shift(self, handle: bytes) -> int:
        """By how many days the dates of this patient move; negative."""
        number = self._keys.number("shift", handle.hex())
        return -7 * (MIN_SHIFT_WEEKS + number % SHIFT_WEEKS)

    def patient(self, handle: bytes, true: TruePatient, attempt: int = 0) -> FalsePatient:
        """The false identity; another one for each `attempt`, for when its Patient ID is taken."""
        draw = self._keys.random(f"person {attempt}", handle.hex())
        shift = self.shift(handle)
        sex = true.sex if true.sex in ("M", "F", "O") else ""
        birth_date = _birth_date(true.birth_date, shift, draw)
        born = dates.parse_date(birth_date)
        named_as = sex if sex in ("M", "F") else draw.choice("MF")
        name = self._people.name(draw, named_as, born.year if born else USUAL_BIRTH_YEAR)
        return FalsePatient(self._people.patient_id(draw, name, named_as, born), name, birth_date, sex, shift)

    def _staff(self, name: str, kind: str) -> str:
        """Another name for a physician, an operator, or whoever else is named."""
        folded = " ".join(name.casefold().replace("^", " ").split())
        return self._people.staff(int.from_bytes(self._keys.stretched("staff", folded)[:8]), kind)

    def digits(self, purpose: str, value: str, count: int) -> str:
        """A number with `count` digits, the first of them not 0."""
        first = 10 ** (count - 1)
        return str(first + self._keys.number(purpose, value) % (9 * first))


def _birth_date(true: str, shift: int, draw: random.Random) -> str:
    days = shift - draw.randrange(BIRTH_DAYS)
    born = dates.parse_date(true)
    if born is None:
        if not (len(true) >= 4 and true[:4].isascii() and true[:4].isdigit() and "1850" < true[:4] < "2200"):
            return ""
        # Only the year is sure, as in the dates that some systems make of an age.
        born = date(int(true[:4]), 1, 1) + timedelta(draw.randrange(365))
    try:
        moved = born + timedelta(days)
    except OverflowError:
        return ""
    # The first of January is what systems put for an unknown birthday, and has no Patient IDs in some countries.
    return dates.format_date(moved - timedelta(1) if (moved.month, moved.day) == (1, 1) else moved)
