"""Rendering of pixel data from the base pack, deterministic from a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from dicomhawk.hospital.images import brain, chest, head_ct, radiograph, scout, screen, ultrasound
from dicomhawk.hospital.images.recipe import (
    AbdomenCT,
    BrainMR,
    ChestCT,
    DoseSheet,
    HeadCT,
    Radiograph,
    Recipe,
    Scout,
    Ultrasound,
)

_RENDERERS: dict[type[Any], Callable[[Any, int], NDArray[Any]]] = {
    ChestCT: chest.render,
    AbdomenCT: chest.render,
    HeadCT: head_ct.render,
    BrainMR: brain.render,
    Scout: scout.render,
    Radiograph: radiograph.render,
    Ultrasound: ultrasound.render,
    DoseSheet: screen.render,
}


def render(recipe: Recipe, k: int) -> NDArray[Any]:
    """Image `k` (from 0) of a series: HU as int16 for CT, stored values as uint16 for others."""
    if not isinstance(recipe, ChestCT):
        chest.mixed.cache_clear()  # quickly made again, and as large as all that the others need
    return _RENDERERS[type(recipe)](recipe, k)
