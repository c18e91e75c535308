"""How the evidence is kept: its chain of hashes, and what is given away of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from .base import Section


class Evidence(Section):
    """The chain of hashes over closed segments, and bundles."""

    sign: bool = Field(True, description="Whether entries of the chain are signed (ed25519).")
    key: Path | None = Field(
        None,
        description="PEM file of the signing key, made on first use; unset: evidence/key.pem below data.",
    )
    password: str = Field(
        "infected",
        min_length=1,
        max_length=128,
        description="Of the inner archive with captured files in a bundle.",
    )
