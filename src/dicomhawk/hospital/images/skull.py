"""The skull of the base's head, as ``tools/build_skull.py`` made it: where bone is, and what fills it."""

from __future__ import annotations

import io
import lzma
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.sampling import F32, trilinear

EDGE = 2  # empty voxels around the base, as around its other volumes
DISTANCE_UNIT = 4  # stored steps of a millimetre, around 128
DENSITY_UNIT, AIR = 12, -1000  # HU of a stored step, and of 0


@cache
def skull() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Signed distance to the surface of bone, and what is within it, with the same border as the head has."""
    packed = resources.files(__package__).joinpath("skull.npz.xz").read_bytes()
    with np.load(io.BytesIO(lzma.decompress(packed)), allow_pickle=False) as file:
        return np.pad(file["bone"], EDGE), np.pad(file["within"], EDGE)


def depth_in_bone(at: list[F32], volume: NDArray[np.uint8] | None = None) -> F32:
    """mm below the surface of bone at voxels (z, y, x) of the base; negative outside. `volume`: an averaged one."""
    stored = trilinear(skull()[0] if volume is None else volume, *at)
    return np.asarray((stored - np.float32(128)) * np.float32(1 / DISTANCE_UNIT), np.float32)
