"""Rendering of pixel data from the base pack, deterministic from a seed."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dicomhawk.hospital.images import brain, chest
from dicomhawk.hospital.images.recipe import ChestCT, Recipe


def render(recipe: Recipe, k: int) -> NDArray[Any]:
    """Slice `k` (from 0) of a series: HU as int16 for CT, stored values as uint16 for MR."""
    if isinstance(recipe, ChestCT):
        return chest.render(recipe, k)
    chest.mixed.cache_clear()  # quickly made again, and as large as all that a head needs
    return brain.render(recipe, k)
