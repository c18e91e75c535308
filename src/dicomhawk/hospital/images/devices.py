"""Devices in the chest: pacemakers, central venous lines, tubes; in radiographs from all sides, and in CT.

Their courses are given in the base, so they follow the patient's own veins, heart and windpipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images.sampling import F32, generator

if TYPE_CHECKING:
    from dicomhawk.hospital.images.chest import Posture
    from dicomhawk.hospital.images.chest_findings import Slice

Course = tuple[tuple[float, float, float], ...]
"""Points x, y, z in mm of the base."""

_VEIN: Course = ((58, -72, 124), (46, -58, 132), (28, -30, 128), (8, -30, 108), (-16, -24, 94), (-25, -14, 66))
_TO_VENTRICLE: Course = (*_VEIN, (-30, -14, 20), (-24, -22, -4), (2, -40, -20), (30, -54, -34), (48, -62, -42))
_TO_ATRIUM: Course = (*_VEIN, (-31, -12, 26), (-28, -20, 6), (-20, -34, 6), (-17, -42, 22))
_JUGULAR: Course = ((-34, -24, 164), (-29, -24, 140), (-23, -24, 112), (-24, -17, 84), (-26, -12, 58))
_WINDPIPE: Course = ((-13, -38, 166), (-12, -27, 144), (-10, -18, 124), (-10, -12, 106), (-9, -7, 90))
GENERATOR = (72.0, -84.0, 104.0)
"""Its middle: below the left clavicle, before the muscle."""
HALF = (23.0, 3.6, 20.0)  # mm: of the generator, x, y, z
UNDER_SKIN = 11.0  # mm
SMOOTH = 12  # points of a course between two that are given
METAL = 3071  # HU
STREAKS = 9
LEAD = 1.0  # mm: radius of a lead in CT


@dataclass(frozen=True)
class Wire:
    """Something long: points (n x 3: z, y, x in mm of the patient), mm across, and attenuation."""

    points: F32
    width: float
    attenuation: float


@dataclass(frozen=True)
class Plate:
    """Something flat: the points of its outline in front and behind (n x 3), and attenuation."""

    outline: F32
    attenuation: float


def parts(finding: Finding, lie: Posture) -> tuple[list[Wire], list[Plate]]:
    """What a device is made of, in the patient."""
    if finding.kind == "central_line":
        return [Wire(_course(_JUGULAR, lie, finding.seed), 1.7, 0.42)], []
    if finding.kind == "tube":
        course = _course(_WINDPIPE, lie, finding.seed)
        side = course + np.array((0, 0, 3.6), np.float32)
        return [Wire(course, 9.5, 0.07), Wire(side, 1.2, 0.5)], []
    if finding.kind != "pacemaker":
        return [], []
    leads = [_course(course, lie, finding.seed) for course in (_TO_VENTRICLE, _TO_ATRIUM)]
    wires = [Wire(lead, 2.0, 0.75) for lead in leads]
    for lead in leads:  # electrodes at the tip, and a ring behind it
        wires += [Wire(lead[-3:], 2.4, 0.9), Wire(lead[-9:-7], 2.4, 0.9)]
    can = _outline(finding, lie, (1.0, 1.0, 1.0), 0.0)
    battery = _outline(finding, lie, (0.9, 0.9, 0.5), -0.35)
    return wires, [Plate(can, 1.5), Plate(battery, 1.6)]


@lru_cache(maxsize=16)
def _course(course: Course, lie: Posture, seed: str) -> F32:
    """A smooth course (Catmull-Rom) through the places that the patient's warp makes of these."""
    from dicomhawk.hospital.images.inverse import places_of

    own = generator("course", seed, course[-1])
    wanted = np.array(course, np.float32)[:, ::-1] + own.normal(0, 1.6, (len(course), 3)).astype(np.float32)
    p = places_of(lie, wanted)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, SMOOTH, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (p[n : len(p) - 3 + n, None] for n in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([curve.reshape(-1, 3), p[-2:-1]]).astype(np.float32)


def _outline(finding: Finding, lie: Posture, part: tuple[float, float, float], down: float) -> F32:
    """The rim of the generator, or of a part of it, in front and behind: z, y, x."""
    z, y, x, slope = _middle(lie)
    turned = generator("generator", finding.seed).normal(0, 0.2)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    # Rounded, not round: a superellipse.
    across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.7 * HALF[0] * part[0]
    up = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.7 * HALF[2] * part[2] + down * HALF[2]
    rim_x = x + across * np.cos(turned) - up * np.sin(turned)
    rim_z = z + across * np.sin(turned) + up * np.cos(turned)
    rim_y = y + slope * (rim_x - x)
    sides = [np.stack([rim_z, rim_y + s * HALF[1] * part[1], rim_x], 1) for s in (-1, 1)]
    return np.concatenate(sides).astype(np.float32)


@lru_cache(maxsize=4)
def _middle(lie: Posture) -> tuple[float, float, float, float]:
    """Middle of the generator in the patient (z, y, x), below the skin, and by how much it leans (y for each x)."""
    from dicomhawk.hospital.images.inverse import places_of

    z, _, x = (float(v) for v in places_of(lie, np.array([GENERATOR[::-1]], np.float32))[0])
    down = np.arange(-170, 40, 1.5, dtype=np.float32)[:, None] + np.zeros((1, 3), np.float32)
    across = np.zeros_like(down) + np.array((x - 15, x, x + 15), np.float32)
    _, outside = lie.voxels(np.full_like(down, z), down, across)
    skin = down[np.argmax(outside < -UNDER_SKIN, axis=0), 0]
    slope = float(np.clip((skin[2] - skin[0]) / 30, 0, 0.6))
    return z, float(skin[1]) + HALF[1], x, slope


def draw_in_ct(finding: Finding, part: Slice) -> None:
    """Leads are spots or strokes, and the generator throws streaks."""
    wires, _ = parts(finding, part.lie)
    half = max(part.thickness, 1.0) / 2 + LEAD
    for wire in wires[:2]:
        ends = wire.points
        between = np.linspace(0, 1, 8, dtype=np.float32)[:, None, None]
        fine = (ends[:-1] * (1 - between) + ends[1:] * between).reshape(-1, 3)
        for _, y, x in fine[np.abs(fine[:, 0] - part.z) < half]:
            down, across = part.y - np.float32(y), part.x - np.float32(x)
            rows, columns = np.nonzero(np.abs(down) < 3)[0], np.nonzero(np.abs(across) < 3)[0]
            if not len(rows) or not len(columns):
                continue
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            distance = np.hypot(down[box[0], None], across[None, box[1]])
            view = part.image[box]
            np.maximum(view, METAL * np.clip((LEAD + 0.4 - distance) * 1.6, 0, 1) - 1000, out=view)
    z, y, x, slope = _middle(part.lie)
    if abs(z - part.z) > HALF[2]:
        return
    wide = HALF[0] * (1 - ((part.z - z) / HALF[2]) ** 4) ** 0.5
    down, across = part.y[:, None] - np.float32(y), part.x[None] - np.float32(x)
    own = generator("streaks", finding.seed, round(part.z))
    angle, away = np.arctan2(down, across), np.hypot(down, across) + np.float32(8)
    streak = sum(
        np.cos(angle * np.float32(own.integers(3, 19)) + np.float32(own.uniform(0, 6.3))) for _ in range(STREAKS)
    )
    part.image += np.where(part.image > -950, streak * np.float32(1400) / away, 0).astype(np.float32)
    inside = (np.abs(across) < wide) & (np.abs(down - np.float32(slope) * across) < HALF[1])
    part.image[inside] = METAL
