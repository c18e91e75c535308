"""What all sections are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
MiB = Annotated[int, Field(ge=1, description="mebibytes")]


class SettingsError(Exception):
    """The configuration can't be used; the message is one sentence for the operator."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
