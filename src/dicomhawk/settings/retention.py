"""How long evidence is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Section

Days = Annotated[int, Field(ge=0, le=36_500)]


class Retention(Section):
    """By age and size, beyond the vault's budgets. 0 keeps for ever."""

    journal_days: Days = Field(0, description="Days that a segment of the journal is kept; 0: for ever.")
    journal_mib: int = Field(0, ge=0, description="Mebibytes of the journal; the oldest go first; 0: no limit.")
    transcripts_days: Days = Field(0, description="Days that transcripts are kept; 0: as long as their budget lasts.")
    objects_days: Days = Field(
        0, description="Days that a captured file is kept after it was last received; 0: for ever."
    )
