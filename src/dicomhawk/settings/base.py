"""What all sections are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Port = Annotated[int, Field(ge=0, le=65535)]
MiB = Annotated[int, Field(ge=1, description="mebibytes")]


class SettingsError(Exception):
    """The configuration can't be used; the message is one sentence for the operator."""


def first_problem(error: ValidationError, whole: str) -> tuple[str, str]:
    """Where the first thing is that is wrong, or `whole` for all of it together; and what is wrong, as a clause."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return where, first["msg"].removeprefix("Value error, ")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
