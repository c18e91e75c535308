"""Findings in radiographs: changes of the attenuation in the body, so that all views and CT agree.

Fluid and air in the pleural space move when a patient gets up: standing, fluid is at the bottom with a meniscus, and
air at the top; in bed fluid is also behind the lung and air in front of it, as in CT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images.chest_findings import (
    air_in_front,
    crescent,
    locate,
    lump,
    on_side,
    outline,
    ripple,
    waves,
)
from dicomhawk.hospital.images.projection import Change, Part, Plane
from dicomhawk.hospital.images.sampling import CELL, F32

WATER = 175.0  # stored attenuation
AIR = 0.2
CELL_MM = 12.0  # no cell is larger: what begins between two nodes is still found
LAYERS = 3  # of a plane that small things are averaged over
FLOOR = {"r": -100.0, "l": -86.0}  # mm in the base: the lowest points of the pleural space
PLEURA = 0.9  # mm: the visceral pleura with what clings to it
MENISCUS, WETTED = 55.0, 11.0  # mm: how far fluid climbs along the chest wall, and in how thick a film
LEANING = 14.0  # mm that the surface is lower in bed
SUPINE_AIR = 0.85  # of the depth that CT shows: in bed one leans up a little


Position = Literal["upright", "bed", "flat"]
"""Standing, in bed with the head raised, and on a scanner's table."""


def changes(findings: Sequence[Finding], position: Position) -> list[Change]:
    """What the findings of a patient in such a position do to the projection's planes."""
    return [partial(_PAINTERS[f.kind], f, position) for f in findings if f.kind in _PAINTERS]


def _around(plane: Plane, centre: tuple[float, float, float], reach: float) -> tuple[Part, list[F32]] | None:
    """The cells within `reach` mm of a place, and z, y, x of their pixels in mm from it."""
    from_centre = [p - np.float32(c) for p, c in zip(plane.points, centre, strict=True)]
    limits = [CELL_MM + reach] * 3
    limits[plane.along] = reach + plane.thick
    near = np.ones(from_centre[0].shape, bool)
    for offset, limit in zip(from_centre, limits, strict=True):
        near &= np.abs(offset) < limit
    part = plane.part(near)
    return None if part is None else (part, [part.pixels(offset) for offset in from_centre])


def _layers(plane: Plane, at: list[F32]) -> list[list[F32]]:
    """The points of the thin layers that a plane stands for."""
    made = []
    for layer in range(LAYERS):
        moved = list(at)
        moved[plane.along] = at[plane.along] + np.float32(((layer + 0.5) / LAYERS - 0.5) * plane.thick)
        made.append(moved)
    return made


def _nodule(finding: Finding, position: Position, plane: Plane) -> None:
    smooth, spikes, bright = outline(finding)
    found = _around(plane, locate(plane.lie, finding.at), finding.size * (0.62 + 0.4 * spikes) + 3)
    if found is None:
        return
    part, at = found
    weight = np.mean([lump(finding, z, y, x, smooth, spikes, 1.3) for z, y, x in _layers(plane, at)], axis=0)
    density = 1.04 + (0.00115 * (260 + 420 * bright) if finding.kind == "calcified" else 0.0)
    _raise(part.view, np.float32(WATER * density), weight.astype(np.float32))


def _raise(view: F32, target: np.float32, weight: F32) -> None:
    view += np.clip(target - view, 0, None) * weight


def _consolidation(finding: Finding, position: Position, plane: Plane) -> None:
    radius = finding.size / 2
    found = _around(plane, locate(plane.lie, finding.at), radius * 1.6)
    if found is None:
        return
    part, (z, y, x) = found
    inner = part.pixels(plane.depth)
    broad = ripple(waves(finding.seed + "b", 10, 2.4 / radius, 9 / radius), z, y, x)
    fine = ripple(waves(finding.seed + "f", 10, 0.35, 0.9), z, y, x)
    away = np.sqrt(z * z * np.float32(0.8) + y * y + x * x) * np.float32(1 / radius)
    depth = np.float32(1.05) - away + np.float32(0.22) * broad + np.float32(0.09) * fine
    glass = finding.kind == "ground_glass"
    dense = np.clip(depth * np.float32(1.2 if glass else 3.0), 0, 1)
    weight = dense * dense * (3 - 2 * dense) * np.clip(inner * np.float32(0.5) + 1, 0, 1)
    weight *= np.float32(0.5) if glass else np.float32(0.82) + np.float32(0.08) * fine
    _raise(part.view, np.float32(WATER), weight)


def _effusion(finding: Finding, position: Position, plane: Plane) -> None:
    def within(at: Plane) -> F32:
        z, y, x = at.base
        side = on_side(finding, z, x) - 1
        behind = crescent(finding.size, z, y) - at.depth
        if position == "flat":
            return np.asarray(np.minimum(behind, side), np.float32)
        climbed = np.float32(MENISCUS) * np.exp(np.minimum(-at.depth, 0) * np.float32(1 / WETTED))
        below = np.float32(_level(finding)) + climbed - z
        if position == "bed":  # some is at the bottom, the rest behind the lung
            below = np.maximum(below - np.float32(LEANING), behind)
        return np.asarray(np.minimum(below, side), np.float32)

    reaching, spread = _spread(within, plane)
    part = plane.part((reaching > -14) & (plane.depth > -CELL_MM))
    if part is None:
        return
    fluid, inner, wide = part.pixels(reaching), part.pixels(plane.depth), part.pixels(spread)
    # Half-filled voxels at the edge of the base's lung would stay as a dark rim.
    inside = np.clip((inner + 6) * np.float32(0.5), 0, 1)
    # Lung beside the fluid has less air.
    _raise(part.view, np.float32(WATER * 0.4), np.clip(1 + fluid * np.float32(1 / 12), 0, 1) * inside)
    _raise(part.view, np.float32(WATER), np.clip(fluid / np.maximum(wide, 1.5) + np.float32(0.5), 0, 1) * inside)


def _level(finding: Finding) -> float:
    """Height (mm in the base) of the fluid's surface in somebody who stands, away from the wall."""
    return FLOOR[finding.place] + 2.0 * finding.size


def _spread(field: Callable[[Plane], F32], plane: Plane) -> tuple[F32, F32]:
    """A field at the nodes, and by how much it changes (mm) within the plane's thickness."""
    before, after = (field(plane.moved(part * plane.thick)) for part in (-0.5, 0.5))
    return (before + after) * np.float32(0.5), np.abs(after - before)


def _pneumothorax(finding: Finding, position: Position, plane: Plane) -> None:
    def within(at: Plane) -> F32:
        z, y, x = at.base
        side = on_side(finding, z, x)
        if position == "upright":
            high = np.clip((z - np.float32(38)) * np.float32(1 / 62), 0, 1)
            thickness = (
                np.float32(finding.size) * (np.float32(0.2) + np.float32(0.8) * high) * np.clip(high * 6, 0, 1)
            )
            # The lung stays where it hangs: at the mediastinum.
            free = (side - np.float32(30)) * np.float32(1 / 22) + np.clip((z - 92) * np.float32(0.05), 0, 2)
            thickness = thickness * np.clip(free, 0, 1)
        else:
            thickness = air_in_front(finding.size * SUPINE_AIR, z, y)
        return np.asarray(np.minimum(thickness - at.depth, side - 1), np.float32)

    reaching, spread = _spread(within, plane)
    part = plane.part((reaching > -CELL) & (plane.depth > -CELL))
    if part is None:
        return
    air, inner, wide = part.pixels(reaching), part.pixels(plane.depth), part.pixels(spread)
    inside = np.clip((inner - 1) * np.float32(0.5), 0, 1)
    view = part.view
    view += (np.float32(AIR) - view) * np.clip(air / np.maximum(wide, 1) + np.float32(0.5), 0, 1) * inside
    # A line that the rays pass squarely is thin; what a plane averages of it is as much, only wider.
    width = np.sqrt(np.float32(PLEURA**2) + (wide * np.float32(0.6)) ** 2)
    line = np.exp(-((air / width) ** 2)) * inside * np.clip((inner - 2.5) * np.float32(0.5), 0, 1)
    view += np.float32(WATER * PLEURA) / width * line


def _emphysema(finding: Finding, position: Position, plane: Plane) -> None:
    z, distance = plane.base[0], plane.depth
    part = plane.part(distance > -2)
    if part is None:
        return
    upper = np.clip((z + np.float32(40)) * np.float32(1 / 90), np.float32(0.25), 1)
    strength = part.pixels(upper) * np.clip(part.pixels(distance) * np.float32(0.3), 0, 1)
    part.view[...] *= 1 - np.float32(0.62 * finding.size) * strength


_PAINTERS: dict[str, Callable[[Finding, Position, Plane], None]] = {
    "nodule": _nodule,
    "calcified": _nodule,
    "mass": _nodule,
    "consolidation": _consolidation,
    "ground_glass": _consolidation,
    "effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "emphysema": _emphysema,
}
