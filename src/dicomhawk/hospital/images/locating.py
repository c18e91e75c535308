"""Where in a series a finding is, for what points at it: reports, key images, annotations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dicomhawk.hospital.findings.model import CHEST_KINDS, Finding
from dicomhawk.hospital.findings.telling import STATES
from dicomhawk.hospital.images import brain, chest, chest_findings, head_ct, radiograph, ultrasound
from dicomhawk.hospital.images.abdomen_findings import SHOWN
from dicomhawk.hospital.images.recipe import AbdomenCT, Body, BrainMR, ChestCT, HeadCT, Radiograph, Recipe, Ultrasound

ITERATIONS = 12
ANYWHERE = 20.0  # mm around what has no diameter


@dataclass(frozen=True)
class Spot:
    """A pixel of a slice, both from 0, and how far a finding reaches around it, in pixels."""

    slice: int
    row: float
    column: float
    reach: float


def spot(recipe: Recipe, finding: Finding) -> Spot | None:
    """The middle of a finding in a series; None if it is outside, or nothing that such a series shows."""
    if isinstance(recipe, AbdomenCT):
        return _in_chest(recipe, finding) if finding.kind in SHOWN else None
    if isinstance(recipe, ChestCT) and finding.kind in CHEST_KINDS:
        return _in_chest(recipe, finding)
    if isinstance(recipe, BrainMR) and finding.kind not in CHEST_KINDS:
        return _in_head(recipe, finding)
    if isinstance(recipe, HeadCT) and finding.kind not in CHEST_KINDS:
        return _in_head_ct(recipe, finding)
    if isinstance(recipe, Radiograph) and finding.kind in CHEST_KINDS:
        row, column, larger = radiograph.pixel_of(recipe, finding.at)
        inside = 0 <= row < recipe.rows and 0 <= column < recipe.columns
        reach = ANYWHERE if finding.kind in STATES else finding.size / 2
        return Spot(0, row, column, reach * larger) if inside else None
    if isinstance(recipe, Ultrasound) and (found := ultrasound.pixel_of(recipe, finding)) is not None:
        k, row, column, scale = found
        return Spot(k, row, column, finding.size / 2 * scale)
    return None


def _in_chest(recipe: ChestCT, finding: Finding) -> Spot | None:
    z, y, x = chest_findings.locate(chest.posture(recipe.body, recipe.study), finding.at)
    middle_y, middle_x = chest.middle(recipe)
    pixel = recipe.fov / recipe.matrix
    centre = (recipe.matrix - 1) / 2
    return _inside(
        recipe,
        (recipe.top - z) / recipe.spacing,
        (y - middle_y) / pixel + centre,
        (x - middle_x) / pixel + centre,
        finding.size / 2 / pixel,
    )


def _inside(recipe: ChestCT | HeadCT | BrainMR, k: float, row: float, column: float, reach: float) -> Spot | None:
    nearest = round(k)
    if not (0 <= nearest < recipe.slices and 0 <= row < recipe.matrix and 0 <= column < recipe.matrix):
        return None
    return Spot(nearest, row, column, reach)


@lru_cache(maxsize=64)
def _head_place(body: Body, at: tuple[float, float, float]) -> tuple[float, float, float]:
    """Where a place (x, y, z) of the base is in the scanner (x, y, z), mm."""
    person = brain.head(body)
    guess = np.array(at, np.float32)
    wanted = guess.copy()
    for _ in range(ITERATIONS):
        z, y, x = person.points(guess[2:3].copy(), guess[1:2].copy(), guess[0:1].copy())
        guess = guess + (wanted - np.array([x[0], y[0], z[0]], np.float32)) * np.float32(0.9)
    return float(guess[0]), float(guess[1]), float(guess[2])


def _in_head(recipe: BrainMR, finding: Finding) -> Spot | None:
    place = np.array(_head_place(recipe.body, finding.at), np.float64)
    row, column, normal = brain.directions(recipe)
    from_first = place - brain.slice_centre(recipe, 0)
    pixel, centre = recipe.fov / recipe.matrix, (recipe.matrix - 1) / 2
    return _inside(
        recipe,
        float(from_first @ normal) / recipe.spacing,
        float(from_first @ column) / pixel + centre,
        float(from_first @ row) / pixel + centre,
        finding.size / 2 / pixel,
    )


def _in_head_ct(recipe: HeadCT, finding: Finding) -> Spot | None:
    x, y, z = _head_place(recipe.body, finding.at)
    turn = np.linalg.inv(head_ct.Position(recipe).matrix.astype(np.float64))
    z, y, x = turn @ np.array([z, y, x])
    middle_x, middle_y, first = head_ct.centre(recipe, 0)
    down, up = head_ct.column(recipe)
    along = (y - middle_y) / down
    pixel, centre = recipe.fov / recipe.matrix, (recipe.matrix - 1) / 2
    return _inside(
        recipe,
        (z - first - up * along) / recipe.spacing,
        along / pixel + centre,
        (x - middle_x) / pixel + centre,
        finding.size / 2 / pixel,
    )
