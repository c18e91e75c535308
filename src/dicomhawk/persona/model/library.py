"""Finding and reading persona files."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from ...settings import SettingsError
from .persona import Persona

_PACKAGE = "dicomhawk.persona"


def shipped() -> list[str]:
    """Names of the personas that come with the package."""
    folder = resources.files(_PACKAGE) / "library"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load(name: str) -> Persona:
    """A shipped persona by its name, or a file by its path. Raises `SettingsError` with one sentence."""
    path = Path(name)
    if name in shipped():
        text = (resources.files(_PACKAGE) / "library" / f"{name}.toml").read_text(encoding="utf-8")
    elif path.suffix == ".toml" or path.exists():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The persona {name} can't be read: {error}.") from None
    else:
        raise SettingsError(
            f"There is no persona {name!r}; there are: {', '.join(shipped())}, or the path of a file."
        )
    try:
        return Persona.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The persona {name} is not a TOML file: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The persona {name} is wrong at {where}: {first['msg']}.") from None
