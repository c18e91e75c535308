"""Numbers that a hospital gives out: accession numbers in its own style, growing with time."""

from __future__ import annotations

import random
from datetime import date, datetime

MAX_ACCESSION = 16  # characters of a value of VR SH


class Accessions:
    """Accession numbers: one style for a hospital, drawn once; each number once."""

    def __init__(self, hospital: str, source: random.Random) -> None:
        self._source = source
        letters = "".join(word[0] for word in hospital.split() if word[0].isascii() and word[0].isalpha())
        self._prefix = (letters or "R")[:3].upper()
        self._style = source.choice(("plain", "prefixed", "yearly", "daily", "letter"))
        self._number = source.randrange(10**6, 8 * 10**6)
        self._letter = source.choice("ABEKRX")
        self._step = source.randrange(3, 30)
        self._day: date | None = None
        self._of_day = 0

    def next(self, when: datetime) -> str:
        """The number of an order that is filled at `when`; ask in the order of time."""
        self._number += self._source.randrange(1, self._step)
        if when.date() != self._day:
            self._day, self._of_day = when.date(), 0
        self._of_day += self._source.randrange(1, 9)
        match self._style:
            case "plain":
                made = f"{self._number:08d}"
            case "prefixed":
                made = f"{self._prefix}{self._number:08d}"
            case "yearly":
                made = f"{self._prefix}{when:%y}{self._number:07d}"
            case "daily":
                made = f"{when:%Y%m%d}{self._of_day:04d}"
            case _:
                made = f"{self._letter}{self._number}"
        return made[:MAX_ACCESSION]

    @property
    def state(self) -> tuple[int, str | None, int]:
        """How far the numbers have come; set it to go on from there."""
        return self._number, self._day.isoformat() if self._day else None, self._of_day

    @state.setter
    def state(self, value: tuple[int, str | None, int]) -> None:
        self._number, day, self._of_day = value
        self._day = date.fromisoformat(day) if day else None
