"""How associations are negotiated: which abstract and transfer syntaxes are accepted, and what the answer says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Part


class Contexts(Part):
    """Which abstract and transfer syntaxes are accepted, and how one is picked."""

    prefer: Literal["requestor", "acceptor"] = "requestor"
    query_syntaxes: tuple[str, ...] = Field(
        default=("explicit-le", "implicit-le", "explicit-be"),
        description="Transfer syntaxes for everything that isn't storage, by name or UID.",
    )
    storage_syntaxes: tuple[str, ...] = Field(
        default=("uncompressed", "compressed"), description="Transfer syntaxes for storage, by group, name or UID."
    )
    worklist: bool = Field(default=True, description="Whether Modality Worklist FIND is accepted.")
    relational: bool = Field(default=True, description="Whether relational queries are granted on request.")
    maximum: int = Field(default=128, ge=1, le=128, description="Presentation contexts looked at.")
