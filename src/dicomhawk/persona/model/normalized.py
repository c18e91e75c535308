"""DIMSE-N services."""

from __future__ import annotations

from pydantic import Field

from .base import Part
from .commands import Disposal


class Normalized(Part):
    """How DIMSE-N commands are answered that a service is there for (PS3.4 annex J)."""

    commitment: bool = Field(
        default=False,
        description="Whether storage commitment is agreed to: N-ACTION with Action Type 1 on the well-known "
        "instance gets success. Its result would come on an association that the archive opens, which"
        " is never done.",
    )
    commitment_reports: bool = Field(
        default=False, description="Whether N-EVENT-REPORT with the result of a storage commitment gets success."
    )
    malformed: Disposal = Field(
        default=0x0110,
        description="What a storage commitment command gets that isn't as PS3.4 annex J wants it: another type, "
        "instance or SOP class, or a data set without Transaction UID or references.",
    )
