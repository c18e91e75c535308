"""The words of reports, by language (``words/*.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

DEFAULT = "en_GB"


@cache
def words(locale: str) -> dict[str, Any]:
    """The words of a locale such as ``da_DK``, or of its language, or English ones."""
    folder = resources.files(__package__).joinpath("words")
    names = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    language = locale.partition("_")[0]
    same = [n for n in names if n == locale] + [n for n in names if n.partition("_")[0] == language] + [DEFAULT]
    table: dict[str, Any] = tomllib.loads(folder.joinpath(f"{same[0]}.toml").read_text(encoding="utf-8"))
    if "based_on" in table:
        table = _merged(words(table.pop("based_on")), table)
    return table


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    made = dict(base)
    for key, value in over.items():
        made[key] = (
            _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        )
    return made
