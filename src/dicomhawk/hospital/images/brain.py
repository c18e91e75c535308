"""MR slices of the brain: one real T1-weighted head, warped and aged into another person, imaged by equation.

The base's T1 value says how a voxel is mixed from fluid, grey and white matter (or, outside the brain, from
muscle and fat); the sequence's signal equation turns that into its contrast. The slice is then acquired: coil
sensitivity, a finite and windowed k-space with complex noise, zero-filling, magnitude.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images import brain_findings, head_blood, tissue
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.recipe import Body, BrainMR
from dicomhawk.hospital.images.sampling import CELL, F32, Warp, generator, nodes, spline_weights, trilinear, upsample

EDGE = 2  # empty voxels around the base, so that what is outside it is air
SCALE = 20_000.0  # signal 1.0 in a contrast volume
FLUID_AT, GREY_AT, WHITE_AT = 34, 84, 112  # T1 values of the pure tissues in the base
MUSCLE_AT, FAT_AT, NOTHING_AT = 85, 190, 16
VENTRICLES = ((86.0, 100.0, 80.0), (86.0, 100.0, 101.0))  # base voxels (z, y, x) of their middles
DIFFUSION_SCALE = 300.0  # signal of 1 mm²/s in an ADC map; its stored values are 1e-6 mm²/s


@cache
def base() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """T1 values and soft mask of the brain, with an empty border."""
    pack = base_pack()
    slices = int(pack.index["head"]["slices"])
    return (
        np.pad(np.stack([pack.plane("t1", k) for k in range(slices)]), EDGE),
        np.pad(np.stack([pack.plane("brain", k) for k in range(slices)]), EDGE),
    )


def from_centre(voxel: tuple[float, float, float]) -> tuple[float, float, float]:
    """mm from the base's centre of a voxel (z, y, x) of the pack."""
    z, y, x = (v + EDGE - (n - 1) / 2 for v, n in zip(voxel, base()[0].shape, strict=True))
    return z, y, x


def shrunken(k: int) -> NDArray[np.uint8]:
    """Slice `k` after the minimum of 3 x 3 x 3 voxels within the brain: what atrophy leaves between sulci."""
    t1, mask = base()
    low = t1[max(k - 1, 0) : k + 2].min(0)
    for axis in range(2):
        view = np.moveaxis(low, axis, 0)
        kept = view.copy()
        np.minimum(view[1:], kept[:-1], out=view[1:])
        np.minimum(view[:-1], kept[1:], out=view[:-1])
    return np.asarray(np.where(mask[k] > 128, low, t1[k]), np.uint8)


def fractions() -> dict[tissue.Tissue, F32]:
    """For each T1 value 0..255: the part of each tissue in a voxel of the brain."""
    value = np.arange(256, dtype=np.float32)
    fluid = np.clip((GREY_AT - value) / (GREY_AT - FLUID_AT), 0, 1)
    white = np.clip((value - GREY_AT) / (WHITE_AT - GREY_AT), 0, 1)
    parts = {tissue.FLUID: fluid, tissue.GREY: 1 - fluid - white, tissue.WHITE: white}
    return {kind: np.asarray(part, np.float32) for kind, part in parts.items()}


def fractions_outside() -> dict[tissue.Tissue, F32]:
    """The same outside the brain, where what has no signal is bone and air."""
    value = np.arange(256, dtype=np.float32)
    present = np.clip((value - NOTHING_AT) / (MUSCLE_AT - NOTHING_AT), 0, 1)
    fat = np.clip((value - MUSCLE_AT) / (FAT_AT - MUSCLE_AT), 0, 1.15)
    parts = {tissue.MUSCLE: present * (1 - np.clip(fat, 0, 1)), tissue.FAT: fat}
    return {kind: np.asarray(part, np.float32) for kind, part in parts.items()}


def _table(name: str, field: float, outside: bool) -> F32:
    """Signal for each T1 value."""
    parts = fractions_outside() if outside else fractions()
    if name == "ADC":
        total = sum(part * np.float32(kind.diffusion * DIFFUSION_SCALE) for kind, part in parts.items())
        return np.asarray(total * (0.0 if outside else 1.0), np.float32)
    sequence = tissue.SEQUENCES[name]
    made = np.zeros(256, np.float32)
    for kind, part in parts.items():
        weight = sequence.fat if kind is tissue.FAT else 1.0
        made += part * np.float32(tissue.signal(kind, sequence, field) * weight)
    return made


@lru_cache(maxsize=2)
def contrast_volume(name: str, field: float, atrophy: int) -> NDArray[np.uint16]:
    """The base as the sequence would see it; `atrophy` in tenths. 15 MB."""
    t1, mask = base()
    made = np.empty(t1.shape, np.uint16)
    within, without = _table(name, field, False), _table(name, field, True)
    for k in range(len(t1)):
        values = t1[k]
        if atrophy:
            change = (shrunken(k).astype(np.float32) - values) * np.float32(atrophy / 10)
            values = (values + change).astype(np.uint8)
        plane = without[values]
        plane += (within[values] - plane) * (mask[k] * np.float32(1 / 255))
        made[k] = np.clip(plane * np.float32(SCALE), 0, 65535)
    return made


class Head:
    """One patient's head: from the scanner's mm to the base's voxels, and what age has done to it."""

    def __init__(self, body: Body) -> None:
        person = generator("brain", body.seed)
        self._warp = Warp(person, ((6, 7, 7), (3.0, 4.0, 3.6)), ((11, 13, 13), (1.2, 1.3, 1.3)))
        size = 1.0 - 0.025 * body.female
        scale = np.clip(person.normal(size, 0.035, 3), size - 0.07, size + 0.07)
        tilt, turn, lean = np.deg2rad(person.normal(0, (3.0, 1.5, 2.0)))
        turn_matrix = np.array([[1, -tilt, -lean], [tilt, 1, -turn], [lean, turn, 1]])
        self._matrix = (turn_matrix / scale[:, None]).astype(np.float32)
        self.scale = float(np.prod(scale) ** (1 / 3))
        """mm of the patient for each mm of the base."""
        age = body.age
        self.ventricles = max(-0.05, (age - 35) / 45 * 0.30 + person.normal(0.02, 0.07))
        self.atrophy = round(float(np.clip((age - 40) / 45 * 0.6 + person.normal(0, 0.08), 0, 0.8)) * 10)
        count = int(max(0.0, (age - 42) * 0.6 * person.random() ** 2))
        side = np.where(person.random(count) < 0.5, -1, 1)
        self.lesions = np.column_stack(
            [
                person.normal(14, 9, count),
                person.normal(-4, 26, count),
                side * (19 + np.abs(person.normal(0, 7, count))),
                person.uniform(1.0, 3.0, count),
            ]
        ).astype(np.float32)
        self.leukoaraiosis = float(np.clip((count - 4) / 14, 0, 1))
        """How much of the white matter beside the ventricles is lost, 0 to 1."""
        self._centre = [np.float32((n - 1) / 2) for n in base()[0].shape]

    def points(self, z: F32, y: F32, x: F32) -> list[F32]:
        """Places in the base, in mm from its centre, of points in the scanner (mm from the head's centre)."""
        extent = [np.float32(1 / (2 * c)) for c in self._centre]
        shift = self._warp.at(*(p * e + np.float32(0.5) for p, e in zip((z, y, x), extent, strict=True)))
        m = self._matrix
        place = [m[i, 0] * z + m[i, 1] * y + m[i, 2] * x + shift[i] for i in range(3)]
        for middle in VENTRICLES:
            away = [p - np.float32(v) for p, v in zip(place, from_centre(middle), strict=True)]
            weight = np.exp(-0.5 * ((away[0] / 15) ** 2 + (away[1] / 34) ** 2 + (away[2] / 13) ** 2))
            weight *= np.float32(self.ventricles)
            place = [p - weight * a * np.float32(f) for p, a, f in zip(place, away, (0.8, 0.35, 1.0), strict=True)]
        return [p.astype(np.float32) for p in place]

    def voxels(self, place: list[F32]) -> list[F32]:
        """Voxel coordinates of places in the base."""
        return [p + c for p, c in zip(place, self._centre, strict=True)]


@lru_cache(maxsize=4)
def head(body: Body) -> Head:
    """The heads of the last few patients."""
    return Head(body)


def directions(recipe: BrainMR) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors (x, y, z) along the rows, down the columns and to the next slice."""
    angle = np.deg2rad(recipe.tilt)
    row = np.array([1.0, 0.0, 0.0])
    if recipe.plane == "axial":
        column = np.array([0.0, np.cos(angle), -np.sin(angle)])
    else:
        column = np.array([0.0, np.sin(angle), -np.cos(angle)])
    return row, column, np.cross(row, column)


def slice_centre(recipe: BrainMR, k: float) -> NDArray[np.float64]:
    """Middle (x, y, z) of slice `k`, mm from the head's centre."""
    _, column, normal = directions(recipe)
    along = recipe.first + k * recipe.spacing
    return normal * along + column * recipe.down


def _sample(recipe: BrainMR, k: float, volume: NDArray[np.uint16]) -> F32:
    """The signal on an infinitely thin slice, acquired x acquired."""
    size = recipe.acquired
    grid = nodes(size, size // CELL) * np.float32(recipe.fov / size)
    row, column, _ = directions(recipe)
    centre = slice_centre(recipe, k)
    x, y, z = (
        np.float32(centre[i]) + np.float32(column[i]) * grid[:, None] + np.float32(row[i]) * grid[None]
        for i in range(3)
    )
    person = head(recipe.body)
    place = person.points(z, y, x)
    before = place
    if recipe.findings:
        place = head_blood.pressed(recipe.findings, brain_findings.pushed(recipe.findings, place))
    fine = [upsample(v) for v in person.voxels(place)]
    made = trilinear(volume, *fine) * np.float32(1 / SCALE)
    if (still := head_blood.unmoved(recipe.findings, before)) is not None:
        own = [upsample(v) for v in person.voxels(before)]
        made += (trilinear(volume, *own) * np.float32(1 / SCALE) - made) * still
    if recipe.contrast in ("T2", "FLAIR") and len(person.lesions):
        _add_lesions(recipe, person, fine, made)
    if recipe.findings:
        where = brain_findings.Slice(
            recipe.contrast, recipe.field, before, fine, made, person.scale, lambda kind: _signal(recipe, kind)
        )
        brain_findings.draw(recipe.findings, where)
        head_blood.draw(recipe.findings, where)
    return made


def _signal(recipe: BrainMR, kind: tissue.Tissue) -> float:
    """What a tissue gives in the contrast of a series."""
    if recipe.contrast == "ADC":
        return kind.diffusion * DIFFUSION_SCALE
    return tissue.signal(kind, tissue.SEQUENCES[recipe.contrast], recipe.field)


def _add_lesions(recipe: BrainMR, person: Head, voxels: list[F32], made: F32) -> None:
    """Bright spots in the white matter of an ageing brain."""
    sequence = tissue.SEQUENCES[recipe.contrast]
    white = tissue.signal(tissue.WHITE, sequence, recipe.field)
    gain = tissue.signal(tissue.LESION, sequence, recipe.field) - white
    z, y, x = (v - c for v, c in zip(voxels, person.voxels([np.zeros(1, np.float32)] * 3), strict=True))
    for cz, cy, cx, radius in person.lesions:
        near = (np.abs(z - cz) < 2.2 * radius) & (np.abs(y - cy) < 3.5 * radius) & (np.abs(x - cx) < 2.2 * radius)
        if near.any():
            d2 = ((z[near] - cz) / radius) ** 2 + ((y[near] - cy) / (1.6 * radius)) ** 2
            d2 += ((x[near] - cx) / radius) ** 2
            old = made[near]
            made[near] = old + np.exp(-d2) * np.float32(gain) * ((old > white * 0.7) & (old < white * 1.35))


def render(recipe: BrainMR, k: int) -> NDArray[np.uint16]:
    """Slice `k` of the series as stored values of 12 bits, matrix x matrix."""
    size = recipe.acquired
    person = head(recipe.body)
    volume = contrast_volume(recipe.contrast, recipe.field, person.atrophy)
    layers = 1 if recipe.thickness < 1.6 else 3
    offsets = (np.arange(layers) - (layers - 1) / 2) * recipe.thickness / layers / recipe.spacing
    image = _sample(recipe, k + float(offsets[0]), volume)
    for offset in offsets[1:]:
        image += _sample(recipe, k + float(offset), volume)
    image *= np.float32(1 / layers)
    image *= _sensitivity(recipe)
    return _acquire(recipe, image, generator("noise", recipe.series, k), size)


@lru_cache(maxsize=4)
def _sensitivity(recipe: BrainMR) -> F32:
    """The coil's uneven sensitivity, smooth over the field of view."""
    size, control = recipe.acquired, generator("coil", recipe.series).normal(0, 0.09, (6, 6)).astype(np.float32)
    weights = spline_weights(np.linspace(0, 1, size, dtype=np.float32), 6)
    half = np.einsum("ab,xb->ax", control, weights)
    return np.asarray(np.exp(np.einsum("ax,ya->yx", half, weights)), np.float32)


def _acquire(recipe: BrainMR, image: F32, random: np.random.Generator, size: int) -> NDArray[np.uint16]:
    """Through k-space with noise and back, as magnitude on the final matrix."""
    if recipe.contrast == "ADC":
        peak, gain = DIFFUSION_SCALE * tissue.GREY.diffusion, 1e6 / DIFFUSION_SCALE
    else:
        peak = tissue.signal(tissue.GREY, tissue.SEQUENCES[recipe.contrast], recipe.field)
        gain = recipe.gain / peak
    deviation = np.float32(peak / recipe.snr)
    noise = random.standard_normal((2, size, size), np.float32) * deviation
    spectrum = np.fft.fftshift(np.fft.fft2(image + noise[0] + 1j * noise[1]))
    distance = np.abs(np.arange(size, dtype=np.float32) - size // 2)
    phase_lines = distance <= size * 0.46
    taper = np.clip((size * 0.49 - distance) / (size * 0.10), 0, 1).astype(np.float32)
    spectrum *= (taper * phase_lines)[:, None] * taper[None]
    whole = np.zeros((recipe.matrix, recipe.matrix), np.complex64)
    edge = (recipe.matrix - size) // 2
    whole[edge : edge + size, edge : edge + size] = spectrum
    back = np.abs(np.fft.ifft2(np.fft.ifftshift(whole))) * np.float32((recipe.matrix / size) ** 2)
    return np.asarray(np.clip(np.rint(back * np.float32(gain)), 0, 4095), np.uint16)
