"""Blood between brain and skull, in MR and CT: it follows the inner table, and presses on the brain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images import skull
from dicomhawk.hospital.images.brain_findings import (
    DEOXY_BLOOD,
    MET_BLOOD_FREE,
    MET_BLOOD_INSIDE,
    Slice,
    around,
)
from dicomhawk.hospital.images.chest_findings import ripple, waves
from dicomhawk.hospital.images.sampling import F32, generator, trilinear, upsample
from dicomhawk.hospital.images.tissue import Tissue

COLLECTIONS = ("subdural", "epidural")
EXTENT = (74.0, 46.0)  # mm from the middle of a subdural collection to its ends: y, z
LENS = 2.1  # an epidural one is so much wider than deep, on each side
LEAST_LENS = 20.0  # mm
BEYOND, SURFACE = 28.0, 60.0  # mm from the midline: to where on the other side a collection presses, and the skull
LEFT = 2.5  # mm of fluid that are pressed out first
INWARD = 3.0  # mm: whoever is inside the skull is inside it also so much nearer to its middle
SETTLES = 3.0  # days until blood begins to settle
CISTERN = Tissue(0.98, (1500, 1800), (500, 450), 2.4e-3, 52)  # cerebrospinal fluid with fresh blood
OLD_BLOOD = Tissue(0.95, (1300, 1650), (260, 230), 2.0e-3, 17)
SERUM, CELLS = -0.3, 0.25  # of the signal, above and below the level of blood that has settled


def blood(age: float) -> Tissue:
    """Blood outside vessels after `age` days."""
    days = (2.5, 7.0, 21.0)
    kinds = (DEOXY_BLOOD, MET_BLOOD_INSIDE, MET_BLOOD_FREE, OLD_BLOOD)
    hu = float(np.interp(age, (0, 3, 11, 21), (66, 63, 42, OLD_BLOOD.hu)))
    return replace(kinds[sum(age >= day for day in days)], hu=hu)


def pressed(findings: tuple[Finding, ...], place: list[F32]) -> list[F32]:
    """Where in the base the points (z, y, x; mm) find their tissue once collections have pressed on the brain."""
    for finding in findings:
        if finding.kind not in COLLECTIONS:
            continue
        side = np.float32(-1 if finding.at[0] < 0 else 1)
        inside = _inside(place)
        far = np.clip((place[2] * side + np.float32(BEYOND)) * np.float32(1 / (BEYOND + SURFACE)), 0, 1)
        shift = np.clip(_shape(finding, place) * np.float32(finding.size) - np.float32(LEFT), 0, None) * far * inside
        place = [place[0], place[1], place[2] + side * shift]
    return place


def unmoved(findings: tuple[Finding, ...], place: list[F32]) -> F32 | None:
    """How much of each pixel is skull or scalp, which no collection presses aside; None if there is none.

    `place` is mm from the base's centre (z, y, x) at the nodes, before anything was pressed.
    """
    if not any(finding.kind in COLLECTIONS for finding in findings):
        return None
    bone = skull.depth_in_bone([upsample(v) for v in _voxels(place)])
    within = np.clip(upsample(_inside(place)) * 2, 0, 1)
    return np.asarray(np.maximum(np.clip(bone + np.float32(0.5), 0, 1), 1 - within), np.float32)


def draw(findings: tuple[Finding, ...], part: Slice) -> None:
    """Draw what is outside the brain into the slice."""
    for finding in findings:
        if finding.kind in COLLECTIONS:
            _collection(finding, part)
        elif finding.kind == "subarachnoid":
            _subarachnoid(finding, part)


def _voxels(place: list[F32]) -> list[F32]:
    from dicomhawk.hospital.images import brain

    origin = brain.from_centre((-float(skull.EDGE),) * 3)
    return [p - np.float32(o) for p, o in zip(place, origin, strict=True)]


def _inside(place: list[F32]) -> F32:
    """1 within the skull, 0 outside it."""
    from dicomhawk.hospital.images import brain

    outward = _from_middle(place)
    inner = [p - p / outward * np.float32(INWARD) for p in place]
    return np.asarray(np.clip(trilinear(brain.base()[1], *_voxels(inner)) * np.float32(1 / 100), 0, 1), np.float32)


def _from_middle(place: list[F32]) -> F32:
    return np.asarray(np.sqrt(sum(p * p for p in place)) + np.float32(1), np.float32)


def _shape(finding: Finding, place: list[F32]) -> F32:
    """How thick a collection is over points of the base, as a part of its size, on whichever side."""
    z, y, x = place
    dy, dz = y - np.float32(finding.at[1]), z - np.float32(finding.at[2])
    if finding.kind == "subdural":
        shape = np.clip(1 - (dy / EXTENT[0]) ** 2 - (dz / EXTENT[1]) ** 2, 0, 1) ** np.float32(0.6)
        shape *= 1 + np.float32(0.12) * ripple(waves(finding.seed, 5, 0.04, 0.12), z, y, x)
    else:
        reach = np.float32(max(LENS * finding.size, LEAST_LENS))
        shape = np.clip(1 - (dy * dy + dz * dz) / reach**2, 0, 1)
    return np.asarray(shape, np.float32)


def _thickness(finding: Finding, place: list[F32]) -> F32:
    """mm of the collection over points of the base, however deep they are below the skull."""
    side = np.float32(-1 if finding.at[0] < 0 else 1)
    lateral = np.clip((place[2] * side - 14) * np.float32(1 / 9), 0, 1)
    return np.asarray(_shape(finding, place) * lateral * np.float32(finding.size), np.float32)


def _collection(finding: Finding, part: Slice) -> None:
    thickness = _thickness(finding, part.before)
    if thickness.max() < 1:
        return
    depth = skull.depth_in_bone([upsample(v) for v in _voxels(part.before)])
    weight = np.clip(upsample(thickness) + depth + np.float32(0.5), 0, 1) * np.clip(
        upsample(_inside(part.before)) * 2, 0, 1
    )
    weight *= np.clip(np.float32(0.5) - depth, 0, 1)
    signal = np.float32(part.signal(blood(finding.age)))
    z, y, x = part.before
    texture = upsample(ripple(waves(finding.seed + "t", 7, 0.12, 0.4), z, y, x))
    made = signal * (1 + np.float32(0.05) * texture)
    own = generator("collection", finding.seed)
    if finding.age > SETTLES and own.random() < 0.6:
        # The patient lies on the back.
        level = np.float32(finding.at[1] + own.uniform(-10, 25))
        below = np.clip((upsample(y) - level) * np.float32(0.15), 0, 1)
        heavier = np.float32(SERUM) + np.float32(CELLS - SERUM) * below
        made *= 1 + heavier if part.contrast == "CT" else 1 - heavier
    part.image += (made - part.image) * weight


def _subarachnoid(finding: Finding, part: Slice) -> None:
    """Blood in cisterns and fissures: wherever there is fluid around the circle of Willis."""
    from dicomhawk.hospital.images.brain import FLUID_AT, base

    window = around(part, finding.at, finding.size)
    if window is None:
        return
    t1, mask = base()
    at = [v[window.where] for v in part.voxels]
    fluid = np.clip((np.float32(FLUID_AT + 36) - trilinear(t1, *at)) * np.float32(1 / 24), 0, 1)
    fluid *= np.clip(trilinear(mask, *at) * np.float32(1 / 128) - np.float32(0.6), 0, 1)
    uneven = 1 + np.float32(0.25) * ripple(waves(finding.seed, 6, 0.08, 0.25), window.z, window.y, window.x)
    away = (window.z / np.float32(0.6)) ** 2 + window.y**2 + window.x**2
    near = np.exp(-away / np.float32((finding.size * 0.5) ** 2)) * uneven
    view = part.image[window.where]
    view += (np.float32(part.signal(CISTERN)) - view) * fluid * np.clip(near * np.float32(1.6), 0, 1)
