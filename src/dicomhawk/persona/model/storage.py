"""C-STORE."""

from __future__ import annotations

from .base import Part


class Store(Part):
    """How objects are taken."""
