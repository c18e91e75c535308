"""Findings in slices of abdominal CT, and the gallbladder, which the base has none of.

What they look like depends on the medium: `contrast` is how much of it is in the arteries, `portal` how much in the
portal venous phase.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.findings.abdomen import GALLBLADDER
from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images import abdomen
from dicomhawk.hospital.images.chest_findings import Slice, box_around, locate, lump_in, ripple, waves
from dicomhawk.hospital.images.recipe import AbdomenCT, Body
from dicomhawk.hospital.images.sampling import generator

HALF = (25.0, 14.8, 11.9)  # mm: half axes (z, y, x) of the gallbladder
NO_GALLBLADDER = 0.14  # of all patients; the same as in ultrasound
WALL = 2.0  # mm
EDGE = 1.3  # mm over which an edge is blurred
GALL_HU, CYST_HU, URINE_HU = 9.0, 7.0, 6.0
FATTY = 40.0  # HU that a liver loses at most
TRIES = 200  # places thought of
INNER = 9  # voxels of the map of organs from the liver's surface to where metastases are


def draw(recipe: AbdomenCT, part: Slice) -> None:
    """Draw gallbladder and findings into the slice."""
    for finding in recipe.findings:
        if finding.kind == "steatosis":
            _steatosis(finding, part)
    stones = [finding for finding in recipe.findings if finding.kind == "gallstone"]
    if stones or generator("gallbladder", recipe.body.seed).random() > NO_GALLBLADDER:
        _gallbladder(recipe.body, recipe.portal, part)
    for finding in recipe.findings:
        painter = _PAINTERS.get(finding.kind)
        if painter is not None:
            painter(finding, recipe.portal, part)


def _steatosis(finding: Finding, part: Slice) -> None:
    liver = abdomen.within(abdomen.LIVER, *part.voxels)
    rows = part.rows_where(liver > 0.01)
    if rows is not None:
        part.image[rows[1]] -= part.pixels(rows[0], liver) * np.float32(FATTY * finding.size)


def _gallbladder(body: Body, portal: float, part: Slice) -> None:
    own = generator("gallbladder shape", body.seed)
    size = own.uniform(0.75, 1.1)
    box = box_around(part, locate(part.lie, GALLBLADDER), HALF[0] * size * 1.2 + 4)
    if box is None:
        return
    uneven = ripple(waves(body.seed + "gall", 5, 0.04, 0.1), np.float32(box.z), box.y, box.x)  # type: ignore[arg-type]
    # It narrows towards its neck, at the back.
    narrow = 1 + np.clip(box.y, -10, 30) * np.float32(0.02)
    squares = (np.float32(box.z) / HALF[0]) ** 2 + (box.y / HALF[1]) ** 2 + (box.x * narrow / HALF[2]) ** 2
    radius = np.sqrt(squares) * np.float32(1 / size) * (1 + np.float32(0.05) * uneven)
    depth = (1 - radius) * np.float32(HALF[2] * size)
    # Around it there is fat: bowel doesn't overlap it.
    fat = np.clip((depth + WALL + 3) * np.float32(0.5), 0, 1) * (box.view < 20)
    box.view += (np.float32(-90) - box.view) * fat * np.float32(0.9)
    wall = np.clip(depth / np.float32(EDGE) + np.float32(0.5 + WALL / EDGE), 0, 1)
    box.view += (np.float32(32 + 55 * max(portal, part.contrast * 0.4)) - box.view) * wall
    inside = np.clip(depth / np.float32(EDGE) + np.float32(0.5), 0, 1)
    box.view += (np.float32(GALL_HU + own.uniform(-4, 6)) - box.view) * inside


def _gallstone(finding: Finding, portal: float, part: Slice) -> None:
    own = generator("stone", finding.seed)
    box = box_around(part, locate(part.lie, finding.at), finding.size / 2 + 3)
    if box is None:
        return
    weight = lump_in(finding, box, part, 0.06, 0.0, EDGE)
    distance = np.sqrt(np.float32(box.z) ** 2 + box.y**2 + box.x**2) / np.float32(finding.size / 2)
    lime, core = own.uniform(140, 700), own.uniform(0.2, 1.0)
    shell = np.clip((distance - np.float32(0.55)) * 4, 0, 1)
    hu = np.float32(lime) * (np.float32(core) + np.float32(1 - core) * shell) + 30
    box.view += (hu - box.view) * weight


def _cyst(finding: Finding, portal: float, part: Slice) -> None:
    box = box_around(part, locate(part.lie, finding.at), finding.size * 0.6 + 3)
    if box is not None:
        weight = lump_in(finding, box, part, 0.02, 0.0, EDGE)
        box.view += (np.float32(CYST_HU) - box.view) * weight


def _haemangioma(finding: Finding, portal: float, part: Slice) -> None:
    box = box_around(part, locate(part.lie, finding.at), finding.size * 0.7 + 3)
    if box is None:
        return
    weight = lump_in(finding, box, part, 0.09, 0.0, EDGE)
    radius = np.sqrt(np.float32(box.z) ** 2 + box.y**2 + box.x**2) / np.float32(finding.size / 2)
    # It fills in clumps from its edge, the later the further.
    clumps = ripple(waves(finding.seed + "c", 8, 0.25, 0.7), np.float32(box.z), box.y, box.x)  # type: ignore[arg-type]
    filled = np.clip((radius - np.float32(0.72 - 0.3 * portal) + np.float32(0.18) * clumps) * 4, 0, 1)
    hu = np.float32(36) + filled * np.float32(115 * max(portal, 0.85 * part.contrast))
    box.view += (hu - box.view) * weight


@lru_cache(maxsize=16)
def metastases(finding: Finding) -> tuple[Finding, ...]:
    """The single ones: the largest where the finding is, the others anywhere in the base's liver."""
    own = generator("metastases", finding.seed)
    liver = abdomen.organs(abdomen.LIVER) > 0
    last = np.array(liver.shape) - 1
    candidates = np.argwhere(liver)
    around = np.array([(0, INNER, 0), (0, -INNER, 0), (0, 0, INNER), (0, 0, -INNER)])
    made, count = [finding], int(own.integers(3, 9))
    for at in candidates[own.integers(0, len(candidates), TRIES)]:
        size, place = finding.size * float(own.uniform(0.35, 0.9)), _mm(at)
        apart = all(np.linalg.norm(np.subtract(place, other.at)) > (size + other.size) * 0.6 for other in made)
        if apart and liver[tuple(np.clip(at + around, 0, last).T)].all():
            made.append(Finding("metastases", f"{finding.seed}/{len(made)}", "", place, size))
        if len(made) == count:
            break
    return tuple(made)


def _mm(voxel: NDArray[np.int64]) -> tuple[float, float, float]:
    from dicomhawk.hospital.images.chest import base_chest

    chest = base_chest()
    steps = (1, abdomen.STEP, abdomen.STEP)
    z, y, x = ((v * n - c) * s for v, n, c, s in zip(voxel, steps, chest.centre, chest.spacing, strict=True))
    return round(float(x), 1), round(float(y), 1), round(float(z), 1)


def _metastases(finding: Finding, portal: float, part: Slice) -> None:
    medium = max(portal, 0.3 * part.contrast)
    for one in metastases(finding):
        box = box_around(part, locate(part.lie, one.at), one.size * 0.7 + 4)
        if box is None:
            continue
        weight = lump_in(one, box, part, 0.1, 0.0, 2.2)
        radius = np.sqrt(np.float32(box.z) ** 2 + box.y**2 + box.x**2) / np.float32(one.size / 2)
        rim = np.exp(-(((radius - np.float32(0.85)) * 5) ** 2))
        hu = np.float32(38 + 22 * medium) + rim * np.float32(26 * medium) - np.clip(1 - radius * 1.6, 0, 1) * 10
        box.view += (hu - box.view) * weight


def _hydronephrosis(finding: Finding, portal: float, part: Slice) -> None:
    own = generator("stasis", finding.seed)
    calyces = [(float(own.normal(0, 3)), float(own.normal(0, 3)), dz) for dz in (-17.0, -2.0, 15.0)]
    outward = 9.0 if finding.at[0] > 0 else -9.0
    parts = [(finding.at, finding.size)]
    x, y, z = finding.at
    parts += [((x + outward + dx, y + dy, z + dz), finding.size * 0.62) for dx, dy, dz in calyces]
    for number, (at, size) in enumerate(parts):
        box = box_around(part, locate(part.lie, at), size * 0.7 + 3)
        if box is not None:
            one = Finding(finding.kind, f"{finding.seed}/{number}", finding.place, at, size)
            weight = lump_in(one, box, part, 0.08, 0.0, EDGE)
            box.view += (np.float32(URINE_HU) - box.view) * weight


_PAINTERS: dict[str, Callable[[Finding, float, Slice], None]] = {
    "gallstone": _gallstone,
    "liver_cyst": _cyst,
    "haemangioma": _haemangioma,
    "metastases": _metastases,
    "renal_cyst": _cyst,
    "hydronephrosis": _hydronephrosis,
}
SHOWN = (*_PAINTERS, "steatosis")
"""Kinds of findings that such slices show."""
