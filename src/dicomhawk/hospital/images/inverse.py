"""Where a posture puts places of the base: the inverse of the warp."""

from __future__ import annotations

import numpy as np

from dicomhawk.hospital.images.chest import Posture, base_chest
from dicomhawk.hospital.images.sampling import F32

ITERATIONS = 9  # it converges by a half or better each time
STEP = np.float32(0.9)


def places_of(lie: Posture, wanted: F32) -> F32:
    """Places of the patient (n x 3: z, y, x in mm) that the base's places (the same) are moved to."""
    chest = base_chest()
    spacing, centre = np.array(chest.spacing, np.float32), np.array(chest.centre, np.float32)
    guess = wanted.astype(np.float32)
    for _ in range(ITERATIONS):
        voxels, _ = lie.voxels(guess[:, 0].copy(), guess[:, 1].copy(), guess[:, 2].copy())
        guess += (wanted - (np.stack(voxels, 1) - centre) * spacing) * STEP
    return guess
