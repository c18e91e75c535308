"""Who the product says it is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ...settings import AETitle
from .base import Part

VersionName = Annotated[str, Field(min_length=1, max_length=16)]
"""PS3.7 section D.3.3.2.3."""


class Identity(Part):
    """Who the product says it is."""

    implementation_class_uid: str | None = Field(
        default=None, max_length=64, description="None: drawn for the deployment, below its UID root."
    )
    implementation_version_name: str | None = Field(
        default=None, max_length=16, description="None: drawn for the deployment."
    )
    implementation_version_names: tuple[VersionName, ...] = Field(
        default=(),
        description="In its place: names of versions that are met and answer alike; one is drawn for the deployment.",
    )
    called_ae_titles: Literal["any", "own"] | tuple[AETitle, ...] = Field(
        default="any", description="Called AE titles that are accepted: any, the deployment's own, or these."
    )
    calling_ae_titles: Literal["any", "known"] | tuple[AETitle, ...] = Field(
        default="any",
        description="Calling AE titles that are accepted: any, those of the settings' remotes, or these.",
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(11112, 11112, 104, 104, 4242, 2104, 4006, 5678),
        min_length=1,
        description="Ports that installations of the product are found at, the usual ones more than once; `init` "
        "draws one. Not seen by asking one installation.",
    )
    ignore_case: bool = Field(default=False, description="Whether AE titles are compared without regard to case.")

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if self.implementation_version_name is not None and self.implementation_version_names:
            raise ValueError("there is both an implementation version name and a list of them")
        return self
