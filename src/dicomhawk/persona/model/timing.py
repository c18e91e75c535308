"""Response-time distributions."""

from __future__ import annotations

from .base import Part


class Timing(Part):
    """How long the product takes to answer."""
