"""The analyst's section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from .base import Section


class Analyst(Section):
    """Findings from the journal and the vault."""

    enabled: bool = Field(True, description="False: `dicomhawk serve` starts no analyst.")
    database: str = Field(
        "",
        max_length=500,
        description="URL of the database, as in postgresql+psycopg://user@host/name; empty: findings.sqlite in the"
        " data folder.",
    )
    journals: tuple[Path, ...] = Field(
        (), description="Folders of other sensors' journals, which are read too; the vault of each is beside it."
    )
    geo: tuple[Path, ...] = Field((), description="MaxMind databases (.mmdb) for countries and networks.")
    rules: Path | None = Field(None, description="Folder of further rules for techniques.")
    yara: Path | None = Field(None, description="Folder of further YARA rules.")
    sandbox: Literal["best", "strict"] = Field(
        "best",
        description="strict: captured files are examined only where the kernel has landlock and seccomp; best: with"
        " what there is.",
    )
    examination_seconds: int = Field(30, ge=1, le=3600, description="For one captured file; then it is given up.")
