"""Patient identifiers that pass their country's check, from numbers that no living person has.

Denmark: CPR numbers that fail modulus 11. They are valid in form and must be accepted (cpr.dk, "Personnumre uden
kontrolciffer"), but those in use belong to people born on 1 January of some years, whom we never make. Sweden: the
serial numbers of Skatteverket's published test numbers. United Kingdom: NHS numbers beginning with 999, set aside
for tests. Germany and United States: hospitals use numbers of their own.
"""

from __future__ import annotations

import random
from datetime import date

_CPR_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# The seventh digit tells the century (cpr.dk, "Personnummeret i CPR-systemet").
_CPR_CENTURY = ((2000, "0123"), (2037, "49"))


def cpr(birth: date, sex: str, source: random.Random) -> str | None:
    """A Danish CPR number without hyphen; None for a birthday that has real ones without modulus 11."""
    if (birth.day, birth.month) == (1, 1):
        return None
    century = next(choice for year, choice in _CPR_CENTURY if birth.year < year)
    while True:
        last = source.choice("13579" if sex == "M" else "02468")
        number = f"{birth:%d%m%y}{source.choice(century)}{source.randrange(100):02d}{last}"
        if not cpr_modulus_11(number):
            return number


def cpr_modulus_11(number: str) -> bool:
    """Whether a CPR number is one of those given out before October 2007."""
    return sum(int(d) * w for d, w in zip(number, _CPR_WEIGHTS, strict=True)) % 11 == 0


def personnummer(birth: date, sex: str, source: random.Random) -> str:
    """A Swedish personal identity number of twelve digits."""
    serials = ("980", "982", "981", "983") if birth.year < 1990 else ("238", "238", "239", "239")
    serial = source.choice(serials[2:] if sex == "M" else serials[:2])
    body = f"{birth:%Y%m%d}{serial}"
    return body + str(luhn_digit(body[2:]))


def luhn_digit(digits: str) -> int:
    """The check digit that makes `digits` pass the Luhn test."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def nhs_number(source: random.Random) -> str:
    """A number of the United Kingdom's NHS, ten digits."""
    while True:
        body = f"999{source.randrange(10**6):06d}"
        check = nhs_digit(body)
        if check < 10:
            return body + str(check)


def nhs_digit(body: str) -> int:
    """The check digit of nine digits by modulus 11; 10: there is no number with them."""
    return (11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11) % 11


def local_number(pattern: str, count: int) -> str:
    """A hospital's own number: `pattern` is a prefix and a first number, such as ``M:00481233``."""
    prefix, _, start = pattern.partition(":")
    return f"{prefix}{int(start) + count:0{len(start)}d}"
