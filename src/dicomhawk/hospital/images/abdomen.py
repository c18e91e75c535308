"""What CT of the upper abdomen has beside the chest's base, as ``tools/build_abdomen.py`` made it.

The chest's base reaches down to the kidneys. It was scanned in the arterial phase; here is the portal venous one.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.pack import Pack
from dicomhawk.hospital.images.sampling import F32, I16, trilinear

ABOVE = 0.42  # of the arterial enhancement, in the portal phase above the liver
LIVER, KIDNEY, SPLEEN = 1, 2, 3
STEP = 2  # rows and columns of the base to one of the map of organs


@cache
def _pack() -> Pack:
    return Pack(resources.files(__package__).joinpath("abdomen.zip").open("rb"))


@cache
def _patch() -> I16:
    return np.asarray(_pack().array("patch"), np.int16)


@cache
def organs(number: int) -> NDArray[np.uint8]:
    """Where an organ is, 0 or 255, at every slice and every `STEP`th row and column of the base."""
    return np.asarray((_pack().array("organs") == number) * np.uint8(255), np.uint8)


def within(number: int, z: F32, y: F32, x: F32) -> F32:
    """How much of an organ, 0 to 1, is at voxel coordinates of the base; above the map, nothing."""
    volume = organs(number)
    part = trilinear(volume, z, y * np.float32(1 / STEP), x * np.float32(1 / STEP)) * np.float32(1 / 255)
    return np.asarray(part * (z < len(volume) - 1), np.float32)


def portal(k: int) -> F32 | None:
    """HU that the medium adds to base slice `k` in the portal venous phase; None above the abdomen."""
    index = _pack().index
    if k >= int(index["slices"]):
        return None
    return np.asarray(_pack().plane("portal", k) * np.float32(index["step"]), np.float32)


def mend(k: int, native: I16, enhancement: NDArray[np.uint8], step: int) -> None:
    """Remove the base's own renal cyst from its slice `k` and from what the arterial phase adds, in steps of HU."""
    (first, last), (top, bottom), (left, right) = _pack().index["patch"]
    if first <= k < last:
        patch = _patch()
        native[top:bottom, left:right] = patch[0, k - first]
        enhancement[top:bottom, left:right] = np.clip(patch[1, k - first] // step, 0, 255)
