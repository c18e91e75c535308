"""Countries: identifiers with their checks, complete tables, holidays."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.deployment import draw_deployment, locales
from dicomhawk.hospital.world import identifiers
from dicomhawk.hospital.world.holidays import easter, holidays
from dicomhawk.hospital.world.locale import WARDS, available, locale
from dicomhawk.hospital.world.people import Registry

COUNTRIES = ["da_DK", "de_DE", "en_GB", "en_US", "es_ES", "fi_FI", "fr_FR", "it_IT", "nb_NO", "nl_NL", "sv_SE"]
KINDS = {"ct_native", "ct_contrast", "ct_follow", "ct_head", "ct_abdomen", "mr_plain", "mr_acute"}
KINDS |= {"xr_chest", "xr_bedside", "us_abdomen", "ecg"}
DAY = date(2026, 3, 4)
BIRTHS = st.dates(date(1925, 1, 1), date(2010, 12, 31))
SEXES = st.sampled_from("FM")


@given(BIRTHS, SEXES, st.integers())
def test_cpr_numbers_have_the_form_and_are_nobodys(birth: date, sex: str, seed: int) -> None:
    number = identifiers.cpr(birth, sex, random.Random(seed))
    if (birth.day, birth.month) == (1, 1):
        assert number is None
        return
    assert number is not None
    assert number[:6] == f"{birth:%d%m%y}"
    assert int(number[-1]) % 2 == (sex == "M")
    assert not identifiers.cpr_modulus_11(number)
    assert (number[6] in "0123") == (birth.year < 2000)


def test_modulus_11_is_that_of_the_register() -> None:
    assert identifiers.cpr_modulus_11("0707614285")  # the register's own example
    assert not identifiers.cpr_modulus_11("0707614286")


@given(BIRTHS, SEXES, st.integers())
def test_swedish_numbers_pass_luhn_and_are_test_numbers(birth: date, sex: str, seed: int) -> None:
    number = identifiers.personnummer(birth, sex, random.Random(seed))
    assert number[:8] == f"{birth:%Y%m%d}"
    assert identifiers.luhn_digit(number[2:11]) == int(number[11])
    assert int(number[10]) % 2 == (sex == "M")
    assert number[8:11] in {"980", "981", "982", "983", "238", "239"}


def test_luhn_is_that_of_a_published_test_number() -> None:
    assert identifiers.luhn_digit("900101238") == 5
    assert identifiers.luhn_digit("900101980") == 2


@given(st.integers())
def test_nhs_numbers_pass_their_check_and_are_set_aside_for_tests(seed: int) -> None:
    number = identifiers.nhs_number(random.Random(seed))
    assert len(number) == 10
    assert number.startswith("999")
    assert sum(int(d) * (10 - i) for i, d in enumerate(number)) % 11 == 0


@given(BIRTHS, SEXES, st.integers())
def test_norwegian_numbers_pass_both_checks_and_are_of_synthetic_people(birth: date, sex: str, seed: int) -> None:
    number = identifiers.fodselsnummer(birth, sex, random.Random(seed))
    assert number is not None
    assert number[:6] == f"{birth:%d}{birth.month + 80}{birth:%y}"
    assert (int(number[6:9]) < 500) == (birth.year < 2000)
    assert int(number[8]) % 2 == (sex == "M")
    assert sum(int(d) * w for d, w in zip(number, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), strict=False)) % 11 == 0
    assert sum(int(d) * w for d, w in zip(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0


@given(BIRTHS, SEXES, st.integers())
def test_finnish_codes_pass_their_check_and_are_temporary(birth: date, sex: str, seed: int) -> None:
    number = identifiers.hetu(birth, sex, random.Random(seed))
    assert number[:7] == f"{birth:%d%m%y}" + ("-" if birth.year < 2000 else "A")
    assert 900 <= int(number[7:10]) <= 999
    assert int(number[9]) % 2 == (sex == "M")
    assert identifiers.hetu_character(number[:6] + number[7:10]) == number[10]


def test_the_finnish_control_character_is_the_registers() -> None:
    assert identifiers.hetu_character("131052308") == "T"  # the register's own example, 131052-308T


@given(BIRTHS, SEXES, st.integers())
def test_italian_codes_pass_their_check_and_are_of_no_municipality(birth: date, sex: str, seed: int) -> None:
    number = identifiers.codice_fiscale(birth, sex, "D'ANGELO^NICOLÒ MARIA", random.Random(seed))
    assert number[:6] == "DNGNLM"
    assert number[6:8] == f"{birth:%y}"
    assert number[8] == "ABCDEHLMPRST"[birth.month - 1]
    assert int(number[9:11]) == birth.day + (40 if sex == "F" else 0)
    assert "M600" <= number[11:15] <= "M999"
    assert identifiers.codice_fiscale_letter(number[:15]) == number[15]


def test_the_italian_code_is_that_of_the_revenue_agency() -> None:
    assert identifiers.codice_fiscale_letter("RSSMRA85M01H501") == "Q"
    made = identifiers.codice_fiscale(date(1985, 8, 1), "M", "Rossi^Mario", random.Random(1))
    assert made.startswith("RSSMRA85M01M")
    assert identifiers.codice_fiscale(date(1985, 8, 1), "M", "Fo^Ugo", random.Random(1)).startswith("FOXGUO")
    assert identifiers.codice_fiscale(date(1985, 8, 1), "M", "Neri^Gianfranco", random.Random(1))[3:6] == "GFR"


@given(BIRTHS, SEXES, st.sampled_from(sorted(identifiers.KINDS)))
def test_every_kind_of_identifier_can_be_asked_for(birth: date, sex: str, kind: str) -> None:
    made = identifiers.national(kind, birth, sex, "A^B", random.Random(1))
    assert (made is None) == (kind == "local" or (kind == "cpr" and (birth.day, birth.month) == (1, 1)))


def test_when_a_country_has_no_number_left_the_hospital_gives_one() -> None:
    registry = Registry(locale("sv_SE"), "5" * 32)
    born_alike = [registry.patient((40.0, 0.0), DAY) for _ in range(1200)]
    assert len({person.identifier for person in born_alike}) == len(born_alike)
    national = [person for person in born_alike if len(person.identifier) == 12]
    assert len(national) > 800
    for person in national:
        assert person.identifier.startswith(f"{person.birth:%Y%m%d}")


def test_these_countries_have_hospitals() -> None:
    assert available() == COUNTRIES
    assert locales() == COUNTRIES


@pytest.mark.parametrize("name", COUNTRIES)
def test_tables_are_complete_and_fit_their_character_set(name: str) -> None:
    tables = locale(name)
    assert tables.name == name
    assert tables.identifier in identifiers.KINDS
    charset = character_set(tables.charset)
    registry = Registry(tables, "5" * 32)
    for _ in range(200):
        person = registry.patient((60.0, 15.0), DAY)
        assert charset.encode(person.name) is not None
        assert len(person.name) <= 64
    groups = [*tables.studies.values(), *tables.reasons.values(), *tables.places.values(), [*tables.wards.values()]]
    for texts in groups:
        assert texts
        assert len(set(texts)) == len(texts)
        assert all(0 < len(text) <= 64 and charset.encode(text) is not None for text in texts)
    assert set(tables.studies) == KINDS
    assert all(tables.reasons_for(kind) for kind in KINDS)
    assert set(tables.wards) == set(WARDS)
    assert {"CHEST", "HEAD"} <= set(tables.body_parts)
    for texts in tables.body_parts.values():
        assert all(len(text) <= 16 and text.isascii() and text == text.upper() for text in texts)
    assert all(0.3 <= part <= 1 for part in tables.slow.values())
    assert set(tables.slow) <= set(range(1, 13))
    assert tables.zone().key == tables.timezone or tables.zone().key == "UTC"


@pytest.mark.parametrize("name", COUNTRIES)
def test_a_hospital_is_called_as_in_its_country(name: str) -> None:
    made = [draw_deployment(locale=name, seed=f"{n:032x}") for n in range(40)]
    assert len({deployment.hospital for deployment in made}) > 25
    assert all(character_set(locale(name).charset).encode(deployment.hospital) for deployment in made)
    assert made[0] == draw_deployment(locale=name, seed=f"{0:032x}")


def test_the_hosts_country_is_taken_if_there_are_hospitals_in_it() -> None:
    for language, expected in (("nb_NO.UTF-8", "nb_NO"), ("nn_NO", "nb_NO"), ("sv_FI", "sv_SE"), ("ca_ES", "es_ES")):
        assert draw_deployment(seed="5" * 32, environment={"LANG": language}).locale == expected


def test_easter_is_when_the_churches_keep_it() -> None:
    days = {2019: (4, 21), 2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2027: (3, 28), 2038: (4, 25), 1961: (4, 2)}
    assert {year: (easter(year).month, easter(year).day) for year in days} == days


@pytest.mark.parametrize("name", COUNTRIES)
@pytest.mark.parametrize("year", [2022, 2024, 2026, 2027])
def test_holidays_are_of_the_year_and_not_too_many(name: str, year: int) -> None:
    found = holidays(locale(name).holidays, year)
    assert 8 <= len(found) <= 16
    assert {day.year for day in found} == {year}
    assert date(year, 12, 25) in found
    assert date(year, 1, 1) in found


def test_holidays_by_rule() -> None:
    assert date(2026, 11, 26) in holidays(locale("en_US").holidays, 2026)  # Thanksgiving
    assert date(2026, 7, 3) in holidays(locale("en_US").holidays, 2026)  # the Fourth is a Saturday
    assert date(2022, 12, 26) in holidays(locale("en_US").holidays, 2022)  # Christmas is a Sunday
    assert date(2022, 12, 27) in holidays(locale("en_GB").holidays, 2022)  # ... and Boxing Day is moved, too
    assert date(2026, 6, 19) in holidays(locale("sv_SE").holidays, 2026)  # Midsummer's Eve
    assert date(2026, 5, 14) in holidays(locale("nb_NO").holidays, 2026)  # Ascension
    assert date(2026, 5, 17) in holidays(locale("nb_NO").holidays, 2026)
    assert date(2026, 8, 31) in holidays(locale("en_GB").holidays, 2026)


def test_a_rule_that_is_none_is_refused() -> None:
    for rule in ("christmas", "13-", "12-25>xyz", "easter"):
        with pytest.raises(ValueError, match="no rule"):
            holidays((rule,), 2026)


def test_birthdays_stay_near_the_age_that_was_drawn() -> None:
    registry = Registry(locale("sv_SE"), "5" * 32)
    ages = [registry.patient((60.0, 0.0), DAY).age_on(DAY) for _ in range(50)]
    assert all(59.5 < age < 62 for age in ages)
