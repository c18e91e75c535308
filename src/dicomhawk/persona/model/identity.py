"""Who the product says it is."""

from __future__ import annotations

from pydantic import Field

from .base import Part


class Identity(Part):
    """Who the product says it is."""

    implementation_class_uid: str | None = Field(
        default=None, max_length=64, description="None: drawn for the deployment, below its UID root."
    )
    implementation_version_name: str | None = Field(
        default=None, max_length=16, description="None: drawn for the deployment."
    )
    any_called_ae_title: bool = Field(
        default=True, description="Whether every called AE title is accepted, or the deployment's own only."
    )
