"""What age leaves in CT of the head: lime, and dark spots in the white matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dicomhawk.hospital.images.brain_findings import Slice, around
from dicomhawk.hospital.images.chest_findings import ripple, waves
from dicomhawk.hospital.images.recipe import Body
from dicomhawk.hospital.images.sampling import generator

if TYPE_CHECKING:
    from dicomhawk.hospital.images.brain import Head

PINEAL = (0.0, 9.0, -15.0)  # mm from the base's centre: x, y, z
PLEXUS = (23.0, 22.0, -10.0)
PALLIDUM = (19.0, -13.0, -18.0)
SCAR_HU = -7.0  # of a lesion of the white matter, against its surroundings


def lesions(person: Head, part: Slice) -> None:
    """Dark spots in the white matter of an ageing brain: the bright ones of MR."""
    for z, y, x, radius in person.lesions.tolist():
        window = around(part, (x, y, z), 2.0 * radius)
        if window is not None:
            away = (window.z**2 + (window.y / 1.6) ** 2 + window.x**2) * np.float32(1 / radius**2)
            view = part.image[window.where]
            view += np.exp(-away) * np.float32(SCAR_HU) * ((view > 24) & (view < 36))


def calcified(body: Body, part: Slice) -> None:
    """Lime in the pineal gland, the choroid plexus, and seldom the pallidum."""
    own = generator("lime", body.seed)
    lots, radii, strengths = own.random(3), own.uniform(1.0, 2.6, 5), own.uniform(90, 420, 5)
    shifts = own.normal(0, 1.0, (5, 3))
    places = []
    if body.age > 18 + 45 * lots[0]:
        places.append(PINEAL)
    if body.age > 25 + 50 * lots[1]:
        places += [PLEXUS, (-PLEXUS[0], *PLEXUS[1:])]
    if body.age > 50 + 400 * lots[2]:
        places += [PALLIDUM, (-PALLIDUM[0], *PALLIDUM[1:])]
    for number, (x, y, z) in enumerate(places):
        dx, dy, dz = shifts[number]
        window = around(part, (x + dx, y + dy, z + dz), 6)
        if window is None:
            continue
        radius = radii[number] * (1.5 if number in (1, 2) else 1.0)
        crumbs = ripple(waves(f"{body.seed}{number}", 5, 0.8, 2.2), window.z, window.y, window.x)
        away = (window.z**2 + window.y**2 + (window.x * 1.4) ** 2) * np.float32(1 / radius**2)
        weight = np.exp(-away) * np.clip(np.float32(0.75) + np.float32(0.35) * crumbs, 0, 1.2)
        part.image[window.where] += np.float32(strengths[number]) * weight.astype(np.float32)
