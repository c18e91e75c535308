"""The small vessels of a patient's lungs: a tree of its own for everybody, finer than the base's scan could show.

Places in the lungs are gathered two by two until one vessel at the hilum feeds them all; how wide each is follows
from how many places it feeds (Murray's law). The tree is in the base, so it is warped with the patient, and all views
and priors show the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.chest import Posture, base_chest
from dicomhawk.hospital.images.chest_findings import MAP_STEP, lung_map
from dicomhawk.hospital.images.inverse import places_of
from dicomhawk.hospital.images.recipe import Body
from dicomhawk.hospital.images.sampling import F32, generator

ENDS = 1100  # of each lung
TWIG = 0.3  # mm: radius of the last branches
WIDEST = 1.5  # mm: wider ones are in the base
MURRAY = 2.6  # exponent: lumens branch with less than the cube of the radius
HILA = ((-30.0, 8.0, 50.0), (33.0, 10.0, 60.0))  # x, y, z in the base, mm
BELOW = 5  # half mm of lung outside the ends
FIRST, LATER = 0.34, 0.46  # of the way to the middle of what it feeds, that a vessel goes before it branches
CROOKED = 0.09  # of its length, that a vessel's middle is beside the straight line


@dataclass(frozen=True)
class Tree:
    """Segments of vessels: ends (n x 3: z, y, x in mm of the base) and radii in mm."""

    starts: F32
    middles: F32
    ends: F32
    radii: F32


@lru_cache(maxsize=4)
def tree(seed: str) -> Tree:
    """The vessels of a patient."""
    random = generator("vessels", seed)
    chest = base_chest()
    inside = np.argwhere(lung_map() > BELOW)
    places = inside * (1, MAP_STEP, MAP_STEP) + (0, (MAP_STEP - 1) / 2, (MAP_STEP - 1) / 2)
    mm = ((places - chest.centre) * chest.spacing).astype(np.float32)
    made: list[tuple[NDArray[np.float32], NDArray[np.float32], float]] = []
    for (x, y, z), side in zip(HILA, (mm[mm[:, 2] < 0], mm[mm[:, 2] >= 0]), strict=True):
        ends = side[random.integers(0, len(side), ENDS)]
        ends = ends + random.uniform(-1.2, 1.2, ends.shape).astype(np.float32)
        root = np.array((z, y, x), np.float32) + random.normal(0, 4, 3).astype(np.float32)
        pending = [(root, ends, FIRST)]
        while pending:
            at, fed, part = pending.pop()
            if len(fed) == 1:
                made.append((at, fed[0], TWIG))
                continue
            fork = at + (fed.mean(0) - at) * np.float32(part)
            made.append((at, fork, TWIG * len(fed) ** (1 / MURRAY)))
            offsets = fed - fork
            axis = np.linalg.svd(offsets[: min(len(offsets), 60)], full_matrices=False)[2][0]
            along = offsets @ (axis + random.normal(0, 0.25, 3).astype(np.float32))
            order, cut = np.argsort(along), max(1, round(len(fed) * random.uniform(0.3, 0.7)))
            cut = min(cut, len(fed) - 1)
            pending += [(fork, fed[order[:cut]], LATER), (fork, fed[order[cut:]], LATER)]
    starts, stops = (np.array([segment[n] for segment in made], np.float32) for n in (0, 1))
    length = np.linalg.norm(stops - starts, axis=1, keepdims=True)
    bend = random.standard_normal(starts.shape).astype(np.float32) * length * np.float32(CROOKED)
    radii = np.array([segment[2] for segment in made], np.float32)
    return Tree(starts, (starts + stops) / 2 + bend, stops, radii)


@lru_cache(maxsize=4)
def vessels_of(lie: Posture, body: Body) -> Tree:
    """The same in the patient's mm, without those that are as wide as the base's."""
    whole = tree(body.seed)
    keep = whole.radii < WIDEST
    moved = places_of(lie, np.concatenate([whole.starts[keep], whole.middles[keep], whole.ends[keep]]))
    count = int(keep.sum())
    return Tree(moved[:count], moved[count : 2 * count], moved[2 * count :], whole.radii[keep])
