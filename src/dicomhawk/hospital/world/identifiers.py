"""Patient identifiers that pass their country's check, from numbers that no living person has.

=============  ====================================================================================================
Denmark        CPR numbers that fail modulus 11. They are valid in form and must be accepted (cpr.dk, "Personnumre
               uden kontrolciffer"), but those in use belong to people born on 1 January of some years, whom we
               never make.
Finland        Personal identity codes with an individual number from 900 to 999: for temporary use in hospitals and
               the like, never entered in the population register (dvv.fi, "Henkilötunnus").
Italy          Codici fiscali with a code of municipality from M600 on: the Agenzia delle Entrate gives these codes
               out in the order of time and was below M450 in 2025.
Norway         Fødselsnummer with 80 added to the month: the synthetic people of Skatteetaten's test register (Tenor).
Sweden         The serial numbers of Skatteverket's published test numbers.
Britain        NHS numbers beginning with 999, set aside for tests.
others         Hospitals of France, Germany, the Netherlands, Spain and the United States use numbers of their own.
=============  ====================================================================================================
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from datetime import date

_CPR_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# The seventh digit tells the century (cpr.dk, "Personnummeret i CPR-systemet").
_CPR_CENTURY = ((2000, "0123"), (2037, "49"))


def cpr(birth: date, sex: str, source: random.Random) -> str | None:
    """A Danish CPR number without hyphen; None for a birthday that has real ones without modulus 11."""
    if (birth.day, birth.month) == (1, 1):
        return None
    century = next((choice for year, choice in _CPR_CENTURY if birth.year < year), None)
    if century is None:
        return None
    while True:
        last = source.choice("13579" if sex == "M" else "02468")
        number = f"{birth:%d%m%y}{source.choice(century)}{source.randrange(100):02d}{last}"
        if not cpr_modulus_11(number):
            return number


def cpr_modulus_11(number: str) -> bool:
    """Whether a CPR number is one of those given out before October 2007."""
    return _weighted(number, _CPR_WEIGHTS) % 11 == 0


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


_TENOR = 80
"""Added to the month in the numbers of synthetic people."""
_FNR_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_FNR_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
# Individual numbers by year of birth (Skatteetaten, "Fødselsnummer").
_FNR_INDIVIDUAL = ((1900, 500, 749), (2000, 0, 499), (2040, 500, 999))


def fodselsnummer(birth: date, sex: str, source: random.Random) -> str | None:
    """A Norwegian fødselsnummer of eleven digits; None for a birthday that has none."""
    span = next(((low, high) for year, low, high in _FNR_INDIVIDUAL if birth.year < year), None)
    if span is None:
        return None
    while True:
        individual = source.randrange(span[0] // 2, span[1] // 2 + 1) * 2 + (sex == "M")
        body = f"{birth:%d}{birth.month + _TENOR:02d}{birth:%y}{individual:03d}"
        digits = fodselsnummer_digits(body)
        if digits is not None:
            return body + digits


def fodselsnummer_digits(body: str) -> str | None:
    """The two check digits of nine digits; None: there is no number with them."""
    first = -_weighted(body, _FNR_FIRST) % 11
    if first > 9:
        return None
    second = -_weighted(f"{body}{first}", _FNR_SECOND) % 11
    return f"{first}{second}" if second < 10 else None


_HETU_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_HETU_TEMPORARY = 900, 1000


def hetu(birth: date, sex: str, source: random.Random) -> str:
    """A Finnish personal identity code, with its sign for the century."""
    low, high = _HETU_TEMPORARY
    individual = source.randrange(low // 2, high // 2) * 2 + (sex == "M")
    sign = "+" if birth.year < 1900 else "-" if birth.year < 2000 else "A"
    return f"{birth:%d%m%y}{sign}{individual}{hetu_character(f'{birth:%d%m%y}{individual}')}"


def hetu_character(digits: str) -> str:
    """The control character of birthday and individual number (nine digits)."""
    return _HETU_CHARACTERS[int(digits) % 31]


_CF_MONTHS = "ABCDEHLMPRST"
_CF_MUNICIPALITIES = 600, 1000
# Values of characters in odd places (Decreto ministeriale 12 marzo 1974); in even ones they count as they stand.
_CF_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_VOWELS = frozenset("AEIOU")


def codice_fiscale(birth: date, sex: str, name: str, source: random.Random) -> str:
    """An Italian codice fiscale; `name` is a PN."""
    family, given, *_ = [*name.split("^"), ""]
    day = birth.day + (40 if sex == "F" else 0)
    municipality = f"M{source.randrange(*_CF_MUNICIPALITIES)}"
    body = f"{_cf_letters(family)}{_cf_letters(given, given=True)}{birth:%y}{_CF_MONTHS[birth.month - 1]}{day:02d}"
    return body + municipality + codice_fiscale_letter(body + municipality)


def codice_fiscale_letter(body: str) -> str:
    """The control letter of fifteen characters."""
    values = [int(c) if c.isdigit() else ord(c) - ord("A") for c in body]
    total = sum(_CF_ODD[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return chr(ord("A") + total % 26)


def _cf_letters(name: str, *, given: bool = False) -> str:
    plain = unicodedata.normalize("NFKD", name.upper())
    letters = [c for c in plain if "A" <= c <= "Z"]
    consonants = [c for c in letters if c not in _VOWELS]
    if given and len(consonants) > 3:
        del consonants[1]
    return "".join([*consonants, *(c for c in letters if c in _VOWELS), "X", "X", "X"][:3])


def local_number(pattern: str, count: int) -> str:
    """A hospital's own number: `pattern` is a prefix and a first number, such as ``M:00481233``."""
    prefix, _, start = pattern.partition(":")
    return f"{prefix}{int(start) + count:0{len(start)}d}"


_NATIONAL: dict[str, Callable[[date, str, str, random.Random], str | None]] = {
    "cpr": lambda birth, sex, _, source: cpr(birth, sex, source),
    "personnummer": lambda birth, sex, _, source: personnummer(birth, sex, source),
    "fodselsnummer": lambda birth, sex, _, source: fodselsnummer(birth, sex, source),
    "hetu": lambda birth, sex, _, source: hetu(birth, sex, source),
    "codice_fiscale": lambda birth, sex, name, source: codice_fiscale(birth, sex, name, source),
    "nhs": lambda _birth, _sex, _name, source: nhs_number(source),
}
LOCAL = "local"
"""The kind of identifier that a hospital gives out itself."""
KINDS = frozenset((LOCAL, *_NATIONAL))


def national(kind: str, birth: date, sex: str, name: str, source: random.Random) -> str | None:
    """A number of the `kind` that a country has; None for a birthday that there is none for, and for `LOCAL`."""
    return _NATIONAL[kind](birth, sex, name, source) if kind != LOCAL else None


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True))
