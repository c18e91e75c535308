"""CT slices of chest and upper abdomen: a real base volume, warped into another person, scanned anew.

A slice is a plane through the patient. Each of its pixels is looked up in the base after (1) the patient's own
warp and the day's position and breath, (2) a change of the fat under the skin. Then come the scanner's part:
kernel, noise with the texture and strength of the dose, table, field of view.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images import abdomen, abdomen_findings, chest_findings
from dicomhawk.hospital.images.organs import Organs
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.recipe import AbdomenCT, Body, ChestCT
from dicomhawk.hospital.images.sampling import CELL, F32, I16, Warp, generator, nodes, trilinear, upsample
from dicomhawk.hospital.images.scanner import noise_texture, round_field, sharpen, table_profile

AIR = -1000
THICK = 3.5  # mm: from here on a slice averages its neighbours, as the base's slices are 2.5 mm
CONTRAST_STEPS = 20  # levels of contrast for which a mixed volume is kept: few enough to share it
EDGE = 178.0  # mm from the midline to where the base's shoulders are cut off
SKIN = 5.0  # mm below the surface that are not fat
MIDLINE = 256  # column of the base's spine
NIPPLES = (70.0, 95.0)  # base slice, and mm from the midline


class Chest:
    """The decoded base: planes are decoded when first looked at, and mixed for the contrast asked for."""

    def __init__(self) -> None:
        pack = base_pack()
        index = pack.index["chest"]
        first = pack.plane("chest", 0)
        self.spacing: tuple[float, float, float] = tuple(index["spacing"])
        self.shape = (int(index["slices"]), *first.shape)
        self.centre = tuple((n - 1) / 2 for n in self.shape)
        self.enhancement_step = int(index["enhancement_step"])
        self.coat = {
            name: pack.array(f"coat/{name}").astype(np.float32) / np.float32(100 if name.startswith("n") else 4)
            for name in ("distance", "thickness", "nz", "ny", "nx")
        }
        self.coat_step: tuple[int, int, int] = tuple(index["coat_step"])
        self.coat_row = int(index["rows"][0])
        self._offset = int(index["offset"])
        self._native = np.empty(self.shape, np.int16)
        self._enhancement: dict[int, tuple[slice, NDArray[np.uint8]]] = {}

    def decoded(self, k: int) -> I16:
        """HU of base slice `k` without contrast medium, as it is in the pack."""
        return np.asarray(base_pack().plane("chest", k).astype(np.int16) - self._offset, np.int16)

    def native(self, k: int) -> I16:
        """The same without the base's own renal cyst."""
        if k not in self._enhancement:
            pack = base_pack()
            self._native[k] = self.decoded(k)
            whole = pack.plane("enhancement", k).copy()
            abdomen.mend(k, self._native[k], whole, self.enhancement_step)
            columns = np.nonzero(whole.any(0))[0]
            part = slice(int(columns[0]), int(columns[-1]) + 1) if len(columns) else slice(0, 0)
            self._enhancement[k] = part, np.ascontiguousarray(whole[:, part])
        plane: I16 = self._native[k]
        return plane

    def plane(self, k: int, contrast: np.float32, portal: np.float32) -> F32:
        """HU of base slice `k` with so much contrast medium as in the base's arterial phase, or in the portal one."""
        made = self.native(k).astype(np.float32)
        columns, enhancement = self._enhancement[k]
        late = abdomen.portal(k) if portal else None
        if portal and late is None:
            contrast = np.float32(contrast + portal * abdomen.ABOVE)
        if contrast:
            made[:, columns] += enhancement * (contrast * np.float32(self.enhancement_step))
        if late is not None:
            made += late * portal
        return made


class Mixed:
    """The base with so much contrast medium, and averaged over so many slices; filled as it is used."""

    def __init__(self, chest: Chest, level: int, late: int, thick: bool) -> None:
        self.volume = np.empty(chest.shape, np.int16)
        self._chest, self._level, self._late, self._thick = chest, level, late, thick
        self._ready = np.zeros(chest.shape[0], bool)

    def prepare(self, low: int, high: int) -> None:
        """Make slices `low` to `high` ready."""
        last = len(self._ready) - 1
        for k in range(max(low, 0), min(high, last) + 1):
            if not self._ready[k]:
                plane = self._one(k)
                if self._thick:
                    plane = plane * 0.5 + (self._one(max(k - 1, 0)) + self._one(min(k + 1, last))) * 0.25
                self.volume[k] = np.rint(plane)
                self._ready[k] = True

    def _one(self, k: int) -> F32:
        return self._chest.plane(k, np.float32(self._level / CONTRAST_STEPS), np.float32(self._late / CONTRAST_STEPS))


@cache
def base_chest() -> Chest:
    """The chest of this process."""
    return Chest()


@lru_cache(maxsize=1)
def mixed(level: int, late: int, thick: bool) -> Mixed:
    """The last mixture that was used: 50 MB, so only one."""
    return Mixed(base_chest(), level, late, thick)


class Posture:
    """From the scanner's mm to the base's voxels, for one patient on one day."""

    def __init__(self, body: Body, study: str) -> None:
        self.body = body
        person, day = generator("chest", body.seed), generator("chest", body.seed, study)
        self._person = Warp(person, ((7, 7, 7), (5.0, 8.0, 9.0)), ((12, 15, 15), (1.3, 2.0, 2.0)))
        self._day = Warp(day, ((5, 5, 5), (2.0, 1.2, 1.2)))
        roll, pitch, yaw = np.deg2rad(day.normal(0, (2.0, 1.0, 1.0)))
        shear = person.normal(0, 0.015, 2)
        across = body.girth * (1 + person.normal(0, 0.03))
        depth = body.girth * (1 + person.normal(0, 0.03))
        turn = np.array(
            [
                [1 / body.height, -pitch, -yaw],
                [pitch, np.cos(roll) / depth, -np.sin(roll) + shear[0]],
                [yaw, np.sin(roll) + shear[1], np.cos(roll) / across],
            ]
        )
        self._matrix = turn.astype(np.float32)
        self._organs = Organs(body)

    def voxels(self, z: F32, y: F32, x: F32) -> tuple[tuple[F32, F32, F32], F32]:
        """Voxel coordinates in the base of points in mm, and how far (mm) each is outside the skin."""
        chest = base_chest()
        relative = [
            p / np.float32(n * s) + np.float32(0.5)
            for p, n, s in zip((z, y, x), chest.shape, chest.spacing, strict=True)
        ]
        shift = self._person.at(*relative) + self._day.at(*relative)
        # The base ends where its own scan's field did: nothing may be pulled in from there.
        shift[2] *= np.clip((np.float32(EDGE) - np.abs(x)) * np.float32(1 / 45), 0, 1)
        m = self._matrix
        base = [np.asarray(m[i, 0] * z + m[i, 1] * y + m[i, 2] * x + shift[i], np.float32) for i in range(3)]
        inside = [
            b / np.float32(s) + np.float32(c) for b, s, c in zip(base, chest.spacing, chest.centre, strict=True)
        ]
        pleura = chest_findings.pleural_distance(inside[0], inside[1], inside[2])
        return self._grow(self._organs.moved(base[0], base[1], base[2], pleura))

    def _grow(self, base: list[F32]) -> tuple[tuple[F32, F32, F32], F32]:
        """Stretch or shrink the layer of fat: points outside the muscles move along its direction."""
        chest, body = base_chest(), self.body
        at = [p / np.float32(s) + np.float32(c) for p, s, c in zip(base, chest.spacing, chest.centre, strict=True)]
        rows = (0, chest.coat_row, 0)
        coarse = [(a + np.float32(o)) / np.float32(c) for a, o, c in zip(at, rows, chest.coat_step, strict=True)]
        coat = {name: trilinear(field, *coarse) for name, field in chest.coat.items()}
        thickness = np.maximum(coat["thickness"], 4)
        growth = np.float32(body.fat) * (1 - np.float32(0.35) * np.clip(coat["ny"], 0, 1))
        if body.breast:
            side = np.abs((at[2] - MIDLINE) * np.float32(chest.spacing[2])) - np.float32(NIPPLES[1])
            up = (at[0] - np.float32(NIPPLES[0])) * np.float32(chest.spacing[0])
            dome = np.exp(-((side / 60) ** 2) - (up / 52) ** 2) * np.clip(-coat["ny"] * 1.6, 0, 1)
            growth = growth + np.float32(body.breast) * dome
        # Skin and nipples keep their size: only what is deeper than they are is stretched.
        inner = thickness - np.minimum(thickness * np.float32(0.5), np.float32(SKIN))
        grown = np.maximum(inner + growth, inner * np.float32(0.3))
        distance = coat["distance"]
        inward = np.where(distance < grown, distance * (inner / grown - 1), inner - grown)
        for i, name in enumerate(("nz", "ny", "nx")):
            at[i] = at[i] + coat[name] * inward / np.float32(chest.spacing[i])
        outside = distance - (grown + thickness - inner)
        return (at[0].astype(np.float32), at[1].astype(np.float32), at[2].astype(np.float32)), outside


@lru_cache(maxsize=4)
def posture(body: Body, study: str) -> Posture:
    """The postures of the last few examinations."""
    return Posture(body, study)


@lru_cache(maxsize=8)
def table_height(body: Body, study: str, top: float, length: float) -> float:
    """Where the table's top is, mm from the centre of a scan from `top` down: just below the patient's back."""
    lie = posture(body, study)
    y = np.arange(0, 220, 2, dtype=np.float32)[:, None] + np.zeros((1, 9), np.float32)
    x = np.zeros_like(y) + np.linspace(-60, 60, 9, dtype=np.float32)[None]
    lowest = []
    for part in (0.2, 0.5, 0.8):
        z = np.full_like(y, top - part * length)
        _, outside = lie.voxels(z, y, x)
        lowest.append(float(y[(outside < 0).any(1)].max(initial=60.0)))
    return max(lowest) + 3.0


def render(recipe: ChestCT, k: int) -> I16:
    """Slice `k` of the series as HU, matrix x matrix, int16."""
    size, cells = recipe.matrix, recipe.matrix // CELL
    pixel = np.float32(recipe.fov / size)
    grid = nodes(size, cells) * pixel
    centre = middle(recipe)
    y = grid[:, None] + np.zeros((1, cells + 1), np.float32) + np.float32(centre[0])
    x = grid[None, :] + np.zeros((cells + 1, 1), np.float32) + np.float32(centre[1])
    z = np.full_like(y, recipe.top - k * recipe.spacing)
    voxels, outside = posture(recipe.body, recipe.study).voxels(z, y, x)
    inside = np.nonzero((outside < 12).any(1))[0]
    first, last = max(int(inside[0]) - 1, 0), min(int(inside[-1]) + 1, cells)
    late = recipe.portal if isinstance(recipe, AbdomenCT) else 0.0
    levels = round(recipe.contrast * CONTRAST_STEPS), round(late * CONTRAST_STEPS)
    base = mixed(*levels, recipe.thickness >= THICK)
    base.prepare(int(voxels[0].min()) - 1, int(voxels[0].max()) + 2)
    image = np.full((size, size), AIR, np.float32)
    band = [upsample(v[first : last + 1]) for v in voxels]
    image[first * CELL : last * CELL] = trilinear(base.volume, *band)
    if recipe.findings or isinstance(recipe, AbdomenCT):
        nodes_of_band = tuple(v[first : last + 1] for v in voxels)
        across = np.arange(size, dtype=np.float32) * pixel - np.float32((size - 1) / 2) * pixel
        part = chest_findings.Slice(
            image=image[first * CELL : last * CELL],
            z=float(z[0, 0]),
            y=across[first * CELL : last * CELL] + np.float32(centre[0]),
            x=across + np.float32(centre[1]),
            thickness=recipe.thickness,
            contrast=recipe.contrast,
            voxels=(nodes_of_band[0], nodes_of_band[1], nodes_of_band[2]),
            lie=posture(recipe.body, recipe.study),
        )
        if isinstance(recipe, AbdomenCT):
            abdomen_findings.draw(recipe, part)
        else:
            chest_findings.draw(recipe.findings, part)
    if recipe.kernel == "lung":
        sharpen(image)
    random = generator("noise", recipe.series, k)
    image += noise_texture(recipe.kernel, random, size) * _noise_strength(recipe, image)
    length = (recipe.slices - 1) * recipe.spacing
    line = table_height(recipe.body, recipe.study, recipe.top, length)
    profile = table_profile(recipe.table, line - centre[0], -centre[1], recipe.fov, size)
    image[profile.where] += np.where(image[profile.where] < -600, profile.hu, 0)
    np.clip(image, -1024, 3071, out=image)
    image[round_field(size)] = recipe.padding
    return np.rint(image).astype(np.int16)


def middle(recipe: ChestCT) -> tuple[float, float]:
    """Where the radiographer put the centre of the field of view (y, x), mm."""
    y, x = generator("middle", recipe.study).normal((4.0, 0.0), (4.0, 4.0))
    return float(y), float(x)


def _noise_strength(recipe: ChestCT, image: F32) -> F32:
    """Standard deviation of the noise at each pixel: it grows with the tissue that the beam has to pass."""
    coarse = np.clip(image[::CELL, ::CELL] * np.float32(0.001) + 1, 0, np.float32(2.2))
    path = np.sqrt(coarse.mean(0)[None] * coarse.mean(1)[:, None])
    lattice = np.pad(np.float32(0.35) + np.float32(1.25) * path, ((0, 1), (0, 1)), mode="edge")
    return upsample(lattice.astype(np.float32)) * np.float32(recipe.noise)
