"""C-GET and C-MOVE."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Part, Seconds


class Move(Part):
    """What a C-MOVE looks like, since it never connects anywhere."""

    megabits: float = Field(default=400, gt=0, description="Speed of the pretended transfer, Mbit/s.")
    per_object: Seconds = Field(default=0.02, ge=0, description="Pretended overhead of each object, in seconds.")
    outcome: Literal["success", "refused"] = Field(
        default="success",
        description="How a transfer to a known destination ends: every object sent, or 0xA702.",
    )
