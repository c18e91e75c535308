"""Finding and reading persona files."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...settings import Deployment, SettingsError
from .persona import Persona

_PACKAGE = "dicomhawk.persona"
_ANYBODY = Deployment(
    seed="0123456789abcdef", hospital="Any Hospital", locale="en_US", ae_title="ANYBODY", uid_root="1.2.3"
)
"""A deployment to try a persona with."""


def shipped() -> list[str]:
    """Names of the personas that come with the package."""
    folder = resources.files(_PACKAGE) / "library"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load(name: str) -> Persona:
    """A shipped persona by its name, or a file by its path. Raises `SettingsError` with one sentence.

    A file that says ``extends = "NAME"`` is a variation of that shipped persona: its tables are laid over the
    other's, key by key.
    """
    return _validated(_tables(name), name)


def check(file: Path) -> Persona:
    """The persona of a file, also one that has the name of a shipped one; what `serve` would find wrong with it is
    found here. Raises `SettingsError` with one sentence."""
    persona = load(str(file) if file.suffix == ".toml" else str(file.absolute()))
    persona.policy(_ANYBODY)
    persona.dialect()
    return persona


def parsed(text: str, name: str) -> Persona:
    """A persona from the text of a file that isn't written yet; `name` is for messages. Raises `SettingsError`."""
    return _validated(_merged(text, name), name)


def _validated(tables: dict[str, Any], name: str) -> Persona:
    try:
        return Persona.model_validate(tables)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The persona {name} is wrong at {where}: {first['msg']}.") from None


def _tables(name: str, *, basis: bool = False) -> dict[str, Any]:
    """The tables of a persona file; `basis`: of one that another extends, which must be a shipped one."""
    return _merged(_text(name, shipped_only=basis), name, basis=basis)


def _merged(text: str, name: str, *, basis: bool = False) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The persona {name} is not a TOML file: {error}.") from None
    extended = tables.pop("extends", None)
    if extended is None:
        return tables
    if basis:
        raise SettingsError(f"The persona {name} extends another itself, so it can't be extended.")
    if not isinstance(extended, str):
        raise SettingsError(f"The persona {name} is wrong at extends: it must be a persona's name.")
    return _over(_tables(extended, basis=True), tables)


def _over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        merged[key] = _over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _text(name: str, *, shipped_only: bool) -> str:
    path = Path(name)
    if name in shipped():
        return (resources.files(_PACKAGE) / "library" / f"{name}.toml").read_text(encoding="utf-8")
    if shipped_only or not (path.suffix == ".toml" or path.exists()):
        raise SettingsError(
            f"There is no persona {name!r}; there are: {', '.join(shipped())}, or the path of a file."
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The persona {name} can't be read: {error}.") from None
