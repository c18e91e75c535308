"""Abdominal ultrasound: beams from a curved transducer on the skin through the patient that a CT would show.

Along each beam, scatterers give speckle, interfaces echoes, bone and gas shadows; beyond the diaphragm the liver
comes once more, mirrored. What is sent back is compressed to grey values and converted to a sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images import us_findings
from dicomhawk.hospital.images.chest import Posture, base_chest, posture
from dicomhawk.hospital.images.chest_findings import locate
from dicomhawk.hospital.images.inverse import places_of
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.recipe import Body, Scan, Ultrasound, Window
from dicomhawk.hospital.images.sampling import CELL, F32, generator, trilinear, upsample

SAMPLES, BEAMS = 528, 256  # of a sector, in multiples of the lattice's cells
RADIUS = 58.0  # mm: of the transducer's curve
SECTOR = np.deg2rad(66.0)
TOP, BOTTOM = 0.085, 0.045  # of the rows that the sector leaves free above and below

LOOKS = 2
TURNED = 0.75
_USUAL = -8.5  # dB
_TILE = (1024, 1024)
_MIRROR = 3.0  # slice of the base from which everything below is mirrored: the kidneys are cut off there
_FLOOR = -41.0  # dB of what is black at the usual gain


@dataclass(frozen=True)
class Pose:
    """How a window is looked through: target in the base's voxels, directions (z, y, x) to the skin and to the right.

    `ends`: of the organ, in the base's voxels, as far as it has some.
    """

    target: tuple[float, float, float]
    outward: tuple[float, float, float]
    right: tuple[float, float, float]
    ends: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None


_DOWN, _LEFT = (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
POSES: dict[Window, Pose] = {
    "liver": Pose((42, 150, 160), (-0.1, -0.9, -0.42), _DOWN),
    "liver_across": Pose((40, 160, 205), (-0.45, -0.9, -0.15), _LEFT),
    "kidney_right": Pose((8, 218, 166), (0.12, -0.5, -0.86), _DOWN, ((24, 245, 180), (-18, 245, 180))),
    "kidney_left": Pose((9, 235, 374), (0.15, 0.1, 1.0), _DOWN, ((25, 257, 364), (-19, 257, 364))),
    "kidney_right_across": Pose((12, 222, 166), (0.0, -0.5, -0.86), (0.0, 0.86, -0.5)),
    "spleen": Pose((40, 228, 385), (-0.05, 0.12, 1.0), _DOWN),
    "gallbladder": Pose((27, 112, 172), (-0.3, -0.95, -0.2), _DOWN),
    "pancreas": Pose((19, 150, 262), (0.0, -1.0, 0.0), _LEFT),
    "aorta": Pose((14, 172, 282), (0.0, -1.0, 0.0), _DOWN),
}
GALLBLADDER = ((27.0, 112.0, 172.0), (10.0, 21.0, 17.0))
"""Centre and half axes, in voxels: the base has none."""
NO_GALLBLADDER = 0.14  # of all patients
_TO_LIVER = ((-0.1, -0.9, -0.42), (-0.45, -0.9, -0.15), (-0.3, -0.55, -0.8), (0.1, -0.35, -0.95), (-0.15, -1.0, 0.1))
_TO_KIDNEY = ((0.12, -0.5, -0.86), (0.1, -0.1, -1.0), (0.15, 0.3, -0.95))
LOOKED_FOR: dict[str, tuple[tuple[tuple[float, float, float], ...], tuple[float, float, float]]] = {
    "gallstone": (((-0.3, -0.95, -0.2), (-0.1, -1.0, 0.0)), _DOWN),
    "liver_cyst": (_TO_LIVER, _DOWN),
    "haemangioma": (_TO_LIVER, _DOWN),
    "metastases": (_TO_LIVER, _DOWN),
    "renal_cyst": (_TO_KIDNEY, _DOWN),
    "hydronephrosis": (_TO_KIDNEY, _DOWN),
}
"""How findings are looked at: directions to the skin, of which the clearest is taken, and that to the right.

Those for kidneys are of the right one.
"""


def render(recipe: Ultrasound, k: int) -> NDArray[np.uint8]:
    """Grey values of the sector, black around it: rows x columns, or frames x rows x columns of a loop."""
    scan = recipe.scans[k]
    made = [_frame(recipe, scan, k, frame) for frame in range(recipe.frames)]
    return made[0] if recipe.frames == 1 else np.stack(made)


@dataclass(frozen=True)
class Sector:
    """Where the sector is on the screen: `scale` pixels per mm, and the pixel of the curve's centre (column, row)."""

    scale: float
    centre: tuple[float, float]
    depth: float

    def pixel(self, across: float, down: float) -> tuple[float, float]:
        """Column and row of a point, in mm to the right of and below the middle of the transducer."""
        return self.centre[0] + across * self.scale, self.centre[1] + (down + RADIUS) * self.scale


def sector_of(recipe: Ultrasound, scan: Scan) -> Sector:
    """The sector of a scan on the screen."""
    return _sector(recipe.rows, recipe.columns, scan.depth)


def _sector(rows: int, columns: int, depth: float) -> Sector:
    sag = RADIUS * (1 - float(np.cos(SECTOR / 2)))
    top, bottom = TOP * rows, (1 - BOTTOM) * rows
    # Wide sectors are cut off at the sides of the screen rather than made smaller.
    scale = (bottom - top) / (depth + sag)
    return Sector(scale, (columns * 0.49, top + (sag - RADIUS) * scale), depth)


def calipers(recipe: Ultrasound, k: int) -> tuple[tuple[float, float], tuple[float, float], float] | None:
    """The pixels (column, row) between which the organ of a scan is measured, and its length in mm."""
    scan = recipe.scans[k]
    probe = _probe(recipe, scan, k)
    lie, sector = posture(recipe.body, recipe.study), sector_of(recipe, scan)
    finding, ends = looked_at(recipe, scan), POSES[scan.window].ends
    if not scan.measured:
        return None
    if finding is not None and finding.kind in LOOKED_FOR:
        middle = np.asarray(locate(lie, finding.at), np.float32)
        # A pelvis is measured across, what is round along the image's rows.
        way = probe.outward if finding.kind == "hydronephrosis" else probe.right
        points = [middle - way * np.float32(finding.size / 2), middle + way * np.float32(finding.size / 2)]
    elif ends is not None:
        points = [_to_patient(lie, end) for end in ends]
    else:
        return None
    across, down = [], []
    for point in points:
        offset = point - probe.skin
        across.append(float(offset @ probe.right))
        down.append(float(offset @ -probe.outward))
    first, second = (sector.pixel(a, d) for a, d in zip(across, down, strict=True))
    if not all(0.05 * recipe.columns < p[0] < 0.95 * recipe.columns for p in (first, second)):
        return None
    return first, second, float(np.hypot(across[1] - across[0], down[1] - down[0]))


def has_gallbladder(body: Body) -> bool:
    """Whether the patient still has one, unless a stone says so."""
    return bool(generator("gallbladder", body.seed).random() > NO_GALLBLADDER)


def pixel_of(recipe: Ultrasound, finding: Finding) -> tuple[int, float, float, float] | None:
    """The image (from 0) that shows a finding best, row and column of its middle there, and pixels to a mm."""
    shown = [k for k, scan in enumerate(recipe.scans) if scan.finding == finding.seed]
    if not shown or recipe.frames > 1:
        return None
    k = shown[-1]  # the one with calipers
    scan = recipe.scans[k]
    probe, sector = _probe(recipe, scan, k), sector_of(recipe, scan)
    offset = np.asarray(locate(posture(recipe.body, recipe.study), finding.at)) - probe.skin
    column, row = sector.pixel(float(offset @ probe.right), float(offset @ -probe.outward))
    return k, row, column, sector.scale


def looked_at(recipe: Ultrasound, scan: Scan) -> Finding | None:
    """The finding that a scan is of, if of one."""
    return next((f for f in recipe.findings if scan.finding and f.seed == scan.finding), None)


@dataclass(frozen=True)
class _Probe:
    skin: F32  # z, y, x in mm: middle of the transducer
    outward: F32
    right: F32
    normal: F32


@lru_cache(maxsize=32)
def _probe(recipe: Ultrasound, scan: Scan, k: int) -> _Probe:
    """Where the sonographer holds the transducer."""
    pose, hand = POSES[scan.window], generator("hand", recipe.series, k)
    lie, finding = posture(recipe.body, recipe.study), looked_at(recipe, scan)
    aim, towards, wanted = pose.target, pose.outward, pose.right
    if finding is not None and finding.kind in LOOKED_FOR:
        ways, wanted = LOOKED_FOR[finding.kind]
        if finding.place == "kidney_l":
            ways = tuple((z, y, -x) for z, y, x in ways)
        towards = min(ways, key=lambda way: _in_the_way(lie, finding, way))
    outward = np.asarray(towards) + hand.normal(0, 0.05 if finding is None else 0.02, 3)
    outward = outward / np.linalg.norm(outward)
    right = np.asarray(wanted) + hand.normal(0, 0.05, 3)
    right = right - (right @ outward) * outward
    right = right / np.linalg.norm(right)
    normal = np.cross(outward, right)
    if finding is not None and finding.kind in LOOKED_FOR:
        target = np.asarray(locate(lie, finding.at), np.float32) + right * scan.shift[0]
    else:
        target = _to_patient(lie, aim) + right * scan.shift[0] + normal * scan.shift[1]
    steps = np.arange(0, 220, 1.5)
    points = (target[:, None] + outward[:, None] * steps).astype(np.float32)
    _, outside = lie.voxels(*points[:, :, None])
    beyond = np.nonzero(outside[:, 0] > -1)[0]
    skin = target + outward * steps[beyond[0] if len(beyond) else -1]
    return _Probe(*(np.asarray(v, np.float32) for v in (skin, outward, right, normal)))


def _in_the_way(lie: Posture, finding: Finding, way: tuple[float, float, float]) -> int:
    """How much gas and bone is between a finding and the skin, in samples."""
    outward = np.asarray(way) / np.linalg.norm(way)
    steps = np.arange(finding.size / 2 + 3, 160, 2.0)
    points = (np.asarray(locate(lie, finding.at))[:, None] + outward[:, None] * steps).astype(np.float32)
    (z, y, x), outside = lie.voxels(*points[:, :, None])
    z = np.abs(z - np.float32(_MIRROR)) + np.float32(_MIRROR)
    stops = _echo()[1]
    index = [
        np.clip(np.rint(a), 0, n - 1).astype(np.intp) for a, n in zip((z, y / 2, x / 2), stops.shape, strict=True)
    ]
    return int(((stops[index[0], index[1], index[2]] > 0) & (outside < -2)).sum())


def _to_patient(lie: Posture, voxel: tuple[float, float, float]) -> F32:
    """The point of the patient (z, y, x in mm) that is at a voxel of the base."""
    chest = base_chest()
    wanted = (np.asarray(voxel) - np.asarray(chest.centre)) * np.asarray(chest.spacing)
    return np.asarray(places_of(lie, wanted.astype(np.float32)[None])[0], np.float32)


def _frame(recipe: Ultrasound, scan: Scan, k: int, frame: int) -> NDArray[np.uint8]:
    random = generator("beams", recipe.series, k)
    tissue = _Tissue(recipe, scan, _probe(recipe, scan, k), frame)
    heard = _heard(tissue, random, generator("electronic", recipe.series, k, frame), frame)
    level = 20 * np.log10(heard + np.float32(1e-4))
    # The sonographer turns the gain until the organ has the usual grey.
    seen = np.percentile(level[CELL * 4 :], 65)
    level += np.float32(recipe.gain - _FLOOR + TURNED * (_USUAL - seen))
    level *= np.float32(1 / recipe.dynamic_range)
    grey = np.clip(level, 0, 1) ** np.float32(1.2) * np.float32(235)
    return _converted(grey.astype(np.float32), recipe.rows, recipe.columns, scan.depth)


class _Tissue:
    """What lies along the beams, samples x beams: scatterers (0..1), gas (1) and bone (2)."""

    def __init__(self, recipe: Ultrasound, scan: Scan, probe: _Probe, frame: int) -> None:
        depth = np.linspace(0, scan.depth, SAMPLES // CELL + 1, dtype=np.float32)[:, None] + np.float32(RADIUS)
        angle = np.linspace(-SECTOR / 2, SECTOR / 2, BEAMS // CELL + 1, dtype=np.float32)[None]
        across, down = depth * np.sin(angle), depth * np.cos(angle) - np.float32(RADIUS)
        # In a loop the patient breathes and the hand rocks.
        breath = np.float32(7 * np.sin(frame / 9)) if recipe.frames > 1 else np.float32(0)
        rock = np.float32(0.06 * np.sin(frame / 14)) if recipe.frames > 1 else np.float32(0)
        points = []
        for axis in range(3):
            at = probe.skin[axis] - down * probe.outward[axis] + across * probe.right[axis]
            points.append(at + down * rock * probe.normal[axis])
        points[0] = points[0] + breath
        voxels, _ = posture(recipe.body, recipe.study).voxels(*points)
        z, y, x = (upsample(v) for v in voxels)
        z = np.abs(z - np.float32(_MIRROR)) + np.float32(_MIRROR)
        self.depth = scan.depth
        volume, stops = _echo()
        self.scatter = trilinear(volume, z, y * np.float32(0.5), x * np.float32(0.5)) * np.float32(1 / _scale())
        index = [
            np.clip(np.rint(a), 0, n - 1).astype(np.intp) for a, n in zip((z, y / 2, x / 2), stops.shape, strict=True)
        ]
        self.stops = stops[index[0], index[1], index[2]]
        stones = any(finding.kind == "gallstone" for finding in recipe.findings)
        if stones or has_gallbladder(recipe.body):
            self._gallbladder(z, y, x)
        self.loss = np.zeros_like(self.scatter)
        if recipe.findings:
            lie = posture(recipe.body, recipe.study)
            nodes = (points[0].astype(np.float32), points[1].astype(np.float32), points[2].astype(np.float32))
            beams = us_findings.Beams(self.scatter, self.stops, self.loss, nodes, lie)
            us_findings.draw(recipe.findings, beams)
            self.scatter = beams.scatter

    def _gallbladder(self, z: F32, y: F32, x: F32) -> None:
        centre, half = GALLBLADDER
        distance = sum(
            ((a - np.float32(c)) / np.float32(h)) ** 2 for a, c, h in zip((z, y, x), centre, half, strict=True)
        )
        root = np.sqrt(np.asarray(distance, np.float32))
        wall = np.exp(-(((root - np.float32(1.04)) / np.float32(0.06)) ** 2)) * np.float32(0.75)
        self.scatter = np.where(root < 1, np.float32(0.004), np.maximum(self.scatter, wall))
        self.stops = np.where(root < 1.4, 0, self.stops)


def _heard(tissue: _Tissue, random: np.random.Generator, electronic: np.random.Generator, frame: int) -> F32:
    """Amplitude that comes back to the transducer, samples x beams."""
    step = tissue.depth / SAMPLES
    gas, bone = tissue.stops == 1, tissue.stops == 2
    rows = np.arange(SAMPLES, dtype=np.float32)[:, None]
    mm = rows * np.float32(step)
    scatter = _mirrored(tissue.scatter, gas)
    soft = _smooth(scatter, 2)
    texture = _slow(random)
    speckle = _piece(_speckle(), random, frame * 3)
    made = np.sqrt(soft) * soft ** np.float32(0.5) * texture * speckle * np.float32(1.25)
    # Interfaces that the beam meets squarely shine; so do the diaphragm and every surface of gas or bone.
    edge = np.abs(np.diff(soft, axis=0, prepend=soft[:1]))
    hard = np.diff(np.clip(np.cumsum(gas | bone, 0), 0, 3), axis=0, prepend=0).astype(np.float32)
    made += _smooth(edge, 1) * np.float32(1.6) * (np.float32(0.4) + speckle * np.float32(0.6))
    made += _smooth(hard, 1) * np.float32(2.2) * (np.float32(0.6) + speckle * np.float32(0.4))
    loss = np.where(bone, np.float32(0.28), np.where(gas, np.float32(0.05), 0.0)) * np.float32(step)
    usual = np.float32(0.004) - np.float32(0.012) * (soft < 0.06) * (mm > 15)
    loss = loss + np.float32(step) * (usual + tissue.loss)
    passed = np.exp(-np.cumsum(loss, axis=0))
    made *= _smooth(passed.T, 2).T
    # Reverberation behind gas and bone, the layers under the skin, and the transducer's own ringing.
    behind = np.clip(np.cumsum(gas | bone, 0), 0, 60).astype(np.float32) / 60
    rings = np.float32(0.5) + np.float32(0.5) * np.sin(mm * np.float32(0.9)) ** 2
    made += behind * rings * speckle * np.exp(-mm / 60) * np.float32(0.22)
    layers = _piece(_layers(), random, 0)
    made *= 1 + (layers - 1) * np.exp(-mm / 22)
    made += np.exp(-mm / 2.2) * np.float32(0.9) + np.exp(-mm / 16) * layers * np.float32(0.05)
    made *= _contact(random)
    late = (mm / np.float32(tissue.depth)) ** 3
    made += np.abs(electronic.standard_normal((SAMPLES, BEAMS), np.float32)) * (
        np.float32(0.0015) + late * np.float32(0.012)
    )
    return np.asarray(made, np.float32)


def _mirrored(scatter: F32, gas: NDArray[np.bool_]) -> F32:
    """Beyond the diaphragm, which sends the beam back, the liver is seen once more and fainter."""
    # A single bubble mirrors nothing: lung is thick.
    deep = np.cumsum(gas, axis=0)
    first = np.where(deep[-1] > 40, np.argmax(gas, axis=0), SAMPLES)
    rows = np.arange(SAMPLES)[:, None]
    source = np.clip(2 * first[None] - rows, 0, SAMPLES - 1)
    again = np.take_along_axis(scatter, source, axis=0) * np.float32(0.45)
    return np.where((rows > first[None]) & (first[None] > 120), again, np.where(gas, np.float32(0.02), scatter))


def _smooth(a: F32, times: int) -> F32:
    """Binomial blur along both axes."""
    out = a.astype(np.float32)
    for _ in range(times):
        out[:, 1:-1] = (out[:, :-2] + out[:, 2:]) * np.float32(0.25) + out[:, 1:-1] * np.float32(0.5)
        out[1:-1] = (out[:-2] + out[2:]) * np.float32(0.25) + out[1:-1] * np.float32(0.5)
    return out


def _filtered(key: str, down: float, across: float) -> NDArray[np.complex64]:
    """Complex white noise through a Gaussian of these standard deviations (samples, beams)."""
    source = generator("ultrasound", key)
    white = source.standard_normal(_TILE, np.float32) + 1j * source.standard_normal(_TILE, np.float32)
    fy, fx = np.fft.fftfreq(_TILE[0])[:, None], np.fft.fftfreq(_TILE[1])[None]
    transfer = np.exp(-2 * np.pi**2 * ((fy * down) ** 2 + (fx * across) ** 2))
    return np.asarray(np.fft.ifft2(np.fft.fft2(white) * transfer), np.complex64)


@cache
def _speckle() -> F32:
    """Rayleigh-distributed amplitude of mean 1, as long across as a beam is wide."""
    # Several looks from different angles are put together, as such machines do.
    looks = [np.abs(_filtered(f"speckle {n}", 1.0, 1.7)) for n in range(LOOKS)]
    amplitude = np.mean(looks, axis=0)
    return np.asarray(amplitude / amplitude.mean(), np.float32)


@cache
def _layers() -> F32:
    """Layers parallel to the skin: fat and fascia, mean 1."""
    real = _filtered("layers", 1.6, 26.0).real
    return np.asarray(np.exp(real / real.std() * 0.55), np.float32)


@cache
def _blotches() -> F32:
    real = _filtered("texture", 9.0, 6.0).real
    return np.asarray(np.exp(real / real.std() * 0.13), np.float32)


def _slow(random: np.random.Generator) -> F32:
    """Parenchyma is not even: portal fields, fibres."""
    return _piece(_blotches(), random, 0)


def _piece(tile: F32, random: np.random.Generator, moved: int) -> F32:
    y, x = int(random.integers(0, _TILE[0] - SAMPLES)), int(random.integers(0, _TILE[1] - BEAMS))
    y = (y + moved) % (_TILE[0] - SAMPLES)
    return tile[y : y + SAMPLES, x : x + BEAMS]


def _contact(random: np.random.Generator) -> F32:
    """Gain of each beam: the transducer's ends press less, and hair or air takes some away."""
    beams = np.linspace(-1, 1, BEAMS, dtype=np.float32)
    gain = 1 - np.float32(0.55) * np.clip(np.abs(beams) - np.float32(random.uniform(0.7, 0.95)), 0, 1) / np.float32(
        0.3
    )
    for _ in range(int(random.integers(0, 3))):
        at, width = random.uniform(-1, 1), random.uniform(0.03, 0.12)
        gain *= 1 - np.float32(random.uniform(0.1, 0.5)) * np.exp(-(((beams - at) / width) ** 2))
    return np.asarray(np.clip(gain, 0.05, 1)[None], np.float32)


@cache
def _echo() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pack = base_pack()
    volume = np.stack([pack.plane("echo", k) for k in range(int(pack.index["ultrasound"]["slices"]))])
    return volume, pack.array("stops")


def _scale() -> float:
    return float(base_pack().index["ultrasound"]["scale"])


@lru_cache(maxsize=2)
def _conversion(rows: int, columns: int, depth: float) -> tuple[NDArray[np.intp], NDArray[np.intp], F32, F32]:
    """The pixels of the sector, the upper left one of the four samples around each, and its place between them."""
    sector = _sector(rows, columns, depth)
    x = (np.arange(columns, dtype=np.float32)[None] - np.float32(sector.centre[0])) / np.float32(sector.scale)
    y = (np.arange(rows, dtype=np.float32)[:, None] - np.float32(sector.centre[1])) / np.float32(sector.scale)
    sample = (np.sqrt(x * x + y * y) - np.float32(RADIUS)) * np.float32((SAMPLES - 1) / depth)
    beam = (np.arctan2(x, y) / np.float32(SECTOR) + np.float32(0.5)) * np.float32(BEAMS - 1)
    inside = (sample >= 0) & (sample < SAMPLES - 1) & (beam >= 0) & (beam < BEAMS - 1)
    where = np.nonzero(inside.ravel())[0]
    sample, beam = sample.ravel()[where], beam.ravel()[where]
    s, b = sample.astype(np.intp), beam.astype(np.intp)
    return where, s * BEAMS + b, sample - s.astype(np.float32), beam - b.astype(np.float32)


def _converted(grey: F32, rows: int, columns: int, depth: float) -> NDArray[np.uint8]:
    """From beams to the screen, with bilinear interpolation."""
    where, index, down, right = _conversion(rows, columns, depth)
    flat = grey.ravel()
    upper = flat[index] * (1 - right) + flat[index + 1] * right
    lower = flat[index + BEAMS] * (1 - right) + flat[index + BEAMS + 1] * right
    out = np.zeros(rows * columns, np.uint8)
    out[where] = np.rint(upper * (1 - down) + lower * down)
    return out.reshape(rows, columns)
