"""C-FIND: which attributes come back and how, and where matching differs from PS3.4."""

from __future__ import annotations

from .base import Part


class Find(Part):
    """How queries are answered."""
