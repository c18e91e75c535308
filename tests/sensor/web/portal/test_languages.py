"""The catalogues of messages are complete, and say the same."""

from __future__ import annotations

import re
import string
from importlib import resources

import pytest

from dicomhawk.hospital.deployment import locales
from dicomhawk.sensor.web.portal.speech import TOGETHER, language_of, languages, words

LONG = 24
"""Characters from which a text is specific enough to be searched for: there must be several wordings of it."""


def texts(language: str, key: str) -> list[str]:
    found = words(language)[key]
    return [found] if isinstance(found, str) else found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_hospital_has_a_language() -> None:
    assert {language_of(locale).partition("_")[0] for locale in locales()} == {
        locale.partition("_")[0] for locale in locales()
    }
    assert {language_of(locale) for locale in locales()} == set(languages()) - (
        {"en"} if "en_GB" in languages() else set()
    )


@pytest.mark.parametrize("language", languages())
def test_none_is_missing(language: str) -> None:
    assert set(words(language)) == set(words("en"))


@pytest.mark.parametrize("language", languages())
def test_placeholders_are_known(language: str) -> None:
    for key in words("en"):
        allowed = set().union(*(fields(text) for text in texts("en", key)))
        for text in texts(language, key):
            assert fields(text) <= allowed, (key, text)
            assert text == text.strip()
            assert text


@pytest.mark.parametrize("language", languages())
def test_what_can_be_searched_for_is_worded_in_several_ways(language: str) -> None:
    for key in words(language):
        found = texts(language, key)
        if any(len(text) > LONG for text in found):
            assert len(set(found)) > 1, key


@pytest.mark.parametrize("language", [name for name in languages() if not name.startswith("en")])
def test_languages_are_translated(language: str) -> None:
    same = [key for key in words("en") if texts(language, key) == texts("en", key)]
    assert len(same) < 15, same


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(("one", "other"), sorted(TOGETHER.items()))
def test_what_stands_side_by_side_has_as_many_wordings(language: str, one: str, other: str) -> None:
    assert len(texts(language, one)) == len(texts(language, other))


def test_every_key_that_is_used_exists() -> None:
    root = resources.files("dicomhawk.sensor.web.portal")
    used: set[str] = set()
    for file in root.iterdir():
        if file.name.endswith(".py"):
            used |= set(re.findall(r'\bof\(\s*"([a-z]+\.[a-z_0-9]+)"', file.read_text()))
    for file in (root / "templates").iterdir():
        used |= set(re.findall(r"\bt\('([a-z]+\.[a-z_0-9]+)'(?! ~)", file.read_text()))
    assert used - set(words("en")) - {key for key in used if key.endswith(("_", "."))} == set()
