"""What the portal says, in the hospital's language.

The words are in ``languages/*.toml``, with several wordings of what is long enough to be searched for, of which each
deployment has one.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from ....hospital.world.draw import draw

DEFAULT: Final = "en"
TOGETHER: Final = {"list.to": "list.from", "list.next": "list.previous", "audit.logout": "audit.login"}
"""Texts that stand beside another one, and are worded as that is."""
_OVER: Final = "based_on"


def languages() -> list[str]:
    """Languages that there are words in, as in ``da``; some also for one country, as in ``en_US``."""
    return sorted(f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml"))


@cache
def words(language: str) -> dict[str, Any]:
    """Texts of a language by key, each one wording or a list of them; those it hasn't of its own, of its basis."""
    table: dict[str, Any] = tomllib.loads(_folder().joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    basis = table.pop(_OVER, None)
    flat = {f"{section}.{key}": text for section, texts in table.items() for key, text in texts.items()}
    return words(basis) | flat if basis else flat


def language_of(locale: str) -> str:
    """The language for a locale such as ``da_DK``."""
    known, language = languages(), locale.partition("_")[0]
    return locale if locale in known else language if language in known else DEFAULT


class Speech:
    """The words of one deployment. `of` raises KeyError for a text that there is none of."""

    def __init__(self, seed: str, locale: str) -> None:
        self._seed = seed
        self.language = language_of(locale)
        self.tag = locale.replace("_", "-")
        """For the attribute ``lang`` (RFC 5646)."""
        self._words = words(self.language)
        self._chosen: dict[str, str] = {}
        source = draw(seed, "portal", "names")
        self._capitals, self._comma = source.random() < 0.4, source.choice((", ", " ", ", "))

    def of(self, key: str, **values: object) -> str:
        """The text of `key`, with `values` in its places."""
        text = self._chosen.get(key)
        if text is None:
            found = self._words[key]
            text = found if isinstance(found, str) else self._wording(key, found)
            self._chosen[key] = text
        return text.format(**values) if values else text

    def _wording(self, key: str, found: list[str]) -> str:
        which = draw(self._seed, "portal", "wording", TOGETHER.get(key, key)).random()
        return found[int(which * len(found))]

    def day(self, value: object) -> str:
        """A DA (``YYYYMMDD``) as people write it here; anything else as it is."""
        text = str(value or "")
        try:
            return datetime.strptime(text, "%Y%m%d").strftime(self.of("format.date"))
        except ValueError:
            return text

    def time(self, value: object) -> str:
        """The hours and minutes of a TM."""
        text = str(value or "")
        return f"{text[:2]}:{text[2:4]}" if text[:4].isdecimal() and len(text) >= 4 else text

    def moment(self, value: datetime) -> str:
        """A moment, to the second."""
        return value.strftime(f"{self.of('format.date')} %H:%M:%S")

    def read_day(self, text: str) -> str | None:
        """A DA for a day as people write it; None if it is none."""
        for form in (self.of("format.date"), "%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y"):
            try:
                return f"{datetime.strptime(text.strip()[:10], form):%Y%m%d}"
            except ValueError:
                continue
        return None

    def person(self, value: object) -> str:
        """A PN as lists of this product have it: family name first."""
        group = str(value or "").partition("=")[0]
        family, given, middle, prefix, suffix = (*group.split("^", 4), "", "", "", "", "")[:5]
        family = family.upper() if self._capitals else family
        rest = " ".join(part.strip("^ ") for part in (given, middle, suffix) if part.strip("^ "))
        rest = f"{rest} ({prefix})" if prefix and rest else rest or prefix
        return f"{family}{self._comma}{rest}" if family and rest else family or rest

    def age(self, birth: object, on: date) -> str:
        """Completed years between a DA and a day; empty if it isn't one."""
        try:
            born = datetime.strptime(str(birth or ""), "%Y%m%d").date()
        except ValueError:
            return ""
        return str(max(0, on.year - born.year - ((on.month, on.day) < (born.month, born.day))))

    def size(self, number: int) -> str:
        """Bytes as people read them."""
        value = float(number)
        for unit in ("B", "KB", "MB", "GB"):
            if value < 1024 or unit == "GB":
                break
            value /= 1024
        text = f"{value:.0f}" if unit == "B" else f"{value:.1f}"
        return f"{text.replace('.', self.of('format.decimal'))} {unit}"


def _folder() -> Any:
    return resources.files(__package__).joinpath("languages")
