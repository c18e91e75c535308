"""Findings in slices of chest CT: drawn into the anatomy before the scanner adds its noise.

Round ones are placed where the patient's warp puts them and drawn in true millimetres; what spreads along the
pleura follows a map of the lungs that the pack's chest was measured for.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images import devices
from dicomhawk.hospital.images.sampling import CELL, F32, generator, trilinear, upsample

if TYPE_CHECKING:
    from dicomhawk.hospital.images.chest import Posture

MAP_STEP = 4  # rows and columns of the base to one of the map
EDGE = 1.3  # mm over which the scanner blurs an edge
FLUID, TISSUE = 6.0, 36.0  # HU
TEXTURE_WAVES = 40  # enough for no direction to be seen
DEEPEST = 1.15  # the crescent as it is drawn would be that much shallower where it is deepest
HOLES = 2600  # of a patient with emphysema of extent 1


@cache
def lung_map() -> NDArray[np.int8]:
    """Signed distance to the pleura (inside positive), half mm, at every slice and fourth row and column."""
    packed = resources.files(__package__).joinpath("lungs.npy.xz").read_bytes()
    return np.asarray(np.load(io.BytesIO(lzma.decompress(packed)), allow_pickle=False), np.int8)


def pleural_distance(z: F32, y: F32, x: F32) -> F32:
    """mm to the pleura at voxel coordinates of the base, inside positive."""
    inner = np.float32((MAP_STEP - 1) / 2)
    step = np.float32(1 / MAP_STEP)
    return np.asarray(trilinear(lung_map(), z, (y - inner) * step, (x - inner) * step) * np.float32(0.5), np.float32)


@dataclass
class Slice:
    """A slice being drawn: `image` is in HU."""

    image: F32
    z: float  # mm, of the scanner
    y: F32  # mm at each row
    x: F32  # mm at each column
    thickness: float
    contrast: float
    voxels: tuple[F32, F32, F32]  # base voxel coordinates (z, y, x) at the nodes
    lie: Posture

    @cached_property
    def depth(self) -> F32:
        """mm to the pleura at the nodes, inside positive."""
        return pleural_distance(*self.voxels)

    def pixels(self, rows: slice, field: F32) -> F32:
        """A field that is given at the nodes at the pixels of some rows of cells."""
        return upsample(np.ascontiguousarray(field[rows.start : rows.stop + 1], np.float32))

    def rows_where(self, nodes: NDArray[np.bool_]) -> tuple[slice, slice] | None:
        """The rows of cells around nodes, and their pixels; None if there are none."""
        found = np.nonzero(nodes.any(1))[0]
        if not len(found):
            return None
        first, last = max(int(found[0]) - 1, 0), min(int(found[-1]) + 1, nodes.shape[0] - 1)
        return slice(first, last), slice(first * CELL, last * CELL)


def draw(findings: tuple[Finding, ...], part: Slice) -> None:
    """Draw all findings into the slice."""
    for finding in findings:
        if finding.kind in _PAINTERS:  # others are in the shape of the body
            _PAINTERS[finding.kind](finding, part)


@lru_cache(maxsize=64)
def _located(lie: Posture, at: tuple[tuple[float, float, float], ...]) -> NDArray[np.float32]:
    from dicomhawk.hospital.images.inverse import places_of

    return places_of(lie, np.array(at, np.float32)[:, ::-1])


def locate(lie: Posture, at: tuple[float, float, float]) -> tuple[float, float, float]:
    """Where a place of the base (x, y, z) is in the scanner (z, y, x), mm."""
    z, y, x = _located(lie, (at,))[0]
    return float(z), float(y), float(x)


def waves(seed: str, count: int, low: float, high: float) -> NDArray[np.float32]:
    """Random wave vectors with lengths between two, and phases: rows of (z, y, x, phase)."""
    random = generator("shape", seed, count, low)
    vectors = random.standard_normal((count, 3))
    vectors *= (random.uniform(low, high, count) / np.linalg.norm(vectors, axis=1))[:, None]
    return np.column_stack([vectors, random.uniform(0, 2 * np.pi, count)]).astype(np.float32)


def ripple(waves: NDArray[np.float32], z: F32, y: F32, x: F32) -> F32:
    """The sum of the waves at points, of standard deviation about 1."""
    total = np.zeros(np.broadcast_shapes(z.shape, y.shape, x.shape), np.float32)
    for a, b, c, phase in waves:
        total += np.cos(a * z + b * y + c * x + phase)
    return np.asarray(total * np.float32((2 / len(waves)) ** 0.5), np.float32)


def _texture(seed: str, z: float, y: F32, x: F32, longest: float, shortest: float) -> F32:
    """Smooth noise of standard deviation about 1 at the pixels of a box; wavelengths in mm.

    A wave is the sum of two outer products, so that many of them cost two products of matrices.
    """
    random = generator("texture", seed)
    length = longest * (shortest / longest) ** random.random(TEXTURE_WAVES)
    direction = random.standard_normal((TEXTURE_WAVES, 3))
    direction *= (2 * np.pi / length / np.linalg.norm(direction, axis=1))[:, None]
    strength = length**0.8
    strength *= (2 / np.sum(strength**2)) ** 0.5
    waves = direction.astype(np.float32)
    down = y.reshape(-1, 1) * waves[:, 1] + np.float32(z) * waves[:, 0]
    down += random.uniform(0, 2 * np.pi, TEXTURE_WAVES).astype(np.float32)
    across = x.reshape(-1, 1) * waves[:, 2]
    weight = strength.astype(np.float32)
    made = np.einsum("yk,xk->yx", np.cos(down) * weight, np.cos(across))
    made -= np.einsum("yk,xk->yx", np.sin(down) * weight, np.sin(across))
    return np.asarray(made, np.float32)


@dataclass
class Box:
    """The pixels around a place: `z`, `y`, `x` are mm from it."""

    view: F32
    rows: slice
    columns: slice
    z: float
    y: F32
    x: F32


def box_around(part: Slice, centre: tuple[float, float, float], reach: float) -> Box | None:
    """What of the slice is within `reach` mm of a place in the scanner; None if nothing."""
    dz = part.z - centre[0]
    if abs(dz) > reach + part.thickness / 2:
        return None
    y, x = part.y - np.float32(centre[1]), part.x - np.float32(centre[2])
    rows, columns = np.nonzero(np.abs(y) < reach)[0], np.nonzero(np.abs(x) < reach)[0]
    if not len(rows) or not len(columns):
        return None
    down, across = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return Box(part.image[down, across], down, across, dz, y[down, None], x[None, across])


def _layers(part: Slice) -> list[float]:
    """Offsets (mm) of the thin layers that a slice averages."""
    width = max(part.thickness, 2.0)
    return [width * offset for offset in (-0.34, 0.0, 0.34)]


def lump_in(finding: Finding, box: Box, part: Slice, smooth: float, spikes: float, blur: float) -> F32:
    """How much of each pixel is within an irregular ball."""
    layers = _layers(part)
    total = np.zeros(box.view.shape, np.float32)
    for offset in layers:
        total += lump(finding, np.full((1, 1), box.z + offset, np.float32), box.y, box.x, smooth, spikes, blur)
    return np.asarray(total * np.float32(1 / len(layers)), np.float32)


def lump(finding: Finding, z: F32, y: F32, x: F32, smooth: float, spikes: float, blur: float) -> F32:
    """How much an irregular ball has of points, given in mm from its middle: 0..1."""
    radius = finding.size / 2
    lobes, spines = waves(finding.seed, 8, 1.5, 4.5), waves(finding.seed + "s", 6, 9, 18)
    distance = np.sqrt(z * z + y**2 + x**2) + np.float32(1e-3)
    u, v, w = z / distance, y / distance, x / distance
    edge = radius * (1 + smooth * ripple(lobes, u, v, w))
    made = np.clip((edge - distance) / np.float32(blur) + np.float32(0.5), 0, 1)
    if spikes:
        ray = np.clip(ripple(spines, u, v, w) - np.float32(0.8), 0, 1)
        fade = np.clip(1 - (distance - edge) / np.float32(2 + spikes * radius), 0, 1)
        made = np.maximum(made, np.clip(ray * 2.2, 0, 0.8) * fade)
    return np.asarray(made, np.float32)


def outline(finding: Finding) -> tuple[float, float, float]:
    """Of a nodule or mass: how uneven it is, how far it has spicules, and how bright it is (0..1)."""
    rough, spiky, bright = generator("nodule", finding.seed).random(3)
    mass = finding.kind == "mass"
    spikes = 0.2 + 0.5 * spiky if mass or (finding.kind == "nodule" and finding.size > 9) else 0.0
    return float((0.09 if mass else 0.05) + 0.06 * rough), float(spikes), float(bright)


def _nodule(finding: Finding, part: Slice) -> None:
    smooth, spikes, bright = outline(finding)
    box = box_around(part, locate(part.lie, finding.at), finding.size * (0.62 + 0.4 * spikes) + 4)
    if box is None:
        return
    blur = 1.5 + 0.2 * finding.size if finding.kind == "subsolid" else EDGE
    weight = lump_in(finding, box, part, smooth, spikes, blur)
    texture = _texture(finding.seed, box.z, box.y, box.x, 24, 5)
    if finding.kind == "subsolid":
        haze = np.float32(0.30 + 0.16 * bright) + texture * np.float32(0.035)
        box.view += np.clip(np.float32(TISSUE) - box.view, 0, None) * weight * haze
        return
    hu = TISSUE + 30 * part.contrast * bright + texture * np.float32(5)
    if finding.kind == "calcified":
        hu = hu + np.float32(260 + 420 * bright) * np.clip(weight * 1.6 - 0.6, 0, 1)
    elif finding.kind == "mass" and finding.size > 34:
        # The middle of a large tumour outgrows its supply.
        middle = np.sqrt(box.z**2 + box.y**2 + box.x**2) / np.float32(finding.size / 2)
        dead = np.clip((0.62 - middle + 0.12 * texture) * 4, 0, 1)
        hu = hu - dead * np.float32(14 + 26 * part.contrast)
    box.view += (hu - box.view) * weight


def _base_mm(part: Slice) -> tuple[F32, F32, F32]:
    from dicomhawk.hospital.images.chest import base_chest

    chest = base_chest()
    z, y, x = (
        (v - np.float32(c)) * np.float32(s) for v, c, s in zip(part.voxels, chest.centre, chest.spacing, strict=True)
    )
    return z, y, x


def on_side(finding: Finding, z: F32, x: F32) -> F32:
    """mm from where the lungs meet behind the heart, positive on the finding's side."""
    middle = np.float32(8) - np.float32(13) * np.clip((z - 60) * np.float32(1 / 30), 0, 1)
    return np.asarray(x - middle if finding.at[0] > 0 else middle - x, np.float32)


def _consolidation(finding: Finding, part: Slice) -> None:
    radius = finding.size / 2
    box = box_around(part, locate(part.lie, finding.at), radius * 1.7 + 4)
    if box is None:
        return
    first, last = box.rows.start // CELL, -(-box.rows.stop // CELL)
    offset = box.rows.start - first * CELL
    whole = part.pixels(slice(first, last), part.depth)
    distance = whole[offset : offset + box.rows.stop - box.rows.start, box.columns]
    if not (distance > 0).any():
        return
    broad = _texture(finding.seed, box.z, box.y, box.x, 2.5 * radius, 0.5 * radius)
    fine = _texture(finding.seed + "f", box.z, box.y, box.x, 16, 3.5)
    # Wider along the pleura than across: it fills lobules up to where they end.
    away = np.sqrt(box.z**2 * 0.8 + box.y**2 + box.x**2) / np.float32(radius)
    depth = np.float32(1.05) - away + np.float32(0.24) * broad + np.float32(0.05) * fine
    glass = finding.kind == "ground_glass"
    dense = np.clip(depth * (1.2 if glass else 3.0), 0, 1)
    weight = dense * dense * (3 - 2 * dense) * np.clip(distance * np.float32(0.5) + 1, 0, 1)
    if glass:
        weight *= np.float32(0.36) + np.float32(0.06) * fine
    else:
        # Bronchi keep their air.
        weight *= 1 - np.float32(0.8) * np.clip((np.float32(-925) - box.view) * np.float32(0.03), 0, 1)
        halo = np.clip((depth + np.float32(0.16)) * 3, 0, 1) * np.float32(0.34)
        weight = np.maximum(weight, (halo + np.float32(0.05) * fine * (halo > 0)) * np.clip(distance, 0, 1))
    target = np.float32(TISSUE + 45 * part.contrast)
    lung = np.clip((np.float32(-80) - box.view) * np.float32(0.02), 0, 1)
    box.view += (target - box.view) * weight * lung


def crescent(size: float, z: F32, y: F32) -> F32:
    """Thickness (mm) of fluid `size` mm deep behind the lungs of somebody on the back, at places of the base (mm)."""
    depth = size * DEEPEST
    level = np.float32(52 - 1.3 * depth)
    low = (
        np.float32(0.35)
        + np.float32(0.65) / (1 + np.exp((z - 10) / 22))
        + np.float32(1.1) / (1 + np.exp((z + 56) / 7))
    )
    above = (y - level) / (np.float32(82) - level)
    thickness = np.float32(depth) * low * np.clip(above, 0, 1) ** np.float32(0.75) + np.clip(above, None, 0) * 60
    return np.asarray(thickness, np.float32)


def _effusion(finding: Finding, part: Slice) -> None:
    """Free fluid of a patient on the back: a crescent behind the lung, deepest at its base."""
    z, y, x = _base_mm(part)
    side = on_side(finding, z, x)
    distance = part.depth
    within = np.minimum(crescent(finding.size, z, y) - distance, side - 1)
    rows = part.rows_where((within > -14) & (distance > -9))
    if rows is None:
        return
    view, fluid, inner = part.image[rows[1]], part.pixels(rows[0], within), part.pixels(rows[0], distance)
    own = generator("effusion", finding.seed)
    # Lung beside the fluid collapses, and takes up contrast medium.
    reach = np.float32(2.0 + 0.30 * finding.size * DEEPEST)
    collapse = np.clip(1 + fluid / reach, 0, 1) ** np.float32(1.6) * np.float32(0.9)
    collapse *= np.clip(inner * np.float32(0.5), 0, 1)
    target = np.float32(30 + 75 * part.contrast * own.uniform(0.7, 1.0))
    view += np.clip(target - view, 0, None) * collapse
    weight = np.clip(fluid * np.float32(1 / EDGE) + np.float32(0.5), 0, 1)
    inside = np.clip(inner * np.float32(0.4), 0, 1)
    change = np.float32(FLUID + 8 * own.random()) - view
    rim = np.where(view < -150, np.clip((inner + 7) * np.float32(0.5), 0, 1), 0)
    view += change * weight * np.maximum(inside, rim * (change > 0))


def air_in_front(size: float, z: F32, y: F32) -> F32:
    """Thickness (mm) of air `size` mm deep before the lungs of somebody on the back, at places of the base (mm)."""
    level = np.float32(-22 + 1.6 * size)
    above = (level - y) / (level + np.float32(62))
    low = np.float32(1) - np.float32(0.35) / (1 + np.exp((z + 10) / 18))
    thickness = np.float32(size) * low * np.clip(above, 0, 1) ** np.float32(0.7) + np.clip(above, None, 0) * 60
    return np.asarray(thickness, np.float32)


def _pneumothorax(finding: Finding, part: Slice) -> None:
    """Air in front of the lung, with the visceral pleura as a line behind it."""
    z, y, x = _base_mm(part)
    side = on_side(finding, z, x)
    distance = part.depth
    within = np.minimum(air_in_front(finding.size, z, y) - distance, side - 1)
    rows = part.rows_where((within > -4) & (distance > -2))
    if rows is None:
        return
    view, air, inner = part.image[rows[1]], part.pixels(rows[0], within), part.pixels(rows[0], distance)
    inside = np.clip((inner - 1) * np.float32(0.5), 0, 1)
    weight = np.clip(air + np.float32(0.5), 0, 1) * inside
    view += (np.float32(-1000) - view) * weight
    line = np.exp(-((air * np.float32(1.3)) ** 2)) * inside * np.clip((inner - 2.5) * 0.5, 0, 1)
    view += np.clip(np.float32(-330) - view, 0, None) * line * np.float32(0.8)


@lru_cache(maxsize=4)
def _holes(lie: Posture, finding: Finding) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places in the scanner (z, y, x) and radii of the holes of emphysema."""
    random = generator("emphysema", finding.seed)
    inside = np.argwhere(lung_map() > 8)
    height = inside[:, 0] / 133
    keep = random.random(len(inside)) < np.clip((height - 0.35) * 2.2, 0.04, 1)
    inside = inside[keep]
    count = int(HOLES * finding.size)
    chosen = inside[random.integers(0, len(inside), count)] + random.uniform(-0.5, 0.5, (count, 3))
    from dicomhawk.hospital.images.chest import base_chest

    chest = base_chest()
    voxel = chosen * (1, MAP_STEP, MAP_STEP) + (0, (MAP_STEP - 1) / 2, (MAP_STEP - 1) / 2)
    mm = (voxel - chest.centre) * chest.spacing
    radii = random.gamma(5.0, 0.75 + 0.35 * finding.size, count)
    places = _located(lie, tuple((x, y, z) for z, y, x in mm.tolist()))
    return places, radii.astype(np.float32)


def _emphysema(finding: Finding, part: Slice) -> None:
    places, radii = _holes(part.lie, finding)
    near = np.abs(places[:, 0] - part.z) < radii
    for (z, y, x), radius in zip(places[near], radii[near], strict=True):
        box = box_around(part, (z, y, x), float(radius))
        if box is None:
            continue
        distance = (box.z**2 + box.y**2 + box.x**2) * np.float32(1 / radius**2)
        weight = np.clip((1 - distance) * 1.8, 0, 1) * np.clip((-690 - box.view) * np.float32(0.01), 0, 1)
        box.view += (np.float32(-972) - box.view) * weight * np.float32(0.85)


def _node(finding: Finding, part: Slice) -> None:
    """An enlarged lymph node: an oval in the fat between the vessels, which it does not cover."""
    own = generator("node", finding.seed)
    stretch = own.uniform(0.75, 1.0, 3)
    box = box_around(part, locate(part.lie, finding.at), finding.size * 0.9 + 3)
    if box is None:
        return
    z = (box.z) * stretch[0]
    distance = np.sqrt(z * z + (box.y * np.float32(stretch[1])) ** 2 + (box.x * np.float32(stretch[2])) ** 2)
    edge = np.float32(finding.size / 2) * (1 + np.float32(0.09) * _texture(finding.seed, box.z, box.y, box.x, 30, 9))
    weight = np.clip((edge - distance) / np.float32(EDGE) + np.float32(0.5), 0, 1)
    target = np.float32(TISSUE + 32 * part.contrast)
    vessel = np.clip((box.view - target) * np.float32(0.02), 0, 1)
    box.view += (target - box.view) * weight * (1 - vessel)


def _coronary(finding: Finding, part: Slice) -> None:
    """Calcified plaques along the artery."""
    random = generator("coronary", finding.seed)
    count = int(finding.size)
    along = random.uniform(0, len(CORONARY) - 1, count)
    first = np.minimum(along.astype(int), len(CORONARY) - 2)
    path = np.array(CORONARY)
    middle = path[first] + (along - first)[:, None] * (path[first + 1] - path[first])
    middle += random.normal(0, 0.5, middle.shape)
    radii = random.uniform(0.9, 2.0, count)
    strength = random.uniform(250, 750, count)
    places = _located(part.lie, tuple((x, y, z) for x, y, z in middle.tolist()))
    for place, radius, hu in zip(places, radii, strength, strict=True):
        z, y, x = map(float, place)
        box = box_around(part, (z, y, x), radius * 2.2 + 1.5)
        if box is not None:
            weight = np.exp(-((box.z / (radius * 1.3)) ** 2 + (box.y / radius) ** 2 + (box.x / (radius * 1.3)) ** 2))
            box.view += np.clip(np.float32(hu) - box.view, 0, None) * weight.astype(np.float32)


CORONARY = (
    (20.0, -19.0, 26.0),
    (33.0, -19.0, 25.0),
    (45.0, -27.0, 24.0),
    (50.0, -38.0, 22.0),
    (53.0, -47.0, 19.0),
    (52.0, -54.0, 14.0),
    (48.0, -60.0, 8.0),
)
"""The left anterior descending artery in the base: x, y, z in mm from its centre."""

_PAINTERS: dict[str, Callable[[Finding, Slice], None]] = {
    "nodule": _nodule,
    "calcified": _nodule,
    "subsolid": _nodule,
    "mass": _nodule,
    "consolidation": _consolidation,
    "ground_glass": _consolidation,
    "effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "emphysema": _emphysema,
    "node": _node,
    "coronary": _coronary,
    "pacemaker": devices.draw_in_ct,
}
