"""Drawing names and Patient IDs."""

from __future__ import annotations

import random

_FAMILY = ("Andersen", "Berg", "Carlsen", "Dahl", "Eriksen", "Frost", "Holm", "Iversen", "Juul", "Krogh", "Lund")
_GIVEN = {
    "F": ("Anna", "Birgit", "Clara", "Ellen", "Freja", "Hanne", "Ida", "Karen", "Lone", "Mette", "Nora"),
    "M": ("Anders", "Bent", "Carl", "Erik", "Frederik", "Hans", "Jens", "Karl", "Lars", "Mads", "Niels"),
}


def draw_person(rng: random.Random, locale: str, sex: str, birth_year: int) -> str:
    """A person name (PN)."""
    return f"{rng.choice(_FAMILY)}^{rng.choice(_GIVEN.get(sex) or _GIVEN['F'])}"


def draw_patient_id(rng: random.Random, locale: str, birth_date: str, sex: str) -> str:
    """A Patient ID."""
    return str(rng.randrange(10**6, 10**7))
