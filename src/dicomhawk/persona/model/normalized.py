"""DIMSE-N services, and commands that no service is there for."""

from __future__ import annotations

from .base import Part


class Normalized(Part):
    """How DIMSE-N commands are answered."""
