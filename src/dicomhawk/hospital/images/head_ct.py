"""CT slices of the head: the head that MR shows, with what X-rays make of its tissues, and a skull.

The base's T1 value says how a voxel of the brain is mixed from fluid, grey and white matter, and outside the brain
from muscle and fat. Bone comes from a signed distance to its surface, so that its edges are as sharp as the kernel's.
Patient, warp, age and findings are those of `brain`: CT and MR of a patient show the same head.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images import brain, brain_findings, head_blood, head_ct_ageing, tissue
from dicomhawk.hospital.images.recipe import HeadCT
from dicomhawk.hospital.images.sampling import CELL, F32, I16, generator, nodes, trilinear, upsample
from dicomhawk.hospital.images.scanner import noise_texture, round_field, sharpen, table_profile
from dicomhawk.hospital.images.skull import AIR, DENSITY_UNIT, DISTANCE_UNIT, depth_in_bone, skull

WITHIN = ((0, 12, 24, 34, 84, 112, 150), (46, 42, 16, 8, 38, 28.5, 28))
"""T1 value and HU in the brain: dura, fluid, grey and white matter."""
OUTSIDE = ((0, 18, 40, 85, 130, 190, 255), (-20, 20, 45, 52, -10, -95, -108))
"""The same in scalp and muscles, where there is a signal."""
SILENT = 30.0  # T1 value below which the skull's file says what it is

CORTEX, CORTEX_HU = 1.5, 1750.0  # mm and HU of the tables
EDGE = 0.55  # mm over which an edge of bone is blurred
FALX = (90.0, 1.5, 40.0, 0.75)  # column of the midline, mm, HU, and how much of the fissure it fills
FALX_FROM = 62  # slice: below there are the cisterns
SINUS_HU = 54.0  # of blood in the superior sagittal sinus
SINUS_REACH = (4.5, 7.0)  # mm from the midline, and from the bone
PERIVENTRICULAR = 9.0  # HU that white matter loses beside the ventricles at most
HARDENING = 0.05  # HU for each HU mm of dense bone beyond `CORRECTED` on both sides
CORRECTED = 16_000.0  # HU mm: as much as the scanner's correction expects of any skull


@cache
def _tables() -> tuple[F32, F32, F32]:
    """For each T1 value: HU outside and inside the brain, and how much of it the skull's file has to say."""
    value = np.arange(256, dtype=np.float32)
    silent = np.clip((SILENT - value) / 8, 0, 1).astype(np.float32)
    return np.interp(value, *OUTSIDE).astype(np.float32), np.interp(value, *WITHIN).astype(np.float32), silent


def _soft(k: int, atrophy: int) -> F32:
    """HU of base slice `k` as if there were only the inside of bones."""
    t1, mask = brain.base()
    bone, within = skull()
    values = t1[k]
    if atrophy:
        lost = (brain.shrunken(k) - values.astype(np.float32)) * np.float32(atrophy / 10)
        values = (values + lost).astype(np.uint8)
    filled = within[k] * np.float32(DENSITY_UNIT) + np.float32(AIR)
    tables = _tables()
    outside, inside, silent = tables[0][values], tables[1][values], tables[2][values]
    silent = np.maximum(silent, np.clip((bone[k] - np.float32(128)) * np.float32(0.5), 0, 1))
    outside += (filled - outside) * silent
    _dura(k, values, bone[k], inside)
    return np.asarray(outside + (inside - outside) * (mask[k] * np.float32(1 / 255)), np.float32)


def _dura(k: int, values: NDArray[np.uint8], bone: NDArray[np.uint8], inside: F32) -> None:
    """The falx, and blood in the sinus at its edge."""
    slice_ = k - brain.EDGE
    if slice_ < FALX_FROM:
        return
    middle, half, hu, part = FALX
    columns = slice(int(middle) - 6 + brain.EDGE, int(middle) + 7 + brain.EDGE)
    across = np.abs(np.arange(columns.start, columns.stop) - brain.EDGE - middle).astype(np.float32)
    view, value = inside[:, columns], values[:, columns]
    rows = np.arange(len(view))
    fluid = np.clip((np.float32(78) - value.astype(np.float32)) * np.float32(1 / 30), 0, 1)
    # Around the corpus callosum the fissure has no falx.
    open_ = ((rows < 88) | (rows > 138) | (slice_ > 112))[:, None]
    weight = np.exp(-((across / half) ** 2))[None] * fluid * np.float32(part) * open_
    view += (np.float32(hu) - view) * weight
    near = bone[:, columns].astype(np.float32) > 128 - SINUS_REACH[1] * DISTANCE_UNIT
    blood = near * (across < SINUS_REACH[0])[None] * fluid * ((rows > 120) | (slice_ > 140))[:, None]
    view += (np.float32(SINUS_HU) - view) * blood


def _averaged(planes: I16 | NDArray[np.uint8], mm: int) -> F32:
    """Each slice averaged with its neighbours over `mm`."""
    whole = planes.astype(np.float32)
    if mm < 2:
        return whole
    half, rest = divmod(mm - 1, 2)
    made = whole.copy()
    for step in range(1, half + 2):
        weight = np.float32(1.0 if step <= half else rest / 2)
        if weight:
            made[step:] += whole[:-step] * weight
            made[:step] += whole[:1] * weight
            made[:-step] += whole[step:] * weight
            made[-step:] += whole[-1:] * weight
    made *= np.float32(1 / mm)
    return made


@lru_cache(maxsize=2)
def volumes(atrophy: int, mm: int) -> tuple[I16, NDArray[np.uint8]]:
    """HU without the surfaces of bones, and signed distance to those, averaged over a slice of `mm`. 23 MB."""
    depth = len(skull()[0])
    soft = np.stack([_soft(k, atrophy).astype(np.int16) for k in range(depth)])
    return np.rint(_averaged(soft, mm)).astype(np.int16), np.rint(_averaged(skull()[0], mm)).astype(np.uint8)


class Position:
    """How the head lies in its holder: from the scanner's mm to the head's."""

    def __init__(self, recipe: HeadCT) -> None:
        roll, yaw = np.deg2rad(generator("head ct", recipe.study).normal(0, (1.8, 2.5)))
        tuck = np.deg2rad(recipe.tuck)
        nod = np.array([[np.cos(tuck), -np.sin(tuck), 0], [np.sin(tuck), np.cos(tuck), 0], [0, 0, 1]])
        turn = np.array([[1, 0, -roll], [0, 1, -yaw], [roll, yaw, 1]])
        self.matrix = (nod @ turn).astype(np.float32)  # rows and columns are z, y, x

    def head(self, z: F32, y: F32, x: F32) -> list[F32]:
        """Points of the scanner in the head's own axes, as MR has them."""
        m = self.matrix
        return [m[i, 0] * z + m[i, 1] * y + m[i, 2] * x for i in range(3)]


def middle(recipe: HeadCT) -> tuple[float, float]:
    """Where the radiographer put the centre of the field of view (y, x), mm from the head's."""
    y, x = generator("middle", recipe.study).normal((4.0, 0.0), (3.0, 2.5))
    return float(y), float(x)


def column(recipe: HeadCT) -> tuple[float, float]:
    """How much y and z (mm) change for each mm down a column: the gantry may be tilted."""
    angle = np.deg2rad(recipe.tilt)
    return float(np.cos(angle)), -float(np.sin(angle))


def centre(recipe: HeadCT, k: float) -> tuple[float, float, float]:
    """Middle (x, y, z) of slice `k`: the table moves it along z, whatever the gantry's tilt."""
    y, x = middle(recipe)
    return x, y, recipe.first + k * recipe.spacing


def place(recipe: HeadCT, k: float, down: F32, right: F32) -> list[F32]:
    """Where in the base (z, y, x, mm) points of slice `k` are, `down` and `right` (mm) of its middle."""
    x, y, z = (np.float32(v) for v in centre(recipe, k))
    dy, dz = (np.float32(v) for v in column(recipe))
    across = right + x + np.zeros_like(down)
    at = Position(recipe).head(z + dz * down + np.zeros_like(across), y + dy * down + np.zeros_like(across), across)
    return brain.head(recipe.body).points(*at)


def render(recipe: HeadCT, k: int) -> I16:
    """Slice `k` of the series as HU, matrix x matrix, int16; slice 0 is the lowest."""
    size, cells = recipe.matrix, recipe.matrix // CELL
    pixel = np.float32(recipe.fov / size)
    grid = nodes(size, cells) * pixel
    before = place(recipe, k, grid[:, None], grid[None, :])
    person = brain.head(recipe.body)
    soft, bone = volumes(person.atrophy, round(recipe.thickness))
    random = generator("noise", recipe.series, k)
    image = np.full((size, size), AIR, np.float32)
    voxels = person.voxels(before)
    window = _around(trilinear(soft, *voxels) > -900)
    if window is not None:
        rows, columns = window
        part = (slice(rows.start, rows.stop + 1), slice(columns.start, columns.stop + 1))
        where = (slice(rows.start * CELL, rows.stop * CELL), slice(columns.start * CELL, columns.stop * CELL))
        image[where] = _head(recipe, [np.ascontiguousarray(v[part]) for v in before], soft, bone)
    image -= _hardened(image, float(pixel))
    if recipe.kernel == "bone":
        sharpen(image)
    image += noise_texture("bone" if recipe.kernel == "bone" else "brain", random, size) * _strength(recipe, image)
    profile = table_profile(recipe.holder, 112.0 - middle(recipe)[0], -middle(recipe)[1], recipe.fov, size)
    image[profile.where] += np.where(image[profile.where] < -600, profile.hu, 0)
    np.clip(image, -1024, 3071, out=image)
    image[round_field(size)] = recipe.padding
    return np.rint(image).astype(np.int16)


def _around(inside: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The cells around nodes with something in them."""
    if not inside.any():
        return None
    found = []
    for axis in (1, 0):
        at = np.nonzero(inside.any(axis))[0]
        found.append(slice(max(int(at[0]) - 1, 0), min(int(at[-1]) + 1, inside.shape[1 - axis] - 1)))
    return found[0], found[1]


def _head(recipe: HeadCT, before: list[F32], soft: I16, bone: NDArray[np.uint8]) -> F32:
    """HU of the cells between nodes that are at places of the base."""
    person = brain.head(recipe.body)
    at = before
    if recipe.findings:
        at = head_blood.pressed(recipe.findings, brain_findings.pushed(recipe.findings, before))
    coarse = person.voxels(at)
    fine = [upsample(v) for v in coarse]
    image = trilinear(soft, *fine)
    own = fine if at is before else [upsample(v) for v in person.voxels(before)]
    depth = depth_in_bone(own, bone)
    _white_matter(person, at, image)
    drawn = brain_findings.Slice("CT", 0.0, before, fine, image, person.scale, _attenuation)
    head_ct_ageing.lesions(person, drawn)
    brain_findings.draw(recipe.findings, drawn)
    head_blood.draw(recipe.findings, drawn)
    head_ct_ageing.calcified(recipe.body, drawn)
    # A thick slice blurs what crosses it at an angle.
    up, down = ([v + (np.float32(step) if i == 0 else 0) for i, v in enumerate(coarse)] for step in (2, -2))
    slope = np.abs(depth_in_bone(up) - depth_in_bone(down)) * np.float32(0.25)
    blur = np.float32(EDGE) + upsample(np.clip(slope, 0, 1)) * np.float32(max(recipe.thickness - 1, 0) * 0.7)
    table = np.clip((np.float32(CORTEX) - depth) / np.float32(0.6) + np.float32(0.5), 0, 1)
    filled = image + (np.float32(CORTEX_HU) - image) * table
    # Where bone is thinner than the blur it never reaches its full density.
    surface = np.clip(depth / blur + np.float32(0.5), 0, 1)
    image += (filled - image) * surface
    return image


def _attenuation(kind: tissue.Tissue) -> float:
    """HU of a tissue."""
    return kind.hu


def _white_matter(person: brain.Head, at: list[F32], image: F32) -> None:
    """What small-vessel disease takes from the white matter beside the ventricles."""
    if person.leukoaraiosis <= 0:
        return
    near = np.zeros_like(at[0])
    for middle_ in brain.VENTRICLES:
        z, y, x = (p - np.float32(v) for p, v in zip(at, brain.from_centre(middle_), strict=True))
        near = np.maximum(near, np.exp(-0.5 * ((z / 13) ** 2 + (y / 42) ** 2 + (x / 17) ** 2)))
    weight = upsample(np.asarray(near * np.float32(person.leukoaraiosis * PERIVENTRICULAR), np.float32))
    white = np.clip((np.float32(35) - image) * np.float32(1 / 4), 0, 1) * np.clip((image - 18) * 0.2, 0, 1)
    image -= weight * white


def _hardened(image: F32, pixel: float) -> F32:
    """What dense bone on both sides of a line takes from between: dark bands from one petrous bone to the other."""
    coarse = image[::CELL, ::CELL]
    dense = np.clip(coarse - np.float32(300), 0, None) * np.float32(pixel * CELL)
    left = np.cumsum(dense, 1)
    right = left[:, -1:] - left
    both = np.minimum(left, right) - np.float32(CORRECTED)
    dark = np.clip(both, 0, None) * np.float32(HARDENING / 50)
    return upsample(np.pad(np.minimum(dark, 14), ((0, 1), (0, 1)), mode="edge").astype(np.float32))


def _strength(recipe: HeadCT, image: F32) -> F32:
    """Standard deviation of the noise: highest in the middle, and where the skull is thick."""
    coarse = np.clip(image[::CELL, ::CELL] * np.float32(0.001) + 1, 0, np.float32(2.6))
    path = np.sqrt(coarse.mean(0)[None] * coarse.mean(1)[:, None])
    lattice = np.pad(np.float32(0.3) + np.float32(0.8) * path, ((0, 1), (0, 1)), mode="edge")
    return upsample(lattice.astype(np.float32)) * np.float32(recipe.noise)
