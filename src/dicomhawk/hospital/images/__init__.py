"""Rendering of pixel data from the base pack, deterministic from a seed."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dicomhawk.hospital.images import brain, chest
from dicomhawk.hospital.images.recipe import ChestCT, Recipe


def render(recipe: Recipe, k: int) -> NDArray[Any]:
    """Slice `k` (from 0) of a series: HU as int16 for CT, stored values as uint16 for MR."""
    return chest.render(recipe, k) if isinstance(recipe, ChestCT) else brain.render(recipe, k)
