"""What all parts of the persona model have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Seconds = float


class Part(BaseModel):
    """A table of a persona file: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
